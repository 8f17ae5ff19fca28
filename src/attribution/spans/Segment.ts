/**
 * @module An immutable segment of the index: documents one after another with a separator behind each
 * (a window never crosses documents), a suffix array over their tokens, and the earliest in any of its
 * intervals. The genesis commons stand first, then batches; within a batch, where registration order
 * decides nothing between owners, one owner's documents stand together in the order of `seq`.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as RangeMinimum from './RangeMinimum.ts'
import * as SuffixArray from './SuffixArray.ts'
import * as Tokenizer from './Tokenizer.ts'
import * as Vocabulary from './Vocabulary.ts'

/** A registered document. What its artifact is called is the caller's. */
export type Document = {
  /** Order of registration, unique in the index. */
  readonly seq: number
  /** Documents of one commitment are simultaneous. Grows with `seq`. */
  readonly batch: number
  /** When the batch was committed; the same for all of it, never before an earlier batch. */
  readonly committedAtMs: number
  readonly owner: string
  /** Of the genesis commons: before everything, belongs to nobody. */
  readonly commons?: boolean
  readonly text: string
}

/** Plain columns; positions count tokens, separators included. */
export type Segment = {
  /** In the order of their positions. */
  readonly documents: readonly Document[]
  readonly vocabulary: Vocabulary.Vocabulary
  /** Vocabulary id at each position; 0 separates. */
  readonly tokens: Int32Array
  /** The suffix array. */
  readonly rows: Int32Array
  /** Id → where its suffixes begin in `rows`; id + 1 → where they end. */
  readonly buckets: Int32Array
  /** Document → its first position; one more entry closes the last. */
  readonly starts: Int32Array
  /** UTF-16 offset, within its document, of every 64th position. */
  readonly offsets: Int32Array
  readonly earliest: RangeMinimum.RangeMinimum
}

/** Rows of the suffix array, `[from, to)`. */
export type Interval = { readonly from: number; readonly to: number }

/** Whose a window is within one segment: the earliest batch's earliest document that holds it. */
export type Holder = {
  readonly document: Document
  readonly position: number
  /** Another owner's document of the same batch holds it too. */
  readonly contested: boolean
}

const stride = 6

/** Builds a segment. Throws `InputError` for doubled or disordered documents. */
export function build(documents: readonly Document[]): Segment {
  const sorted = arrange(documents)
  const vocabulary = Vocabulary.create()
  const { tokens, starts, offsets } = encodeAll(sorted, vocabulary)
  const rows = SuffixArray.build(tokens, vocabulary.size)
  const buckets = new Int32Array(vocabulary.size + 1)
  for (let at = 0; at < tokens.length; at++) buckets[tokens[at]! + 1]!++
  for (let id = 0; id < vocabulary.size; id++) buckets[id + 1]! += buckets[id]!
  const ends = sorted.flatMap((document, index) => {
    const next = sorted[index + 1]
    return next === undefined || rank(next) !== rank(document) ? [starts[index + 1]!] : []
  })
  const earliest = RangeMinimum.build(rows, Int32Array.from(ends.length === 0 ? [0] : ends))
  return { documents: sorted, vocabulary, tokens, rows, buckets, starts, offsets, earliest }
}

/** One segment of several: what an LSM tree does in the background. Covers stay the same. */
export function merge(segments: readonly Segment[]): Segment {
  return build(segments.flatMap(({ documents }) => documents))
}

/** Ids of an answer's tokens; −1, which nothing equals, where the segment has no such word. */
export function encode(segment: Segment, text: string, tokens: Tokenizer.Columns): Int32Array {
  const ids = new Int32Array(tokens.count)
  for (let index = 0; index < tokens.count; index++) {
    const [start, end] = [tokens.starts[index]!, tokens.ends[index]!]
    const id = Vocabulary.find(segment.vocabulary, text, start, end, tokens.hashes[index]!)
    ids[index] = id === 0 ? -1 : id
  }
  return ids
}

/** Where `ids[start, end)` occurs, as rows of the suffix array; `undefined` when nowhere. */
export function find(
  segment: Segment,
  ids: Int32Array,
  start: number,
  end: number,
): Interval | undefined {
  for (let at = start; at < end; at++) if (ids[at]! < 0) return undefined
  const id = ids[start]!
  const bucket = { from: segment.buckets[id]!, to: segment.buckets[id + 1]! }
  return narrow(segment, ids, bucket, { start, known: 1, end })
}

/**
 * The rows of `interval` whose suffixes begin with `ids[start, end)`, when all of them share the first
 * `known` of it.
 */
export function narrow(
  segment: Segment,
  ids: Int32Array,
  interval: Interval,
  window: { readonly start: number; readonly known: number; readonly end: number },
): Interval | undefined {
  const from = bound(segment, ids, interval, window, 0)
  if (from === interval.to || compare(segment, ids, from, window) !== 0) return undefined
  let [low, step] = [from + 1, 1]
  while (low < interval.to && compare(segment, ids, low, window) <= 0) {
    low = Math.min(interval.to, low + step)
    step *= 2
  }
  const back = Math.max(from + 1, low - (step >> 1))
  return { from, to: bound(segment, ids, { from: back, to: low }, window, 1) }
}

