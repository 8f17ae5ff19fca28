/**
 * @module Choice: which of several quotes to take. The smallest expected cost of a *good* answer,
 * (price + τ·latency) / reputation, and now and then another one, so that a newcomer is ever tried
 * (ECONOMICS.md, "Choosing a seller"). Which time that is follows from the purchase's id: a seller cannot
 * foresee it, and an auditor recomputes it.
 */
import type { z } from 'zod'
import { assert } from '../kernel/Assert.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import type * as Schema from './Choice.schema.ts'

/** One quote that the policy allows. */
export type Candidate = {
  readonly seller: Hex
  /** The most it can cost. */
  readonly priceAtoms: bigint
  /** How long answers of this seller took so far, or how long its quote took. */
  readonly latencyMs: number
  readonly reputationPpb: bigint
}

/** How one is chosen. */
export type Options = {
  /** The purchase that is chosen for: its id draws the lot. */
  readonly purchase: Hex
  /** τ: what a millisecond of waiting is worth, in nano-atoms. */
  readonly tauNanoPerMs: bigint
  /** How often another than the best is tried; 5 % unless given. */
  readonly explorePpb?: bigint
}

/** How often another than the best is tried, unless told: one time in twenty. */
export const usualExplorePpb = 50_000_000n

/** A choice as a decision records it. */
export type Recorded = z.infer<typeof Schema.choice>

/** Why a recorded choice does not fall on this quote; undefined when it does. */
export function fault(
  { candidates, tauNanoPerMs, explorePpb }: Recorded,
  { purchase, quoteHash }: { readonly purchase: Hex; readonly quoteHash: Hex },
): string | undefined {
  const compared = candidates.map(({ seller, priceAtoms, latencyMs, reputationPpb }) => ({
    ...{ seller, latencyMs, priceAtoms: BigInt(priceAtoms) },
    reputationPpb: BigInt(reputationPpb),
  }))
  if (compared.some(({ reputationPpb }) => reputationPpb === 0n))
    return 'choice among the worthless'
  const options = { purchase, tauNanoPerMs: BigInt(tauNanoPerMs), explorePpb: BigInt(explorePpb) }
  const { index } = of(compared, options)
  return candidates[index]!.quoteHash === quoteHash
    ? undefined
    : `choice of another quote than was decided on: ${candidates[index]!.quoteHash}`
}

/** The index of the candidate to buy from, and whether it is tried for the sake of trying. */
export function of(
  candidates: readonly Candidate[],
  options: Options,
): { readonly index: number; readonly isTrial: boolean } {
  assert(candidates.length > 0, 'a candidate to choose from')
  const order = candidates
    .map((candidate, index) => ({ index, candidate, cost: costNano(candidate, options) }))
    .sort((left, right) => compare(left.cost, right.cost) || byName(left, right))
  const [explore, pick] = lots(options.purchase)
  const { explorePpb = usualExplorePpb } = options
  const others = order.slice(1)
  if (others.length === 0 || explore >= explorePpb)
    return { index: order[0]!.index, isTrial: false }
  return { index: others[Number(pick % BigInt(others.length))]!.index, isTrial: true }
}

/** Expected cost of a good answer, in nano-atoms, rounded down. */
export function costNano(
  { priceAtoms, latencyMs, reputationPpb }: Candidate,
  { tauNanoPerMs }: Pick<Options, 'tauNanoPerMs'>,
): bigint {
  assert(priceAtoms >= 0n && reputationPpb > 0n, 'a price that is not negative, some reputation')
  const waited = tauNanoPerMs * BigInt(Math.max(0, Math.ceil(latencyMs)))
  return ((priceAtoms * nanoPerAtom + waited) * Share.whole) / reputationPpb
}

/** Two independent lots of a purchase: one in ppb, one for picking. */
function lots(purchase: Hex): readonly [bigint, bigint] {
  const digest = BigInt(Hash.digest(['choice', purchase]))
  return [(digest >> 128n) % Share.whole, digest & ((1n << 64n) - 1n)]
}

function compare(left: bigint, right: bigint): number {
  return left === right ? 0 : left < right ? -1 : 1
}

function byName(
  left: { readonly candidate: Candidate },
  right: { readonly candidate: Candidate },
): number {
  const [a, b] = [left.candidate.seller, right.candidate.seller]
  return a === b ? 0 : a < b ? -1 : 1
}
