/**
 * @module Frontier: the right edge of a log, all that is needed to go on from there: the hashes of the
 * full subtrees its records make up (a compact range, RFC 9162 § 2.1), a handful however long the log.
 */
import { assert } from '../kernel/Assert.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Shape from './Shape.ts'

/** The edge of a log of `size` records. */
export type Frontier = {
  readonly size: number
  /** One hash of 32 bytes for each bit set in `size`, the largest subtree first. */
  readonly hashes: readonly Uint8Array[]
  /** Leaf hash of the last record: what the next is linked to. Absent of an empty log. */
  readonly last?: Uint8Array
}

/** Before the first record. */
export const empty: Frontier = { size: 0, hashes: [] }

/** The subtrees of a log of `size` records, largest first: 2^`level` leaves each, by index. */
export function subtrees(size: number): { readonly level: number; readonly index: number }[] {
  const list: { level: number; index: number }[] = []
  for (let level = Math.floor(Math.log2(Math.max(size, 1))); level >= 0; level--) {
    const index = Math.floor(size / 2 ** level)
    if (index % 2 === 1) list.push({ level, index: index - 1 })
  }
  return list
}

/** Root of a log, from its frontier. */
export function root(frontier: Frontier): Uint8Array {
  const [last, ...rest] = [...frontier.hashes].reverse()
  if (last === undefined) return Hash.sha256(new Uint8Array())
  return rest.reduce((right, left) => Merkle.node(left, right), last)
}

const code = 'frontier-malformed'
const members = ['hashes', 'last', 'size']

/** A frontier as plain JSON. */
export function toJson(frontier: Frontier) {
  const { size, hashes, last } = frontier
  assert(hashes.length === subtrees(size).length, 'a hash for each subtree of a frontier')
  return {
    size,
    hashes: hashes.map(Hex.encode),
    ...(last === undefined ? {} : { last: Hex.encode(last) }),
  }
}

/** Reads what {@link toJson} wrote. Throws `InputError` (`frontier-malformed`). */
export function fromJson(value: unknown): Frontier {
  const { size, hashes, last } = Shape.object(value, { what: 'a frontier', members, code })
  if (!Shape.isIndex(size) || size > 2 ** 31) throw Shape.refuse(code, 'size as a number', size)
  if (!Array.isArray(hashes) || !hashes.every(Shape.isHash))
    throw Shape.refuse(code, 'hashes of 32 bytes', hashes)
  if (hashes.length !== subtrees(size).length)
    throw Shape.refuse(code, `${subtrees(size).length} hashes`, hashes.length)
  if (size === 0 && last === undefined) return empty
  if (size === 0 || !Shape.isHash(last)) throw Shape.refuse(code, 'last as a hash', last)
  return { size, hashes: hashes.map(Hex.decode), last: Hex.decode(last) }
}
