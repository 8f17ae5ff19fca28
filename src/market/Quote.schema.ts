/** @module Shapes of quote requests and quotes: signed terms as canonical JSON, amounts as decimal strings. */
import { z } from 'zod'
import * as Fields from './Fields.schema.ts'

/** What a payer signs to have its change applied: bound to one request, seller and moment. */
export const request = z.strictObject({
  v: z.literal(1),
  seller: Fields.address,
  payer: Fields.address,
  model: Fields.label,
  /** SHA-256 of the canonical chat request that will be paid for. */
  requestDigest: Fields.hash,
  issuedAtMs: Fields.count,
  /** A counter-offer: the most that its payer would pay at all. */
  mostAtoms: Fields.amount.optional(),
})

/** Rates as a quote states them (see `Price.Rates`). */
export const rates = z.strictObject({
  executionNanoPerStdUs: Fields.amount,
  influenceNanoPerStdUs: Fields.amount,
  premiumPpb: Fields.share,
  qualityPpb: Fields.share,
  feePpb: Fields.share,
  gasNano: Fields.amount,
})

/** Signed terms for one request. */
export const quote = z.strictObject({
  v: z.literal(1),
  seller: Fields.address,
  /** Null for a stranger: then no change is applied. */
  payer: Fields.address.nullable(),
  model: Fields.label,
  cardHash: Fields.hash,
  tokenizer: Fields.label,
  maxTokensIn: Fields.count,
  maxTokensOut: Fields.count,
  rates,
  asset: Fields.asset,
  /** The till: revenue reaches nobody without passing the split. */
  payTo: Fields.address,
  maxAtoms: Fields.amount,
  changeAppliedAtoms: Fields.amount,
  /** maxAtoms − changeAppliedAtoms, never below 1: what is signed away. */
  payAtoms: Fields.amount,
  coveragePromisedPpb: Fields.share,
  disputeWindowMs: Fields.count,
  requestDigest: Fields.hash,
  /** Root of the datanet version that attribution will be computed over. */
  indexRoot: Fields.hash,
  issuedAtMs: Fields.count,
  /** ≤ the payment's validBefore. */
  expiresAtMs: Fields.count,
  salt: Fields.hash,
})

/** A quote with its seller's signature, as it travels. */
export const signedQuote = z.strictObject({ quote, signature: Fields.signature })
