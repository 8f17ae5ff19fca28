/** @module Shape of a listing: where an agent sells, and what, as it says so itself. */
import { z } from 'zod'
import * as Fields from './Fields.schema.ts'

/** Where an agent sells, and what. */
export const listing = z.strictObject({
  v: z.literal(1),
  seller: Fields.address,
  name: Fields.label,
  /** OpenAI-compatible endpoint behind x402, e.g. `http://127.0.0.1:4020/v1`. */
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .max(500)
    .regex(/^[^?#@]*[^?#@/]$/, 'expected a URL without user, query or last slash'),
  /** What it is paid in. */
  asset: Fields.asset,
  offers: z
    .array(
      z.strictObject({
        model: Fields.label,
        kind: z.enum(['extractive', 'generative', 'skill']),
        description: z.string().max(500),
      }),
    )
    .min(1)
    .max(50),
  issuedAtMs: Fields.count,
  expiresAtMs: Fields.count,
})

/** A listing with its seller's signature, as it travels. */
export const signedListing = z.strictObject({ listing, signature: Fields.signature })
