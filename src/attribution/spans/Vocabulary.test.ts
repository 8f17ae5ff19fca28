import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Vocabulary from './Vocabulary.ts'

const intern = (vocabulary: Vocabulary.Vocabulary, word: string, hash: number) =>
  Vocabulary.intern(vocabulary, word, 0, word.length, hash)
const find = (vocabulary: Vocabulary.Vocabulary, word: string, hash: number) =>
  Vocabulary.find(vocabulary, word, 0, word.length, hash)

test('equal words have one id and different words another, whatever their hashes', () => {
  const word = fc.string({ minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 400 }),
      fc.integer({ min: 1, max: 50 }),
      (list, kinds) => {
        const vocabulary = Vocabulary.create()
        const folded = list.map((each) => each.replace(/[A-Z]/g, (letter) => letter.toLowerCase()))
        const hash = (each: string) => each.length % kinds
        const known = new Map<string, number>()
        for (const [index, each] of list.entries()) {
          const key = folded[index]!
          const id = intern(vocabulary, each, hash(each))
          expect(known.get(key) ?? id).toBe(id)
          known.set(key, id)
          expect(Vocabulary.text(vocabulary, id)).toBe(key)
        }
        expect(new Set(known.values()).size).toBe(known.size)
        expect(vocabulary.size).toBe(known.size + 1)
        for (const [key, id] of known) expect(find(vocabulary, key, hash(key))).toBe(id)
        expect(find(vocabulary, 'never there', 11 % kinds)).toBe(0)
      },
    ),
    { numRuns: 200 },
  )
})

test('a hundred thousand words with one hash stay quick', () => {
  const vocabulary = Vocabulary.create()
  const startedAtMs = performance.now()
  for (let index = 0; index < 100_000; index++) intern(vocabulary, `word${index}`, 7)
  expect(performance.now() - startedAtMs).toBeLessThan(15_000)
  for (let index = 0; index < 100_000; index += 999)
    expect(Vocabulary.text(vocabulary, find(vocabulary, `word${index}`, 7))).toBe(`word${index}`)
  expect(vocabulary.size).toBe(100_001)
})

test('A to Z are a to z, and their neighbours are themselves', () => {
  const vocabulary = Vocabulary.create()
  const id = intern(vocabulary, 'AZaz@[', 1)
  expect(Vocabulary.text(vocabulary, id)).toBe('azaz@[')
  expect(find(vocabulary, 'azAZ@[', 1)).toBe(id)
  expect(find(vocabulary, 'azaz`{', 1)).toBe(0)
})
