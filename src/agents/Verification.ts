/**
 * @module Verification: whether what a seller delivered is what was bought. Recomputes everything that a
 * buyer can: signature, terms, tokens, commitments, promised coverage, and the place in the seller's log.
 */
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import type * as Event from '../economy/Event.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Proof from '../provenance/Proof.ts'
import * as Record from '../provenance/Record.ts'
import * as Answers from '../store/Answers.ts'
import * as Wallet from '../wallets/Wallet.ts'
import type { Order } from './Purchase.effects.ts'
import type { Answered } from './Purchase.ts'

/** A delivery and what it was bought under. */
export type Delivery = {
  readonly order: Order
  readonly answered: Answered
  readonly decided: Event.Of<'decided'>
  /** Nonce of the payment that was sent. */
  readonly nonce: Hex
}

/** Why a delivery does not hold; undefined when it does. */
export function fault({ order, answered, decided, nonce }: Delivery): string | undefined {
  const { receipt, signature } = answered.receipt
  const { quote, card, key } = PurchaseTerms.quoted(decided)
  const data = Receipt.typedData(receipt)
  if (!Wallet.verifyTypedData({ address: quote.seller, data, signature }))
    return 'receipt that its provider did not sign'
  const terms = Receipt.fault(receipt, quote, card)
  if (terms !== undefined) return terms
  if (receipt.payer !== key.agent) return 'receipt for another payer'
  if (receipt.paymentNonce !== nonce) return 'receipt for another payment'
  if (Hash.digest(order.body) !== receipt.requestDigest) return 'receipt for another request'
  return textFault(order, answered, receipt) ?? promiseFault(receipt, quote) ?? logFault(answered)
}

function textFault(order: Order, answered: Answered, receipt: Receipt.Receipt): string | undefined {
  const tokensOut = Tokenizer.count(answered.output)
  if (tokensOut !== receipt.tokens.out)
    return `receipt counts ${receipt.tokens.out} tokens out, recounted ${tokensOut}`
  const { tokens } = receipt
  if (tokensIn(order) !== tokens.in + tokens.cached)
    return `receipt counts ${tokens.in + tokens.cached} tokens in, recounted ${tokensIn(order)}`
  const { promptCommitment, outputCommitment } = Answers.commit(texts(order, answered))
  if (promptCommitment !== receipt.promptCommitment) return 'receipt that commits to another prompt'
  if (outputCommitment !== receipt.outputCommitment) return 'receipt that commits to another answer'
  for (const { start, end } of answered.sources)
    if (start >= end || end > answered.output.length) return 'sources that lie outside the answer'
  return undefined
}

function promiseFault(
  receipt: Receipt.Receipt,
  quote: Event.DecidedOnQuote['quote'],
): string | undefined {
  const [got, promised] = [receipt.influence.coveragePpb, quote.coveragePromisedPpb].map(BigInt)
  return got! < promised! ? `coverage ${got} ppb, promised ${promised}` : undefined
}

/** The receipt must stand in the seller's own log, at the place the proof shows. */
function logFault(answered: Answered): string | undefined {
  const { receipt } = answered.receipt
  try {
    const proof = Proof.decode(Json.encode(answered.proof))
    const judged = Proof.verify(proof, answered.record)
    if (judged.kind === 'failed')
      return `no proof that the receipt stands in the seller's log: ${judged.because}`
    const { origin, event } = Record.decode(answered.record)
    const served = event as Event.Of<'served'>
    if (origin !== receipt.provider || proof.origin !== receipt.provider)
      return "proof from a log that is not the provider's"
    if (served.type !== 'served' || Hash.digest(served.receipt) !== Receipt.hash(receipt))
      return 'the record proved is not of this receipt'
    return undefined
  } catch (error) {
    if (error instanceof BaseError) return error.message
    throw error
  }
}

/** Tokens of an order's messages, as its seller must bill them. */
export function tokensIn(order: Order): number {
  return messages(order).reduce((sum, text) => sum + Tokenizer.count(text), 0)
}

/** The texts behind the receipt's commitments. */
export function texts(order: Order, answered: Answered): Answers.Answer {
  const { output, promptSalt, outputSalt } = answered
  return { prompt: Json.encode(order.body.messages), promptSalt, output, outputSalt }
}

/** Name of the delivered receipt. */
export function receiptHash(answered: Answered): Hex {
  return Receipt.hash(answered.receipt.receipt)
}

/** The seller's record that led to this delivery: a cause in another log. */
export function soldAt(answered: Answered): Record.Cause {
  return { origin: answered.receipt.receipt.provider, leaf: Number(answered.proof.leaf) }
}

function messages(order: Order): string[] {
  return (order.body.messages as { content: string | { text?: string }[] }[]).flatMap(
    ({ content }) =>
      typeof content === 'string' ? [content] : [content.map(({ text }) => text ?? '').join('\n')],
  )
}
