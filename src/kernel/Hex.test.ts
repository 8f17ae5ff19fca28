import fc from 'fast-check'
import { expect, test } from 'vitest'
import { InputError } from './Errors.ts'
import * as Hex from './Hex.ts'

test('what encode writes, decode reads back, and Buffer agrees', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const hex = Hex.encode(bytes)
      expect(hex).toBe(`0x${Buffer.from(bytes).toString('hex')}`)
      expect(Hex.decode(hex)).toEqual(bytes)
      expect(Hex.decode(`0x${hex.slice(2).toUpperCase()}`)).toEqual(bytes)
      expect(Hex.is(hex, bytes.length)).toBe(true)
      expect(Hex.is(hex, bytes.length + 1)).toBe(false)
    }),
  )
})

test.each(['', '0', 'ab', '0xa', '0xabc', '0xzz', '0Xab', '0xab ', '0xab\n', 'x0ab', '0x0xab'])(
  'decode refuses %j',
  (text) => {
    expect(() => Hex.decode(text)).toThrow(InputError)
    expect(() => Hex.decode(text)).toThrow('expected 0x-prefixed hex of whole bytes')
  },
)

test('decode reads megabytes, and says little about megabytes it refuses', () => {
  const long = `0x${'ab'.repeat(8_000_000)}`
  expect(Hex.decode(long)).toHaveLength(8_000_000)
  let message = ''
  try {
    Hex.decode(`${long}z`)
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).toMatch(/^expected/)
  expect(message.length).toBeLessThan(120)
})

test.each([undefined, null, 1, 1n, ['0xab'], '0xa', '0xag', 'abab', '0xabab'])(
  'is(%s, 1) is false',
  (value) => {
    expect(Hex.is(value, 1)).toBe(false)
  },
)

test('word is 32 bytes, big-endian, of integers that fit', () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 256n - 1n), (value) => {
      expect(Hex.is(Hex.word(value), 32)).toBe(true)
      expect(BigInt(Hex.word(value))).toBe(value)
    }),
  )
  expect(Hex.word(1n)).toBe(`0x${'0'.repeat(63)}1`)
  for (const value of [-1n, 2n ** 256n])
    expect(() => Hex.word(value)).toThrow('expected an integer of at most 256 bits')
})
