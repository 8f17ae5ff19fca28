/**
 * @module Kinds of rule: what each file in `rules/` answers for its one sentence. A kind is reading,
 * writing and judging; it holds no state but memos, and sees a request only as facts.
 */
import type * as Asset from '../kernel/Asset.ts'
import type { Reading, Reason, Verdict } from './Decision.ts'
import * as Meter from './Meter.ts'
import type { Facts } from './Request.ts'
import type { Cursor } from './Sentence.ts'

/**
 * A rule's data compiled. `used` and `held` are what its meter says of the request's subject; absent if it
 * measures nothing or the request names no subject. The verdict is found for every request, the words only
 * for who reads them: both are functions of the same facts and sums.
 */
export type Judge = {
  /** The rule's sentence. */
  readonly rule: string
  /** What it measures, and the limit of that in the meter's unit. */
  readonly meter?: Meter.Named
  readonly limit?: bigint
  readonly outcome: (facts: Facts, used?: bigint, held?: bigint) => Verdict
  readonly because: (facts: Facts, used?: bigint, held?: bigint) => string
}

/** Everything about one kind of rule. `Data` is plain JSON with the kind's name under `rule`. */
export type Kind<Data extends { readonly rule: string }> = {
  readonly rule: Data['rule']
  /** Sentences as one would write them, for errors and documentation. */
  readonly examples: (symbol: string) => readonly [string, ...string[]]
  /** Reads a sentence; throws `Mistake`. */
  readonly read: (cursor: Cursor, asset: Asset.Asset) => Data
  /** Writes the sentence back. */
  readonly format: (data: Data, asset: Asset.Asset) => string
  /** Reads untrusted JSON; throws `InputError`. */
  readonly fromJson: (value: Readonly<Record<string, unknown>>) => Data
  readonly judge: (data: Data, setting: Setting<Data>) => Judge
}

/** What surrounds a rule in its policy. */
export type Setting<Data> = {
  readonly asset: Asset.Asset
  /** The rule's own sentence. */
  readonly sentence: string
  /** All the policy's rules of this kind, this one among them. */
  readonly siblings: readonly Data[]
}

/** Why a rule denies a request that leaves a fact out. */
export function missing(rule: string, fact: string): string {
  return `${rule}: the request states no valid ${fact}`
}

/** Compares what is asked, used and held with a limit: at the limit is within it. */
export function judgeMeter(options: {
  readonly sentence: string
  readonly shape: Meter.Shape
  readonly limit: bigint
  /** Writes a sum. */
  readonly show: (amount: bigint) => string
}): Judge {
  const { sentence: rule, limit, show } = options
  const meter = Meter.named(options.shape)
  const isAtoms = meter.unit === 'atoms'
  return {
    rule,
    meter,
    limit,
    outcome({ atoms }, used, held) {
      const amount = isAtoms ? atoms : 1n
      if (amount === undefined || used === undefined || held === undefined) return 'deny'
      return used + held + amount <= limit ? 'allow' : 'deny'
    },
    because({ atoms }, used, held) {
      const amount = isAtoms ? atoms : 1n
      if (amount === undefined) return missing(rule, 'amount')
      if (used === undefined || held === undefined) return missing(rule, meter.each ?? 'amount')
      return `${rule}: ${show(amount)} asked, ${show(used)} used, ${show(held)} held`
    },
  }
}

/** A judge's reason in words; members in canonical order, so that it is written as it is. */
export function reason(judge: Judge, facts: Facts, used?: bigint, held?: bigint): Reason {
  const { rule, meter, limit } = judge
  const because = judge.because(facts, used, held)
  const outcome = judge.outcome(facts, used, held)
  if (meter === undefined || used === undefined || held === undefined)
    return { because, outcome, rule }
  const subject = Meter.subject(meter, facts)
  if (subject === undefined || (meter.unit === 'atoms' && facts.atoms === undefined))
    return { because, outcome, rule }
  return { because, meter: reading(meter, subject, { used, held, limit: limit! }), outcome, rule }
}

/** A meter's state as plain JSON. */
export function reading(
  meter: Meter.Named,
  subject: string,
  state: { readonly used: bigint; readonly held: bigint; readonly limit: bigint },
): Reading {
  return {
    held: state.held.toString(),
    key: Meter.keyOf(meter, subject),
    limit: state.limit.toString(),
    unit: meter.unit,
    used: state.used.toString(),
    windowMs: meter.windowMs,
  }
}
