import { expect, test } from 'vitest'
import { ask, nowMs, open, without } from '../../../test/policies/Desk.ts'

const sentence = 'at most 25 device seconds per hour'

test('what quotes reserve adds up to the limit and not a millisecond beyond', () => {
  const budget = open(sentence)
  expect(budget.pay({ deviceMs: 10_000n })).toBe('allow')
  expect(budget.pay({ deviceMs: 15_001n })).toBe('deny')
  expect(budget.pay({ deviceMs: 15_000n })).toBe('allow')
  expect(budget.pay({ deviceMs: 1n })).toBe('deny')
  expect(budget.pay({ deviceMs: 0n })).toBe('allow')
})

test('a capture counts all that was reserved, whatever was paid; a void frees it', () => {
  const budget = open(sentence)
  budget.pay({ deviceMs: 20_000n })
  budget.capture(1, 0n)
  expect(budget.sums()).toEqual([['20000', '0']])
  budget.pay({ deviceMs: 5_000n })
  budget.release(2)
  expect(budget.sums()).toEqual([['20000', '0']])
  expect(budget.pay({ deviceMs: 5_000n })).toBe('allow')
})

test('the window rolls', () => {
  const budget = open(sentence)
  budget.pay({ deviceMs: 25_000n })
  budget.capture(1, 0n)
  expect(budget.pay({ deviceMs: 1n }, nowMs + 3_600_000)).toBe('deny')
  expect(budget.pay({ deviceMs: 1n }, nowMs + 3_700_000)).toBe('allow')
})

test('a quote that reserves no device time is denied, naming the rule', () => {
  const { verdict, decidedBy } = ask(sentence, without('deviceMs'))
  expect(verdict).toBe('deny')
  expect(decidedBy?.because).toBe(`${sentence}: the request states no valid device time`)
})

test('each model works by itself', () => {
  const budget = open('at most 25 device seconds per hour per model')
  expect(budget.pay({ deviceMs: 25_000n })).toBe('allow')
  expect(budget.pay({ deviceMs: 25_000n, model: 'another' })).toBe('allow')
  expect(budget.pay({ deviceMs: 1n })).toBe('deny')
})

test('a limit is said in seconds, in the reason as in the sentence', () => {
  const { reasons } = ask(sentence, { deviceMs: 1_500n })
  expect(reasons.at(-1)?.because).toBe(`${sentence}: 1.5 s asked, 0 s used, 0 s held`)
})
