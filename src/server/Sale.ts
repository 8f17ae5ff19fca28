/**
 * @module Sale: one chat request over HTTP. Without payment it is answered with terms (402); with a
 * payment seen before, with the stored answer; with a new one: verified, served, settled, answered.
 */
import type { Context } from 'hono'
import * as Sales from '../economy/Sales.ts'
import * as Hex from '../kernel/Hex.ts'
import type * as Quote from '../market/Quote.ts'
import * as Exact from '../wallets/x402/Exact.ts'
import * as Seller from '../wallets/x402/Seller.ts'
import * as Wire from '../wallets/x402/Wire.ts'
import * as Inference from './Inference.ts'
import type * as Node from './Node.ts'
import * as Receipts from './Receipts.ts'
import * as Settlement from './Settlement.ts'

/** The key under which our terms travel in x402 messages. */
export const extension = 'inference-market'

/** Answers `POST /v1/chat/completions`. */
export async function handle(node: Node.Node, context: Context, body: unknown): Promise<Response> {
  const header = context.req.header(Wire.headerNames.signature)
  const asked = Inference.ask(node, body)
  if (header === undefined) return terms(node, context, asked, 'payment required')
  const decoded = Seller.decodePayment(header)
  if (!decoded.ok) return terms(node, context, asked, decoded.because)
  const { payload } = decoded
  const { from: payer, nonce, validBeforeSec } = Exact.authorization(payload)
  const payment = { payer, nonce, validBeforeSec, payload: payload as { [key: string]: unknown } }
  const key = Sales.paymentKey(payment)
  const before = known(node, key)
  if (before !== undefined) return replay(node, context, asked, before)
  const running = node.working.get(key)
  if (running !== undefined) {
    await running.catch(() => undefined)
    const after = known(node, key)
    if (after !== undefined) return replay(node, context, asked, after)
  }
  const work = sell(node, context, asked, { payment, payload })
  node.working.set(key, work)
  try {
    return await work
  } finally {
    node.working.delete(key)
  }
}

function known(node: Node.Node, key: string): Sales.Sale | undefined {
  const { payments, sales } = node.books.state.sales
  const hash = payments.get(key)
  return hash === undefined ? undefined : sales.get(hash)
}

type Paid = { readonly payment: Inference.Payment; readonly payload: Wire.Payload }

async function sell(
  node: Node.Node,
  context: Context,
  asked: Inference.Asked,
  { payment, payload }: Paid,
): Promise<Response> {
  const quoteHash = payload.accepted.extra?.quote
  const quoted = Hex.is(quoteHash, 32) ? node.books.state.sales.quotes.get(quoteHash) : undefined
  const fault = quoteFault(node, asked, quoted, payment)
  if (quoted === undefined || fault !== undefined)
    return terms(node, context, asked, fault ?? 'the payment names no quote of this seller')
  const { quote } = quoted
  const verified = await node.seller.verify(payload, Settlement.requirements(node, quote))
  if (!verified.ok) return terms(node, context, asked, verified.because)
  const sale = await Inference.serve(node, asked, { quote, payment })
  if ('kind' in sale && sale.kind === 'stale') return terms(node, context, asked, sale.because)
  if ('kind' in sale)
    return context.json({ error: { code: sale.code, message: sale.because, type: sale.code } }, 400)
  return conclude(node, context, asked, sale)
}

function quoteFault(
  node: Node.Node,
  asked: Inference.Asked,
  quoted: { readonly quote: Quote.Quote; readonly used: boolean } | undefined,
  payment: Inference.Payment,
): string | undefined {
  if (quoted === undefined) return 'the payment names no quote of this seller'
  const { quote } = quoted
  const stale = Inference.staleness(node, quoted, node.books.now())
  if (stale !== undefined) return stale
  if (quote.requestDigest !== asked.requestDigest) return 'the quote is for another request'
  if (quote.payer !== null && quote.payer !== payment.payer) return 'the quote is for another payer'
  if (payment.validBeforeSec * 1000 < quote.expiresAtMs)
    return 'expected a payment that is valid until the quote expires'
  return undefined
}

/** The same payment again: the same answer, or a conflict when it is for another request. */
async function replay(
  node: Node.Node,
  context: Context,
  asked: Inference.Asked,
  sale: Sales.Sale,
): Promise<Response> {
  if (sale.receipt.requestDigest !== asked.requestDigest) {
    const message = 'this payment bought the answer to another request'
    return context.json({ error: { code: 'payment-reused', message, type: 'payment-reused' } }, 409)
  }
  return conclude(node, context, asked, sale)
}

async function conclude(
  node: Node.Node,
  context: Context,
  asked: Inference.Asked,
  sale: Sales.Sale,
): Promise<Response> {
  const settled = await Settlement.settle(node, sale)
  if (settled.kind === 'unfunded') return terms(node, context, asked, settled.because)
  if (settled.kind === 'unclear') {
    const message = `the payment is not settled yet: ${settled.because}; send the same request again`
    return context.json(
      { error: { code: 'settlement-unclear', message, type: 'settlement-unclear' } },
      503,
      { 'Retry-After': '1' },
    )
  }
  const view = Receipts.view(node, sale)
  const { quote } = node.books.state.sales.quotes.get(sale.receipt.money.quoteHash)!
  const headers = Seller.encodeResponse({
    requirements: Settlement.requirements(node, quote),
    payer: sale.receipt.payer,
    ...(view.tx === null ? {} : { tx: view.tx }),
    extensions: { [extension]: { receipt: view.receiptHash } },
  })
  for (const [name, value] of Object.entries(headers)) context.header(name, value)
  if (view.answer === null) {
    const message = 'the answer was erased; its receipt is at /v1/receipts'
    return context.json({ error: { code: 'answer-erased', message, type: 'answer-erased' } }, 410)
  }
  return context.json(completion(view, view.answer.output))
}

/** The answer as OpenAI's clients read it, with the receipt beside. */
function completion(view: Receipts.View, content: string) {
  const { receipt, receiptHash, signature, proof, record, sources, earnings, answer, tx } = view
  const { tokens } = receipt
  const { promptSalt, outputSalt } = answer!
  return {
    id: `chatcmpl-${receiptHash.slice(2, 26)}`,
    object: 'chat.completion',
    created: Math.floor(receipt.issuedAtMs / 1000),
    model: receipt.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: {
      prompt_tokens: tokens.in + tokens.cached,
      completion_tokens: tokens.out,
      total_tokens: tokens.in + tokens.cached + tokens.out,
    },
    requite: {
      ...{ receipt, receiptHash, signature, proof, record, sources, earnings, tx },
      ...{ promptSalt, outputSalt },
    },
  }
}

/** 402: what to pay, to whom, and why what was sent did not do. */
async function terms(
  node: Node.Node,
  context: Context,
  asked: Inference.Asked,
  error: string,
): Promise<Response> {
  const quoted = await Inference.quote(node, asked, null)
  const { headers, body } = Seller.encodeRequired({
    requirements: Settlement.requirements(node, quoted.quote),
    resource: { url: context.req.url, mimeType: 'application/json' },
    extensions: { [extension]: { quote: quoted.hash } },
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
