/**
 * @module The closed union of all that can happen. A record of the causality log carries one of these;
 * whatever reads a log from disk accepts nothing else. Amounts are decimal strings.
 */
import { z } from 'zod'
import { card } from '../market/Card.schema.ts'
import { choice } from '../market/Choice.schema.ts'
import * as Fields from '../market/Fields.schema.ts'
import { quote } from '../market/Quote.schema.ts'
import { receipt } from '../market/Receipt.schema.ts'
import * as Freeze from '../policies/Freeze.ts'
import * as Artifact from '../royalties/Artifact.ts'
import { payment, paymentName } from './Payment.schema.ts'
import { terms } from './PurchaseTerms.schema.ts'

/** Evidence that a transaction happened: judged by the payment rules, kept as it was read. */
const evidence = z.looseObject({ chainId: Fields.count, tx: Fields.hash })

/** Which edge of which machine a decision took; `machine` is the digest of its transition table. */
export const transition = z.strictObject({
  machine: Fields.hash,
  from: Fields.label,
  event: Fields.label,
  to: Fields.label,
})

/** A settlement is of a receipt, or of a payment that has none yet. */
function isOfOne(event: { readonly receiptHash?: unknown; readonly payment?: unknown }): boolean {
  return (event.receiptHash === undefined) !== (event.payment === undefined)
}

const opened = z.strictObject({
  type: z.literal('opened'),
  role: z.enum(['node', 'agent']),
  name: Fields.label,
  address: Fields.address,
  asset: Fields.asset,
  till: Fields.address,
  vault: Fields.address,
  /** Vault units: atoms are divided by this on chain. */
  scale: Fields.amount,
  /** The chain is a throw-away on this machine. */
  local: z.boolean(),
  /** Salts what this log remembers of its own answers; the log's owner's secret. */
  salt: Fields.hash,
})

// ── the node's side ────────────────────────────────────────────────────────────────────────────────

/** Whatever can earn (`royalties/Artifact`); amounts and shares as decimal strings. */
const artifact = z.strictObject({
  id: Fields.hash,
  kind: z.enum(Artifact.kinds),
  owners: z
    .array(z.strictObject({ account: z.string().min(1).max(256), sharePpb: Fields.amount }))
    .min(1)
    .max(10_000),
  parents: z.array(z.strictObject({ artifact: Fields.hash, sharePpb: Fields.amount })).max(10_000),
  addedStdUs: Fields.amount.optional(),
  minimumPpb: Fields.amount.optional(),
})

/** A model card, or artifacts with their lineage: one of the two. */
const registered = z
  .strictObject({
    type: z.literal('registered'),
    card: card.optional(),
    artifacts: z.array(artifact).min(1).max(100_000).optional(),
  })
  .refine(
    (event) => (event.card === undefined) !== (event.artifacts === undefined),
    'expected a card or artifacts',
  )

/** Order of commitment is order of priority; documents of one batch are simultaneous. */
const committed = z.strictObject({
  type: z.literal('committed'),
  datanet: Fields.label,
  /** Merkle root over the salted leaves: also the batch's id. */
  root: Fields.hash,
  count: Fields.count.min(1),
  /** Genesis commons: texts that belong to nobody. */
  commons: z.boolean(),
  committedAtMs: Fields.count,
})

const revealed = z.strictObject({
  type: z.literal('revealed'),
  datanet: Fields.label,
  root: Fields.hash,
  salt: Fields.hash,
  contributions: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(4_096),
        owner: z.string().min(1).max(256),
        docHash: Fields.hash,
        bytes: Fields.count.optional(),
      }),
    )
    .min(1)
    .max(1_000_000),
  /** Root of the datanet's version with this batch: what receipts cite. */
  versionRoot: Fields.hash,
})

const quoted = z.strictObject({ type: z.literal('quoted'), quote, signature: Fields.signature })

/** A payment that is settled ahead of its answer: recorded before it is sent to the chain. */
const accepted = z.strictObject({ type: z.literal('accepted'), quoteHash: Fields.hash, payment })

