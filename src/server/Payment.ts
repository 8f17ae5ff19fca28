/**
 * @module Payments of one sale: as they come, as they are recorded, and what became of them on chain.
 */
import type * as Event from '../economy/Event.ts'
import type * as Sales from '../economy/Sales.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Quote from '../market/Quote.ts'
import type * as Seller from '../wallets/x402/Seller.ts'
import type * as Wire from '../wallets/x402/Wire.ts'
import type * as Node from './Node.ts'

/** A verified payment, about to buy an answer. */
export type Payment = {
  readonly payer: Hex
  readonly nonce: Hex
  readonly validBeforeSec: number
  readonly payload: { readonly [key: string]: unknown }
}

/** A payment as events hold it. */
export function recorded(quote: Quote.Quote, payment: Payment): Event.Of<'served'>['payment'] {
  const { payer, nonce, validBeforeSec, payload } = payment
  const { payTo, payAtoms: valueAtoms } = quote
  return { payer, nonce, payTo, valueAtoms, validBeforeSec, payload }
}

/** What became of a payment. `unclear`: ask again, nothing is lost. */
export type Settled =
  | { readonly kind: 'funded' }
  | { readonly kind: 'unfunded'; readonly because: string }
  | { readonly kind: 'unclear'; readonly because: string }

/**
 * Settles a payment whose record stands at `leaf`, or finds that it was settled, cancelled or spent
 * elsewhere. Records nothing. `isFresh`: it was verified a moment ago, and not sent.
 */
export async function find(
  node: Node.Node,
  { leaf, payment }: Pick<Sales.Sale, 'leaf' | 'payment'>,
  options: { readonly isFresh?: boolean } = {},
): Promise<Seller.Found> {
  // Only what the disk holds may take money: after a crash nobody would know what it was for.
  await durable(node, leaf)
  const { payer, nonce, payTo, validBeforeSec } = payment
  const { asset } = node.contracts
  return node.seller.settleOrFind({
    payload: payment.payload as Wire.Payload,
    payment: { asset, payer, nonce, payTo, valueAtoms: BigInt(payment.valueAtoms) },
    validBeforeSec,
    ...options,
  })
}

/** Waits until a record of this log is on the disk. Rejects when it never will be. */
export async function durable({ books }: Node.Node, leaf: number): Promise<void> {
  for (let wait = books.unsettled(); wait !== undefined; wait = books.unsettled()) {
    if (leaf < books.size()) break
    await wait
  }
}
