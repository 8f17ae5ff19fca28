/**
 * @module Usage: what has been authorised, captured and voided, as plain state owned by the caller's fold.
 * The entries are the truth: one for each id, remembered beyond settlement. Meters are sums over them,
 * kept up as entries change and made from them when a rule measures something new, so such a rule counts
 * as if it had been there from the start.
 */
import { assert } from '../kernel/Assert.ts'
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import * as Decision from './Decision.ts'
import * as Meter from './Meter.ts'
import * as Request from './Request.ts'
import * as Untrusted from './Untrusted.ts'
import * as Window from './Window.ts'

/** `review` holds like `held` but cannot be captured; `denied` holds nothing. */
export type State = 'denied' | 'review' | 'held' | 'captured' | 'voided'

/** What is remembered of an id. Amounts in atoms of `asset`. */
export type Entry = Meter.Payment & {
  readonly state: State
  readonly digest: Hex
  /** As it was decided, under the policy of then; once settled, without the reasons of its rules. */
  readonly decision: Decision.Decision
  /** What left, and when; only of `captured`. */
  readonly captured?: { readonly atoms: bigint; readonly atMs: number }
}

/** Meters of one shape, by payee or agent. */
export type Family = {
  readonly shape: Meter.Shape
  readonly meters: Map<string, Sums>
}

type Sums = { held: bigint; readonly window: Window.Window }

/** All state of a budget. */
export type Usage = {
  /** The latest time seen: a clock that goes back frees nothing. */
  latestMs: number
  readonly entries: Map<Hex, Entry>
  readonly families: Map<string, Family>
}

/** Nothing used yet. */
export function empty(): Usage {
  return { latestMs: 0, entries: new Map(), families: new Map() }
}

/** The time that counts: the latest of all seen. */
export function time(usage: Usage, nowMs: number): number {
  assert(Number.isSafeInteger(nowMs) && nowMs >= 0, 'time as whole milliseconds since 1970')
  return Math.max(usage.latestMs, nowMs)
}

/** What a meter says, as if `without` were not there. Changes nothing. */
export function read(
  usage: Usage,
  shape: Meter.Shape,
  options: { readonly subject: string; readonly nowMs: number; readonly without?: Entry },
): Meter.Standing {
  const { subject, nowMs, without } = options
  return standing(family(usage, Meter.named(shape)), subject, nowMs, without)
}

/** A meter's family, as it is kept up or as it would be. */
export function family(usage: Usage, meter: Meter.Named): Family {
  return usage.families.get(meter.key) ?? sumUp(usage, meter)
}

/** What a meter of a family says, as if `without` were not there. */
export function standing(
  { shape, meters }: Family,
  subject: string,
  nowMs: number,
  without?: Entry,
): Meter.Standing {
  const sums = meters.get(subject)
  if (sums === undefined) return nothing
  const used = Window.used(sums.window, nowMs)
  const isOwn = without !== undefined && Meter.subject(shape, without) === subject
  return { used, held: isOwn ? sums.held - heldAmount(shape, without) : sums.held }
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
  usage.entries.set(id, after)
}

/** Payees or agents that a shape's meters have counted. */
export function subjects(usage: Usage, shape: Meter.Shape): readonly string[] {
  return [...family(usage, Meter.named(shape)).meters.keys()].sort()
}

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
    sums.held -= freed
    assert(sums.held >= 0n, 'a meter that holds no less than nothing')
    // Nearly always it is settled for whom it was held: one look for both.
    if (captured !== undefined && Meter.subject(shape, before!) === Meter.subject(shape, after)) {
      Window.add(sums.window, captured.atMs, Meter.amount(shape, after, captured.atoms))
      return
    }
  }
  if (held !== 0n) sumsOf(shape, meters, after).held += held
  if (captured === undefined) return
  const { window } = sumsOf(shape, meters, after)
  Window.add(window, captured.atMs, Meter.amount(shape, after, captured.atoms))
}

function sumsOf(shape: Meter.Shape, meters: Family['meters'], entry: Entry): Sums {
  const subject = Meter.subject(shape, entry)!
  const found = meters.get(subject)
  if (found !== undefined) return found
  const sums = { held: 0n, window: Window.open(shape.windowMs) }
  meters.set(subject, sums)
  return sums
}

function heldAmount(shape: Meter.Shape, entry: Entry): bigint {
  const holds = entry.state === 'held' || entry.state === 'review'
  return holds ? Meter.amount(shape, entry, entry.atoms) : 0n
}

/** As plain JSON, amounts as decimal strings; meters are left out, being sums. */
export function toJson(usage: Usage): unknown {
  const entries = [...usage.entries].map(([id, { atoms, captured, ...entry }]) => ({
    id,
    ...entry,
    decision: Decision.plain(entry.decision),
    atoms: atoms.toString(),
    ...(captured === undefined
      ? {}
      : { captured: { atoms: captured.atoms.toString(), atMs: captured.atMs } }),
  }))
  return { latestMs: usage.latestMs, entries }
}

/** Reads what {@link toJson} wrote, from an untrusted place. Throws `InputError`. */
export function fromJson(value: unknown): Usage {
  const { latestMs, entries } = Untrusted.record(value, 'usage', ['latestMs', 'entries'])
  if (!Array.isArray(entries)) throw new InputError('expected the entries of usage as a list')
  const usage = { ...empty(), latestMs: whole(latestMs, 'latestMs') }
  for (const item of entries) {
    const [id, entry] = entryFromJson(item, usage.latestMs)
    if (usage.entries.has(id)) throw new InputError(`expected one entry for ${id}, got two`)
    usage.entries.set(id, entry)
  }
  return usage
}

const states = ['denied', 'review', 'held', 'captured', 'voided'] as const
const entryKeys = ['id', 'state', 'digest', 'decision', 'asset', 'atoms', 'payee', 'agent']

function entryFromJson(value: unknown, latestMs: number): [Hex, Entry] {
  const json = Untrusted.record(value, 'an entry', entryKeys, ['captured'])
  const state = Untrusted.oneOf(json.state, 'state', states)
  const { asset, payee, agent } = json
  if (typeof asset !== 'string' || typeof payee !== 'string' || typeof agent !== 'string')
    throw new InputError('expected asset, payee and agent of an entry as text')
  const atoms = amount(json.atoms)
  const payment = { asset, atoms, payee, agent }
  const decision = Decision.fromJson(json.decision)
  const entry = { state, digest: word(json.digest, 'digest'), decision, ...payment }
  if ((state === 'captured') !== (json.captured !== undefined))
    throw new InputError('expected captured of captured entries, and of no others')
  if (json.captured === undefined) return [word(json.id, 'id'), entry]
  const left = Untrusted.record(json.captured, 'captured', ['atoms', 'atMs'])
  const captured = { atoms: amount(left.atoms), atMs: whole(left.atMs, 'atMs') }
  if (captured.atoms > atoms || captured.atMs > latestMs)
    throw new InputError('expected no more captured than was held, no later than latestMs')
  return [word(json.id, 'id'), { ...entry, captured }]
}

function amount(value: unknown): bigint {
  const atoms = Request.atoms(Money.atoms(value, 'atoms'))
  if (atoms === undefined) throw new InputError('expected atoms below 2^256')
  return atoms
}

function whole(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw new InputError(`expected ${what} as whole milliseconds, got ${Untrusted.show(value)}`)
  return value as number
}

function word(value: unknown, what: string): Hex {
  const word = Request.word(value)
  if (word === undefined || word !== value)
    throw new InputError(`expected ${what} as 32 bytes of lower-case hex`)
  return word
}
