import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Segment from './Segment.ts'
import * as Tokenizer from './Tokenizer.ts'

const document = (seq: number, text: string, more: Partial<Segment.Document> = {}) => ({
  seq,
  batch: 0,
  committedAtMs: 0,
  owner: 'ann',
  text,
  ...more,
})

const text = fc
  .array(fc.constantFrom('a', 'b', 'C', '.', '世', '🚀', 'long_word'), { maxLength: 150 })
  .map((list) => list.join(' '))

test('finds exactly the places where a window stands, and their offsets', () => {
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 4 }),
      text,
      fc.nat(),
      (texts, query, at) => {
        const segment = Segment.build(texts.map((each, seq) => document(seq, each)))
        const tokens = Tokenizer.all(query)
        if (tokens.count === 0) return
        const from = at % tokens.count
        const to = Math.min(tokens.count, from + 1 + (at % 3))
        const ids = Segment.encode(segment, query, tokens)
        const interval = Segment.find(segment, ids, from, to)
        const window = Tokenizer.tokenize(query).slice(from, to)
        const expected = texts.flatMap((each) => {
          const held = Tokenizer.tokenize(each)
          return held.flatMap(({ start }, index) =>
            window.every((token, step) => held[index + step]?.text === token.text) ? [start] : [],
          )
        })
        const rows =
          interval === undefined
            ? []
            : Array.from(segment.rows.subarray(interval.from, interval.to))
        const found = rows.sort((a, b) => a - b).map((row) => Segment.offset(segment, row))
        expect(found).toEqual(expected)
      },
    ),
    { numRuns: 500 },
  )
})

test('says of every token where it stands', () => {
  const long = Array.from(
    { length: 700 },
    (_, index) => `w${index}${index % 7 === 0 ? '  🚀' : ''}`,
  )
  const texts = ['', long.join(' '), 'x', '', long.join('\n'), '']
  const segment = Segment.build(texts.map((each, seq) => document(seq, each)))
  let position = 0
  for (const each of texts) {
    for (const { start } of Tokenizer.tokenize(each))
      expect(Segment.offset(segment, position++)).toBe(start)
    position++
  }
  expect(segment.tokens).toHaveLength(position)
})

test.each([
  ['one document per seq', [document(0, 'a'), document(0, 'b')]],
  ['one document per seq', [document(0, 'a', { commons: true }), document(0, 'b')]],
  ['batches that grow', [document(0, 'a', { batch: 2 }), document(1, 'b', { batch: 1 })]],
  ['one time per batch', [document(0, 'a'), document(1, 'b', { committedAtMs: 5 })]],
  [
    'one time per batch',
    [document(0, 'a', { committedAtMs: 5 }), document(1, 'b', { batch: 1, committedAtMs: 4 })],
  ],
  ['a whole number', [document(0.5, 'a')]],
  ['a whole number', [document(0, 'a', { batch: -1 })]],
])('refuses what breaks %s', (expected, documents) => {
  expect(() => Segment.build(documents)).toThrow(expected)
})

test('nothing at all is a segment', () => {
  const segment = Segment.build([])
  const tokens = Tokenizer.all('a b')
  expect(Segment.find(segment, Segment.encode(segment, 'a b', tokens), 0, 2)).toBeUndefined()
})
