/** @module A node's records, judged one by one: documents, quotes, answers, payments, epochs, claims. */
import * as Datanet from '../../datanets/Datanet.ts'
import * as Hash from '../../kernel/Hash.ts'
import * as Hex from '../../kernel/Hex.ts'
import * as Epoch from '../../royalties/Epoch.ts'
import type * as Event from '../Event.ts'
import * as Prepaid from '../Prepaid.ts'
import * as Answers from './Answers.ts'
import * as Epochs from './Epochs.ts'
import type * as Facts from './Facts.ts'
import * as Library from './Library.ts'
import * as Payments from './Payments.ts'
import * as Royalties from './Royalties.ts'
import type { Place, State } from './State.ts'
import * as Terms from './Terms.ts'

/** Judges a record of the selling side; leaves others alone. */
export function judge(audit: State, event: Event.Event, place: Place): void {
  const { world, tally, facts } = audit
  const { subject, record, before } = place
  switch (event.type) {
    case 'opened':
      tally.judge('identity', subject, () => Terms.opened(event, record))
      break
    case 'committed':
      tally.judge('clock', `${subject} commitment`, () =>
        Terms.timeFault(event.committedAtMs, { notBeforeMs: place.previousMs, atMs: record.atMs }),
      )
      break
    case 'revealed':
      revealed(audit, event)
      break
    case 'quoted': {
      const indexRoot = before && audit.library.latest
      tally.judge('quote', subject, () =>
        Terms.quoted(world, facts, event, { ...record, indexRoot }),
      )
      break
    }
    case 'accepted':
      tally.judge('payment', subject, () =>
        authorizedFault(audit, Payments.ofPayment(facts, event.payment, event.quoteHash)),
      )
      break
    case 'served':
      served(audit, event, place)
      break
    case 'funded':
      tally.judge('payment', subject, () => fundedFault(audit, event))
      break
    case 'returned':
      tally.judge('payment', subject, () => returnedFault(audit, event))
      break
    case 'closing':
      closing(audit, event, place)
      break
    case 'published':
      tally.judge('epoch', subject, () => Epochs.publishedFault(facts, event))
      break
    case 'claimed':
      tally.judge('claim', subject, () => Epochs.claimedFault(facts, event))
      break
    case 'redirected':
      tally.judge('claim', subject, () => Epochs.redirectedFault(facts, event))
      break
  }
}

/** Looks for the documents of a batch, and what they are. */
export function revealed(audit: State, event: Event.Of<'revealed'>): void {
  const datanet = audit.following ? audit.economy.sales.datanet : undefined
  const index = datanet?.batches.findIndex(({ root }) => root === event.root) ?? -1
  const batch = datanet?.batches[index]
  Library.reveal(audit.library, audit, event, batch && { batch, index })
}

function served(audit: State, event: Event.Of<'served'>, { subject, record, before }: Place): void {
  const { world, tally, facts, library } = audit
  const { receipt } = event
  const datanet = before?.datanet
  const notBeforeMs = facts.quotes.get(receipt.money.quoteHash)?.quote.issuedAtMs ?? 0
  tally.judge('clock', `${subject} receipt`, () =>
    Terms.timeFault(receipt.issuedAtMs, { notBeforeMs, atMs: record.atMs }),
  )
  tally.judge('receipt', subject, () => {
    const fault = Terms.served(world, event, record)
    if (fault !== undefined || datanet === undefined) return fault
    const card = facts.cards.get(receipt.cardHash)
    return Terms.linesFault(event, card, (seq) => Datanet.contribution(datanet, seq)?.artifact)
  })
  tally.judge('payment', subject, () => authorizedFault(audit, Payments.ofSale(facts, event)))
  const answer = answered(audit, event, subject)
  if (before === undefined) return
  Answers.attribute(tally, { subject, event, answer, library, outputs: before.outputs })
}

