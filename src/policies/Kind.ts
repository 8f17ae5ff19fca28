/**
 * @module Kinds of rule: what each file in `rules/` answers for its one sentence. A kind is reading,
 * writing and judging; it holds no state but memos, and sees a request only as facts.
 */
import type * as Asset from '../kernel/Asset.ts'
import type { Reading, Reason, Verdict } from './Decision.ts'
import * as Meter from './Meter.ts'
import type { Facts } from './Request.ts'
import type { Cursor } from './Sentence.ts'

/** A rule's data compiled. */
export type Judge = {
  /** The rule's sentence. */
  readonly rule: string
  /** What it measures, and the limit of that in the meter's unit. */
  readonly meter?: Meter.Named
  readonly limit?: bigint
  /**
   * `used` and `held` are what its meter says of the request's subject; absent if it measures nothing or
   * the request names no subject. The verdict is found for every request, the words only for who reads
   * them: both are functions of the same facts, time and sums.
   */
  readonly outcome: Asking<Verdict>
  readonly because: Asking<string>
  /** Only of rules that say what another asset counts as: atoms of the unit of account, rounded up. */
  readonly worth?: (facts: Facts, nowMs: number) => bigint | undefined
}

type Asking<Answer> = (facts: Facts, nowMs: number, used?: bigint, held?: bigint) => Answer

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
  const fact = { atoms: 'amount', payments: 'amount', 'device-ms': 'device time' }[meter.unit]
  const asked =
    meter.unit === 'atoms'
      ? ({ atoms }: Facts) => atoms
      : meter.unit === 'payments'
        ? () => 1n
        : ({ deviceMs }: Facts) => deviceMs
  return {
    rule,
    meter,
    limit,
    outcome(facts, _, used, held) {
      const amount = asked(facts)
      if (amount === undefined || used === undefined || held === undefined) return 'deny'
      return used + held + amount <= limit ? 'allow' : 'deny'
    },
    because(facts, _, used, held) {
      const amount = asked(facts)
      if (amount === undefined) return missing(rule, fact)
      if (used === undefined || held === undefined) return missing(rule, meter.each ?? fact)
      return `${rule}: ${show(amount)} asked, ${show(used)} used, ${show(held)} held`
    },
  }
}

/** What a judge heard. */
export type Heard = {
  readonly facts: Facts
  readonly nowMs: number
  readonly used?: bigint | undefined
  readonly held?: bigint | undefined
}

/** A judge's reason in words; members in canonical order, so that it is written as it is. */
export function reason(judge: Judge, { facts, nowMs, used, held }: Heard): Reason {
  const { rule, meter, limit } = judge
  const because = judge.because(facts, nowMs, used, held)
  const outcome = judge.outcome(facts, nowMs, used, held)
  if (meter === undefined || used === undefined || held === undefined)
    return { because, outcome, rule }
  const subject = Meter.subject(meter, facts)
  const isMissing = meter.unit === 'atoms' && facts.atoms === undefined
  if (subject === undefined || isMissing) return { because, outcome, rule }
  return { because, meter: reading(meter, subject, { used, held, limit: limit! }), outcome, rule }
}

/** A meter's state as plain JSON. */
export function reading(
  meter: Meter.Named,
  subject: string,
  state: { readonly used: bigint; readonly held: bigint; readonly limit: bigint },
): Reading {
  const [used, held, limit] = [state.used, state.held, state.limit].map(String) as [
    string,
    string,
    string,
  ]
  const { unit } = meter
  const key = Meter.keyOf(meter, subject)
  return 'windowMs' in meter
    ? { held, key, limit, unit, used, windowMs: meter.windowMs }
    : { held, key, limit, period: meter.period, unit, used }
}
