/**
 * @module Two parties' logs against each other: what the buyer captured stands in the seller's log where
 * the proof says, and what the seller was paid for, the buyer bought. One order per paid pair.
 */
import * as Hex from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Log from '../../provenance/Log.ts'
import * as Proof from '../../provenance/Proof.ts'
import * as Record from '../../provenance/Record.ts'
import * as Event from '../Event.ts'
import * as PurchaseTerms from '../PurchaseTerms.ts'
import * as Facts from './Facts.ts'
import { attempt, type Fault, type Tally } from './Tally.ts'

/** A party's log: what it states and its Merkle view. */
export type Party = {
  readonly origin: string
  readonly facts: Facts.Facts
  readonly log: Log.Log
  /** Text of a record; undefined past the end. */
  readonly text: (leaf: number) => string | undefined
}

/** The other party's log, or why it cannot be compared with. */
export function open(origin: string, texts: readonly string[]): Party | string {
  const checked = Log.check(texts)
  if (checked.kind === 'failed') return `its record ${checked.leaf} is broken: ${checked.because}`
  if (checked.origin !== origin) return `it is the log of ${String(checked.origin)}`
  const facts = Facts.empty()
  for (const [leaf, text] of texts.entries()) {
    const because = attempt(() => {
      Facts.take(facts, Event.parse(Record.decode(text).event), leaf)
      return undefined
    })
    if (because !== undefined) return `its record ${leaf} is malformed: ${because}`
  }
  return { origin, facts, log: checked.log, text: (leaf) => texts[leaf] }
}

/** Compares a seller's log with a buyer's. */
export function compare(
  tally: Tally,
  { seller, buyer }: { readonly seller: Party; readonly buyer: Party },
): void {
  const purchases = new Map<string, Facts.Purchase>()
  for (const purchase of buyer.facts.purchases.values()) {
    const { decided, paying, end } = purchase
    if (PurchaseTerms.of(decided).seller !== seller.origin) continue
    if (paying !== undefined) purchases.set(paying.nonce, purchase)
    if (end?.type === 'captured' && end.receipt !== undefined)
      tally.judge('counterpart', `purchase ${decided.purchase}`, () => soldFault(seller, end))
  }
  for (const { accepted, returned } of seller.facts.prepaid.values()) {
    const { payer, nonce } = accepted.payment
    const end = purchases.get(nonce)?.end
    if (payer !== buyer.origin || returned === undefined) continue
    tally.judge('counterpart', `payment ${nonce}`, () => returnedFault(end))
  }
  for (const sale of seller.facts.sales.values()) {
    const { payment } = sale.served
    if (payment.payer !== buyer.origin) continue
    judgeSale(tally, sale, purchases.get(payment.nonce))
  }
}

/** Why a payment that its seller returned is not refunded, or in dispute, with its buyer. */
function returnedFault(end: Facts.Purchase['end']): Fault {
  if (end === undefined || end.type === 'refunded' || end.type === 'disputed') return undefined
  return `returned by the seller, ${end.type} on the buyer’s side`
}

/** Why a captured receipt is not in the seller's log as its proof says. */
function soldFault(seller: Party, { receipt, proof }: Event.CapturedAnswer): Fault {
  const shown = Proof.decode(Json.encode(proof))
  if (shown.origin !== seller.origin) return `proof in the log of ${shown.origin}`
  if (shown.size > seller.log.size())
    return `proof in a log of ${shown.size} records, the seller shows ${seller.log.size()}`
  const root = Hex.encode(seller.log.root(shown.size))
  if (shown.root !== root) return `proof under ${shown.root}, the seller's log then had ${root}`
  const text = seller.text(shown.leaf)!
  const judged = Proof.verify(shown, text)
  if (judged.kind === 'failed') return judged.because
  const served = Record.decode(text).event as Event.Event
  if (served.type !== 'served' || Json.encode(served.receipt) !== Json.encode(receipt))
    return `leaf ${shown.leaf} of the seller's log is not this receipt`
  return undefined
}

/** Whether what the seller was paid for is what the buyer bought. */
function judgeSale(tally: Tally, sale: Facts.Sale, purchase: Facts.Purchase | undefined): void {
  const finding = { name: 'counterpart', subject: `receipt ${sale.receiptHash}` } as const
  const isOpen = sale.unfunded === undefined && purchase !== undefined
  if (isOpen && sale.funded === undefined) tally.note({ ...finding, outcome: 'recorded' })
  else if (isOpen && purchase.end === undefined) tally.note({ ...finding, outcome: 'recorded' })
  else tally.judge(finding.name, finding.subject, () => saleFault(sale, purchase))
}

function saleFault({ served, funded, unfunded }: Facts.Sale, purchase?: Facts.Purchase): Fault {
  const end = purchase?.end
  const isPaid = end?.type === 'captured' || end?.type === 'disputed'
  if (end?.type === 'refunded') return 'served by the seller, refunded on the buyer’s side'
  if (unfunded !== undefined)
    return isPaid ? 'the buyer shows it paid, the seller took it back' : undefined
  if (end === undefined) return 'the buyer never signed its payment'
  if (!isPaid) return 'paid to the seller, void on the buyer’s side'
  if (end.evidence.tx !== funded?.evidence.tx) return 'buyer and seller name two transactions'
  const { valueAtoms } = served.payment
  if (valueAtoms !== end.atoms)
    return `${valueAtoms} atoms to the seller, ${end.atoms} to the buyer`
  if (end.type === 'captured' && Json.encode(end.receipt) !== Json.encode(served.receipt))
    return 'buyer and seller hold two receipts'
  return undefined
}
