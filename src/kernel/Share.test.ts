import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InputError } from './Errors.ts'
import * as Share from './Share.ts'

test.each([
  ['50%', 500_000_000n],
  ['0.5%', 5_000_000n],
  ['0.0000001%', 1n],
  ['100%', Share.whole],
  ['0%', 0n],
])('%s is %s ppb', (text, share) => {
  expect(Share.parse(text)).toBe(share)
})

test.each([
  '50',
  '',
  '%',
  '-1%',
  '+1%',
  '100.0000001%',
  '101%',
  '1e1%',
  '.5%',
  '5.%',
  '0.00000001%',
])('%j is refused', (text) => {
  expect(() => Share.parse(text)).toThrow(InputError)
  expect(() => Share.parse(text)).toThrow(/^expected a share such as "50%"/)
})

test('what format writes, parse reads back', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, Share.whole), (share) => {
      expect(Share.parse(Share.format(share))).toBe(share)
    }),
  )
})

test.each([
  [0n, '0.0%'],
  [499_999n, '0.0%'],
  [500_000n, '0.1%'],
  [123_456_789n, '12.3%'],
  [Share.whole, '100.0%'],
])('round(%s) is %s', (share, text) => {
  expect(Share.round(share)).toBe(text)
})
