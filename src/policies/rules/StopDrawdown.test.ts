import { expect, test } from 'vitest'
import { ask, desk, nowMs, request, without } from '../../../test/policies/Desk.ts'
import * as Budget from '../Budget.ts'

const sentence = 'stop at drawdown 10% seen within 5m'
const seen = (ppb: bigint, agoMs = 0) => ({ drawdown: { ppb, asOfMs: nowMs - agoMs } })

test('an account that has lost less than the share may pay, one that has lost exactly it may not', () => {
  expect(ask(sentence, seen(99_999_999n)).verdict).toBe('allow')
  const { verdict, decidedBy } = ask(sentence, seen(100_000_000n))
  expect(verdict).toBe('deny')
  expect(decidedBy?.because).toBe(`${sentence}: 10% lost`)
  expect(ask(sentence, seen(1_000_000_000n)).verdict).toBe('deny')
})

test('what was seen exactly so long ago counts, a millisecond longer ago it is stale', () => {
  expect(ask(sentence, seen(0n, 300_000)).verdict).toBe('allow')
  const { verdict, decidedBy } = ask(sentence, seen(0n, 300_001))
  expect(verdict).toBe('deny')
  expect(decidedBy?.because).toBe(`${sentence}: last seen 300 s ago`)
})

test('what comes from the future was not seen', () => {
  expect(ask(sentence, seen(0n, -1)).verdict).toBe('deny')
  const { decidedBy } = ask(sentence, seen(0n, -60_000))
  expect(decidedBy?.because).toBe(`${sentence}: last seen 60 s in the future`)
})

test('staleness is told by the latest time seen, not by a clock that went back', () => {
  const [usage, policy] = [Budget.empty(), desk(sentence)]
  const laterMs = nowMs + 400_000
  const later = { drawdown: { ppb: 0n, asOfMs: laterMs } }
  expect(Budget.authorize(usage, policy, request(1, later), laterMs).verdict).toBe('allow')
  expect(Budget.authorize(usage, policy, request(2, seen(0n)), nowMs).verdict).toBe('deny')
})

test('an account at which nobody has looked may not pay', () => {
  const { verdict, decidedBy } = ask(sentence, without('drawdown'))
  expect(verdict).toBe('deny')
  expect(decidedBy?.because).toBe(`${sentence}: the request states no valid drawdown`)
})

test.each([
  ['a loss of more than all', { ppb: 1_000_000_001n, asOfMs: nowMs }],
  ['a loss below nothing', { ppb: -1n, asOfMs: nowMs }],
  ['a loss as a number', { ppb: 0, asOfMs: nowMs }],
  ['a time that is none', { ppb: 0n, asOfMs: Number.NaN }],
  ['no time', { ppb: 0n }],
  ['nothing', null],
])('%s is no drawdown', (_, drawdown) => {
  expect(ask(sentence, { drawdown: drawdown as never }).verdict).toBe('deny')
})
