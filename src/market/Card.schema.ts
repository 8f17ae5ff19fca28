/**
 * @module Model card: what a model is and how its standard work is computed. Its hash stands in every
 * quote and receipt, so that anyone recomputes the work billed.
 */
import { z } from 'zod'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Fields from './Fields.schema.ts'

const sorted = { error: 'expected each once, in ascending order' }

/** One artifact of a model's lineage and its part of the share reserved for it. */
const ancestor = z.strictObject({
  artifact: Fields.hash,
  sharePpb: Fields.share.refine((text) => text !== '0', 'expected a share above 0'),
})

/** Shape of a model card; coefficients in standard GPU-microseconds a token. */
const shape = z.strictObject({
  v: z.literal(1),
  model: Fields.label,
  /**
   * `extractive`: answers are whole passages of documents, nothing is generated. `skill`: a text for a
   * text by whatever means, its own purchases among them.
   */
  kind: z.enum(['extractive', 'generative', 'skill']),
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
  /** What it does beyond plain text, sorted; absent: nothing. Every model can be streamed. */
  can: z
    .array(z.enum(['schema', 'stop', 'tools']))
    .min(1)
    .refine(isAscending, sorted)
    .optional(),
  /** Base work of a call, in standard GPU-microseconds, whatever its tokens; absent: none. */
  stdUsPerCall: Fields.count.optional(),
  /** Whom the lineage share goes to, by artifact in ascending order; the parts sum to it. */
  lineage: z
    .array(ancestor)
    .min(1)
    .max(64)
    .refine((all) => isAscending(all.map(({ artifact }) => artifact)), sorted)
    .optional(),
})

/** As its shape, and a lineage that sums to its share. */
export const card = shape.refine(
  ({ lineage, lineagePpb }) =>
    lineage === undefined ||
    lineage.reduce((sum, { sharePpb }) => sum + ppb(sharePpb), 0n) === ppb(lineagePpb),
  { path: ['lineage'], error: 'expected shares that sum to lineagePpb' },
)

/** What a model is and how its standard work is computed. */
export type Card = z.infer<typeof card>

/** Name of a card: SHA-256 of its canonical JSON. */
export function hash(value: Card): Hex {
  return Hash.digest(value)
}

function isAscending(all: readonly string[]): boolean {
  return all.every((each, index) => index === 0 || all[index - 1]! < each)
}

// Zod goes on to a refinement after a field was refused.
function ppb(text: string): bigint {
  return /^\d{1,10}$/.test(text) ? BigInt(text) : 0n
}