const served = z.strictObject({
  type: z.literal('served'),
  receipt,
  signature: Fields.signature,
  /** The span evidence whose digest stands in the receipt: positions, no text. */
  evidence: z.record(z.string(), z.unknown()),
  /** Salted hashes of the answer's windows: yesterday's answers cannot be sold as data. */
  outputs: z
    .string()
    .regex(/^0x([0-9a-f]{16})*$/)
    .max(2_000_000),
  payment,
})

const funded = z
  .strictObject({
    type: z.literal('funded'),
    receiptHash: Fields.hash.optional(),
    payment: paymentName.optional(),
    evidence,
  })
  .refine(isOfOne, 'expected a receiptHash or a payment')

/**
 * A payment that can never be settled. Of a served receipt: its postings are reversed. Of a payment taken
 * ahead of its answer: nothing came of it.
 */
const unfunded = z
  .strictObject({
    type: z.literal('unfunded'),
    receiptHash: Fields.hash.optional(),
    payment: paymentName.optional(),
    because: Fields.label,
  })
  .refine(isOfOne, 'expected a receiptHash or a payment')

/** Paid ahead of an answer that was never given: all of it is the payer's change. */
const returned = z.strictObject({
  type: z.literal('returned'),
  payment: paymentName,
  because: Fields.label,
})

/** An epoch about to be published: recorded before the transaction is sent. */
const closing = z.strictObject({
  type: z.literal('closing'),
  epoch: Fields.count,
  root: Fields.hash,
  depth: Fields.count,
  totalAtoms: Fields.amount,
  receipts: z.array(Fields.hash),
  leavesDigest: Fields.hash,
  /** Root of the log before this record: what the chain anchors. */
  checkpoint: z.strictObject({ size: Fields.count, root: Fields.hash }),
})

const published = z.strictObject({ type: z.literal('published'), epoch: Fields.count, evidence })

const claimed = z.strictObject({
  type: z.literal('claimed'),
  account: Fields.address,
  index: Fields.count,
  cumulativeAtoms: Fields.amount,
  atoms: Fields.amount,
  evidence,
})

/** A payee signed that it is paid elsewhere from now on, and the vault took it. */
const redirected = z.strictObject({
  type: z.literal('redirected'),
  account: Fields.address,
  to: Fields.address,
  /** How many redirects the account made before. */
  sequence: Fields.amount,
  index: Fields.count,
  evidence,
})

// ── the agent's side ───────────────────────────────────────────────────────────────────────────────

const adopted = z.strictObject({
  type: z.literal('adopted'),
  digest: Fields.hash,
  policy: z.record(z.string(), z.unknown()),
})

/** On a signed quote, or on terms that nobody signed. */
const decided = z
  .strictObject({
    type: z.literal('decided'),
    purchase: Fields.hash,
    key: z.strictObject({
      agent: Fields.address,
      run: Fields.label,
      step: Fields.count,
      attempt: Fields.count,
    }),
    quote: quote.optional(),
    signature: Fields.signature.optional(),
    card: card.optional(),
    terms: terms.optional(),
    policyDigest: Fields.hash,
    /** The slices of the budget that it was decided in besides, the innermost first. */
    slices: z
      .array(z.strictObject({ name: Fields.label, policyDigest: Fields.hash }))
      .min(1)
      .max(8)
      .optional(),
    /** What the policy was asked: every attribute it read. */
    request: z.record(z.string(), z.unknown()),
    verdict: z.enum(['allow', 'deny', 'review']),
    reasons: z.array(z.record(z.string(), z.unknown())).max(10_000),
    /** The attempt before, whose approval this one is decided under. */
    approved: Fields.hash.optional(),
    /** The quotes of others that it was chosen among; the choice is recomputed. */
    choice: choice.optional(),
    /** What a policy on trial would have decided; it had no effect. */
    shadow: z
      .strictObject({
        policyDigest: Fields.hash,
        verdict: z.enum(['allow', 'deny', 'review']),
        because: z.string().min(1).max(100_000).optional(),
      })
      .optional(),
    transition,
  })
  .refine(
    ({ quote, signature, card, terms }) =>
      [quote, signature, card].every((one) => (one === undefined) === (terms !== undefined)),
    'expected quote, signature and card, or terms',
  )

