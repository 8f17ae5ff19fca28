/** @module Shape of a proof of equivocation: two signed receipts, nothing else. */
import { z } from 'zod'
import { signedReceipt } from './Receipt.schema.ts'

/** Two receipts that cannot both stand; `left` has the smaller hash. */
export const equivocation = z.strictObject({
  v: z.literal(1),
  left: signedReceipt,
  right: signedReceipt,
})
