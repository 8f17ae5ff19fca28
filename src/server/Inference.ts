/**
 * @module Inference: one answer, from a chat request to a signed receipt. It quotes, runs the engine,
 * finds whose words the answer is made of, prices it, and records it as served before money is taken.
 */
import * as Evidence from '../attribution/spans/Evidence.ts'
import * as Outputs from '../attribution/spans/Outputs.ts'
import * as PriorityCover from '../attribution/spans/PriorityCover.ts'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import type * as Event from '../economy/Event.ts'
import * as Sales from '../economy/Sales.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Price from '../market/Price.ts'
import * as Quote from '../market/Quote.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Work from '../market/Work.ts'
import * as Engine from '../models/Engine.ts'
import * as Answers from '../store/Answers.ts'
import * as Chat from './Chat.schema.ts'
import type * as Node from './Node.ts'
import * as Offer from './Offer.ts'

/** A verified payment, about to buy an answer. */
export type Payment = {
  readonly payer: Hex
  readonly nonce: Hex
  readonly validBeforeSec: number
  readonly payload: { readonly [key: string]: unknown }
}

/** What a chat request asks of the engine, checked against the card. */
export type Asked = {
  readonly offer: Offer.Sold
  readonly requestDigest: Hex
  /** Canonical JSON of the messages: what the receipt commits to. */
  readonly prompt: string
  readonly request: Engine.Request
  readonly tokensIn: number
}

/** Reads and checks a chat request. Throws `RefusedRequest` with what was expected. */
export function ask(node: Node.Node, value: unknown): Asked {
  const body = Chat.parse(value)
  const offer = node.offers.get(body.model)
  if (offer === undefined)
    throw new Chat.RefusedRequest(
      `expected model ${Offer.names(node.offers)}, got ${JSON.stringify(body.model)}`,
      { code: 'model-unknown', hint: 'GET /v1/models lists what is sold here' },
    )
  const { card } = offer
  if (body.stream === true)
    throw new Chat.RefusedRequest(`${card.model} does not stream; leave \`stream\` out`, {
      code: 'stream-unsupported',
    })
  const wanted = body.max_completion_tokens ?? body.max_tokens ?? card.maxTokensOut
  const request: Engine.Request = {
    messages: body.messages as Engine.Message[],
    maxTokensOut: wanted,
    ...Engine.settings(body as Engine.Settings),
    ...(body.n === undefined ? {} : { n: body.n }),
  }
  const admitted = Engine.admit(request, { card, countTokens: Tokenizer.count })
  if (admitted.kind === 'refused')
    throw new Chat.RefusedRequest(admitted.because, { code: admitted.code })
  const { tokensIn } = admitted
  return {
    offer,
    requestDigest: Hash.digest(value),
    prompt: Json.encode(body.messages),
    request,
    tokensIn,
  }
}

/**
 * Signs and records a quote. Change is applied only for a payer that asked in its own name
 * (`payer` null: a stranger), and reserved until the quote expires.
 */
export async function quote(
  node: Node.Node,
  asked: Pick<Asked, 'offer' | 'requestDigest'>,
  payer: Hex | null,
): Promise<Quote.Signed & { readonly hash: Hex }> {
  return node.receipts(async () => {
    const { contracts, books } = node
    const { offer: terms } = asked
    const nowMs = books.now()
    const maxAtoms = Quote.maximum(terms.card, Quote.rates(terms))
    const spendable = payer === null ? 0n : Sales.spendableChange(books.state.sales, payer, nowMs)
    const appliedAtoms = spendable < maxAtoms ? spendable : maxAtoms - 1n
    const quote: Quote.Quote = {
      v: 1,
      seller: node.wallet.address,
      payer,
      model: terms.card.model,
      cardHash: terms.cardHash,
      tokenizer: terms.card.tokenizer,
      maxTokensIn: terms.card.maxTokensIn,
      maxTokensOut: terms.card.maxTokensOut,
      rates: terms.rates,
      asset: contracts.asset,
      payTo: contracts.till,
      maxAtoms: String(maxAtoms),
      changeAppliedAtoms: String(appliedAtoms),
      payAtoms: String(maxAtoms - appliedAtoms),
      coveragePromisedPpb: terms.coveragePromisedPpb,
      disputeWindowMs: terms.disputeWindowMs,
      requestDigest: asked.requestDigest,
      indexRoot: node.library.indexRoot,
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + terms.quoteTtlMs,
      salt: node.salt(),
    }
    const signature = await node.wallet.signTypedData(Quote.typedData(quote))
    await books.record([{ event: { type: 'quoted', quote, signature } }])
    return { quote, signature, hash: Quote.hash(quote) }
  })
}