/** Somebody let a payment under review pass: this payee and model, at most this much. */
const approved = z.strictObject({
  type: z.literal('approved'),
  purchase: Fields.hash,
  by: Fields.label,
  ceilingAtoms: Fields.amount,
})

/** Somebody refused a payment under review. */
const declined = z.strictObject({
  type: z.literal('declined'),
  purchase: Fields.hash,
  by: Fields.label,
  because: Fields.label,
})

const target = z.strictObject({
  kind: z.enum(Freeze.kinds),
  name: z.string().min(1).max(256).optional(),
})

/** A kill switch: what is frozen is neither authorised nor signed. */
const froze = z.strictObject({
  type: z.literal('froze'),
  /** Names this turn of the switch: told again, it is the same. */
  salt: Fields.hash,
  target,
  by: Fields.label,
  because: Fields.label,
})

const thawed = z.strictObject({
  type: z.literal('thawed'),
  salt: Fields.hash,
  target,
  by: Fields.label,
})

const held = z.strictObject({
  type: z.literal('held'),
  purchase: Fields.hash,
  atoms: Fields.amount,
})

const paying = z.strictObject({
  type: z.literal('paying'),
  purchase: Fields.hash,
  nonce: Fields.hash,
  validBeforeSec: Fields.count,
  payload: z.record(z.string(), z.unknown()),
  transition,
})

/** Paid and delivered: with the receipt of an answer; under terms there is none. */
const captured = z
  .strictObject({
    type: z.literal('captured'),
    purchase: Fields.hash,
    atoms: Fields.amount,
    receipt: receipt.optional(),
    signature: Fields.signature.optional(),
    /** Proof that the receipt stands in the seller's log. */
    proof: z.record(z.string(), z.unknown()).optional(),
    /** What a resource answered with: its status, and the SHA-256 and length of its body. */
    delivered: z
      .strictObject({ status: Fields.count, bodyDigest: Fields.hash, bytes: Fields.count })
      .optional(),
    evidence,
    transition,
  })
  .refine(
    ({ receipt, signature, proof, delivered }) =>
      new Set([receipt, signature, proof].map((one) => one === undefined)).size === 1 &&
      (receipt === undefined || delivered === undefined),
    'expected receipt, signature and proof, or none of them',
  )

/** Paid, and what came back does not hold: the money is spent, the quarrel is on record. */
const disputed = z.strictObject({
  type: z.literal('disputed'),
  purchase: Fields.hash,
  atoms: Fields.amount,
  because: Fields.label,
  evidence,
  transition,
})

/** Paid, nothing delivered: all of it is change in the seller's books, and stays spent to the policy. */
const refunded = z.strictObject({
  type: z.literal('refunded'),
  purchase: Fields.hash,
  atoms: Fields.amount,
  because: Fields.label,
  /** Canonical text of the seller's `returned` record, and the proof that it stands in its log. */
  record: z.string().min(1).max(100_000),
  proof: z.record(z.string(), z.unknown()),
  evidence,
  transition,
})

/** Not paid, and never will be: looked up on chain before the hold was released. */
const voided = z.strictObject({
  type: z.literal('voided'),
  purchase: Fields.hash,
  because: Fields.label,
  /** Of a transaction of the agent's own that reverted: what the chain took for it all the same. */
  evidence: evidence.optional(),
  transition,
})

/** One transition of an agent's own machine in a run; `seq` counts them from 0. */
const moved = z.strictObject({
  type: z.literal('moved'),
  agent: Fields.address,
  run: Fields.label,
  seq: Fields.count,
  transition,
  taskDigest: Fields.hash.optional(),
  /** When it goes on by itself. */
  wakeAtMs: Fields.count.optional(),
  because: Fields.label.optional(),
})

/** All that can happen. */
export const event = z.discriminatedUnion('type', [
  opened,
  registered,
  committed,
  revealed,
  quoted,
  accepted,
  served,
  funded,
  unfunded,
  returned,
  closing,
  published,
  claimed,
  redirected,
  adopted,
  decided,
  approved,
  declined,
  froze,
  thawed,
  held,
  paying,
  captured,
  disputed,
  refunded,
  voided,
  moved,
])
