/**
 * @module Advances: payments settled before their answer. Recorded before they are sent to the chain; what
 * comes of them is recorded too, and what was paid for nothing is given back as change.
 */
import * as Prepaid from '../economy/Prepaid.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Quote from '../market/Quote.ts'
import * as Inference from './Inference.ts'
import type * as Node from './Node.ts'
import * as Payment from './Payment.ts'

/** Why a payment is taken no more. */
export type Refused = Inference.Stale

/**
 * Takes a verified payment: from here on its quote is used. The record is on its way to the disk when this
 * returns; what settles it waits for that.
 */
export function accept(
  node: Node.Node,
  quote: Quote.Quote,
  payment: Payment.Payment,
): { readonly kind: 'accepted'; readonly prepaid: Prepaid.Prepaid } | Refused {
  const { books } = node
  const { sales } = books.state
  const quoteHash = Quote.hash(quote)
  const quoted = sales.quotes.get(quoteHash)!
  const atMs = books.now()
  const recorded = Payment.recorded(quote, payment)
  const because =
    Inference.staleness(node, quoted, atMs) ?? Prepaid.paymentFault(sales, recorded, quote)
  if (because !== undefined) return { kind: 'stale', because }
  const event = { type: 'accepted', quoteHash, payment: recorded } as const
  const causes = [{ origin: books.origin, leaf: quoted.leaf }]
  // Should it fail, the books are poisoned, and whoever waits for them hears of it.
  books.record([{ event, causes }], { atMs }).catch(() => undefined)
  return { kind: 'accepted', prepaid: sales.prepaid.get(Prepaid.key(payment))! }
}

/** What became of a payment taken ahead. */
export type Settled =
  | Exclude<Payment.Settled, { readonly kind: 'funded' }>
  | {
      readonly kind: 'funded'
      readonly tx: Hex | null
      /** Resolves when the record of it is durable. */
      readonly recorded: Promise<unknown>
    }

/**
 * Settles a payment, or finds what became of it; the record of that is durable. That it is paid stands on
 * chain for whoever looks: the record of it may wait for `after`, and its flush for nobody who listens.
 */
export async function settle(
  node: Node.Node,
  prepaid: Prepaid.Prepaid,
  options: { readonly isFresh?: boolean; readonly after?: Promise<unknown> } = {},
): Promise<Settled> {
  if (prepaid.status === 'unfunded') return { kind: 'unfunded', because: nothing }
  if (prepaid.status !== 'accepted')
    return { kind: 'funded', tx: prepaid.evidence?.tx ?? null, recorded: Promise.resolve() }
  const { books } = node
  const { payer, nonce } = prepaid.payment
  const { isFresh = false, after } = options
  const found = await Payment.find(node, prepaid, { isFresh })
  if (found.kind === 'unclear') return found
  const causes = [{ origin: books.origin, leaf: prepaid.leaf }]
  // Another call may have recorded the outcome while this one waited.
  const isOpen = () => prepaid.status === 'accepted'
  const payment = { payer, nonce }
  if (found.kind === 'paid') {
    const { evidence } = found
    const record = async () => {
      await after
      if (isOpen()) await books.record([{ event: { type: 'funded', payment, evidence }, causes }])
    }
    const recorded = record()
    if (after === undefined) await recorded
    // Whoever waits for it hears of it.
    recorded.catch(() => undefined)
    return { kind: 'funded', tx: evidence.tx, recorded }
  }
  const because = found.because.slice(0, 200)
  if (isOpen()) await books.record([{ event: { type: 'unfunded', payment, because }, causes }])
  return { kind: 'unfunded', because }
}

/** Gives back what was paid for an answer that will not be given: all of it is the payer's change. */
export async function giveBack(
  node: Node.Node,
  prepaid: Prepaid.Prepaid,
  because: string,
): Promise<void> {
  if (prepaid.status !== 'funded') return
  const { books } = node
  const { payer, nonce } = prepaid.payment
  const causes = [{ origin: books.origin, leaf: prepaid.leaf }]
  const event = {
    type: 'returned',
    payment: { payer, nonce },
    because: because.slice(0, 200),
  } as const
  await books.record([{ event, causes }])
}

/** Whether the answer may no longer be asked for: the payment's own time is over. */
export function isOver(node: Node.Node, { payment }: Prepaid.Prepaid): boolean {
  return payment.validBeforeSec * 1000 <= node.books.now()
}

/** Settles what is open, and gives back what was paid and is over, unless somebody is at work on it. */
export async function settleOpen(node: Node.Node): Promise<void> {
  for (const prepaid of Prepaid.open(node.books.state.sales)) {
    if (node.working.has(Prepaid.key(prepaid.payment))) continue
    const settled = await settle(node, prepaid)
    if (node.working.has(Prepaid.key(prepaid.payment))) continue
    if (settled.kind === 'funded' && isOver(node, prepaid)) await giveBack(node, prepaid, late)
  }
}

/** Why a payment whose time is over is given back. */
export const late = 'nothing was answered while the payment was valid'

const nothing = 'this payment came to nothing'
