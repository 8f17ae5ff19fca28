import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Tokenizer from './Tokenizer.ts'

const texts = fc.string({ unit: 'binary', maxLength: 60 })
const words = (text: string) => Tokenizer.tokenize(text).map((token) => token.text)

test.each([
  ['Hello, World!', ['hello', ',', 'world', '!']],
  ['  a\tb\n\u00a0c\u200bd ', ['a', 'b', 'c', 'd']],
  ['snake_case-v1.2', ['snake_case', '-', 'v1', '.', '2']],
  ["don’t don't", ['don', '’', 't', 'don', "'", 't']],
  ['École ÉCOLE', ['École', 'École']],
  ['世界 こんにちは', ['世', '界', 'こ', 'ん', 'に', 'ち', 'は']],
  ['ภาษา', ['ภ', 'า', 'ษ', 'า']],
  ['한국어 문서', ['한국어', '문서']],
  ['Привет мир', ['Привет', 'мир']],
  ['नमस्ते', ['नमस्ते']],
  ['🚀🚀x', ['🚀', '🚀', 'x']],
  ['\ud800x\udc00', ['\ud800', 'x', '\udc00']],
  ['a—b…', ['a', '—', 'b', '…']],
  ['AZ@[az`{09/:', ['az', '@', '[', 'az', '`', '{', '09', '/', ':']],
  ['', []],
])('%j', (text, expected) => {
  expect(words(text)).toEqual(expected)
  expect(Tokenizer.count(text)).toBe(expected.length)
})

test('tokens stand where they say, in order, and leave only blanks out', () => {
  fc.assert(
    fc.property(texts, (text) => {
      let end = 0
      for (const token of Tokenizer.tokenize(text)) {
        expect(words(text.slice(end, token.start))).toEqual([])
        expect(token.end).toBeGreaterThan(token.start)
        expect(Tokenizer.fold(text.slice(token.start, token.end))).toBe(token.text)
        end = token.end
      }
      expect(words(text.slice(end))).toEqual([])
    }),
    { numRuns: 1000 },
  )
})

test('white space and ASCII case change nothing else', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('Abc', 'x', '.', '世', '🚀', 'ß'), { maxLength: 12 }),
      (list) => {
        expect(words(list.join(' \n'))).toEqual(list.map(Tokenizer.fold))
        expect(words(list.join(' ').toUpperCase().replace(/SS/g, 'ß'))).toEqual(
          words(list.join(' ')),
        )
      },
    ),
  )
})

test('a part that begins and ends with tokens has the same tokens', () => {
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat(), (text, left, right) => {
      const tokens = Tokenizer.tokenize(text)
      if (tokens.length === 0) return
      const [from, to] = [left % tokens.length, right % tokens.length].sort((a, b) => a - b)
      const part = text.slice(tokens[from!]!.start, tokens[to!]!.end)
      expect(words(part)).toEqual(tokens.slice(from, to! + 1).map((token) => token.text))
    }),
    { numRuns: 1000 },
  )
})

test('scanning in small steps gives the same tokens as at once', () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 5 }), (text, capacity) => {
      const starts: number[] = []
      const columns = Tokenizer.columns(capacity)
      for (let at = 0; at < text.length; ) {
        at = Tokenizer.scan(text, at, columns)
        starts.push(...columns.starts.subarray(0, columns.count))
      }
      expect(starts).toEqual(Tokenizer.tokenize(text).map(({ start }) => start))
    }),
  )
})

test('hashes fold as texts do', () => {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz'
  const [lower, upper] = [Tokenizer.all(alphabet), Tokenizer.all(alphabet.toUpperCase())]
  expect(upper.hashes).toEqual(lower.hashes)
  expect(Tokenizer.all('É').hashes).not.toEqual(Tokenizer.all('é').hashes)
})
