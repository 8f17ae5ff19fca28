/**
 * @module Replies to a chat request: terms, answers, and what came of a payment instead of an answer.
 */
import type { Context } from 'hono'
import type * as Prepaid from '../economy/Prepaid.ts'
import type * as Sales from '../economy/Sales.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Quote from '../market/Quote.ts'
import * as Seller from '../wallets/x402/Seller.ts'
import * as Completion from './Completion.ts'
import * as Inference from './Inference.ts'
import type * as Node from './Node.ts'
import type * as Order from './Order.ts'
import type * as Payment from './Payment.ts'
import * as Receipts from './Receipts.ts'
import * as Settlement from './Settlement.ts'
import * as Streaming from './Streaming.ts'

/** The key under which our terms travel in x402 messages. */
export const extension = 'inference-market'

/** What `info` of our extension holds, as x402 v2 has extensions say: some clients read no others. */
const schema = {
  type: 'object',
  properties: { quote: { type: 'string', pattern: '^0x[0-9a-f]{64}$' } },
  required: ['quote'],
}

/** A request on its way through this node. */
export type Asked = {
  readonly node: Node.Node
  readonly context: Context
  readonly order: Order.Order
}

/** 402: what to pay, to whom, and why what was sent did not do. */
export async function terms({ node, context, order }: Asked, error: string): Promise<Response> {
  const quoted = await Inference.quote(node, order, null)
  const { headers, body } = Seller.encodeRequired({
    requirements: Settlement.requirements(node, quoted.quote),
    resource: { url: context.req.url, mimeType: 'application/json' },
    extensions: { [extension]: { info: { quote: quoted.hash }, schema } },
    error,
  })
  const { quote, signature } = quoted
  return context.json(
    {
      ...body,
      quote: { quote, signature },
      error: { code: 'payment-required', message: error, type: 'payment-required' },
    },
    402,
    headers as Record<string, string>,
  )
}

/** 400: the engine will not answer this. */
export function refused({ context }: Asked, { code, because }: { code: string; because: string }) {
  return context.json({ error: { code, message: because, type: code } }, 400)
}

/** 409: the payment belongs to another request. */
export function reused({ context }: Asked): Response {
  const message = 'this payment bought the answer to another request'
  return context.json({ error: { code: 'payment-reused', message, type: 'payment-reused' } }, 409)
}

/** 410: what was paid for nothing is the payer's change, and here is the record that says so. */
export function returned({ node, context }: Asked, { endLeaf }: Prepaid.Prepaid): Response {
  const message = 'this payment was given back: all of it is change with this seller'
  const requite = { record: node.books.text(endLeaf!), proof: node.books.proof(endLeaf!) }
  const error = { code: 'payment-returned', message, type: 'payment-returned' }
  return context.json({ error, requite }, 410)
}

/** What became of a payment that is not there: new terms if it never will be, else come again. */
export async function unpaid(
  asked: Asked,
  settled: Exclude<Payment.Settled, { kind: 'funded' }>,
): Promise<Response> {
  if (settled.kind === 'unclear') {
    const message = `the payment is not settled yet: ${settled.because}; send the same request again`
    return asked.context.json(
      { error: { code: 'settlement-unclear', message, type: 'settlement-unclear' } },
      503,
      { 'Retry-After': '1' },
    )
  }
  return terms(asked, settled.because)
}

/** A paid answer, as it was asked for: whole or in chunks. */
export function sold({ node, context, order }: Asked, sale: Sales.Sale): Response {
  const view = Receipts.view(node, sale)
  const { quote } = node.books.state.sales.quotes.get(sale.receipt.money.quoteHash)!
  const { payer, paymentNonce } = sale.receipt
  const headers = paid(node, quote, { payer, tx: view.tx, receipt: view.receiptHash })
  const { answer } = view
  if (answer === null) {
    const message = 'the answer was erased; its receipt is at /v1/receipts'
    const error = { code: 'answer-erased', message, type: 'answer-erased' }
    return context.json({ error }, 410, headers)
  }
  const frame = Completion.frame(quote, paymentNonce)
  const shown = { ...view, answer }
  if (!order.isStreamed) return context.json(Completion.whole(frame, shown), 200, headers)
  return Streaming.response(Streaming.replayed(frame, shown, order), { headers })
}

/** The PAYMENT-RESPONSE of a settled payment. */
export function paid(
  node: Node.Node,
  quote: Quote.Quote,
  { payer, tx, receipt }: { payer: Hex; tx: Hex | null; receipt?: Hex },
): Record<string, string> {
  return {
    ...Seller.encodeResponse({
      requirements: Settlement.requirements(node, quote),
      payer,
      ...(tx === null ? {} : { tx }),
      ...(receipt === undefined ? {} : { extensions: { [extension]: { receipt } } }),
    }),
  }
}