/** Looks for the texts of an answer sold, and whether they are those of its receipt. */
export function answered(
  { world, tally, facts }: State,
  event: Event.Of<'served'>,
  subject: string,
) {
  const { receipt, outputs: windows } = event
  const salt = facts.opened?.salt
  const remembered = salt === undefined ? {} : { remembered: { windows, salt } }
  return Answers.judge(world, tally, { receipt, subject, ...remembered })
}

function authorizedFault({ world }: State, authorized?: Payments.Authorized): string | undefined {
  if (authorized === undefined) return 'payment under a quote that was never given'
  return Payments.authorizationFault(world, authorized)
}

/** What a settlement is about, whether its answer was served before or not. */
function paidFor(facts: Facts.Facts, { receiptHash, payment }: Event.Of<'funded'>) {
  if (receiptHash !== undefined) {
    const sale = facts.sales.get(receiptHash)
    return sale && Payments.ofSale(facts, sale.served)
  }
  const prepaid = facts.prepaid.get(Prepaid.key(payment))?.accepted
  return prepaid && Payments.ofPayment(facts, prepaid.payment, prepaid.quoteHash)
}

/** A payment is returned once its money is there, and not after its answer. */
function returnedFault({ facts }: State, { payment }: Event.Of<'returned'>): string | undefined {
  const prepaid = facts.prepaid.get(Prepaid.key(payment))
  if (prepaid?.funded === undefined) return 'return of a payment that is not shown funded'
  if (prepaid.returned !== undefined) return 'return of a payment that was returned before'
  for (const { served } of facts.sales.values())
    if (Prepaid.key(served.payment) === Prepaid.key(payment))
      return 'return of a payment whose answer was served'
  return undefined
}

function fundedFault({ world, facts }: State, event: Event.Of<'funded'>): string | undefined {
  const paid = paidFor(facts, event)
  if (paid === undefined) return 'payment of a receipt without sale or quote'
  return Payments.evidenceFault(world, event.evidence, paid.payment)
}

function closing(audit: State, event: Event.Of<'closing'>, { subject, record }: Place): void {
  const { tally, economy, log, following, linked } = audit
  const { checkpoint } = event
  if (linked)
    tally.judge('epoch', `${subject} checkpoint`, () => {
      if (checkpoint.size !== record.leaf)
        return `checkpoint of ${checkpoint.size} records before leaf ${record.leaf}`
      const root = Hex.encode(log.root(checkpoint.size))
      return root === checkpoint.root
        ? undefined
        : `checkpoint ${checkpoint.root}, the log has ${root}`
    })
  if (following)
    tally.judge('epoch', `${subject} leaves`, () => {
      const digest = Hash.text(Epoch.toLines(economy.sales.epochs.at(-1)!.proposal.leaves))
      return digest === event.leavesDigest
        ? undefined
        : `leaves digest ${event.leavesDigest}, recomputed ${digest}`
    })
  published(audit, event)
  const { facts, royalties } = audit
  if (facts.artifacts.size === 0 || facts.opened === undefined) return
  const scale = BigInt(facts.opened.scale)
  const own = following ? Epoch.toLines(economy.sales.epochs.at(-1)!.proposal.leaves) : undefined
  const text = audit.world.leaves(event.epoch) ?? own
  if (text === undefined) return
  tally.judge('epoch', `${subject} lineage`, () =>
    Royalties.fault(royalties, facts, event, { text, scale }),
  )
}

/** Looks for the leaves that an epoch published, and whether they are those that were closed. */
export function published({ world, tally, facts }: State, event: Event.Of<'closing'>): void {
  const { epoch } = event
  const text = world.leaves(epoch)
  const file = `leaves of epoch ${epoch}`
  const scale = facts.opened === undefined ? undefined : BigInt(facts.opened.scale)
  if (text === undefined) tally.note({ name: 'epoch', subject: file, outcome: 'erased' })
  else tally.judge('epoch', file, () => Epochs.leavesFault(event, text, scale))
}
