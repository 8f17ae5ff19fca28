/**
 * @module Quotes: signed terms a buyer can hold a seller to. A quote that has expired, was altered, or
 * asks for more than its own rates allow is never signed for.
 */
import type { z } from 'zod'
import * as Asset from '../kernel/Asset.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import { name } from '../kernel/Name.ts'
import type { TypedData } from '../kernel/TypedData.ts'
import type * as Card from './Card.schema.ts'
import * as Price from './Price.ts'
import * as Schema from './Quote.schema.ts'
import * as Untrusted from './Untrusted.ts'
import * as Work from './Work.ts'

/** Signed terms for one request; amounts as decimal strings. */
export type Quote = z.infer<typeof Schema.quote>
/** A quote and its seller's EIP-712 signature. */
export type Signed = z.infer<typeof Schema.signedQuote>
/** What a payer signs to have its change applied. */
export type Request = z.infer<typeof Schema.request>

/** Reads a signed quote from untrusted JSON. Throws `InputError` with the path and what was expected. */
export function parse(value: unknown): Signed {
  const what = { what: 'a signed quote', top: 'quote', code: 'quote-malformed' }
  return Untrusted.read(Schema.signedQuote, value, what)
}

/** Name of a quote: SHA-256 of its canonical JSON. */
export function hash(quote: Quote): Hex {
  return Hash.digest(quote)
}

/** What the seller signs: the digest, and the terms a person would look for. */
export function typedData(quote: Quote): TypedData {
  return {
    domain: { name, version: '1', chainId: Asset.parts(quote.asset.id).chainId },
    primaryType: 'Quote',
    types: {
      Quote: [
        { name: 'digest', type: 'bytes32' },
        { name: 'seller', type: 'address' },
        { name: 'payTo', type: 'address' },
        { name: 'asset', type: 'string' },
        { name: 'payAtoms', type: 'uint256' },
        { name: 'maxAtoms', type: 'uint256' },
        { name: 'expiresAtMs', type: 'uint64' },
      ],
    },
    message: {
      digest: hash(quote),
      seller: quote.seller,
      payTo: quote.payTo,
      asset: quote.asset.id,
      payAtoms: BigInt(quote.payAtoms),
      maxAtoms: BigInt(quote.maxAtoms),
      expiresAtMs: BigInt(quote.expiresAtMs),
    },
  }
}

/** What a payer signs when it asks for a quote that applies its change. */
export function requestTypedData(request: Request, chainId: number): TypedData {
  const { mostAtoms } = request
  return {
    domain: { name, version: '1', chainId },
    primaryType: 'QuoteRequest',
    types: {
      QuoteRequest: [
        { name: 'seller', type: 'address' },
        { name: 'payer', type: 'address' },
        { name: 'model', type: 'string' },
        { name: 'requestDigest', type: 'bytes32' },
        { name: 'issuedAtMs', type: 'uint64' },
        ...(mostAtoms === undefined ? [] : [{ name: 'mostAtoms', type: 'uint256' }]),
      ],
    },
    message: {
      ...request,
      issuedAtMs: BigInt(request.issuedAtMs),
      ...(mostAtoms === undefined ? {} : { mostAtoms: BigInt(mostAtoms) }),
    },
  }
}

/** A client counts from the whole second in which it pays, by a clock of its own. */
const leewaySec = 5

/** How many seconds a payment is asked to stay valid from when it is made: past the quote's end. */
export function timeoutSec({ issuedAtMs, expiresAtMs }: Quote): number {
  return Math.ceil((expiresAtMs - issuedAtMs) / 1000) + leewaySec
}

/** Rates as bigint, for `Price`. */
export function rates(quote: Pick<Quote, 'rates'>): Price.Rates {
  const { rates } = quote
  return {
    executionNanoPerStdUs: BigInt(rates.executionNanoPerStdUs),
    influenceNanoPerStdUs: BigInt(rates.influenceNanoPerStdUs),
    premiumPpb: BigInt(rates.premiumPpb),
    qualityPpb: BigInt(rates.qualityPpb),
    feePpb: BigInt(rates.feePpb),
    gasNano: BigInt(rates.gasNano),
  }
}

/** T at the card's limits with S = 1 and R = 1: the most that any receipt under these terms can charge. */
export function maximum(card: Card.Card, terms: Price.Rates): bigint {
  const tokens = { in: card.maxTokensIn, cached: 0, out: card.maxTokensOut }
  return Price.maximum(Work.stdUs(card, tokens), terms)
}

/** What a buyer knows when it judges a quote. */
export type Expectation = {
  readonly nowMs: number
  readonly seller: Hex
  readonly payer: Hex | null
  readonly model: string
  readonly requestDigest: Hex
  readonly asset: Asset.Asset
  /** The card the seller publishes: its hash must be the quote's. */
  readonly card: Card.Card
  readonly cardHash: Hex
}

/** Why a quote must not be signed for, first reason first; undefined when it may. */
export function fault(quote: Quote, expected: Expectation): string | undefined {
  if (quote.expiresAtMs <= expected.nowMs) return 'quote expired'
  if (quote.seller !== expected.seller)
    return `quote of seller ${quote.seller}, expected ${expected.seller}`
  if (quote.payer !== null && quote.payer !== expected.payer)
    return `quote for payer ${quote.payer}`
  if (quote.model !== expected.model)
    return `quote for model ${quote.model}, expected ${expected.model}`
  if (quote.requestDigest !== expected.requestDigest) return 'quote for another request'
  if (!Asset.equal(quote.asset, expected.asset))
    return `quote in asset ${quote.asset.id}, expected ${expected.asset.id}`
  if (quote.cardHash !== expected.cardHash) return 'quote for another model card'
  if (quote.tokenizer !== expected.card.tokenizer) return `quote with tokeniser ${quote.tokenizer}`
  if (
    quote.maxTokensIn !== expected.card.maxTokensIn ||
    quote.maxTokensOut !== expected.card.maxTokensOut
  )
    return 'quote with limits other than the model card states'
  const max = maximum(expected.card, rates(quote))
  if (BigInt(quote.maxAtoms) !== max)
    return `quote with maximum ${quote.maxAtoms}, its rates give ${max}`
  return arithmeticFault(quote)
}

/** Whether pay, applied change and maximum fit together; undefined when they do. */
export function arithmeticFault(quote: Quote): string | undefined {
  const [pay, applied, max] = [quote.payAtoms, quote.changeAppliedAtoms, quote.maxAtoms].map(BigInt)
  if (pay! < 1n) return 'quote that asks for no payment; at least one atom is paid'
  if (pay! + applied! !== max)
    return 'quote whose payment and applied change do not sum to its maximum'
  if (applied! > 0n && quote.payer === null) return 'quote that applies change for nobody'
  return undefined
}
