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

/** One answer sold. */
export type Sale = {
  readonly served: Event.Of<'served'>
  readonly receiptHash: Hex
  readonly leaf: number
  funded?: Event.Of<'funded'>
  unfunded?: Event.Of<'unfunded'>
}

/** One purchase. */
export type Purchase = {
  readonly decided: Event.Of<'decided'>
  paying?: Event.Of<'paying'>
  end?: Event.Of<'captured'> | Event.Of<'disputed'> | Event.Of<'voided'>
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
  readonly purchases: Map<Hex, Purchase>
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
    case 'served': {
      const receiptHash = Receipt.hash(event.receipt)
      facts.sales.set(receiptHash, { served: event, receiptHash, leaf })
      return
    }
    case 'funded':
    case 'unfunded': {
      const sale = facts.sales.get(event.receiptHash)
      if (sale !== undefined && event.type === 'funded') sale.funded = event
      if (sale !== undefined && event.type === 'unfunded') sale.unfunded = event
      return
    }
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
    case 'voided':
      purchase(facts, event, leaf)
      return
  }
}

type Step = Event.Of<'held' | 'paying' | 'captured' | 'disputed' | 'voided'>

function purchase(facts: Facts, event: Step, leaf: number): void {
  const known = facts.purchases.get(event.purchase)
  if (known === undefined) return
  known.leaf = leaf
  if (event.type === 'held') return
  known.transition = event.transition
  if (event.type === 'paying') known.paying = event
  else known.end = event
}
