/**
 * @module Earliest in a range: over a suffix array, the smallest position of an interval, and the
 * largest that still lies in the same batch. Sparse tables over blocks; the few entries at the borders
 * of a range are read one by one.
 */
import { assert } from '../../kernel/Assert.ts'

const shift = 7
const block = 1 << shift
const none = 0x7fffffff

/** Level k summarises 2^k blocks: their smallest value, and the largest in that value's batch. */
export type RangeMinimum = {
  readonly values: Int32Array
  /** Ascending: the value at which each batch ends (exclusive); the last is above every value. */
  readonly batchEnds: Int32Array
  readonly firsts: readonly Int32Array[]
  readonly lasts: readonly Int32Array[]
}

/** Prepares `values` for queries. */
export function build(values: Int32Array, batchEnds: Int32Array): RangeMinimum {
  const blocks = (values.length + block - 1) >> shift
  const firsts = [new Int32Array(blocks)]
  const lasts = [new Int32Array(blocks)]
  for (let index = 0; index < blocks; index++) {
    const [from, to] = [index << shift, Math.min(values.length, (index + 1) << shift)]
    let first = none
    for (let at = from; at < to; at++) if (values[at]! < first) first = values[at]!
    const end = batchEnd(batchEnds, first)
    let last = first
    for (let at = from; at < to; at++) {
      const value = values[at]!
      if (value < end && value > last) last = value
    }
    firsts[0]![index] = first
    lasts[0]![index] = last
  }
  for (let level = 1; 1 << level <= blocks; level++) {
    const half = 1 << (level - 1)
    const [first, last] = [firsts[level - 1]!, lasts[level - 1]!]
    const size = blocks - (1 << level) + 1
    const [nextFirst, nextLast] = [new Int32Array(size), new Int32Array(size)]
    for (let index = 0; index < size; index++) {
      const low = Math.min(first[index]!, first[index + half]!)
      const end = batchEnd(batchEnds, low)
      nextFirst[index] = low
      nextLast[index] = Math.max(
        first[index]! < end ? last[index]! : low,
        first[index + half]! < end ? last[index + half]! : low,
      )
    }
    firsts.push(nextFirst)
    lasts.push(nextLast)
  }
  return { values, batchEnds, firsts, lasts }
}

/** The smallest value of `values[from, to)`; the range is not empty. */
export function first(range: RangeMinimum, from: number, to: number): number {
  assert(from < to, 'a range that is not empty')
  const { values, firsts } = range
  const [low, high] = [(from + block - 1) >> shift, to >> shift]
  let found = none
  const border = low < high ? low << shift : to
  for (let at = from; at < border; at++) if (values[at]! < found) found = values[at]!
  if (low >= high) return found
  for (let at = high << shift; at < to; at++) if (values[at]! < found) found = values[at]!
  const level = 31 - Math.clz32(high - low)
  const table = firsts[level]!
  return Math.min(found, table[low]!, table[high - (1 << level)]!)
}

/** The largest value of `values[from, to)` in the batch of the smallest, which is `smallest`. */
export function last(range: RangeMinimum, from: number, to: number, smallest: number): number {
  const { values, firsts, lasts } = range
  const end = batchEnd(range.batchEnds, smallest)
  const [low, high] = [(from + block - 1) >> shift, to >> shift]
  let found = smallest
  const border = low < high ? low << shift : to
  for (let at = from; at < border; at++) {
    const value = values[at]!
    if (value < end && value > found) found = value
  }
  if (low >= high) return found
  for (let at = high << shift; at < to; at++) {
    const value = values[at]!
    if (value < end && value > found) found = value
  }
  const level = 31 - Math.clz32(high - low)
  for (const at of [low, high - (1 << level)])
    if (firsts[level]![at]! < end) found = Math.max(found, lasts[level]![at]!)
  return found
}

/** The end of the batch that `value` lies in. */
function batchEnd(batchEnds: Int32Array, value: number): number {
  let [low, high] = [0, batchEnds.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (batchEnds[middle]! > value) high = middle
    else low = middle + 1
  }
  return batchEnds[low]!
}
