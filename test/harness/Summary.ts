/**
 * @module The last line of `start --once --json` as the documentation promises it: every field, its type,
 * and nothing more.
 */
import { z } from 'zod'

const amount = z.string().regex(/^(0|[1-9]\d*)$/)
const signed = z.string().regex(/^(0|-?[1-9]\d*)$/)
const count = z.number().int().min(0)
const hash = z.string().regex(/^0x[0-9a-f]{64}$/)
const address = z.string().regex(/^0x[0-9a-f]{40}$/)

const source = z.strictObject({
  document: z.string().regex(/^[^/\\].*\.\w+$/),
  owner: z.string().regex(/^(npm:.+|0x[0-9a-f]{40})$/),
  ppb: amount,
  start: count,
  end: count,
})

const question = z.strictObject({
  question: z.string().min(1),
  answer: z.string().min(1),
  sources: z.array(source),
  coveragePpb: amount,
  work: z.strictObject({ stdUs: amount, computeMs: z.number().min(0) }),
  executionNano: amount,
  influenceNano: amount,
  premiumNano: amount,
  feeNano: amount,
  gasNano: amount,
  roundingNano: amount,
  chargedAtoms: amount,
  paidAtoms: amount,
  changeAtoms: signed,
  tx: hash,
  verdict: z.enum(['allow', 'deny', 'review']),
  states: z.array(z.string()).min(2),
})

/** The whole line. */
export const shape = z.strictObject({
  v: z.literal(1),
  questions: z.array(question).min(1),
  accruedNano: amount,
  claimableNano: amount,
  claimedNano: amount,
  carryNano: amount,
  epoch: z.strictObject({ root: hash, totalAtoms: amount, tx: hash, leavesFile: z.string() }),
  claim: z.strictObject({ account: address, atoms: amount, tx: hash }),
  verify: z.strictObject({ records: count, failures: count, erased: count }),
  token: address,
  till: address,
  vault: address,
  ms: count,
})

/** The line, read. */
export type Summary = z.infer<typeof shape>
/** One question of it. */
export type Question = Summary['questions'][number]

/** Σ of a column of decimal strings. */
export function sum<Row>(rows: readonly Row[], column: (row: Row) => string): bigint {
  return rows.reduce((total, row) => total + BigInt(column(row)), 0n)
}
