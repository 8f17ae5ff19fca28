/** @module Shape of a choice on record: whose quotes were compared, and by what. */
import { z } from 'zod'
import * as Fields from './Fields.schema.ts'

/** Quotes that were compared, the chosen one among them; {@link Choice.of} says which it is. */
export const choice = z.strictObject({
  candidates: z
    .array(
      z.strictObject({
        seller: Fields.address,
        quoteHash: Fields.hash,
        priceAtoms: Fields.amount,
        latencyMs: Fields.count,
        reputationPpb: Fields.share,
      }),
    )
    .min(1)
    .max(100),
  tauNanoPerMs: Fields.amount,
  explorePpb: Fields.share,
})
