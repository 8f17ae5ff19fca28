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
  readonly payments: Payments.Payments
  readonly recounts: readonly Recount.Recount[]
  readonly claimedBy: Map<Hex, bigint>
  readonly counts: Record<string, number>
  /** Purchases that did not end captured, by code. */
  readonly refusals: Record<string, number>
  readonly faults: Record<string, number>
  readonly looks: Memory.Look[]
  readonly wrong: string[]
  readonly trace: string[]
  /** Purchases asked for so far. */
  asked: number
}

/** Notes something in the trace that a seed replays. */
export function say({ trace, town }: Play, text: string): void {
  trace.push(`${town.clock.nowMs - Town.startMs} ${text}`)
}

/** The trace, as one hash. */
export function fingerprint({ trace }: Play): Hex {
  return Hash.text(trace.join('\n'))
}
