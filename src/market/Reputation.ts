/**
 * @module Reputation: how likely a seller's next answer is good, as far as evidence supports it
 * (ECONOMICS.md, "Figures the market shows"). A payer's word weighs what it cannot get back, at most one
 * observation a purchase, and fades: praise bought with money that returns to its payer weighs nothing.
 * Integers; what is listed first decides nothing.
 */
import { assert } from '../kernel/Assert.ts'
import * as Share from '../kernel/Share.ts'

/** One settled purchase as evidence about its seller. */
export type Evidence = {
  readonly seller: string
  /** Delivered as promised; otherwise disputed. */
  readonly isGood: boolean
  /** Fees and royalties to others that the payer cannot get back, in nano-atoms. */
  readonly irrecoverableNano: bigint
  readonly atMs: number
}

/** How evidence is weighed. */
export type Options = {
  readonly nowMs: number
  /** What a full observation has cost its payer for good, in nano-atoms; a cheaper one weighs less. */
  readonly observationNano: bigint
  /** Evidence weighs half after this long; 30 days unless given. */
  readonly halfLifeMs?: number
}

/** Nobody is judged worse than this: a seller without luck is asked again some day. */
const leastPpb = 20_000_000n

const monthMs = 30 * 24 * 3_600_000

/**
 * Lower confidence bound of a good answer, in ppb: mean less one standard error under a prior of one good
 * and one bad answer (Laplace), never below 2 %. Without evidence about the seller it is 14.6 %.
 */
export function of(seller: string, evidence: readonly Evidence[], options: Options): bigint {
  let [good, all] = [Share.whole, 2n * Share.whole]
  for (const each of evidence) {
    if (each.seller !== seller) continue
    const weight = weightOf(each, options)
    all += weight
    if (each.isGood) good += weight
  }
  const mean = (good * Share.whole) / all
  const error = root((mean * (Share.whole - mean) * Share.whole) / all)
  const bound = mean - error
  return bound > leastPpb ? bound : leastPpb
}

/** What one purchase weighs, in ppb of an observation. */
export function weightOf(evidence: Evidence, options: Options): bigint {
  const { irrecoverableNano, atMs } = evidence
  const { nowMs, observationNano, halfLifeMs = monthMs } = options
  assert(irrecoverableNano >= 0n && observationNano > 0n, 'costs that are not negative')
  const paid = (irrecoverableNano * Share.whole) / observationNano
  const isFull = paid >= Share.whole
  // What claims to come from the future is of now.
  return faded(isFull ? Share.whole : paid, BigInt(Math.max(0, nowMs - atMs)), BigInt(halfLifeMs))
}

/** Halved every half-life, straight in between: exact in integers, and within 6.2 % of the exponential. */
function faded(weight: bigint, ageMs: bigint, halfLifeMs: bigint): bigint {
  const halvings = ageMs / halfLifeMs
  if (halvings >= 64n) return 0n
  const rest = ageMs % halfLifeMs
  return ((weight >> halvings) * (2n * halfLifeMs - rest)) / (2n * halfLifeMs)
}

/** Integer square root, rounded down (Newton). */
function root(value: bigint): bigint {
  if (value < 2n) return value
  let guess = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (guess + value / guess) >> 1n
    if (next >= guess) return guess
    guess = next
  }
}
