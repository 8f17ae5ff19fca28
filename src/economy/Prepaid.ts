/**
 * @module Prepaid: payments that are settled ahead of their answer. Accepted, a payment has used its quote
 * and binds the change that the quote applies. Funded, it is money received for nothing yet: change of its
 * payer, bound to this sale until an answer is served, or all of it is returned.
 */
import { assert } from '../kernel/Assert.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import type * as Quote from '../market/Quote.ts'
import type * as Event from './Event.ts'
import type * as Sales from './Sales.ts'

/** All a payment taken ahead can be: each but the first two an end. */
export const statuses = ['accepted', 'funded', 'served', 'unfunded', 'returned'] as const

/** A payment taken ahead of its answer. */
export type Prepaid = {
  readonly quoteHash: Hex
  readonly payment: Event.Of<'accepted'>['payment']
  /** Position of `accepted` in this log: the cause of what settles or returns it. */
  readonly leaf: number
  status: (typeof statuses)[number]
  /** Transaction evidence, if it was funded before it was served, and where in this log it stands. */
  evidence?: Event.Of<'funded'>['evidence']
  fundedLeaf?: number
  /** Position of the record that ended it. */
  endLeaf?: number
}

/** Key of a payment. */
export function key(payment: { payer: Hex; nonce: Hex }): string {
  return `${payment.payer}/${payment.nonce}`
}

/** Payments that still wait for their money or their answer, oldest first: what a restarted node ends. */
export function open(sales: Sales.Sales): Prepaid[] {
  return [...sales.openPrepaid].map((each) => sales.prepaid.get(each)!)
}

/** What a payer's payments taken ahead bind of this node's books, in atoms. */
export function boundAtoms(sales: Sales.Sales): bigint {
  return open(sales).reduce((sum, prepaid) => sum + bound(sales, prepaid), 0n)
}

/** A payment about to be settled ahead of its answer. From here on its quote is used. */
export function accepted(
  sales: Sales.Sales,
  event: Event.Of<'accepted'>,
  at: Sales.Place,
): Sales.Fault {
  const { quoteHash, payment } = event
  const known = sales.quotes.get(quoteHash)
  if (known === undefined) return 'payment without a quote'
  if (known.used) return 'quote used twice'
  const { quote } = known
  // From then on its change may be reserved for another quote.
  if (at.atMs >= quote.expiresAtMs) return 'quote had expired'
  if (quote.payer !== null && payment.payer !== quote.payer) return 'payment of somebody else'
  const fault = paymentFault(sales, payment, quote)
  if (fault !== undefined) return fault
  known.used = true
  sales.reservations.get(payment.payer)?.delete(quoteHash)
  const change = changeOf(sales, payment.payer)
  change.availableAtoms -= BigInt(quote.changeAppliedAtoms)
  assert(change.availableAtoms >= 0n, 'change that is never negative')
  sales.prepaid.set(key(payment), { quoteHash, payment, leaf: at.leaf, status: 'accepted' })
  sales.openPrepaid.add(key(payment))
  return undefined
}

/** Why a payment is not the quote's, or comes a second time, or applies change that is gone. */
export function paymentFault(
  sales: Sales.Sales,
  payment: Event.Of<'accepted'>['payment'],
  quote: Quote.Quote,
): Sales.Fault {
  if (payment.payTo !== quote.payTo) return 'payment to another payee'
  if (payment.valueAtoms !== quote.payAtoms) return 'payment of another amount'
  if (sales.payments.has(key(payment)) || sales.prepaid.has(key(payment)))
    return 'payment used twice'
  // The reservation may have expired, and another quote may have used the change since.
  const available = sales.change.get(payment.payer)?.availableAtoms ?? 0n
  if (BigInt(quote.changeAppliedAtoms) > available)
    return `quote applies ${quote.changeAppliedAtoms} atoms of change, ${available} are left`
  return undefined
}

/** The payment is final on chain, and its answer is still to come: what was paid is bound change. */
export function funded(
  sales: Sales.Sales,
  event: Event.Of<'funded'>,
  at: Sales.Place,
): Sales.Fault {
  const prepaid = sales.prepaid.get(key(event.payment!))
  if (prepaid === undefined) return 'funding of a payment that was never accepted'
  if (prepaid.status !== 'accepted') return `funding of a payment that is ${prepaid.status}`
  prepaid.status = 'funded'
  prepaid.evidence = event.evidence
  prepaid.fundedLeaf = at.leaf
  sales.receivedAtoms += BigInt(prepaid.payment.valueAtoms)
  return undefined
}

/** The payment will never come, and nothing was answered: the change it applied is the payer's again. */
export function unfunded(
  sales: Sales.Sales,
  event: Event.Of<'unfunded'>,
  at: Sales.Place,
): Sales.Fault {
  const prepaid = sales.prepaid.get(key(event.payment!))
  if (prepaid === undefined) return 'reversal of a payment that was never accepted'
  if (prepaid.status !== 'accepted') return `reversal of a payment that is ${prepaid.status}`
  release(sales, prepaid)
  end(sales, prepaid, { status: 'unfunded', leaf: at.leaf })
  return undefined
}

/** Paid and never served: all of it is the payer's change. */
export function returned(
  sales: Sales.Sales,
  event: Event.Of<'returned'>,
  at: Sales.Place,
): Sales.Fault {
  const prepaid = sales.prepaid.get(key(event.payment))
  if (prepaid === undefined) return 'return of a payment that was never accepted'
  if (prepaid.status !== 'funded') return `return of a payment that is ${prepaid.status}`
  release(sales, prepaid)
  end(sales, prepaid, { status: 'returned', leaf: at.leaf })
  return undefined
}

/** Why an answer is not the one that a payment was taken for. */
export function servedFault(prepaid: Prepaid, event: Event.Of<'served'>): Sales.Fault {
  if (prepaid.status !== 'accepted' && prepaid.status !== 'funded')
    return `answer to a payment that is ${prepaid.status}`
  if (prepaid.quoteHash !== event.receipt.money.quoteHash)
    return 'answer under another quote than its payment was accepted for'
  if (Json.encode(prepaid.payment) !== Json.encode(event.payment))
    return 'payment that is not the one accepted'
  return undefined
}

/** An answer is given: nothing is bound any more. Returns whether its money was there before. */
export function serve(sales: Sales.Sales, prepaid: Prepaid, leaf: number): boolean {
  const wasFunded = prepaid.status === 'funded'
  end(sales, prepaid, { status: 'served', leaf })
  return wasFunded
}

function end(
  sales: Sales.Sales,
  prepaid: Prepaid,
  { status, leaf }: { readonly status: Prepaid['status']; readonly leaf: number },
): void {
  prepaid.status = status
  prepaid.endLeaf = leaf
  sales.openPrepaid.delete(key(prepaid.payment))
}

function release(sales: Sales.Sales, prepaid: Prepaid): void {
  changeOf(sales, prepaid.payment.payer).availableAtoms += bound(sales, prepaid)
}

/** The change its quote applied and, once it is funded, what was paid. */
function bound(sales: Sales.Sales, { quoteHash, status }: Prepaid): bigint {
  const { quote } = sales.quotes.get(quoteHash)!
  return BigInt(status === 'funded' ? quote.maxAtoms : quote.changeAppliedAtoms)
}

/** A payer's change, to be moved by the fold alone. */
export function changeOf(sales: Sales.Sales, payer: Hex): Sales.Change {
  const change = sales.change.get(payer) ?? { availableAtoms: 0n, pendingAtoms: 0n }
  sales.change.set(payer, change)
  return change
}
