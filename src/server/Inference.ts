/**
 * @module Inference: one answer, from its quote to a signed receipt. It signs terms, and of what was said
 * it finds whose words they are, prices them, and records the answer as served.
 */
import * as Evidence from '../attribution/spans/Evidence.ts'
import * as Outputs from '../attribution/spans/Outputs.ts'
import * as PriorityCover from '../attribution/spans/PriorityCover.ts'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import type * as Event from '../economy/Event.ts'
import * as Prepaid from '../economy/Prepaid.ts'
import * as Sales from '../economy/Sales.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Credits from '../market/Credits.ts'
import * as Price from '../market/Price.ts'
import * as Quote from '../market/Quote.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Work from '../market/Work.ts'
import * as Chat from '../models/Chat.ts'
import type * as Record from '../provenance/Record.ts'
import * as Answers from '../store/Answers.ts'
import type * as Node from './Node.ts'
import * as Offer from './Offer.ts'
import type * as Order from './Order.ts'
import * as Payment from './Payment.ts'
import type * as Speech from './Speech.ts'

/**
 * Signs and records a quote. Change is applied only for a payer that asked in its own name
 * (`payer` null: a stranger), and reserved until the quote expires. A payer that says it would pay no more
 * than `mostAtoms` is met as far as the offer's floor.
 */
export async function quote(
  node: Node.Node,
  order: Pick<Order.Order, 'offer' | 'requestDigest'> & { readonly mostAtoms?: bigint },
  payer: Hex | null,
): Promise<Quote.Signed & { readonly hash: Hex }> {
  return node.receipts(async () => {
    const { contracts, books } = node
    const { offer: terms, mostAtoms } = order
    const nowMs = books.now()
    const rates = Offer.ratesFor(terms, mostAtoms)
    const maxAtoms = Quote.maximum(terms.card, Quote.rates({ rates }))
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
      rates,
      asset: contracts.asset,
      payTo: contracts.till,
      maxAtoms: String(maxAtoms),
      changeAppliedAtoms: String(appliedAtoms),
      payAtoms: String(maxAtoms - appliedAtoms),
      coveragePromisedPpb: terms.coveragePromisedPpb,
      disputeWindowMs: terms.disputeWindowMs,
      requestDigest: order.requestDigest,
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

/** What is recorded: who pays for it under which terms, and what was said. */
export type Given = {
  readonly order: Order.Order
  readonly quote: Quote.Quote
  readonly payment: Payment.Payment
  readonly spoken: Speech.Spoken
  /** The payment was taken ahead: its quote is used, and no longer expires. */
  readonly isAhead: boolean
}

/** An answer recorded as served, on the disk; its money is not looked at. */
export async function serve(node: Node.Node, given: Given): Promise<Sales.Sale | Stale> {
  const { order, quote, payment, spoken, isAhead } = given
  const { toolCalls, finish } = spoken.answer
  const output = Chat.outputText(spoken.answer)
  const texts: Answers.Answer = {
    prompt: order.prompt,
    promptSalt: node.salt(),
    output,
    outputSalt: node.salt(),
    ...(finish === 'stop' ? {} : { finish }),
    ...(toolCalls === undefined ? {} : { callsAt: spoken.answer.text.length + 1 }),
  }
  return node.receipts(async () => {
    const { books, library } = node
    const { sales } = books.state
    const quoted = sales.quotes.get(Quote.hash(quote))!
    const because = isAhead ? outdated(node, quote) : staleness(node, quoted, books.now())
    if (because !== undefined) return { kind: 'stale', because }
    const { segments, indexRoot } = library
    const cover = PriorityCover.cover(output, { segments, outputs: sales.outputs })
    const evidence = Evidence.from(cover, { indexRoot })
    const receipt = draft(node, given, { texts, cover, evidence })
    const receiptHash = Receipt.hash(receipt)
    const signature = await node.wallet.signTypedData(Receipt.typedData(receipt))
    Answers.put(node.dir, receiptHash, texts)
    const atMs = books.now()
    if (!isAhead && atMs >= quote.expiresAtMs)
      return { kind: 'stale', because: 'the quote has expired' }
    const event: Event.Event = {
      type: 'served',
      receipt,
      signature,
      evidence: Json.plain(evidence) as { [key: string]: unknown },
      outputs: Outputs.windows(output, sales.outputSalt),
      payment: Payment.recorded(quote, payment),
    }
    const causes = causesOf(books, quoted, payment)
    await books.record([{ event, causes }], { atMs })
    return sales.sales.get(receiptHash)!
  })
}

/** What led to an answer: its quote, and its payment if that was taken ahead. */
function causesOf(
  { state: { sales }, origin }: Node.Node['books'],
  quoted: { readonly leaf: number },
  payment: Payment.Payment,
): Record.Cause[] {
  const ahead = sales.prepaid.get(Prepaid.key(payment))
  return [quoted, ...(ahead === undefined ? [] : [ahead])].map(({ leaf }) => ({ origin, leaf }))
}

/** The terms no longer hold; a new quote is needed. */
export type Stale = { readonly kind: 'stale'; readonly because: string }

/** Why a quote can no longer be served; undefined when it can. */
export function staleness(
  node: Node.Node,
  { quote, used }: { readonly quote: Quote.Quote; readonly used: boolean },
  nowMs: number,
): string | undefined {
  if (used) return 'the quote was used by another payment'
  if (dueAtMs(quote) <= nowMs) return 'the quote has expired'
  return outdated(node, quote)
}

/** Until when an answer can be recorded under a quote, unless it was paid ahead. */
export function dueAtMs({ expiresAtMs }: Quote.Quote): number {
  return expiresAtMs - marginMs
}

function outdated(node: Node.Node, quote: Quote.Quote): string | undefined {
  const isCurrent = quote.indexRoot === node.library.indexRoot
  return isCurrent ? undefined : 'the datanet has a newer version'
}

/** Between the check and the record: signing and writing an answer's texts. */
const marginMs = 2_000

type Made = {
  readonly texts: Answers.Answer
  readonly cover: PriorityCover.Cover
  readonly evidence: Evidence.Evidence
}

function draft(
  node: Node.Node,
  { order, quote, payment, spoken }: Given,
  { texts, cover, evidence }: Made,
): Receipt.Receipt {
  const { books, library } = node
  const { offer: terms } = order
  const { answer, wallMs } = spoken
  const { sales } = books.state
  const tokens = { in: order.tokensIn, cached: 0, out: Tokenizer.count(texts.output) }
  const stdUs = Work.stdUs(terms.card, tokens)
  const found = cover.credits
    .filter(({ ppb }) => ppb > 0n)
    .map(({ docSeq, ppb, rarityPpb }) => ({
      artifact: library.contribution(docSeq).artifact,
      sharePpb: ppb,
      rarityPpb,
    }))
  const shaped = Credits.of(terms.card, found)
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
    bytes: { in: Hash.bytes(texts.prompt).length, out: Hash.bytes(texts.output).length },
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
    requestDigest: order.requestDigest,
    consumed: [...(answer.consumed ?? [])],
    feedback: [],
    seq: sales.nextSeq,
    prevHash: sales.lastReceipt,
    issuedAtMs: books.now(),
  }
}
