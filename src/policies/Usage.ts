/**
 * @module Usage: what has been authorised, captured and voided, as plain state owned by the caller's fold.
 * The entries are the truth: one for each id, remembered beyond settlement. Meters are sums over them,
 * kept up as entries change and made from them when a rule measures something new, so such a rule counts
 * as if it had been there from the start.
 */
import { assert } from '../kernel/Assert.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Decision from './Decision.ts'
import type * as Freeze from './Freeze.ts'
import * as Meter from './Meter.ts'
import type { Facts } from './Request.ts'
import * as Span from './Span.ts'

/** `review` holds, until it expires, like `held` but cannot be captured; `denied` holds nothing. */
export type State = 'denied' | 'review' | 'held' | 'captured' | 'voided'

/** What is remembered of an id. Amounts in atoms of `asset`. */
export type Entry = Meter.Payment & {
  readonly state: State
  readonly digest: Hex
  /** As it was decided, under the policy of then; once settled, without the reasons of its rules. */
  readonly decision: Decision.Decision
  /** What left, and when; only of `captured`. */
  readonly captured?: { readonly atoms: bigint; readonly atMs: number } | undefined
}

/** Meters of one shape, by subject. */
export type Family = {
  readonly shape: Meter.Shape
  readonly meters: Map<string, Sums>
}

type Sums = { held: bigint; readonly tally: Span.Tally }

/** All state of a budget. */
export type Usage = {
  /** The latest time seen: a clock that goes back frees nothing. */
  latestMs: number
  readonly entries: Map<Hex, Entry>
  /** Ids under review, and when nobody will have answered. */
  readonly reviews: Map<Hex, number>
  /** Ids that slices of this budget asked for: theirs to settle. */
  readonly slices: Set<Hex>
  /** What may not pay now, by {@link Freeze.key}. */
  readonly freezes: Map<string, Freeze.Freeze>
  readonly families: Map<string, Family>
}

/** An entry of a payment. Of one shape whatever it has: there are many, and meters read them often. */
export function entry(payment: Meter.Payment, made: Made): Entry {
  return {
    state: made.state,
    digest: made.digest,
    decision: made.decision,
    captured: made.captured,
    asset: payment.asset,
    atoms: payment.atoms,
    payee: payment.payee,
    agent: payment.agent,
    host: payment.host,
    model: payment.model,
    adapter: payment.adapter,
    datanet: payment.datanet,
    tool: payment.tool,
    category: payment.category,
    deviceMs: payment.deviceMs,
    counted: payment.counted,
  }
}

type Made = Pick<Entry, 'state' | 'digest' | 'decision' | 'captured'>

/** What an entry remembers of a request as one level counted it. */
export function payment(facts: Facts, unit: string): Meter.Payment {
  const { atoms = 0n, askedAtoms, payee = '', agent = '', deviceMs } = facts
  const { host, model, adapter, datanet, tool, category } = facts
  // The meters' own string, where it is the same: they compare it often.
  const asset = facts.asset === unit ? unit : (facts.asset ?? '')
  return {
    asset,
    atoms: askedAtoms ?? atoms,
    payee,
    agent,
    host,
    model,
    adapter,
    datanet,
    tool,
    category,
    deviceMs,
    counted: askedAtoms === undefined ? undefined : { asset: unit, atoms },
  }
}

/** Nothing used yet. */
export function empty(): Usage {
  const [entries, reviews, freezes, families] = [new Map(), new Map(), new Map(), new Map()]
  return { latestMs: 0, entries, reviews, slices: new Set(), freezes, families }
}

/** The time that counts: the latest of all seen. */
export function time(usage: Usage, nowMs: number): number {
  assert(Number.isSafeInteger(nowMs) && nowMs >= 0, 'time as whole milliseconds since 1970')
  return Math.max(usage.latestMs, nowMs)
}

/** What a meter says, as if those `without` were not there. Changes nothing. */
export function read(
  usage: Usage,
  shape: Meter.Shape,
  options: {
    readonly subject: string
    readonly nowMs: number
    readonly without?: readonly Entry[]
  },
): Meter.Standing {
  const { subject, nowMs, without } = options
  return standing(family(usage, Meter.named(shape)), subject, nowMs, without)
}

