/**
 * @module Log: the Merkle view of a journal (RFC 6962). It keeps the hash of every full subtree, so
 * that appending costs at most one hash a level, and roots and proofs of any earlier size are a few
 * look-ups.
 */
import { assert } from '../kernel/Assert.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Record from './Record.ts'

/** A growing log. Sizes count records; hashes are 32 bytes. */
export type Log = {
  /** Number of records. */
  size(): number
  /** Adds a record by its leaf hash. */
  append(leafHash: Uint8Array): void
  /** Leaf hash of a record. */
  leafHash(leaf: number): Uint8Array
  /** Root of the first `size` records; of all when left out. */
  root(size?: number): Uint8Array
  /** Audit path of a record among the first `size`, nearest sibling first. */
  inclusion(leaf: number, size?: number): Uint8Array[]
}

/** What {@link check} found: the log it rebuilt, or the first record that does not belong. */
export type Check =
  | { readonly kind: 'verified'; readonly origin: string | undefined; readonly log: Log }
  | { readonly kind: 'failed'; readonly leaf: number; readonly because: string }

/** What a view in memory can number with 32-bit arithmetic. */
const maxSize = 2 ** 31

/** An empty log. */
export function create(): Log {
  /** Level k holds the hashes of full subtrees of 2ᵏ leaves, in order. */
  const levels: Column[] = [column()]

  const leafHash = (leaf: number) => {
    assert(leaf >= 0 && leaf < levels[0]!.size, 'a leaf inside the log')
    return levels[0]!.get(leaf)
  }

  const subtree = (low: number, high: number): Uint8Array => {
    const level = log2(high - low)
    const width = 2 ** level
    if (width === high - low) return levels[level]!.get(low / width)
    return Merkle.node(subtree(low, low + width), subtree(low + width, high))
  }

  const within = (size: number) =>
    assert(Number.isSafeInteger(size) && size >= 0 && size <= levels[0]!.size, 'a size of the log')

  return {
    size: () => levels[0]!.size,
    append(leafHash) {
      assert(leafHash.length === 32, 'a leaf hash of 32 bytes')
      assert(levels[0]!.size < maxSize, `a log of at most ${maxSize} records`)
      levels[0]!.push(leafHash)
      for (let level = 0; levels[level]!.size % 2 === 0; level++) {
        const below = levels[level]!
        levels[level + 1] ??= column()
        levels[level + 1]!.push(Merkle.node(below.get(below.size - 2), below.get(below.size - 1)))
      }
    },
    leafHash,
    root(size = levels[0]!.size) {
      within(size)
      return size === 0 ? Hash.sha256(new Uint8Array()) : subtree(0, size)
    },
    inclusion(leaf, size = levels[0]!.size) {
      within(size)
      assert(Number.isSafeInteger(leaf) && leaf >= 0 && leaf < size, 'a leaf inside the size')
      const path: Uint8Array[] = []
      let [low, high] = [0, size]
      while (high - low > 1) {
        const middle = low + 2 ** log2(high - low - 1)
        path.push(leaf < middle ? subtree(middle, high) : subtree(low, middle))
        if (leaf < middle) high = middle
        else low = middle
      }
      return path.reverse()
    },
  }
}

/** What the next record of a log must be linked to. */
export function previous(log: Log): Hex.Hex {
  return log.size() === 0 ? Record.genesis : Hex.encode(log.leafHash(log.size() - 1))
}

/**
 * Adds a record's text to a log if it is the next one: canonical, numbered by its place, linked to
 * the record before, of one origin. Throws `InputError` (`record-out-of-place` or
 * `record-malformed`).
 */
export function extend<E extends Record.Event = Record.Event>(
  log: Log,
  options: { readonly text: string; readonly origin?: string | undefined },
): Record.Record<E> {
  const record = Record.decode<E>(options.text)
  if (record.leaf !== log.size()) throw misplaced(`leaf ${log.size()}`, `leaf ${record.leaf}`)
  if (options.origin !== undefined && record.origin !== options.origin)
    throw misplaced(`origin ${options.origin}`, record.origin)
  const link = previous(log)
  if (record.previous !== link) throw misplaced(`a link to ${link}`, record.previous)
  log.append(Record.hash(options.text))
  return record
}

/**
 * Rebuilds a log from the texts of its records, in order, and names the first that does not belong.
 */
export function check(texts: Iterable<string>): Check {
  const log = create()
  const ids = new Map<string, number>()
  let origin: string | undefined
  for (const text of texts) {
    const leaf = log.size()
    try {
      const record = extend(log, { text, origin })
      const earlier = ids.get(record.id)
      if (earlier !== undefined)
        throw misplaced('an id of its own', `the id of record ${earlier}: ${record.id}`)
      ids.set(record.id, leaf)
      origin = record.origin
    } catch (error) {
      if (!(error instanceof BaseError)) throw error
      return { kind: 'failed', leaf, because: error.message }
    }
  }
  return { kind: 'verified', origin, log }
}

/** Position of the highest bit: exact, as a logarithm of a float need not be. */
function log2(value: number): number {
  return 31 - Math.clz32(value)
}

/** Hashes in one growing block of memory: 32 bytes each, no object per hash. */
type Column = {
  readonly size: number
  get(index: number): Uint8Array
  push(hash: Uint8Array): void
}

function column(): Column {
  let bytes = new Uint8Array(32 * 16)
  let size = 0
  return {
    get size() {
      return size
    },
    get: (index) => bytes.slice(32 * index, 32 * index + 32),
    push(hash) {
      if (32 * size === bytes.length) {
        const wider = new Uint8Array(2 * bytes.length)
        wider.set(bytes)
        bytes = wider
      }
      bytes.set(hash, 32 * size)
      size += 1
    },
  }
}

function misplaced(expected: string, got: string): InputError {
  return new InputError(`expected ${expected}, got ${got}`, { code: 'record-out-of-place' })
}
