/**
 * @module Record: one decision or one event of money, as it stands in a log. Its text is canonical
 * JSON (RFC 8785), so that one hash names it; it is linked to the record before it and names its
 * causes.
 */
import * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Shape from './Shape.ts'

/**
 * A record that led to another: the address of its log's owner, in lower case, and its index there.
 */
export type Cause = { readonly origin: string; readonly leaf: number }

/** What every event has. The closed union of what can happen lives upstairs, in `economy/Event`. */
export type Event = { readonly type: string }

/** A record of a log. */
export type Record<E extends Event = Event> = {
  readonly v: 1
  /** Index in the log, from 0. */
  readonly leaf: number
  /** Lower-case address of the log's owner. */
  readonly origin: string
  /** Milliseconds since 1970, UTC, by the owner's clock. */
  readonly atMs: number
  /** {@link hash} of the record before; {@link genesis} for the first. */
  readonly previous: Hex.Hex
  /** Idempotency key: unique in the log. */
  readonly id: string
  /** Within a record's own log, causes come before it. */
  readonly causes: readonly Cause[]
  readonly event: E
}

/** What the first record of a log is linked to: 32 zero bytes. */
export const genesis: Hex.Hex = Hex.encode(new Uint8Array(32))

const code = 'record-malformed'
const members = ['atMs', 'causes', 'event', 'id', 'leaf', 'origin', 'previous', 'v']

/** Canonical JSON of a record. Throws `InputError` unless the record is well formed. */
export function encode(record: Record): string {
  return Json.encode(validate(record))
}

/** What stands in a record whatever its place in a log: checked, and its canonical text. */
export type Contents = {
  readonly causes: readonly Cause[]
  /** Canonical JSON of `{ causes, event }`. */
  readonly text: string
}

/** Checks and copies causes and event. Throws `InputError` unless they are well formed. */
export function contents(given: Pick<Record, 'causes' | 'event'>): Contents {
  const { causes, event } = given
  const text = Json.encode({ causes, event })
  expectCauses(causes, anywhere)
  expectEvent(event)
  return { causes: causes.map(({ origin, leaf }) => ({ origin, leaf })), text }
}

/** No log's own place: here no cause comes too late. */
const anywhere: Cause = { origin: '', leaf: 0 }

/** A place in a log. */
export type Place = Pick<Record, 'leaf' | 'origin' | 'atMs' | 'previous' | 'id'>

/** The text of a record at its place: what {@link encode} gives, without encoding its contents again. */
export function compose(place: Place, contents: Contents): string {
  expectPlace(place)
  expectCauses(contents.causes, place)
  const { leaf, origin, atMs, previous, id } = place
  const inside = contents.text.slice(1, -1)
  return `{"atMs":${atMs},${inside},"id":${JSON.stringify(id)},"leaf":${leaf},"origin":"${origin}","previous":"${previous}","v":1}`
}

/**
 * Reads a record's text. Throws `InputError` unless the shape is right and the text is canonical,
 * so that no two texts are the same record. Of the event only its type is looked at: the rest is
 * judged upstairs.
 */
export function decode<E extends Event = Event>(text: string): Record<E> {
  const record = validate(Json.parse(text, 'a record'))
  if (Json.encode(record) !== text) throw Shape.refuse(code, 'a record in canonical JSON', text)
  return record as Record<E>
}

/**
 * Leaf hash of a record's text (RFC 6962 § 2.1: SHA-256 of 0x00 and the text's UTF-8), 32 bytes.
 */
export function hash(text: string): Uint8Array {
  return Merkle.leafOfText(text)
}

/** Whether `value` is an origin: an address of 20 bytes in lower case. */
export function isOrigin(value: unknown): value is Hex.Hex {
  return typeof value === 'string' && /^0x[0-9a-f]{40}$/.test(value)
}

/** Whether `value` can be a record's id: 1 to 256 characters, none of them a control character. */
export function isId(value: unknown): value is string {
  if (typeof value !== 'string') return false
  // Most are a few letters and digits: to see that costs less than the question in full.
  if (/^[\x20-\x7e]{1,256}$/.test(value)) return true
  return value.isWellFormed() && /^\P{Cc}{1,256}$/u.test(value)
}

function validate(value: unknown): Record {
  const record = Shape.object(value, { what: 'a record', members, code })
  const { v, causes } = record
  if (v !== 1) throw Shape.refuse(code, 'a record of version 1', v)
  expectPlace(record)
  expectCauses(causes, record as Cause)
  expectEvent(record.event)
  return value as Record
}

function expectPlace(place: { readonly [member in keyof Place]?: unknown }): void {
  const { leaf, origin, atMs, previous, id } = place
  if (!Shape.isIndex(leaf)) throw Shape.refuse(code, 'leaf as an index', leaf)
  if (!isOrigin(origin)) throw Shape.refuse(code, 'origin as a lower-case address', origin)
  if (!Shape.isIndex(atMs)) throw Shape.refuse(code, 'atMs as milliseconds since 1970', atMs)
  if (!Shape.isHash(previous))
    throw Shape.refuse(code, 'previous as a lower-case hash of 32 bytes', previous)
  if (!isId(id)) throw Shape.refuse(code, 'id as 1 to 256 printable characters', id)
}

function expectEvent(event: unknown): void {
  const { type } = Shape.object(event, { what: 'event', code })
  if (typeof type !== 'string' || type === '')
    throw Shape.refuse(code, 'event.type as a name', type)
}

function expectCauses(causes: unknown, of: Cause): void {
  if (!Array.isArray(causes)) throw Shape.refuse(code, 'causes as a list', causes)
  for (const cause of causes) {
    const { origin, leaf } = Shape.object(cause, { what: 'a cause', members: causeMembers, code })
    if (!isOrigin(origin))
      throw Shape.refuse(code, 'the origin of a cause as a lower-case address', origin)
    if (!Shape.isIndex(leaf)) throw Shape.refuse(code, 'the leaf of a cause as an index', leaf)
    if (origin === of.origin && leaf >= of.leaf)
      throw Shape.refuse(code, `a cause that comes before leaf ${of.leaf}, its effect`, leaf)
  }
}

const causeMembers = ['leaf', 'origin']
