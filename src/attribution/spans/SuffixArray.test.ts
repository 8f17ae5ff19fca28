import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as SuffixArray from './SuffixArray.ts'

function naive(symbols: Int32Array): number[] {
  const compare = (left: number, right: number): number => {
    for (let at = 0; ; at++) {
      if (left + at === symbols.length || right + at === symbols.length) return right - left
      const difference = symbols[left + at]! - symbols[right + at]!
      if (difference !== 0) return difference
    }
  }
  return Array.from(symbols.keys()).sort(compare)
}

const texts = fc
  .integer({ min: 1, max: 6 })
  .chain((alphabet) =>
    fc.tuple(
      fc.constant(alphabet),
      fc.array(fc.integer({ min: 0, max: alphabet - 1 }), { maxLength: 200 }),
    ),
  )

test('equals the naive sort of all suffixes', () => {
  fc.assert(
    fc.property(texts, ([alphabet, list]) => {
      const symbols = Int32Array.from(list)
      expect(Array.from(SuffixArray.build(symbols, alphabet))).toEqual(naive(symbols))
    }),
    { numRuns: 2000 },
  )
})

test('equals the naive sort on every text of at most seven symbols out of three', () => {
  let seen = 0
  for (let length = 0; length <= 7; length++)
    for (let code = 0; code < 3 ** length; code++) {
      const symbols = Int32Array.from({ length }, (_, at) => Math.floor(code / 3 ** at) % 3)
      const order = Array.from(SuffixArray.build(symbols, 3))
      if (order.join() !== naive(symbols).join()) expect(order).toEqual(naive(symbols))
      seen++
    }
  expect(seen).toBe(3280)
})

test('sorts Fibonacci words, whose names need recursion after recursion', () => {
  let [previous, word] = ['1', '0']
  while (word.length < 3000) [previous, word] = [word, word + previous]
  const symbols = Int32Array.from(word, Number)
  expect(Array.from(SuffixArray.build(symbols, 2))).toEqual(naive(symbols))
})

test.each([
  ['one symbol', () => 1],
  ['two in turn', (at: number) => at % 2],
  ['falling', (at: number) => 999_999 - at],
])('takes linear time on a million of %s', (_, symbol) => {
  const symbols = Int32Array.from({ length: 1_000_000 }, (_, at) => symbol(at))
  const startedAtMs = performance.now()
  const order = SuffixArray.build(symbols, 1_000_000)
  expect(performance.now() - startedAtMs).toBeLessThan(15_000)
  expect(order[0]).toBe(symbols[999_998]! < symbols[999_999]! ? 999_998 : 999_999)
  expect(new Set(order).size).toBe(1_000_000)
})
