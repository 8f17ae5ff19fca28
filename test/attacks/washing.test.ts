/** Dealing with oneself always loses, and is not counted (ECONOMICS, "No emissions, ever"; invariant 9). */
import { expect, test } from 'vitest'
import * as Attack from './Attack.ts'
import * as Washing from './Washing.ts'

function expectHeld(measure: Attack.Measure): void {
  expect(Attack.holds(measure), `${measure.attack}: ${measure.ours} ${measure.unit}`).toBe(true)
  expect(measure.naive.gain).toBeGreaterThan(measure.bound)
}

test('wash purchases lose the fee at least', () => {
  const measure = Washing.elsewhere()
  expectHeld(measure)
  expect(measure.purchases).toBe(30)
  expect(measure.feeNano > 0n && measure.earnedNano > 0n).toBe(true)
  expect(measure.paidNano - measure.earnedNano >= measure.feeNano + measure.gasNano).toBe(true)
  // The bound says something: most of what was paid does come back.
  expect(measure.ours).toBeGreaterThan(0.5)
})

test('even on one’s own node they lose what the chain took; only an emission would make them pay', () => {
  const measure = Washing.atHome()
  expectHeld(measure)
  expect(measure.gasNano).toBeGreaterThan(0n)
  expect(measure.ours).toBeLessThan(1)
  expect(measure.naive.gain).toBeGreaterThan(1)
})

test('a ring of one’s own agents is 0 of the volume shown, and the others’ volume stays', () => {
  const measure = Washing.ring()
  expectHeld(measure)
  expect(measure.outsideAtoms).toBeGreaterThan(100_000n)
  expect(measure.naive.gain).toBeGreaterThan(80)
})

test('eighty payers of one’s own move the index by less than two percent', () => {
  const measure = Washing.pumping()
  expectHeld(measure)
  expect(measure.ours).toBeGreaterThan(0.98)
  expect(measure.naive.gain).toBeGreaterThan(2)
})
