/** Copying somebody's data earns nothing and moves nobody (ECONOMICS invariants 7 and 8). */
import { expect, test } from 'vitest'
import * as Attack from './Attack.ts'
import * as Copies from './Copies.ts'
import * as Corpus from './Corpus.ts'

function expectHeld(measure: Attack.Measure): void {
  expect(Attack.holds(measure), `${measure.attack}: ${measure.ours} ${measure.unit}`).toBe(true)
  expect(measure.naive.gain).toBeGreaterThan(measure.bound)
}

test('the corpus is real, and its answers rest on it', () => {
  const { texts, victims, licences, answers } = Corpus.load()
  expect(texts.length).toBeGreaterThan(40)
  expect(licences.length).toBeGreaterThan(20)
  expect(new Set(victims.map(({ owner }) => owner)).size).toBe(16)
  expect(answers).toHaveLength(40)
})

test.each([
  ['exact copies ×10', Copies.exact],
  ['near copies ×10', Copies.near],
])('%s: 0 to the copies, and no cover changes at all', (_, attack) => {
  const measure = attack()
  expectHeld(measure)
  expect(measure.naive.gain).toBeGreaterThan(80)
  expect(measure.documents.length).toBeGreaterThan(200)
  expect(measure.before.every(({ coveragePpb }) => coveragePpb > 400_000_000n)).toBe(true)
  expect(measure.after).toEqual(measure.before)
})

test('an answer that quotes a near copy still pays the original for all that it shares', () => {
  const measure = Copies.quoted()
  expectHeld(measure)
  expect(measure.after).toHaveLength(16)
  // The copier earns its own words at most: what the original never covered.
  for (const [index, cover] of measure.after.entries()) {
    const before = measure.before[index]!
    expect(before.coveragePpb).toBeGreaterThan(400_000_000n)
    expect(cover.weights).toEqual(expect.arrayContaining([...before.weights]))
    const won = cover.coverageMilliBits - before.coverageMilliBits
    expect(won <= before.totalMilliBits - before.coverageMilliBits).toBe(true)
  }
})

test('copies registered later lower no rarity', () => {
  expectHeld(Copies.griefing())
})

test('a copy in the same batch makes it commons: nobody gains, S is not charged', () => {
  const measure = Copies.sameBatch()
  expectHeld(measure)
  for (const [index, cover] of measure.after.entries()) {
    expect(cover.coveragePpb <= measure.before[index]!.coveragePpb).toBe(true)
    expect(cover.commonsMilliBits).toBeGreaterThan(0n)
  }
})

test('running ahead of a revelation: the order of commitment counts', () => {
  const measure = Copies.frontRunning()
  expectHeld(measure)
  expect(measure).toMatchObject({ sameRoot: 'exists', othersRoot: 'root-differs' })
  expect(measure.naive.gain).toBe(100)
})
