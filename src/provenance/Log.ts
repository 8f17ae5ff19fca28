/**
 * @module Log: the Merkle view of a journal (RFC 6962). It keeps the hash of every full subtree, so
 * that appending costs at most one hash a level, and roots and proofs of any earlier size are a few
 * look-ups.
 */
import { AssertionError, assert } from '../kernel/Assert.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Frontier from './Frontier.ts'
import * as Ids from './Ids.ts'
import * as Record from './Record.ts'

/** A log to look at. Sizes count records; hashes are 32 bytes. */
export type View = {
  /** Number of records. */
  size(): number
  /** Leaf hash of a record. */
  leafHash(leaf: number): Uint8Array
  /** Root of the first `size` records; of all when left out. */
  root(size?: number): Uint8Array
  /** Audit path of a record among the first `size`, nearest sibling first. */
  inclusion(leaf: number, size?: number): Uint8Array[]
  /** Proof that the first `from` records (at least one) are the beginning of the first `size`. */
  consistency(from: number, size?: number): Uint8Array[]
  /** Hash of the `index`-th full subtree of 2^`level` records. */
  subtree(level: number, index: number): Uint8Array
  /** The right edge, from which {@link resume} goes on. */
  frontier(): Frontier.Frontier
}

/** A growing log. */
export type Log = View & {
  /** Adds a record by its leaf hash. */
  append(leafHash: Uint8Array): void
}

/** Looks up the hash of a full subtree of 2^`level` records of the log as it was resumed. */
export type Stored = (level: number, index: number) => Uint8Array

/** How far a log was checked: what a later {@link check} goes on from. */
export type Place = {
  /** Of an empty log nobody's. */
  readonly origin: string | undefined
  readonly frontier: Frontier.Frontier
}

/** What somebody else knows of a log: a checkpoint, and the leaf hashes if its tiles are held too. */
export type Held = {
  readonly size: number
  readonly root: Uint8Array
  readonly leafHash?: (leaf: number) => Uint8Array
}

/** What {@link check} found: where the log ends, or the first record that does not belong. */
export type Check =
  | { readonly kind: 'verified'; readonly origin: string | undefined; readonly log: Log }
  | {
      readonly kind: 'failed'
      readonly leaf: number
      readonly because: string
      /** What was found in order before; not of a log that differs from a held one. */
      readonly place?: Place
    }

/** How a log is checked. */
export type CheckOptions = {
  /** Where an earlier check ended; `texts` begin there. The whole log when left out. */
  readonly from?: Place
  /** Ids seen so far; with a `from`, give those before or they are not looked at. */
  readonly ids?: Ids.Ids
  /** What the log must agree with; those of a size below `from` were looked at on the way there. */
  readonly held?: readonly Held[]
  /** Forget what lies before every so many records: memory does not grow with the log. */
  readonly every?: number
  /** Told every `every` records how far it is; a check can be resumed from there. */
  readonly onPlace?: (place: Place) => void
}

/** What a view in memory can number with 32-bit arithmetic. */
const maxSize = 2 ** 31

/** An empty log. */
export function create(): Log {
  return resume(Frontier.empty)
}

/**
 * The log that ends in `frontier`, ready to grow. What lies before is not in memory: roots and proofs
 * that need it ask `stored`; without it they are a bug of the caller.
 */
export function resume(frontier: Frontier.Frontier, stored: Stored = nothing): Log {
  const known = frontier.size
  const edge = new Map(
    Frontier.subtrees(known).map(({ level }, at) => [level, frontier.hashes[at]!]),
  )
  /** Level k holds the hashes of full subtrees of 2ᵏ leaves from the frontier on, in order. */
  const levels: Column[] = [column(known)]
  const size = () => levels[0]!.end

  const subtree = (level: number, index: number): Uint8Array => {
    const start = Math.floor(known / 2 ** level)
    if (index >= start) return levels[level]!.get(index)
    if (level === 0 && index === known - 1) return frontier.last!
    const isEdge = index === start - 1 && start % 2 === 1
    return isEdge ? edge.get(level)! : stored(level, index)
  }

  const range = (low: number, high: number): Uint8Array => {
    const level = log2(high - low)
    const width = 2 ** level
    if (width === high - low) return subtree(level, low / width)
    return Merkle.node(range(low, low + width), range(low + width, high))
  }

  const within = (wanted: number) =>
    assert(Number.isSafeInteger(wanted) && wanted >= 0 && wanted <= size(), 'a size of the log')

  return {
    size,
    subtree(level, index) {
      assert(level >= 0 && index >= 0 && (index + 1) * 2 ** level <= size(), 'a full subtree')
      return subtree(level, index).slice()
    },
    append(leafHash) {
      assert(leafHash.length === 32, 'a leaf hash of 32 bytes')
      assert(size() < maxSize, `a log of at most ${maxSize} records`)
      levels[0]!.push(leafHash)
      for (let level = 0; levels[level]!.end % 2 === 0; level++) {
        const { end } = levels[level]!
        levels[level + 1] ??= column(Math.floor(known / 2 ** (level + 1)))
        levels[level + 1]!.push(Merkle.node(subtree(level, end - 2), subtree(level, end - 1)))
      }
    },
    leafHash(leaf) {
      assert(leaf >= 0 && leaf < size(), 'a leaf inside the log')
      return subtree(0, leaf).slice()
    },
    root(wanted = size()) {
      within(wanted)
      return wanted === 0 ? Hash.sha256(new Uint8Array()) : range(0, wanted).slice()
    },
    inclusion(leaf, wanted = size()) {
      within(wanted)
      assert(Number.isSafeInteger(leaf) && leaf >= 0 && leaf < wanted, 'a leaf inside the size')
      const path: Uint8Array[] = []
      let [low, high] = [0, wanted]
      while (high - low > 1) {
        const middle = low + 2 ** log2(high - low - 1)
        path.push(leaf < middle ? range(middle, high) : range(low, middle))
        if (leaf < middle) high = middle
        else low = middle
      }
      return owned(path)
    },
    consistency(from, wanted = size()) {
      within(wanted)
      assert(Number.isSafeInteger(from) && from > 0 && from <= wanted, 'a former size of the log')
      const path: Uint8Array[] = []
      let [low, high] = [0, wanted]
      while (from < high) {
        const middle = low + 2 ** log2(high - low - 1)
        path.push(from <= middle ? range(middle, high) : range(low, middle))
        if (from <= middle) high = middle
        else low = middle
      }
      if (low > 0) path.push(range(low, high))
      return owned(path)
    },
    frontier() {
      const end = size()
      if (end === 0) return Frontier.empty
      const hashes = Frontier.subtrees(end).map(({ level, index }) => subtree(level, index))
      return { size: end, hashes: owned(hashes).reverse(), last: subtree(0, end - 1).slice() }
    },
  }
}

