/**
 * @module Suffix arrays by induced sorting (SA-IS: Nong, Zhang, Chan, "Linear Suffix Array Construction
 * by Almost Pure Induced-Sorting", 2009) over integers, in linear time and in typed arrays.
 *
 * A suffix is S when it is smaller than its successor, else L; the end is smaller than everything. The
 * leftmost S suffixes (LMS) are sorted first, by recursion over their names where needed; all others
 * follow by two sweeps. Types are not stored: an entry whose predecessor belongs to the *other* sweep is
 * kept as its complement.
 */
import { assert } from '../../kernel/Assert.ts'

/** Start positions of all suffixes in ascending order. Symbols lie in `[0, alphabet)`. */
export function build(symbols: Int32Array, alphabet: number): Int32Array {
  const order = new Int32Array(symbols.length)
  sort(symbols, order, alphabet)
  return order
}

function sort(text: Int32Array, order: Int32Array, alphabet: number): void {
  const { length } = text
  assert(order.length === length, 'room for exactly the suffixes')
  if (length < 2) {
    order.fill(0)
    return
  }
  const counts = new Int32Array(alphabet)
  for (let index = 0; index < length; index++) counts[text[index]!]!++
  const buckets = new Int32Array(alphabet)
  const leftmost = countLeftmost(text)
  if (leftmost > 1) {
    const positions = new Int32Array(leftmost)
    collectLeftmost(text, positions)
    order.fill(0)
    ends(counts, buckets)
    for (let index = 0; index < leftmost; index++) {
      const position = positions[index]!
      order[--buckets[text[position]!]!] = position
    }
    sortLeftmost(text, order, counts, buckets)
    const names = name(text, order, leftmost)
    if (names < leftmost) {
      // `positions` serves as the reduced text, then again as what its ranks stand for.
      for (let from = leftmost, to = 0; to < leftmost; from++)
        if (order[from] !== 0) positions[to++] = order[from]! - 1
      sort(positions, order.subarray(0, leftmost), names)
      collectLeftmost(text, positions)
      for (let index = 0; index < leftmost; index++) order[index] = positions[order[index]!]!
    }
  } else if (leftmost === 1) collectLeftmost(text, order.subarray(0, 1))
  order.fill(0, leftmost)
  ends(counts, buckets)
  for (let index = leftmost - 1; index >= 0; index--) {
    const position = order[index]!
    order[index] = 0
    order[--buckets[text[position]!]!] = position
  }
  induce(text, order, counts, buckets)
}

/** Sorts the LMS substrings; leaves their positions as complements, all else 0. */
function sortLeftmost(
  text: Int32Array,
  order: Int32Array,
  counts: Int32Array,
  buckets: Int32Array,
): void {
  const { length } = text
  heads(counts, buckets)
  const last = text[length - 1]!
  order[buckets[last]!++] = text[length - 2]! < last ? ~(length - 1) : length - 1
  for (let index = 0; index < length; index++) {
    const position = order[index]!
    if (position > 0) {
      const before = position - 1
      const symbol = text[before]!
      order[buckets[symbol]!++] = before > 0 && text[before - 1]! < symbol ? ~before : before
      order[index] = 0
    } else if (position < 0) order[index] = ~position
  }
  ends(counts, buckets)
  for (let index = length - 1; index >= 0; index--) {
    const position = order[index]!
    if (position > 0) {
      const before = position - 1
      const symbol = text[before]!
      order[--buckets[symbol]!] = before > 0 && text[before - 1]! > symbol ? ~before : before
      order[index] = 0
    }
  }
}

/** From sorted LMS suffixes at the ends of their buckets, the order of all suffixes. */
function induce(
  text: Int32Array,
  order: Int32Array,
  counts: Int32Array,
  buckets: Int32Array,
): void {
  const { length } = text
  heads(counts, buckets)
  const last = text[length - 1]!
  order[buckets[last]!++] = text[length - 2]! < last ? ~(length - 1) : length - 1
  for (let index = 0; index < length; index++) {
    const position = order[index]!
    order[index] = ~position
    if (position > 0) {
      const before = position - 1
      const symbol = text[before]!
      order[buckets[symbol]!++] = before > 0 && text[before - 1]! < symbol ? ~before : before
    }
  }
  ends(counts, buckets)
  for (let index = length - 1; index >= 0; index--) {
    const position = order[index]!
    if (position > 0) {
      const before = position - 1
      const symbol = text[before]!
      order[--buckets[symbol]!] = before === 0 || text[before - 1]! > symbol ? ~before : before
    } else order[index] = ~position
  }
}

/**
 * Gathers sorted LMS positions at the front and writes the rank of each one's substring (from 1, equal
 * for equal substrings) behind them at half its position: LMS positions are never neighbours.
 */
function name(text: Int32Array, order: Int32Array, leftmost: number): number {
  const { length } = text
  let found = 0
  for (let index = 0; index < length && found < leftmost; index++) {
    const position = order[index]!
    if (position < 0) order[found++] = ~position
  }
  assert(found === leftmost, 'every LMS substring sorted')
  order.fill(0, leftmost)
  writeLengths(text, order, leftmost)
  let [names, previous, previousLength] = [0, 0, 0]
  for (let index = 0; index < leftmost; index++) {
    const position = order[index]!
    const size = order[leftmost + (position >> 1)]!
    // The last one ends with the text: being shorter, it sorts before its equals by itself.
    let equal = size === previousLength
    for (let at = 0; equal && at < size; at++) equal = text[position + at] === text[previous + at]
    if (!equal) {
      names++
      previous = position
      previousLength = size
    }
    order[leftmost + (position >> 1)] = names
  }
  return names
}

/** Length of each LMS substring, its closing LMS symbol included, at half its position. */
function writeLengths(text: Int32Array, order: Int32Array, leftmost: number): void {
  let [next, isSmall] = [text.length - 1, false]
  for (let index = text.length - 2; index >= 0; index--) {
    const [symbol, after] = [text[index]!, text[index + 1]!]
    if (symbol > after && isSmall) {
      order[leftmost + ((index + 1) >> 1)] = next - index
      next = index + 1
    }
    if (symbol !== after) isSmall = symbol < after
  }
}

function countLeftmost(text: Int32Array): number {
  let [total, isSmall] = [0, false]
  for (let index = text.length - 2; index >= 0; index--) {
    const [symbol, after] = [text[index]!, text[index + 1]!]
    if (symbol > after && isSmall) total++
    if (symbol !== after) isSmall = symbol < after
  }
  return total
}

/** Writes the LMS positions in ascending order; `into` holds exactly as many. */
function collectLeftmost(text: Int32Array, into: Int32Array): void {
  let [at, isSmall] = [into.length, false]
  for (let index = text.length - 2; index >= 0; index--) {
    const [symbol, after] = [text[index]!, text[index + 1]!]
    if (symbol > after && isSmall) into[--at] = index + 1
    if (symbol !== after) isSmall = symbol < after
  }
  assert(at === 0, 'exactly the LMS positions counted')
}

function heads(counts: Int32Array, buckets: Int32Array): void {
  let sum = 0
  for (let symbol = 0; symbol < counts.length; symbol++) {
    buckets[symbol] = sum
    sum += counts[symbol]!
  }
}

function ends(counts: Int32Array, buckets: Int32Array): void {
  let sum = 0
  for (let symbol = 0; symbol < counts.length; symbol++) {
    sum += counts[symbol]!
    buckets[symbol] = sum
  }
}
