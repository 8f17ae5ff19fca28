/**
 * @module Merkle trees over SHA-256 as RFC 6962 § 2.1 writes them: leaf = H(0x00 ‖ data),
 * node = H(0x01 ‖ left ‖ right), the left subtree the largest power of two below the size.
 */
import { assert } from './Assert.ts'
import * as Hash from './Hash.ts'

/** Hash of a leaf's data. */
export function leaf(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(data.length + 1)
  bytes.set(data, 1)
  return Hash.sha256(bytes)
}

/** Hash of a leaf whose data is the UTF-8 of a text: what {@link leaf} gives, without a copy. */
export function leafOfText(text: string): Uint8Array {
  // No code unit takes more than three bytes.
  if (3 * text.length >= scratch.length) scratch = new Uint8Array(2 * (3 * text.length + 1))
  const { written } = encoder.encodeInto(text, scratch.subarray(1))
  return Hash.sha256(scratch.subarray(0, 1 + written))
}

const encoder = new TextEncoder()
/** Its first byte is 0 and stays so: it is the mark of a leaf. */
let scratch = new Uint8Array(1 << 16)

/** Hash of two subtrees. */
export function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  assert(left.length === 32 && right.length === 32, 'hashes of 32 bytes')
  inner.set(left, 1)
  inner.set(right, 33)
  return Hash.sha256(inner)
}

/** 0x01, the left hash, the right hash: filled anew each time. */
const inner = new Uint8Array(65).fill(1, 0, 1)

/** Root of leaf hashes; of none, the hash of nothing. */
export function root(leaves: readonly Uint8Array[]): Uint8Array {
  return leaves.length === 0 ? Hash.sha256(new Uint8Array()) : subtree(leaves, 0, leaves.length)
}

/** The audit path of leaf `index`, nearest sibling first (RFC 6962 § 2.1.1). */
export function inclusion(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  assert(index >= 0 && index < leaves.length, 'an index inside the tree')
  const path: Uint8Array[] = []
  let [low, high] = [0, leaves.length]
  while (high - low > 1) {
    const middle = low + split(high - low)
    if (index < middle) {
      path.push(subtree(leaves, middle, high))
      high = middle
    } else {
      path.push(subtree(leaves, low, middle))
      low = middle
    }
  }
  return path.reverse()
}

/** Whether `path` proves that `leafHash` stands at `index` of a tree of `size` leaves with `root`. */
export function verifyInclusion(
  proof: { leafHash: Uint8Array; index: number; size: number; path: readonly Uint8Array[] },
  expectedRoot: Uint8Array,
): boolean {
  if (!Number.isSafeInteger(proof.index) || !Number.isSafeInteger(proof.size)) return false
  if (proof.index < 0 || proof.index >= proof.size) return false
  if (proof.leafHash.length !== 32) return false
  let [at, last] = [proof.index, proof.size - 1]
  let hash = proof.leafHash
  for (const sibling of proof.path) {
    if (last === 0 || sibling.length !== 32) return false
    if (at % 2 === 1 || at === last) {
      hash = node(sibling, hash)
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2)
        last = Math.floor(last / 2)
      }
    } else hash = node(hash, sibling)
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && equal(hash, expectedRoot)
}

/**
 * Proof that the first `from` leaves of a tree are the beginning of all its leaves (RFC 6962 § 2.1.2).
 */
export function consistency(leaves: readonly Uint8Array[], from: number): Uint8Array[] {
  assert(from > 0 && from <= leaves.length, 'a former size of the tree')
  const path: Uint8Array[] = []
  let [low, high] = [0, leaves.length]
  while (from < high) {
    const middle = low + split(high - low)
    if (from <= middle) {
      path.push(subtree(leaves, middle, high))
      high = middle
    } else {
      path.push(subtree(leaves, low, middle))
      low = middle
    }
  }
  // A subtree that begins with the tree is the former tree itself: its root is known.
  if (low > 0) path.push(subtree(leaves, low, high))
  return path.reverse()
}

/**
 * Whether `path` proves that a tree of `from` leaves with `fromRoot` is the beginning of one of `size`
 * leaves with `root` (RFC 9162 § 2.1.4.2). Every tree begins with the empty one, by an empty path.
 */
export function verifyConsistency(
  proof: { from: number; size: number; path: readonly Uint8Array[] },
  roots: { fromRoot: Uint8Array; root: Uint8Array },
): boolean {
  const { from, size, path } = proof
  const { fromRoot, root: expected } = roots
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(size)) return false
  if (from < 0 || from > size || path.some((hash) => hash.length !== 32)) return false
  if (from === 0) return path.length === 0 && equal(fromRoot, root([]))
  if (from === size) return path.length === 0 && equal(fromRoot, expected)
  let [at, last] = [from - 1, size - 1]
  while (at % 2 === 1) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  const [first, ...rest] = at === 0 ? [fromRoot, ...path] : path
  if (first === undefined) return false
  let [before, now] = [first, first]
  for (const sibling of rest) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      before = node(sibling, before)
      now = node(sibling, now)
      while (at % 2 === 0 && at !== 0) [at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
    } else now = node(now, sibling)
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && equal(before, fromRoot) && equal(now, expected)
}

/** Byte for byte. */
export function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index])
}

function subtree(leaves: readonly Uint8Array[], low: number, high: number): Uint8Array {
  if (high - low === 1) return leaves[low]!
  const middle = low + split(high - low)
  return node(subtree(leaves, low, middle), subtree(leaves, middle, high))
}

/** The largest power of two below `size` (`size` ≥ 2). */
function split(size: number): number {
  return 2 ** Math.floor(Math.log2(size - 1))
}
