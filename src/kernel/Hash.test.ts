import { keccak_256 } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Hash from './Hash.ts'
import * as Hex from './Hex.ts'
import * as Browser from './sha256.browser.ts'
import * as Node from './sha256.node.ts'

test.each([
  ['', '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', '0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
])('FIPS 180-4: SHA-256 of %j', (text, hash) => {
  expect(Hash.text(text)).toBe(hash)
  expect(Hex.encode(Browser.sha256(Hash.bytes(text)))).toBe(hash)
})

test.each([
  ['', '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
  [
    'Transfer(address,address,uint256)',
    '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef',
  ],
])('keccak256 of %j', (text, hash) => {
  expect(Hex.encode(Hash.keccak256(text))).toBe(hash)
})

test('Node and browsers hash alike, to the same kind of bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const node = Node.sha256(bytes)
      expect(node).toEqual(Browser.sha256(bytes))
      expect(Object.getPrototypeOf(node)).toBe(Uint8Array.prototype)
    }),
  )
})

test('a text is hashed as its UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const bytes = new Uint8Array(Buffer.from(text))
      expect(Hash.bytes(text)).toEqual(bytes)
      expect(Hash.sha256(text)).toEqual(Hash.sha256(bytes))
      expect(Hash.keccak256(text)).toEqual(keccak_256(bytes))
    }),
  )
})

test('a digest names a value, not the order it was written in', () => {
  expect(Hash.digest({ a: 1, b: [2, 'x'] })).toBe(Hash.digest({ b: [2, 'x'], a: 1 }))
  expect(Hash.digest({ a: 1, b: [2, 'x'] })).toBe(Hash.text('{"a":1,"b":[2,"x"]}'))
  expect(Hash.digest({ a: 1 })).not.toBe(Hash.digest({ a: '1' }))
})

test('a commitment binds text and salt', () => {
  const salt = Hex.word(7n)
  expect(Hash.commitment('yes', salt)).toBe(Hash.digest({ salt, text: 'yes' }))
  expect(Hash.commitment('yes', salt)).not.toBe(Hash.commitment('no', salt))
  expect(Hash.commitment('yes', salt)).not.toBe(Hash.commitment('yes', Hex.word(8n)))
})
