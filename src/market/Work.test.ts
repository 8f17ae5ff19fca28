import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Work from './Work.ts'

test('standard work is what the card says a token costs, times tokens, however many', () => {
  const count = fc.nat(Number.MAX_SAFE_INTEGER)
  fc.assert(
    fc.property(count, count, count, count, count, count, count, (a, b, c, x, y, z, g) => {
      const card = { stdUsPerTokenIn: a, stdUsPerTokenCached: b, stdUsPerTokenOut: c }
      const exact = BigInt(a) * BigInt(x) + BigInt(b) * BigInt(y) + BigInt(c) * BigInt(z)
      const tokens = { in: x, cached: y, out: z }
      expect(Work.stdUs(card, tokens)).toBe(exact)
      expect(Work.stdUs({ ...card, stdUsPerCall: g }, tokens)).toBe(exact + BigInt(g))
    }),
  )
})

test('device time has no say in it', () => {
  const card = { stdUsPerTokenIn: 50, stdUsPerTokenCached: 10, stdUsPerTokenOut: 70 }
  expect(Work.stdUs(card, { in: 3, cached: 2, out: 1 })).toBe(240n)
})
