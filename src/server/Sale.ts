/**
 * @module Sale: one chat request over HTTP. Without payment it is answered with terms (402); with a
 * payment seen before, with the stored answer; with a new one it is verified, and then served, settled and
 * answered. What is to be streamed is settled first, and told while it is made.
 */
import type { Context } from 'hono'
import * as Prepaid from '../economy/Prepaid.ts'
import type * as Sales from '../economy/Sales.ts'
import * as Hex from '../kernel/Hex.ts'
import type * as Quote from '../market/Quote.ts'
import * as Exact from '../wallets/x402/Exact.ts'
import * as Seller from '../wallets/x402/Seller.ts'
import * as Wire from '../wallets/x402/Wire.ts'
import * as Advance from './Advance.ts'
import * as Delivery from './Delivery.ts'
import * as Inference from './Inference.ts'
import type * as Node from './Node.ts'
import * as Order from './Order.ts'
import type * as Payment from './Payment.ts'
import * as Reply from './Reply.ts'
import * as Settlement from './Settlement.ts'
import * as Speech from './Speech.ts'

/** Answers `POST /v1/chat/completions`. */
export async function handle(node: Node.Node, context: Context, body: unknown): Promise<Response> {
  const order = Order.read(node, body)
  const header = context.req.header(Wire.headerNames.signature)
  const asked = { node, context, order }
  if (header === undefined) return Reply.terms(asked, 'payment required')
  const decoded = Seller.decodePayment(header)
  if (!decoded.ok) return Reply.terms(asked, decoded.because)
  const { payload } = decoded
  const { from: payer, nonce, validBeforeSec } = Exact.authorization(payload)
  const payment = { payer, nonce, validBeforeSec, payload: payload as { [key: string]: unknown } }
  const key = Prepaid.key(payment)
  // From the last look on nothing waits until this request is the one at work.
  for (let other = node.working.get(key); other !== undefined; other = node.working.get(key))
    await other
  const before = known(node, key)
  if (before !== undefined) return replay(asked, before)
  const prepaid = node.books.state.sales.prepaid.get(key)
  const selling =
    prepaid === undefined ? sell(asked, { payment, payload }) : Delivery.resume(asked, prepaid)
  const over = selling
    .then(({ work }) => work)
    .catch(() => undefined)
    .finally(() => node.working.delete(key))
  node.working.set(key, over)
  return (await selling).response
}

function known(node: Node.Node, key: string): Sales.Sale | undefined {
  const { payments, sales } = node.books.state.sales
  const hash = payments.get(key)
  return hash === undefined ? undefined : sales.get(hash)
}

type Paid = { readonly payment: Payment.Payment; readonly payload: Wire.Payload }

async function sell(asked: Reply.Asked, { payment, payload }: Paid): Promise<Delivery.Delivery> {
  const { node, order } = asked
  const no = async (because: string) => ({ response: await Reply.terms(asked, because) })
  const quoteHash = payload.accepted.extra?.quote
  const quoted = Hex.is(quoteHash, 32) ? node.books.state.sales.quotes.get(quoteHash) : undefined
  const fault = quoteFault(asked, quoted, payment)
  if (quoted === undefined || fault !== undefined)
    return no(fault ?? 'the payment names no quote of this seller')
  const { quote } = quoted
  const verified = await node.seller.verify(payload, Settlement.requirements(node, quote))
  if (!verified.ok) return no(verified.because)
  if (order.isStreamed) {
    const accepted = Advance.accept(node, quote, payment)
    return accepted.kind === 'stale'
      ? no(accepted.because)
      : Delivery.answer(asked, accepted.prepaid, { isFresh: true })
  }
  const withinMs = Inference.dueAtMs(quote) - node.books.now()
  const spoken = await Speech.inTime(Speech.begin(order, node.now), withinMs)
  if (spoken.kind === 'refused') return { response: Reply.refused(asked, spoken) }
  const sale = await Inference.serve(node, { order, quote, payment, spoken, isAhead: false })
  return 'kind' in sale ? no(sale.because) : { response: await conclude(asked, sale) }
}

function quoteFault(
  { node, order }: Reply.Asked,
  quoted: { readonly quote: Quote.Quote; readonly used: boolean } | undefined,
  payment: Payment.Payment,
): string | undefined {
  if (quoted === undefined) return 'the payment names no quote of this seller'
  const { quote } = quoted
  const stale = Inference.staleness(node, quoted, node.books.now())
  if (stale !== undefined) return stale
  if (quote.requestDigest !== order.requestDigest) return 'the quote is for another request'
  if (quote.payer !== null && quote.payer !== payment.payer) return 'the quote is for another payer'
  if (payment.validBeforeSec * 1000 < quote.expiresAtMs)
    return 'expected a payment that is valid until the quote expires'
  return undefined
}

/** The same payment again: the same answer, or a conflict when it is for another request. */
async function replay(asked: Reply.Asked, sale: Sales.Sale): Promise<Response> {
  if (sale.receipt.requestDigest !== asked.order.requestDigest) return Reply.reused(asked)
  return conclude(asked, sale)
}

async function conclude(asked: Reply.Asked, sale: Sales.Sale): Promise<Response> {
  const settled = await Settlement.settle(asked.node, sale)
  return settled.kind === 'funded' ? Reply.sold(asked, sale) : Reply.unpaid(asked, settled)
}
