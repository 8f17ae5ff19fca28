/** @module Usage as plain JSON, and back from an untrusted place. Meters are left out, being sums. */
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import * as Decision from './Decision.ts'
import * as Freeze from './Freeze.ts'
import type * as Meter from './Meter.ts'
import * as Request from './Request.ts'
import * as Untrusted from './Untrusted.ts'
import * as Usage from './Usage.ts'

/** As plain JSON, amounts as decimal strings. */
export function toJson({ latestMs, entries, reviews, slices, freezes }: Usage.Usage): unknown {
  return {
    latestMs,
    entries: [...entries].map(([id, entry]) => entryToJson(id, entry, reviews.get(id))),
    freezes: [...freezes.values()],
    ...(slices.size === 0 ? {} : { slices: [...slices] }),
  }
}

function entryToJson(id: Hex, entry: Usage.Entry, expiresAtMs: number | undefined): unknown {
  const { atoms, captured, decision, deviceMs, counted, ...rest } = entry
  const amounts = (part: { atoms: bigint }) => ({ ...part, atoms: part.atoms.toString() })
  return {
    id,
    ...rest,
    decision: Decision.plain(decision),
    atoms: atoms.toString(),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(deviceMs === undefined ? {} : { deviceMs: deviceMs.toString() }),
    ...(counted === undefined ? {} : { counted: amounts(counted) }),
    ...(captured === undefined ? {} : { captured: amounts(captured) }),
  }
}

/** Reads what {@link toJson} wrote. Throws `InputError`. */
export function fromJson(value: unknown): Usage.Usage {
  const json = Untrusted.record(value, 'usage', ['latestMs', 'entries'], ['freezes', 'slices'])
  const { entries, freezes = [], slices = [] } = json
  if (!Array.isArray(entries)) throw new InputError('expected the entries of usage as a list')
  if (!Array.isArray(freezes)) throw new InputError('expected the freezes of usage as a list')
  const usage = { ...Usage.empty(), latestMs: whole(json.latestMs, 'latestMs') }
  if (!Array.isArray(slices)) throw new InputError('expected the slices of usage as a list')
  for (const item of entries) addEntry(usage, item)
  for (const item of slices) {
    const id = word(item, 'an id of slices')
    if (!usage.entries.has(id)) throw new InputError(`expected an entry for ${id} of slices`)
    usage.slices.add(id)
  }
  for (const item of freezes) {
    const freeze = freezeFromJson(item)
    usage.freezes.set(Freeze.key(freeze.target), freeze)
  }
  return usage
}

function freezeFromJson(value: unknown): Freeze.Freeze {
  const json = Untrusted.record(value, 'a freeze', ['target', 'by', 'because', 'atMs'])
  const [by, because] = [text(json.by, 'by'), text(json.because, 'because')]
  return { target: Freeze.fromJson(json.target), by, because, atMs: whole(json.atMs, 'atMs') }
}

const states = ['denied', 'review', 'held', 'captured', 'voided'] as const
const entryKeys = ['id', 'state', 'digest', 'decision', 'asset', 'atoms', 'payee', 'agent']
const nameKeys = ['host', 'model', 'adapter', 'datanet', 'tool', 'category'] as const

function addEntry(usage: Usage.Usage, value: unknown): void {
  const more = [...nameKeys, 'deviceMs', 'counted', 'captured', 'expiresAtMs']
  const json = Untrusted.record(value, 'an entry', entryKeys, more)
  const id = word(json.id, 'id')
  if (usage.entries.has(id)) throw new InputError(`expected one entry for ${id}, got two`)
  const state = Untrusted.oneOf(json.state, 'state', states)
  if ((state === 'captured') !== (json.captured !== undefined))
    throw new InputError('expected captured of captured entries, and of no others')
  if ((state === 'review') !== (json.expiresAtMs !== undefined))
    throw new InputError('expected expiresAtMs of entries under review, and of no others')
  const decision = Decision.fromJson(json.decision)
  const entry = { state, digest: word(json.digest, 'digest'), decision, ...payment(json) }
  usage.entries.set(id, json.captured === undefined ? entry : withCaptured(usage, entry, json))
  if (state === 'review') usage.reviews.set(id, whole(json.expiresAtMs, 'expiresAtMs'))
}

function withCaptured(
  { latestMs }: Usage.Usage,
  entry: Usage.Entry,
  json: Readonly<Record<string, unknown>>,
): Usage.Entry {
  const left = Untrusted.record(json.captured, 'captured', ['atoms', 'atMs'])
  const captured = { atoms: amount(left.atoms), atMs: whole(left.atMs, 'atMs') }
  if (captured.atoms > entry.atoms || captured.atMs > latestMs)
    throw new InputError('expected no more captured than was held, no later than latestMs')
  return { ...entry, captured }
}

function payment(json: Readonly<Record<string, unknown>>): Meter.Payment {
  const names = nameKeys.flatMap((key) =>
    json[key] === undefined ? [] : [[key, text(json[key], key)] as const],
  )
  const { deviceMs, counted } = json
  const worth =
    counted === undefined ? undefined : Untrusted.record(counted, 'counted', ['asset', 'atoms'])
  return {
    asset: text(json.asset, 'asset'),
    atoms: amount(json.atoms),
    payee: text(json.payee, 'payee'),
    agent: text(json.agent, 'agent'),
    ...Object.fromEntries(names),
    ...(deviceMs === undefined ? {} : { deviceMs: amount(deviceMs) }),
    ...(worth === undefined
      ? {}
      : { counted: { asset: text(worth.asset, 'asset'), atoms: amount(worth.atoms) } }),
  }
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new InputError(`expected ${what} as text`)
  return value
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