/** Copies, nearest first: what a caller does to them does nothing to the log. */
function owned(path: readonly Uint8Array[]): Uint8Array[] {
  return path.map((hash) => hash.slice()).reverse()
}

function nothing(): never {
  throw new AssertionError('bug: expected a log that is not asked for what it forgot')
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
 * Takes up where an earlier check ended, and compares with what others hold.
 */
export function check(texts: Iterable<string>, options: CheckOptions = {}): Check {
  const { from, ids = Ids.create(), held = [], every, onPlace } = options
  let log = resume(from?.frontier ?? Frontier.empty)
  let origin = from?.origin
  const place = () => ({ origin, frontier: log.frontier() })
  for (const text of texts) {
    const leaf = log.size()
    const other = differing(held, leaf, text)
    if (other !== undefined) return other
    try {
      const record = extend(log, { text, origin })
      const earlier = ids.add(record.id, leaf)
      if (earlier !== undefined)
        throw misplaced('an id of its own', `the id of record ${earlier}: ${record.id}`)
      origin = record.origin
    } catch (error) {
      if (!(error instanceof BaseError)) throw error
      return { kind: 'failed', leaf, because: error.message, place: place() }
    }
    const rewritten = held.find((one) => one.size === log.size() && !agrees(one, log))
    if (rewritten !== undefined) return disagreement(rewritten, held, leaf)
    if (every === undefined || log.size() % every !== 0) continue
    onPlace?.(place())
    log = resume(log.frontier())
  }
  const longer = held.find(({ size }) => size > log.size())
  if (longer === undefined) return { kind: 'verified', origin, log }
  const because = `expected the ${longer.size} records of a held checkpoint, got ${log.size()}`
  return { kind: 'failed', leaf: log.size(), because, place: place() }
}

/** Whether a log begins with what is held. */
export function agrees(held: Pick<Held, 'size' | 'root'>, log: View): boolean {
  return held.size <= log.size() && Merkle.equal(log.root(held.size), held.root)
}

/** A record that is not the one somebody holds the hash of. */
function differing(held: readonly Held[], leaf: number, text: string): Check | undefined {
  for (const { size, leafHash } of held) {
    if (leaf >= size || leafHash === undefined) continue
    if (Merkle.equal(leafHash(leaf), Record.hash(text))) continue
    const because = `expected the record that the held checkpoint of ${size} records covers, got another`
    return { kind: 'failed', leaf, because }
  }
  return undefined
}

/** Between two checkpoints of which one agrees: that is as near as roots alone can tell. */
function disagreement(rewritten: Held, held: readonly Held[], leaf: number): Check {
  const sizes = held.map(({ size }) => size).filter((size) => size < rewritten.size)
  const first = Math.max(0, ...sizes)
  const because = `expected root ${Hex.encode(rewritten.root)} of a held checkpoint after record ${leaf}, got another: rewritten at or after record ${first}`
  return { kind: 'failed', leaf: first, because }
}

/** Position of the highest bit: exact, as a logarithm of a float need not be. */
function log2(value: number): number {
  return 31 - Math.clz32(value)
}

/** Hashes in one growing block of memory: 32 bytes each, no object per hash, numbered from `start`. */
type Column = {
  /** One past the last. */
  readonly end: number
  /** A view of the column's own memory. */
  get(index: number): Uint8Array
  push(hash: Uint8Array): void
}

function column(start: number): Column {
  let bytes = new Uint8Array(32 * 16)
  let size = 0
  return {
    get end() {
      return start + size
    },
    get: (index) => bytes.subarray(32 * (index - start), 32 * (index - start) + 32),
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
