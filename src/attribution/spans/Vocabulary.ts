/**
 * @module A segment's vocabulary: real strings ↔ small integers, in order of first appearance. Tokens are
 * compared letter by letter, never by hash alone, so no forged collision can make two words one.
 */
import { assert } from '../../kernel/Assert.ts'
import { fold } from './Tokenizer.ts'

/** Plain columns; only {@link intern} writes them. Id 0 is nobody's: it separates documents. */
export type Vocabulary = {
  /** Number of ids, the separator included. */
  size: number
  /** All words one after another, folded UTF-16. */
  units: Uint16Array
  /** Id → offset of its word in `units`; id + 1 → its end. */
  bounds: Int32Array
  /** Id → hash as {@link Tokenizer.scan} gives it. */
  hashes: Int32Array
  /** Open addressing with linear probing; 0 = free. */
  slots: Int32Array
  /** Words whose slots were crowded: a text made of colliding words must not take quadratic time. */
  crowded: Map<string, number>
}

const maxProbes = 32

/** A vocabulary of the separator alone. */
export function create(): Vocabulary {
  return {
    size: 1,
    units: new Uint16Array(1 << 14),
    bounds: new Int32Array(1 << 12),
    hashes: new Int32Array(1 << 12),
    slots: new Int32Array(1 << 13),
    crowded: new Map(),
  }
}

/** Id of the token `text[start, end)`, or 0 when the vocabulary does not have it. */
export function find(
  vocabulary: Vocabulary,
  text: string,
  start: number,
  end: number,
  hash: number,
): number {
  const { slots, hashes } = vocabulary
  const mask = slots.length - 1
  for (let probe = 0; probe < maxProbes; probe++) {
    const id = slots[(hash + probe) & mask]!
    if (id === 0) return 0
    if (hashes[id] === hash && same(vocabulary, id, text, start, end)) return id
  }
  return vocabulary.crowded.get(fold(text.slice(start, end))) ?? 0
}

/** Id of the token `text[start, end)`, a new one when it was never seen. */
export function intern(
  vocabulary: Vocabulary,
  text: string,
  start: number,
  end: number,
  hash: number,
): number {
  const known = find(vocabulary, text, start, end, hash)
  if (known !== 0) return known
  if ((vocabulary.size + 2) * 2 > vocabulary.slots.length) grow(vocabulary)
  const id = vocabulary.size++
  const from = vocabulary.bounds[id]!
  const to = from + end - start
  if (to > vocabulary.units.length) {
    const units = new Uint16Array(Math.max(to, vocabulary.units.length * 2))
    units.set(vocabulary.units)
    vocabulary.units = units
  }
  for (let index = 0; index < end - start; index++)
    vocabulary.units[from + index] = folded(text.charCodeAt(start + index))
  vocabulary.bounds[id + 1] = to
  vocabulary.hashes[id] = hash
  place(vocabulary, id)
  return id
}

/** The word of an id. */
export function text(vocabulary: Vocabulary, id: number): string {
  assert(id > 0 && id < vocabulary.size, 'an id of the vocabulary')
  const { units, bounds } = vocabulary
  let word = ''
  for (let at = bounds[id]!; at < bounds[id + 1]!; at += 4096)
    word += String.fromCharCode(...units.subarray(at, Math.min(bounds[id + 1]!, at + 4096)))
  return word
}

function same(vocabulary: Vocabulary, id: number, text: string, start: number, end: number) {
  const { units, bounds } = vocabulary
  const from = bounds[id]!
  if (bounds[id + 1]! - from !== end - start) return false
  for (let index = start; index < end; index++)
    if (units[from + index - start] !== folded(text.charCodeAt(index))) return false
  return true
}

function folded(unit: number): number {
  return unit >= 65 && unit <= 90 ? unit + 32 : unit
}

function place(vocabulary: Vocabulary, id: number): void {
  const { slots, hashes } = vocabulary
  const mask = slots.length - 1
  const hash = hashes[id]!
  for (let probe = 0; probe < maxProbes; probe++) {
    const slot = (hash + probe) & mask
    if (slots[slot] === 0) {
      slots[slot] = id
      return
    }
  }
  vocabulary.crowded.set(text(vocabulary, id), id)
}

function grow(vocabulary: Vocabulary): void {
  const capacity = vocabulary.slots.length
  const bounds = new Int32Array(capacity)
  bounds.set(vocabulary.bounds)
  const hashes = new Int32Array(capacity)
  hashes.set(vocabulary.hashes)
  Object.assign(vocabulary, { bounds, hashes, slots: new Int32Array(capacity * 2) })
  vocabulary.crowded.clear()
  for (let id = 1; id < vocabulary.size; id++) place(vocabulary, id)
}
