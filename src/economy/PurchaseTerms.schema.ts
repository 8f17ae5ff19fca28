/** @module Terms that nobody signed, as a decision records them: a plain x402 resource's, a transaction's. */
import { z } from 'zod'
import * as Fields from '../market/Fields.schema.ts'

/** A page or service of somebody who signs no quote: what its 402 asked for, bound to one request. */
const resource = z.strictObject({
  kind: z.literal('resource'),
  url: z.string().max(4_096).refine(isWeb, 'expected an http or https URL'),
  method: z.string().regex(/^[A-Z]{1,20}$/, 'expected an HTTP method'),
  /** Its `payTo`: nothing else is known of who sells. */
  seller: Fields.address,
  /** Host and path, cut to a label's length: what a policy knows it by. */
  model: Fields.label,
  requestDigest: Fields.hash,
  asset: Fields.asset,
  payTo: Fields.address,
  payAtoms: Fields.amount,
  expiresAtMs: Fields.count,
  /** The requirements as the 402 gave them. */
  requirements: z.record(z.string(), z.unknown()),
})

/** A transaction of the agent's own, simulated before it is decided. */
const call = z.strictObject({
  kind: z.literal('call'),
  to: Fields.address,
  calldataDigest: Fields.hash,
  asset: Fields.asset,
  /** The contract called. */
  payTo: Fields.address,
  /** The most that leaves. */
  payAtoms: Fields.amount,
  model: Fields.label,
  requestDigest: Fields.hash,
  expiresAtMs: Fields.count,
  /** What the simulation showed, as it was read. */
  simulation: z.record(z.string(), z.unknown()),
  /** What a policy may ask about it besides. */
  facts: z.strictObject({
    slippagePpb: Fields.amount.optional(),
    drawdown: z.strictObject({ ppb: Fields.amount, asOfMs: Fields.count }).optional(),
    price: z.strictObject({ atoms: Fields.amount, asOfMs: Fields.count }).optional(),
  }),
})

function isWeb(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

/** What is decided on without a signed quote. */
export const terms = z.discriminatedUnion('kind', [resource, call])
