/**
 * @module What one log states, gathered without the fold, so that checks go on where replay had to stop,
 * and so that two parties' logs can be compared. It believes everything; others judge.
 */
import * as Contribution from '../../datanets/Contribution.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Card from '../../market/Card.schema.ts'
import * as Quote from '../../market/Quote.ts'
import * as Receipt from '../../market/Receipt.ts'
import type * as Artifact from '../../royalties/Artifact.ts'
import type * as Event from '../Event.ts'
import * as Lineage from '../Lineage.ts'
import * as Prepaid from '../Prepaid.ts'
import * as Runs from '../Runs.ts'

/** One answer sold. */
export type Sale = {
  readonly served: Event.Of<'served'>
  readonly receiptHash: Hex
  readonly leaf: number
  funded?: Event.Of<'funded'>
  unfunded?: Event.Of<'unfunded'>
}

/** A payment taken ahead of its answer. */
export type Ahead = {
  readonly accepted: Event.Of<'accepted'>
  readonly leaf: number
  funded?: Event.Of<'funded'>
  returned?: Event.Of<'returned'>
}

/** One purchase. */
export type Purchase = {
  readonly decided: Event.Of<'decided'>
  paying?: Event.Of<'paying'>
  end?: Event.Of<'captured' | 'disputed' | 'refunded' | 'voided'>
  /** The last of its records, and the last edge its machine took. */
  leaf: number
  transition: Event.Transition
}

/** What a log states. */
export type Facts = {
  opened: Event.Of<'opened'> | undefined
  readonly cards: Map<Hex, Card.Card>
  readonly quotes: Map<Hex, { readonly quote: Quote.Quote; readonly leaf: number }>
  readonly sales: Map<Hex, Sale>
  /** By `payer/nonce`. */
  readonly prepaid: Map<string, Ahead>
  readonly purchases: Map<Hex, Purchase>
  /** Last transition of each run, by `Runs.key`. */
  readonly runs: Map<Hex, Event.Of<'moved'>>
  /** Batch root → leaf of its commitment. */
  readonly commitments: Map<Hex, number>
  /** Roots of batches that are commons. */
  readonly commons: Set<Hex>
  /** Owner of each revealed document that earns, by artifact. */
  readonly documents: Map<Hex, string>
  /** Artifacts whose lineage was stated. */
  readonly artifacts: Map<Hex, Artifact.Artifact>
  readonly closings: Map<number, Event.Of<'closing'>>
  /** Where accounts are paid that signed a redirect, and in which block it was made. */
  readonly redirects: Map<Hex, { readonly to: Hex; readonly blockNumber: unknown }>
  /** Number that the vault gave its last publication. */
  chainEpoch: bigint | undefined
}

/** Of a log without records. */
export function empty(): Facts {
  return {
    opened: undefined,
    cards: new Map(),
    quotes: new Map(),
    sales: new Map(),
    prepaid: new Map(),
    runs: new Map(),
    purchases: new Map(),
    commitments: new Map(),
    commons: new Set(),
    documents: new Map(),
    artifacts: new Map(),
    closings: new Map(),
    redirects: new Map(),
    chainEpoch: undefined,
  }
}

/** Takes in what one more record states. */
export function take(facts: Facts, event: Event.Event, leaf: number): void {
  switch (event.type) {
    case 'opened':
      facts.opened ??= event
      return
    case 'registered':
      if (event.card !== undefined) facts.cards.set(Card.hash(event.card), event.card)
      for (const artifact of Lineage.read(event))
        if (!facts.artifacts.has(artifact.id)) facts.artifacts.set(artifact.id, artifact)
      return
    case 'committed':
      facts.commitments.set(event.root, leaf)
      if (event.commons) facts.commons.add(event.root)
      return
    case 'revealed':
      if (facts.commons.has(event.root)) return
      for (const one of event.contributions)
        facts.documents.set(
          Contribution.artifact(event.datanet, one as Contribution.Document),
          one.owner,
        )
      return
    case 'quoted':
      facts.quotes.set(Quote.hash(event.quote), { quote: event.quote, leaf })
      return
    case 'accepted': {
      const key = Prepaid.key(event.payment)
      if (!facts.prepaid.has(key)) facts.prepaid.set(key, { accepted: event, leaf })
      return
    }
    case 'served': {
      const receiptHash = Receipt.hash(event.receipt)
      const funded = facts.prepaid.get(Prepaid.key(event.payment))?.funded
      facts.sales.set(receiptHash, { served: event, receiptHash, leaf, ...(funded && { funded }) })
      return
    }
    case 'funded':
    case 'unfunded':
    case 'returned':
      settlement(facts, event)
      return
    case 'closing':
      facts.closings.set(event.epoch, event)
      return
    case 'redirected':
      facts.redirects.set(event.account, {
        to: event.to,
        blockNumber: event.evidence.blockNumber,
      })
      return
    case 'decided':
      facts.purchases.set(event.purchase, { decided: event, leaf, transition: event.transition })
      return
    case 'held':
    case 'paying':
    case 'captured':
    case 'disputed':
    case 'refunded':
    case 'voided':
      purchase(facts, event, leaf)
      return
    case 'moved':
      facts.runs.set(Runs.key(event), event)
      return
  }
}

function settlement(facts: Facts, event: Event.Of<'funded' | 'unfunded' | 'returned'>): void {
  const { payment } = event
  const prepaid = payment && facts.prepaid.get(Prepaid.key(payment))
  const sale = 'receiptHash' in event ? facts.sales.get(event.receiptHash!) : undefined
  const known = sale ?? prepaid
  if (known !== undefined && event.type === 'funded') known.funded = event
  if (sale !== undefined && event.type === 'unfunded') sale.unfunded = event
  if (prepaid !== undefined && event.type === 'returned') prepaid.returned = event
}

type Step = Event.Of<'held' | 'paying' | 'captured' | 'disputed' | 'refunded' | 'voided'>

function purchase(facts: Facts, event: Step, leaf: number): void {
  const known = facts.purchases.get(event.purchase)
  if (known === undefined) return
  known.leaf = leaf
  if (event.type === 'held') return
  known.transition = event.transition
  if (event.type === 'paying') known.paying = event
  else known.end = event
}