/** A meter's family, as it is kept up or as it would be. */
export function family(usage: Usage, meter: Meter.Named): Family {
  return usage.families.get(meter.key) ?? sumUp(usage, meter)
}

/** What a meter of a family says, as if those `without` were not there. */
export function standing(
  { shape, meters }: Family,
  subject: string,
  nowMs: number,
  without: readonly Entry[] = [],
): Meter.Standing {
  const sums = meters.get(subject)
  if (sums === undefined) return nothing
  const used = Span.used(sums.tally, nowMs)
  let { held } = sums
  for (const entry of without)
    if (Meter.subject(shape, entry) === subject) held -= heldAmount(shape, entry)
  return { used, held }
}

const nothing: Meter.Standing = Object.freeze({ used: 0n, held: 0n })

/** Starts to keep a meter up, from all that is remembered. */
export function measure(usage: Usage, shape: Meter.Shape): void {
  const meter = Meter.named(shape)
  usage.families.set(meter.key, family(usage, meter))
}

/** Puts an entry in the place of what stood under its id, on every meter at once. */
export function put(usage: Usage, id: Hex, entry: Entry): void {
  replace(usage, id, usage.entries.get(id), entry)
}

/** {@link put} for those who know what stands under the id. */
export function replace(usage: Usage, id: Hex, before: Entry | undefined, after: Entry): void {
  assert(before?.captured === undefined, 'a captured entry that is never replaced')
  for (const family of usage.families.values()) count(family, before, after)
  if (before?.state === 'review') usage.reviews.delete(id)
  usage.entries.set(id, after)
}

/** Reviews that nobody answered in time. Nothing was signed under them. */
export function expired({ reviews, entries }: Usage, nowMs: number): readonly [Hex, Entry][] {
  if (reviews.size === 0) return none
  return [...reviews].flatMap(([id, expiresAtMs]) =>
    expiresAtMs <= nowMs ? [[id, entries.get(id)!] as [Hex, Entry]] : [],
  )
}

const none: readonly [Hex, Entry][] = []

function sumUp(usage: Usage, { key: _, ...shape }: Meter.Named): Family {
  const family: Family = { shape, meters: new Map() }
  for (const entry of usage.entries.values()) count(family, undefined, entry)
  return family
}

function count({ shape, meters }: Family, before: Entry | undefined, after: Entry): void {
  const freed = before === undefined ? 0n : heldAmount(shape, before)
  const held = heldAmount(shape, after)
  const { captured } = after
  if (freed !== 0n) {
    const sums = sumsOf(shape, meters, before!)
    if (sums !== undefined) {
      sums.held -= freed
      assert(sums.held >= 0n, 'a meter that holds no less than nothing')
      // Nearly always it is settled for whom it was held: one look for both.
      if (captured !== undefined && Meter.subject(shape, before!) === Meter.subject(shape, after)) {
        Span.add(sums.tally, captured.atMs, Meter.amount(shape, after, captured.atoms))
        return
      }
    }
  }
  if (held === 0n && captured === undefined) return
  const sums = sumsOf(shape, meters, after)
  if (sums === undefined) return
  sums.held += held
  if (captured !== undefined)
    Span.add(sums.tally, captured.atMs, Meter.amount(shape, after, captured.atoms))
}

/** The meter a payment counts on; none if it was made before anybody asked for its subject. */
function sumsOf(shape: Meter.Shape, meters: Family['meters'], entry: Entry): Sums | undefined {
  const subject = Meter.subject(shape, entry)
  if (subject === undefined) return undefined
  const found = meters.get(subject)
  if (found !== undefined) return found
  const sums = { held: 0n, tally: Span.open(shape) }
  meters.set(subject, sums)
  return sums
}

function heldAmount(shape: Meter.Shape, entry: Entry): bigint {
  const holds = entry.state === 'held' || entry.state === 'review'
  return holds ? Meter.amount(shape, entry, entry.atoms) : 0n
}
