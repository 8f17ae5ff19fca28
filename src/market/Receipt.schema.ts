/** @module Shape of a receipt: one signed body per inference, canonical JSON, chained per provider device. */
import { z } from 'zod'
import * as Fields from './Fields.schema.ts'

/** One artifact's line on a receipt. */
export const entry = z.strictObject({
  artifact: Fields.hash,
  sharePpb: Fields.share,
  rarityPpb: Fields.share,
  influenceNano: Fields.amount,
  premiumNano: Fields.amount,
})

/** One signed body per inference. */
export const receipt = z.strictObject({
  v: z.literal(1),
  provider: Fields.address,
  payer: Fields.address,
  device: z.strictObject({
    class: Fields.label,
    count: Fields.count,
    tier: z.enum(['claimed', 'challenged', 'attested']),
  }),
  model: Fields.label,
  cardHash: Fields.hash,
  tokens: z.strictObject({ in: Fields.count, cached: Fields.count, out: Fields.count }),
  bytes: z.strictObject({ in: Fields.count, out: Fields.count }),
  stdUs: Fields.amount,
  computeMs: Fields.measuredMs,
  wallMs: Fields.measuredMs,
  queueMs: Fields.measuredMs,
  meter: z.enum(['engine', 'telemetry', 'estimate', 'attested']),
  basis: z.enum(['exclusive', 'batch-share', 'wall']),
  /** Salted commitments: the texts can be erased, the receipt stays verifiable. */
  promptCommitment: Fields.hash,
  outputCommitment: Fields.hash,
  influence: z.strictObject({
    method: Fields.label,
    version: Fields.count,
    recomputable: z.boolean(),
    indexRoot: Fields.hash,
    evidenceDigest: Fields.hash,
    entries: z.array(entry).max(100_000),
    coveragePpb: Fields.share,
  }),
  money: z.strictObject({
    asset: Fields.asset,
    quoteHash: Fields.hash,
    executionNano: Fields.amount,
    influenceNano: Fields.amount,
    premiumNano: Fields.amount,
    feeNano: Fields.amount,
    gasNano: Fields.amount,
    roundingNano: Fields.amount,
    chargedAtoms: Fields.amount,
    paidAtoms: Fields.amount,
    changeAtoms: Fields.signed,
  }),
  /** EIP-3009 nonce of the payment: the idempotency key of the sale. */
  paymentNonce: Fields.hash,
  requestDigest: Fields.hash,
  /** Receipts this inference used: provenance, moves no money. */
  consumed: z.array(Fields.hash).max(1_000),
  feedback: z.array(Fields.hash).max(1_000),
  seq: Fields.count,
  prevHash: Fields.hash,
  issuedAtMs: Fields.count,
})

/** A receipt with its provider's signature, as it travels. */
export const signedReceipt = z.strictObject({ receipt, signature: Fields.signature })
