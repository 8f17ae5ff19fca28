/** @module What a soak is asked, and what has happened in it so far. */
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import type * as Memory from './Memory.ts'
import type * as Payments from './Payments.ts'
import type * as Recount from './Recount.ts'
import * as Town from './Town.ts'
import type * as Trader from './Trader.ts'

/** How long, and how much. */
export type Plan = {
  readonly seed: number
  readonly agents: number
  readonly days: number
  /** Purchases that each agent asks for in a day. */
  readonly perDay: number
  /** Days after which memory is looked at. */
  readonly looks: readonly number[]
}

/** What happened. */
export type Play = {
  readonly plan: Plan
  readonly town: Town.Town
  readonly traders: readonly Trader.Trader[]
  payments: Payments.Payments
  recounts: readonly Recount.Recount[]
  readonly claimedBy: Map<Hex, bigint>
  readonly counts: Record<string, number>
  /** Purchases that did not end captured, by code. */
  readonly refusals: Record<string, number>
  readonly faults: Record<string, number>
  readonly looks: Memory.Look[]
  readonly wrong: string[]
  /** Hash of all that happened so far, in order: a seed gives the same again. */
  fingerprint: Hex
  /** Most that the process held while its agents traded. */
  peakBytes: number
  /** Purchases asked for so far. */
  asked: number
}

/** Notes what happened, for whoever replays a seed. */
export function say(play: Play, text: string): void {
  const { town, fingerprint } = play
  play.fingerprint = Hash.text(`${fingerprint} ${town.clock.nowMs - Town.startMs} ${text}`)
}

/** Records of all journals. */
export function records({ traders, recounts }: Play): number {
  return traders.reduce((sum, { node }, at) => sum + node.books.size() + recounts[at]!.read, 0)
}
