/**
 * @module Model card: what a model is and how its standard work is computed. Its hash stands in every
 * quote and receipt, so that anyone recomputes the work billed.
 */
import { z } from 'zod'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Fields from './Fields.schema.ts'

/** Shape of a model card; coefficients in standard GPU-microseconds a token. */
export const card = z.strictObject({
  v: z.literal(1),
  model: Fields.label,
  /** `extractive`: answers are whole passages of documents, nothing is generated. */
  kind: z.enum(['extractive', 'generative']),
  /** Tokeniser whose counts are billed; buyers have it too. */
  tokenizer: Fields.label,
  stdUsPerTokenIn: Fields.count,
  stdUsPerTokenCached: Fields.count,
  stdUsPerTokenOut: Fields.count,
  maxTokensIn: Fields.count.min(1),
  maxTokensOut: Fields.count.min(1),
  /** Share reserved for model, adapters and prompts; 0 for a reader, which has no weights. */
  lineagePpb: Fields.share,
  /** The datanet it answers from. */
  datanet: Fields.label,
})

/** What a model is and how its standard work is computed. */
export type Card = z.infer<typeof card>

/** Name of a card: SHA-256 of its canonical JSON. */
export function hash(value: Card): Hex {
  return Hash.digest(value)
}
