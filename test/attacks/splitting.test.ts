/** Splitting an identity in k gains less than k units; splitting a document never gains (invariant 2). */
import { expect, test } from 'vitest'
import * as Attack from './Attack.ts'
import * as Splitting from './Splitting.ts'

test('one owner becomes ten: less than ten nano-atoms a payment', () => {
  const measure = Splitting.identity()
  expect(measure.payments).toBeGreaterThan(1_000)
  expect(measure.ours).toBeGreaterThan(0)
  expect(Attack.holds(measure), `${measure.ours} ${measure.unit}`).toBe(true)
  expect(measure.naive.gain).toBeGreaterThan(1_000_000_000)
})

test('one document becomes many, under one name or under many: never more than the whole', () => {
  const measure = Splitting.document()
  expect(measure.ratios.length).toBeGreaterThan(3)
  expect(measure.ratios.every((ratio) => ratio > 0.5)).toBe(true)
  expect(Attack.holds(measure), `${measure.ours} ${measure.unit}`).toBe(true)
  expect(measure.naive.gain).toBeGreaterThan(1.5)
})
