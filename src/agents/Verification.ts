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
import * as Chat from '../models/Chat.ts'
import * as Proof from '../provenance/Proof.ts'
import * as Record from '../provenance/Record.ts'
import * as Answers from '../store/Answers.ts'
import * as Wallet from '../wallets/Wallet.ts'
import type { Answered, Returned } from './Purchase.ts'

type Body = { readonly [key: string]: unknown }

/** A delivery and what it was bought under. */
export type Delivery = {
  /** The chat request that was sent. */
  readonly body: Body
  readonly answered: Answered
  readonly decided: Event.Of<'decided'>
  /** Nonce of the payment that was sent. */
  readonly nonce: Hex
}

/** Why a delivery does not hold; undefined when it does. */
export function fault(delivery: Delivery): string | undefined {
  return named(() => deliveryFault(delivery))
}

/** What no canonical text can be made of, such as half a character, holds no more than a lie does. */
function named(judge: () => string | undefined): string | undefined {
  try {
    return judge()
  } catch (error) {
    if (error instanceof BaseError) return error.message
    throw error
  }
}

function deliveryFault({ body, answered, decided, nonce }: Delivery): string | undefined {
  const { receipt, signature } = answered.receipt
  const { quote, card, key } = PurchaseTerms.quoted(decided)
  const data = Receipt.typedData(receipt)
  if (!Wallet.verifyTypedData({ address: quote.seller, data, signature }))
    return 'receipt that its provider did not sign'
  const terms = Receipt.fault(receipt, quote, card)
  if (terms !== undefined) return terms
  if (receipt.payer !== key.agent) return 'receipt for another payer'
  if (receipt.paymentNonce !== nonce) return 'receipt for another payment'
  if (Hash.digest(body) !== receipt.requestDigest) return 'receipt for another request'
  return textFault(body, answered, receipt) ?? promiseFault(receipt, quote) ?? logFault(answered)
}

function textFault(body: Body, answered: Answered, receipt: Receipt.Receipt): string | undefined {
  const tokensOut = Tokenizer.count(output(answered))
  if (tokensOut !== receipt.tokens.out)
    return `receipt counts ${receipt.tokens.out} tokens out, recounted ${tokensOut}`
  const { tokens } = receipt
  if (tokensIn(body) !== tokens.in + tokens.cached)
    return `receipt counts ${tokens.in + tokens.cached} tokens in, recounted ${tokensIn(body)}`
  const { promptCommitment, outputCommitment } = Answers.commit(texts(body, answered))
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
  const { fault, event } = recorded(answered, receipt.provider)
  if (fault !== undefined) return `no proof that the receipt stands in the seller's log: ${fault}`
  const served = event as Event.Of<'served'>
  if (served.type !== 'served' || Hash.digest(served.receipt) !== Receipt.hash(receipt))
    return 'the record proved is not of this receipt'
  return undefined
}

/** Why a seller's word that it keeps all of a payment as change does not hold; undefined when it does. */
export function returnedFault(
  returned: Returned,
  { decided, nonce }: Pick<Delivery, 'decided' | 'nonce'>,
): string | undefined {
  return named(() => {
    const { fault, event } = recorded(returned, PurchaseTerms.of(decided).seller)
    if (fault !== undefined) return `no proof that the payment was returned: ${fault}`
    const said = event as Event.Of<'returned'>
    const isThis =
      said.type === 'returned' &&
      said.payment.payer === decided.key.agent &&
      said.payment.nonce === nonce
    return isThis ? undefined : 'the record proved is not of this payment'
  })
}

/** What a record of the seller's says, and why it is not proved to stand in its log. */
function recorded({ proof: given, record }: Returned, seller: Hex) {
  const proof = Proof.decode(Json.encode(given))
  const judged = Proof.verify(proof, record)
  const { origin, event } = Record.decode(record)
  const isSellers = origin === seller && proof.origin === seller
  const other = isSellers ? undefined : "a log that is not the seller's"
  return { fault: judged.kind === 'failed' ? judged.because : other, event }
}

/** Tokens of a chat request, as its seller must bill them. */
export function tokensIn(body: Body): number {
  const texts = Chat.inputTexts(body as unknown as Chat.Body)
  return texts.reduce((sum, text) => sum + Tokenizer.count(text), 0)
}

/** The texts behind the receipt's commitments. */
export function texts(body: Body, answered: Answered): Answers.Answer {
  const { promptSalt, outputSalt } = answered
  const prompt = Chat.promptText(body as unknown as Chat.Body)
  return { prompt, promptSalt, output: output(answered), outputSalt }
}

/** What a receipt commits to of an answer: its text, and the tools it calls. */
function output({ output: text, toolCalls }: Answered): string {
  return Chat.outputText({ text, toolCalls })
}

/** Name of the delivered receipt. */
export function receiptHash(answered: Answered): Hex {
  return Receipt.hash(answered.receipt.receipt)
}

/** The seller's record that led to this delivery: a cause in another log. */
export function soldAt(answered: Answered): Record.Cause {
  return { origin: answered.receipt.receipt.provider, leaf: Number(answered.proof.leaf) }
}