/** Who holds a window found at `interval` first. */
export function holder(segment: Segment, interval: Interval): Holder {
  const { from, to } = interval
  const position = RangeMinimum.first(segment.earliest, from, to)
  const document = segment.documents[indexOf(segment, position)]!
  if (to - from === 1) return { document, position, contested: false }
  const other = RangeMinimum.last(segment.earliest, from, to, position)
  const last = segment.documents[indexOf(segment, other)]!
  return { document, position, contested: last.owner !== document.owner }
}

/** UTF-16 offset, within its document, of the token at a position. */
export function offset(segment: Segment, position: number): number {
  const index = indexOf(segment, position)
  const { text } = segment.documents[index]!
  const start = segment.starts[index]!
  const marked = (position >> stride) << stride
  const known = marked > start
  const tokens = Tokenizer.columns(position - (known ? marked : start) + 1)
  Tokenizer.scan(text, known ? segment.offsets[marked >> stride]! : 0, tokens)
  return tokens.starts[tokens.count - 1]!
}

/** When a document counts as registered: before all (−1) or with its batch. */
export function rank(document: Document): number {
  return document.commons === true ? -1 : document.batch
}

/** Batch by batch; within one, where `seq` decides nothing between owners, owner by owner. */
export function order(left: Document, right: Document): number {
  if (rank(left) !== rank(right)) return rank(left) - rank(right)
  if (left.owner !== right.owner) return left.owner < right.owner ? -1 : 1
  return left.seq - right.seq
}

/** The first row whose suffix is ≥ (`above` 0) or > (`above` 1) the window, cut to its length. */
function bound(
  segment: Segment,
  ids: Int32Array,
  { from, to }: Interval,
  window: { readonly start: number; readonly known: number; readonly end: number },
  above: 0 | 1,
): number {
  let [low, high] = [from, to]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(segment, ids, middle, window) < above) low = middle + 1
    else high = middle
  }
  return low
}

/** Sign of the row's suffix, cut to the window's length, against the window. */
function compare(
  segment: Segment,
  ids: Int32Array,
  row: number,
  { start, known, end }: { readonly start: number; readonly known: number; readonly end: number },
): number {
  const { tokens, rows } = segment
  const shift = rows[row]! - start
  for (let at = start + known; at < end; at++) {
    // No id of an answer is the separator's: the comparison ends with the document at the latest.
    const difference = tokens[shift + at]! - ids[at]!
    if (difference !== 0) return difference
  }
  return 0
}

function indexOf(segment: Segment, position: number): number {
  const { starts } = segment
  let [low, high] = [0, starts.length - 2]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle]! <= position) low = middle
    else high = middle - 1
  }
  return low
}

function encodeAll(documents: readonly Document[], vocabulary: Vocabulary.Vocabulary) {
  const total = documents.reduce((sum, { text }) => sum + text.length, 0)
  let tokens = new Int32Array(documents.length + (total >> 2) + 64)
  const starts = new Int32Array(documents.length + 1)
  const offsets: number[] = []
  const columns = Tokenizer.columns(4096)
  let [position, read] = [0, 0]
  for (const [index, { text }] of documents.entries()) {
    starts[index] = position
    for (let at = 0; at < text.length; ) {
      const before = at
      at = Tokenizer.scan(text, at, columns)
      read += Math.min(at, text.length) - before
      if (position + columns.count + documents.length - index >= tokens.length) {
        // What is still to come is guessed from what was read.
        const density = (position + columns.count) / Math.max(1, read)
        const grown = new Int32Array(
          Math.ceil(1.05 * density * total) + documents.length + 2 * columns.count + 64,
        )
        grown.set(tokens.subarray(0, position))
        tokens = grown
      }
      for (let token = 0; token < columns.count; token++) {
        const start = columns.starts[token]!
        if ((position & 63) === 0) offsets[position >> stride] = start
        tokens[position++] = Vocabulary.intern(
          vocabulary,
          text,
          start,
          columns.ends[token]!,
          columns.hashes[token]!,
        )
      }
    }
    if ((position & 63) === 0) offsets[position >> stride] = text.length
    tokens[position++] = 0
  }
  starts[documents.length] = position
  return { tokens: tokens.subarray(0, position), starts, offsets: Int32Array.from(offsets) }
}

function arrange(documents: readonly Document[]): Document[] {
  const bySeq = [...documents].sort((left, right) => left.seq - right.seq)
  let previous: Document | undefined
  for (const [index, document] of bySeq.entries()) {
    for (const key of ['seq', 'batch', 'committedAtMs'] as const)
      if (!Number.isSafeInteger(document[key]) || document[key] < 0)
        throw new InputError(`expected ${key} as a whole number from 0, got ${document[key]}`)
    if (bySeq[index - 1]?.seq === document.seq)
      throw new InputError(`expected one document per seq, got two of ${document.seq}`)
    if (document.commons === true) continue
    if (previous !== undefined && document.batch < previous.batch)
      throw new InputError(
        `expected batches that grow with seq, got ${document.batch} at seq ${document.seq}`,
      )
    const order = document.committedAtMs - (previous?.committedAtMs ?? 0)
    if (previous !== undefined && (previous.batch === document.batch ? order !== 0 : order < 0))
      throw new InputError(
        `expected one time per batch, never before an earlier batch's, got ${document.committedAtMs} at seq ${document.seq}`,
      )
    previous = document
  }
  return bySeq.sort(order)
}
