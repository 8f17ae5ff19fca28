import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as RangeMinimum from './RangeMinimum.ts'

test('first and last of a range equal a plain walk, over many blocks', () => {
  const shuffled = fc.integer({ min: 1, max: 1500 }).chain((size) =>
    fc.record({
      values: fc.shuffledSubarray(
        Array.from({ length: size }, (_, index) => index),
        {
          minLength: size,
          maxLength: size,
        },
      ),
      ends: fc.uniqueArray(fc.integer({ min: 1, max: size }), { maxLength: 6 }),
      queries: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 20, maxLength: 20 }),
    }),
  )
  fc.assert(
    fc.property(shuffled, ({ values, ends, queries }) => {
      const batchEnds = [...new Set([...ends, values.length])].sort((left, right) => left - right)
      const range = RangeMinimum.build(Int32Array.from(values), Int32Array.from(batchEnds))
      for (const [left, right] of queries) {
        const from = left % values.length
        const to = from + 1 + (right % (values.length - from))
        const part = values.slice(from, to)
        const first = Math.min(...part)
        const end = batchEnds.find((each) => each > first)!
        expect(RangeMinimum.first(range, from, to)).toBe(first)
        const last = Math.max(...part.filter((value) => value < end))
        expect(RangeMinimum.last(range, from, to, first)).toBe(last)
      }
    }),
    { numRuns: 150 },
  )
})
