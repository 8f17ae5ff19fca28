/**
 * @module Overlaps: whether all names of one pattern are names of another, and whether two patterns have a
 * name in common. Both answers are about all texts, so they hold for the names that requests state.
 */
import * as Pattern from '../Pattern.ts'

/** A character that no pattern has, so only a `*` can stand for it. */
const fresh = '\u0001'

/**
 * Whether `wide` matches whatever `narrow` matches. Exact: a name with a fresh character for each `*` is
 * matched only where a `*` takes that character, and that `*` takes any other text as well.
 */
export function covers(dimension: Pattern.Dimension, wide: string, narrow: string): boolean {
  return wide === narrow || Pattern.compile(dimension, wide)(narrow.replaceAll('*', fresh))
}

/** Whether a text can match both. */
export function meet(dimension: Pattern.Dimension, left: string, right: string): boolean {
  if (left === '*' || right === '*') return true
  if (dimension !== 'hosts') return texts(left, right)
  const [one, other] = [Pattern.splitPort(left), Pattern.splitPort(right)]
  return texts(one[0], other[0]) && texts(one[1], other[1])
}

/** A name that matches the pattern, as a request would state it. */
export function sample(dimension: Pattern.Dimension, pattern: string, filling = 'x'): string {
  if (dimension !== 'hosts' || pattern === '*') return pattern.replaceAll('*', filling)
  const [name, port] = Pattern.splitPort(pattern)
  const filled = name.replaceAll('*', filling)
  return port === '' ? filled : `${filled}:${port.replaceAll('*', '8080')}`
}

/** Walks both patterns at once; a `*` takes one character or more. */
function texts(left: string, right: string): boolean {
  const seen = new Set<number>()
  const open: [at: number, on: number][] = [[0, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [at, on] = next
    if (at === left.length && on === right.length) return true
    const place = at * (right.length + 1) + on
    if (seen.has(place)) continue
    seen.add(place)
    for (const [from, to] of steps(left, at))
      for (const [other, where] of steps(right, on))
        if (from === '*' || other === '*' || from === other) open.push([to, where])
  }
  return false
}

/** What one character may be at a place, and where the next is then. */
function steps(pattern: string, at: number): [character: string, next: number][] {
  const found: [string, number][] = []
  if (at < pattern.length) found.push([pattern[at]!, at + 1])
  if (at > 0 && pattern[at - 1] === '*') found.push(['*', at])
  return found
}
