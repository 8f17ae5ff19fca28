/** @module Shape of an attestation: what a payer says of an answer it paid for, with the proof that it did. */
import { z } from 'zod'
import * as Fields from './Fields.schema.ts'
import { signedQuote } from './Quote.schema.ts'
import { signedReceipt } from './Receipt.schema.ts'

/** What a payer says, and the seller's own signatures on what it says it about. */
export const attestation = z.strictObject({
  v: z.literal(1),
  payer: Fields.address,
  /** Delivered as promised. */
  isGood: z.boolean(),
  because: Fields.label.optional(),
  quote: signedQuote,
  /** Of what was delivered; without it nothing was, or nothing that its seller would sign. */
  receipt: signedReceipt.optional(),
  /** EIP-3009 nonce of the payment. */
  paymentNonce: Fields.hash,
  /** That the payment is final on chain: judged by the payment rules. */
  evidence: z.looseObject({ chainId: Fields.count, tx: Fields.hash }),
  atMs: Fields.count,
})

/** An attestation with its payer's signature, as it travels. */
export const signedAttestation = z.strictObject({ attestation, signature: Fields.signature })
