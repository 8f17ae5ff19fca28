import { expect, test } from 'vitest'
import * as Surprisal from './Surprisal.ts'
import { table } from './SurprisalTable.ts'
import * as Tokenizer from './Tokenizer.ts'

test('the table is the one that receipts name', () => {
  expect(Surprisal.tableHash()).toMatchInlineSnapshot(
    `"0xb3b1fcfc5200e54c295a910b094e931c4ec7d0ae7b9c78e51c03adbbf42f035a"`,
  )
})

test('the table holds whole tokens once, in order, within the cap and 300 kB', () => {
  const words = [...Surprisal.read(table)]
  expect(words.length).toBeGreaterThan(10_000)
  expect(table.length).toBeLessThan(300_000)
  expect(
    table
      .trim()
      .split(/\s+/)
      .filter((piece) => !/^=\d+$/.test(piece)),
  ).toHaveLength(words.length)
  let before: [string, number] = ['', 0]
  for (const [word, milliBits] of words) {
    expect(Tokenizer.tokenize(word).map(({ text }) => text)).toEqual([word])
    expect(Number.isInteger(milliBits)).toBe(true)
    expect(milliBits).toBeLessThan(Surprisal.unknownMilliBits)
    const isAfter = milliBits > before[1] || (milliBits === before[1] && word > before[0])
    expect(isAfter, word).toBe(true)
    before = [word, milliBits]
  }
})

test('rarer words weigh more, and unknown ones the cap', () => {
  expect(Surprisal.of('the')).toBeLessThan(Surprisal.of('wallet'))
  expect(Surprisal.of('wallet')).toBeLessThan(Surprisal.of('qwxzv'))
  expect(Surprisal.of('qwxzv')).toBe(24_000)
  const text = 'The qwxzv'
  expect(Array.from(Surprisal.each(text, Tokenizer.all(text)))).toEqual([
    Surprisal.of('the'),
    24_000,
  ])
})
