/** Texts that are nobody's, or that were bought, cannot be sold as data. */
import { expect, test } from 'vitest'
import * as Attack from './Attack.ts'
import * as Corpus from './Corpus.ts'
import * as Padding from './Padding.ts'

function expectHeld(measure: Attack.Measure): void {
  expect(Attack.holds(measure), `${measure.attack}: ${measure.ours} ${measure.unit}`).toBe(true)
  expect(measure.naive.gain).toBeGreaterThan(measure.bound)
}

test('past outputs registered as data earn 0, and the same answers cost the same', () => {
  const measure = Padding.outputs()
  expectHeld(measure)
  expect(measure.naive.gain).toBeGreaterThan(99)
  for (const [index, cover] of measure.covers.entries()) {
    const undefended = measure.undefended[index]!
    expect(cover.outputMilliBits).toBeGreaterThan(0n)
    expect(cover.coveragePpb).toBeGreaterThan(400_000_000n)
    // Without the memory the words between the quotations would be the attacker's.
    expect(undefended.coveragePpb).toBeGreaterThan(cover.coveragePpb)
  }
})

test('boilerplate gains nothing: commons carry s = 0, and S only falls', () => {
  const measure = Padding.boilerplate()
  expectHeld(measure)
  expect(measure.covers.every(({ commonsMilliBits }) => commonsMilliBits > 0n)).toBe(true)
  expect(measure.naive.gain).toBeGreaterThan(5)
})

test('phrases that everybody uses: little for who is first of all, next to nothing after the first import', () => {
  const [first, late] = [Padding.landGrab(), Padding.lateGrab()]
  expectHeld(first)
  expectHeld(late)
  for (const measure of [first, late]) expect(measure.phrases).toBeGreaterThan(1_000)
  expect(first.naive.gain).toBeGreaterThan(5)
})

test('a thousand random items influence nothing', () => {
  const measure = Padding.squatting()
  expectHeld(measure)
  expect(measure.covers).toHaveLength(Corpus.load().answers.length)
  expect(measure.naive.gain).toBeGreaterThan(15)
})
