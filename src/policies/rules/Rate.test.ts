import { expect, test } from 'vitest'
import { ask, nowMs, open, utc, without } from '../../../test/policies/Desk.ts'
import * as Meter from '../Meter.ts'

test('as many payments as it says are allowed in the window, one more is denied', () => {
  const budget = open('at most 3 payments per minute')
  const verdicts = Array.from({ length: 4 }, () => budget.pay())
  expect(verdicts).toEqual(['allow', 'allow', 'allow', 'deny'])
})

test('held and captured payments count, voided and denied ones do not', () => {
  const budget = open('at most 3 payments per minute', 'cap 2 USDC per payment')
  budget.pay()
  budget.pay()
  expect(budget.pay({ atoms: 3_000_000n })).toBe('deny')
  budget.capture(1, 0n)
  budget.release(2)
  expect(budget.sums()).toEqual([['1', '0']])
  expect([budget.pay(), budget.pay(), budget.pay()]).toEqual(['allow', 'allow', 'deny'])
})

test('a payment counts when it is captured, and until the whole window has passed', () => {
  const budget = open('at most 1 payment per minute')
  budget.pay()
  budget.capture(1, 1n, nowMs + 30_000)
  expect(budget.pay({}, nowMs + 90_000)).toBe('deny')
  expect(budget.pay({}, nowMs + 92_000)).toBe('allow')
})

test('a day of a calendar ends at its midnight, not after 24 hours', () => {
  const budget = open('at most 1 payment per calendar day in Europe/Berlin')
  const eveningMs = utc('2024-03-30T22:30')
  budget.pay({}, eveningMs)
  budget.capture(1, 1n, eveningMs)
  expect(budget.pay({}, utc('2024-03-30T22:59:59.999'))).toBe('deny')
  expect(budget.pay({}, utc('2024-03-30T23:00'))).toBe('allow')
})

test.each(Meter.subjects)(
  'per %s each counts by itself, and one that is not named is denied',
  (each) => {
    const sentence = `at most 1 payment per minute per ${each}`
    const budget = open(sentence)
    expect(budget.pay()).toBe('allow')
    expect(budget.pay()).toBe('deny')
    // Another asset is denied for another reason.
    if (each !== 'asset') expect(budget.pay({ [each]: 'another' })).toBe('allow')
    expect(ask(sentence, without(each)).verdict).toBe('deny')
  },
)