/** The answer to a paid request, recorded as served; its money is not settled yet. */
export async function serve(
  node: Node.Node,
  asked: Asked,
  sold: { readonly quote: Quote.Quote; readonly payment: Payment },
): Promise<Sales.Sale | Refused> {
  const startedMs = node.now()
  const answer = await asked.offer.engine.answer(asked.request)
  if (answer.kind === 'refused') return answer
  const { quote, payment } = sold
  const wallMs = Math.max(0, node.now() - startedMs)
  const texts: Answers.Answer = {
    prompt: asked.prompt,
    promptSalt: node.salt(),
    output: answer.text,
    outputSalt: node.salt(),
  }
  return node.receipts(async () => {
    const { books, library } = node
    const { sales } = books.state
    const quoted = sales.quotes.get(Quote.hash(quote))!
    const because = staleness(node, quoted, books.now())
    if (because !== undefined) return { kind: 'stale', because }
    const cover = PriorityCover.cover(answer.text, {
      segments: library.segments,
      outputs: sales.outputs,
    })
    const evidence = Evidence.from(cover, { indexRoot: library.indexRoot })
    const receipt = draft(node, asked, sold, { answer, texts, wallMs, cover, evidence })
    const receiptHash = Receipt.hash(receipt)
    const signature = await node.wallet.signTypedData(Receipt.typedData(receipt))
    Answers.put(node.dir, receiptHash, texts)
    const atMs = books.now()
    if (atMs >= quote.expiresAtMs) return { kind: 'stale', because: 'the quote has expired' }
    const event: Event.Event = {
      type: 'served',
      receipt,
      signature,
      evidence: Json.plain(evidence) as { [key: string]: unknown },
      outputs: Outputs.windows(answer.text, sales.outputSalt),
      payment: { ...payment, payTo: quote.payTo, valueAtoms: quote.payAtoms },
    }
    const causes = [{ origin: books.origin, leaf: quoted.leaf }]
    await books.record([{ event, causes }], { atMs })
    return sales.sales.get(receiptHash)!
  })
}

/** Why nothing was served. `stale`: the terms no longer hold; a new quote is needed. */
export type Refused = Engine.Refusal | { readonly kind: 'stale'; readonly because: string }

/** Why a quote can no longer be served; undefined when it can. */
export function staleness(
  node: Node.Node,
  { quote, used }: { readonly quote: Quote.Quote; readonly used: boolean },
  nowMs: number,
): string | undefined {
  if (used) return 'the quote was used by another payment'
  if (quote.expiresAtMs <= nowMs + marginMs) return 'the quote has expired'
  if (quote.indexRoot !== node.library.indexRoot) return 'the datanet has a newer version'
  return undefined
}

/** Between the check and the record: signing and writing an answer's texts. */
const marginMs = 2_000

type Made = {
  readonly answer: Engine.Answer
  readonly texts: Answers.Answer
  readonly wallMs: number
  readonly cover: PriorityCover.Cover
  readonly evidence: Evidence.Evidence
}

function draft(
  node: Node.Node,
  asked: Asked,
  { quote, payment }: { quote: Quote.Quote; payment: Payment },
  { answer, texts, wallMs, cover, evidence }: Made,
): Receipt.Receipt {
  const { books, library } = node
  const { offer: terms } = asked
  const { sales } = books.state
  const tokens = { in: asked.tokensIn, cached: 0, out: Tokenizer.count(answer.text) }
  const stdUs = Work.stdUs(terms.card, tokens)
  const shaped = cover.credits
    .filter(({ ppb }) => ppb > 0n)
    .map(({ docSeq, ppb, rarityPpb }) => ({
      artifact: library.contribution(docSeq).artifact,
      sharePpb: ppb,
      rarityPpb,
    }))
  const price = Price.of(stdUs, Quote.rates(quote), shaped)
  const entries = shaped.map(({ artifact, sharePpb, rarityPpb }, index) => ({
    artifact,
    sharePpb: String(sharePpb),
    rarityPpb: String(rarityPpb),
    influenceNano: String(price.parts[index]!.influenceNano),
    premiumNano: String(price.parts[index]!.premiumNano),
  }))
  return {
    v: 1,
    provider: node.wallet.address,
    payer: payment.payer,
    device: terms.device,
    model: terms.card.model,
    cardHash: terms.cardHash,
    tokens,
    bytes: { in: Hash.bytes(asked.prompt).length, out: Hash.bytes(answer.text).length },
    stdUs: String(stdUs),
    computeMs: answer.meter.computeMs,
    wallMs,
    queueMs: 0,
    meter: answer.meter.meter,
    basis: answer.meter.basis,
    ...Answers.commit(texts),
    influence: {
      method: evidence.method,
      version: evidence.version,
      recomputable: true,
      indexRoot: library.indexRoot,
      evidenceDigest: Hash.digest(Json.plain(evidence)),
      entries,
      coveragePpb: String(cover.coveragePpb),
    },
    money: Receipt.money(quote, price),
    paymentNonce: payment.nonce,
    requestDigest: asked.requestDigest,
    consumed: [],
    feedback: [],
    seq: sales.nextSeq,
    prevHash: sales.lastReceipt,
    issuedAtMs: books.now(),
  }
}
