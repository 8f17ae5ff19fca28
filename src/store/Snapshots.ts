/**
 * @module Snapshots: a state of the fold kept in a file beside its journal, bound to the log it is of: its
 * owner, size, root and right edge, and the code that folded it. What does not fit is named and not used;
 * the journal alone is the truth. With the log's key the file is sealed, so that nobody else can make one.
 */

import { z } from 'zod'
import type * as Snapshot from '../economy/Snapshot.ts'
import { deferred } from '../economy/Snapshot.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Frontier from '../provenance/Frontier.ts'
import type * as Note from '../provenance/Note.ts'
import * as Files from './Files.ts'

/** What a snapshot is of. */
export type Of = {
  readonly origin: Hex.Hex
  /** Digest of the code that folds. */
  readonly code: Hex.Hex
  /** Seals the file, and opens only what it sealed. Its signatures are deterministic (RFC 8032). */
  readonly signer?: Note.Signer | undefined
}

/** A kept state, as far as it can be judged without the journal. */
export type Found = {
  readonly kind: 'found'
  readonly frontier: Frontier.Frontier
  /** Time of the last record it covers. */
  readonly atMs: number
  /** Bytes of a section; undefined when there is none, or it is damaged. */
  section(name: string): Uint8Array | undefined
}

const hash = z.string().regex(/^0x[0-9a-f]{64}$/)
const head = z.strictObject({
  v: z.literal(1),
  origin: z.string(),
  code: hash,
  root: hash,
  frontier: z.unknown(),
  atMs: z.int().min(0),
  sections: z.array(z.strictObject({ name: z.string(), bytes: z.int().min(0), sha256: hash })),
})

const alignment = 8
const encoder = new TextEncoder()

/** Keeps a state, whole or not at all. Throws `BaseError` (`file-unwritable`). */
export function write(
  file: string,
  options: Of & {
    readonly frontier: Frontier.Frontier
    readonly atMs: number
    readonly sections: readonly Snapshot.Section[]
  },
): void {
  const { origin, code, signer, frontier, atMs, sections } = options
  const text = Json.encode({
    ...{ v: 1, origin, code, atMs },
    root: Hex.encode(Frontier.root(frontier)),
    frontier: Frontier.toJson(frontier),
    sections: sections.map(({ name, bytes }) => {
      return { name, bytes: bytes.length, sha256: Hex.encode(Hash.sha256(bytes)) }
    }),
  })
  const first = encoder.encode(`${seal(text, signer)}\n${text}\n`)
  const parts = [first, ...sections.map(({ bytes }) => bytes)]
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + padded(length), 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += padded(part.length)
  }
  Files.writeAtomic(file, whole, { mode: 0o600 })
}

/** Reads what {@link write} wrote; or says why it is not used. `none`: there is no such file. */
export function read(
  file: string,
  of: Of,
): Found | { readonly kind: 'none' } | { readonly kind: 'refused'; readonly because: string } {
  try {
    const bytes = Files.readBytes(file)
    return bytes === undefined ? { kind: 'none' } : parse(bytes, of)
  } catch (error) {
    return { kind: 'refused', because: (error as Error).message }
  }
}

function parse(bytes: Uint8Array, { origin, code, signer }: Of): Found {
  const ends = [bytes.indexOf(10), bytes.indexOf(10, bytes.indexOf(10) + 1)] as const
  if (ends[0] === -1 || ends[1] === -1) throw refuse('two lines before its sections')
  const [first, text] = [
    new TextDecoder().decode(bytes.subarray(0, ends[0])),
    new TextDecoder().decode(bytes.subarray(ends[0] + 1, ends[1])),
  ]
  if (first.split(' ')[0] !== seal(text).split(' ')[0]) throw refuse('the hash of its head')
  if (signer !== undefined && first !== seal(text, signer))
    throw refuse('the seal of this log’s key')
  const parsed = head.safeParse(Json.parse(text, 'the head of a snapshot'))
  if (!parsed.success) throw refuse(parsed.error.issues[0]!.message)
  const { data } = parsed
  if (data.origin !== origin) throw refuse(`a snapshot of ${origin}`, data.origin)
  if (data.code !== code) throw refuse('a snapshot by this version of the code', 'by another')
  const frontier = Frontier.fromJson(data.frontier)
  if (Hex.encode(Frontier.root(frontier)) !== data.root) throw refuse('the root of its frontier')
  const section = sectionsOf(bytes, padded(ends[1] + 1), data.sections)
  for (const { name } of data.sections)
    if (!deferred.includes(name) && section(name) === undefined)
      throw refuse(`the bytes of its section ${name}`)
  return { kind: 'found', frontier, atMs: data.atMs, section }
}

/** Each section is hashed when it is first asked for. */
function sectionsOf(
  bytes: Uint8Array,
  start: number,
  sections: z.infer<typeof head>['sections'],
): Found['section'] {
  const places = new Map<string, { at: number; length: number; sha256: string }>()
  let at = start
  for (const { name, bytes: length, sha256 } of sections) {
    places.set(name, { at, length, sha256 })
    at += padded(length)
  }
  const known = new Map<string, Uint8Array | undefined>()
  return (name) => {
    if (known.has(name)) return known.get(name)
    const place = places.get(name)
    const found = place && bytes.subarray(place.at, place.at + place.length)
    const isSound = found !== undefined && Hex.encode(Hash.sha256(found)) === place!.sha256
    known.set(name, isSound ? found : undefined)
    return known.get(name)
  }
}

/** The hash of a head, and the log owner's signature of it. */
function seal(text: string, signer?: Note.Signer): string {
  const digest = `requite-snapshot:${Hash.text(text)}`
  if (signer === undefined) return digest
  return `${digest} ${Hex.encode(signer.sign(encoder.encode(`${digest}\n`)))}`
}

function padded(length: number): number {
  return Math.ceil(length / alignment) * alignment
}

function refuse(expected: string, got = 'other'): InputError {
  return new InputError(`expected ${expected}, got ${got}`, { code: 'snapshot-malformed' })
}
