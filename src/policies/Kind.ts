/**
 * @module Kinds of rule: what each file in `rules/` answers for its one sentence. A kind is reading,
 * writing and judging; it holds no state and sees a request only as facts.
 */
import type * as Asset from '../kernel/Asset.ts'
import type { Finding, Reading } from './Decision.ts'
import * as Meter from './Meter.ts'
import type { Facts } from './Request.ts'
import type { Cursor } from './Sentence.ts'

/** What a rule judges by: the request and what the meters say. */
export type Context = {
  readonly facts: Facts
  readonly read: (shape: Meter.Shape, subject: string) => { used: bigint; held: bigint }
}

/** A rule's data compiled to a function of the context. */
export type Judge = (context: Context) => Finding

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
  /** What it measures, if it measures. */
  readonly shape: (data: Data, asset: Asset.Asset) => Meter.Shape | undefined
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

/** What a kind that measures nothing answers for its shape. */
export function unmetered(): undefined {
  return undefined
}

/** A denial because the request leaves a fact out. */
export function missing(sentence: string, fact: string): Finding {
  return { outcome: 'deny', because: `${sentence}: the request states no valid ${fact}` }
}

/** Compares what is asked, used and held with a limit: at the limit is within it. */
export function judgeMeter(options: {
  readonly sentence: string
  readonly shape: Meter.Shape
  readonly limit: bigint
  readonly asked: (facts: Facts) => bigint | undefined
  readonly show: (amount: bigint) => string
}): Judge {
  const { sentence, shape, limit, show } = options
  return ({ facts, read }) => {
    const asked = options.asked(facts)
    if (asked === undefined) return missing(sentence, 'amount')
    const subject = Meter.subject(shape, facts)
    if (subject === undefined) return missing(sentence, shape.each!)
    const { used, held } = read(shape, subject)
    return {
      outcome: used + held + asked <= limit ? 'allow' : 'deny',
      because: `${sentence}: ${show(asked)} asked, ${show(used)} used, ${show(held)} held`,
      meter: reading(shape, subject, { used, held, limit }),
    }
  }
}

/** A meter's state as plain JSON. */
export function reading(
  shape: Meter.Shape,
  subject: string,
  state: { readonly used: bigint; readonly held: bigint; readonly limit: bigint },
): Reading {
  const key = Meter.key(shape)
  return {
    key: subject === '' ? key : `${key} ${subject}`,
    unit: shape.unit,
    windowMs: shape.windowMs,
    used: state.used.toString(),
    held: state.held.toString(),
    limit: state.limit.toString(),
  }
}
