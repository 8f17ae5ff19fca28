import { describe, expect, test } from 'vitest'
import {
  ask,
  desk,
  dollars,
  hourMs,
  id,
  nowMs,
  open,
  request,
  till,
  utc,
  without,
} from '../../../test/policies/Desk.ts'
import * as Budget from '../Budget.ts'
import * as Meter from '../Meter.ts'

const other = '0x00000000000000000000000000000000000000bb'

test('captured and held together reach the cap and never pass it', () => {
  const budget = open('cap 5 USDC per 24h')
  budget.pay({ atoms: dollars(3) })
  budget.capture(1, dollars(2))
  expect(budget.sums()).toEqual([['2000000', '0']])
  expect(budget.pay({ atoms: dollars(3) + 1n })).toBe('deny')
  expect(budget.pay({ atoms: dollars(3) })).toBe('allow')
  expect(budget.pay({ atoms: 1n })).toBe('deny')
  expect(budget.pay({ atoms: 0n })).toBe('allow')
})

test('a rolling window frees a use after the whole window and at most one bucket more', () => {
  const budget = open('cap 5 USDC per 24h')
  budget.pay({ atoms: dollars(5) })
  budget.capture(1, dollars(5))
  expect(budget.pay({ atoms: 1n }, nowMs + 24 * hourMs)).toBe('deny')
  expect(budget.pay({ atoms: 1n }, nowMs + 24.4 * hourMs)).toBe('allow')
})

test('a lifetime never ends', () => {
  const budget = open('cap 5 USDC per lifetime')
  budget.pay({ atoms: dollars(5) })
  budget.capture(1, dollars(4))
  const laterMs = utc('2123-01-01T00:00')
  expect(budget.pay({ atoms: dollars(1) + 1n }, laterMs)).toBe('deny')
  expect(budget.pay({ atoms: dollars(1) }, laterMs)).toBe('allow')
  const again = Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(budget.usage))))
  const [row] = Budget.status(again, budget.policy, laterMs)
  expect(row?.meter).toMatchObject({ used: '4000000', held: '1000000', period: 'lifetime' })
})

describe('a month of a calendar', () => {
  const sentence = 'cap 400 USDC per calendar month in Europe/Berlin'

  test('begins at midnight there, and a change to summer time within it frees nothing', () => {
    const budget = open(sentence)
    budget.pay({ atoms: dollars(300) }, utc('2024-03-01T08:00'))
    budget.capture(1, dollars(300), utc('2024-03-01T08:00'))
    expect(budget.pay({ atoms: dollars(101) }, utc('2024-03-31T00:59'))).toBe('deny')
    expect(budget.pay({ atoms: dollars(101) }, utc('2024-03-31T01:00'))).toBe('deny')
    expect(budget.pay({ atoms: dollars(101) }, utc('2024-03-31T21:59:59.999'))).toBe('deny')
    expect(budget.pay({ atoms: dollars(400) }, utc('2024-03-31T22:00'))).toBe('allow')
  })

  test('ends an hour later by UTC when winter time began in it', () => {
    const budget = open(sentence)
    budget.pay({ atoms: dollars(400) }, utc('2024-10-15T08:00'))
    budget.capture(1, dollars(400), utc('2024-10-31T22:30'))
    expect(budget.pay({ atoms: 1n }, utc('2024-10-31T22:59:59.999'))).toBe('deny')
    expect(budget.pay({ atoms: 1n }, utc('2024-10-31T23:00'))).toBe('allow')
  })

  test('counts a hold in whatever month it is, and a capture in the month it is made', () => {
    const budget = open(sentence)
    budget.pay({ atoms: dollars(400) }, utc('2024-03-31T21:00'))
    expect(budget.pay({ atoms: 1n }, utc('2024-04-15T00:00'))).toBe('deny')
    budget.capture(1, dollars(400), utc('2024-04-15T00:00'))
    expect(budget.pay({ atoms: 1n }, utc('2024-04-30T21:59:59.999'))).toBe('deny')
    expect(budget.pay({ atoms: 1n }, utc('2024-04-30T22:00'))).toBe('allow')
  })

  test('does not come back when the clock does', () => {
    const budget = open(sentence)
    budget.pay({ atoms: dollars(400) }, utc('2024-03-15T00:00'))
    budget.capture(1, dollars(400), utc('2024-03-15T00:00'))
    expect(budget.pay({ atoms: dollars(300) }, utc('2024-04-01T00:00'))).toBe('allow')
    expect(budget.pay({ atoms: dollars(101) }, utc('2024-03-15T00:00'))).toBe('deny')
    expect(budget.pay({ atoms: dollars(100) }, utc('2024-03-15T00:00'))).toBe('allow')
  })
})

test.each(Meter.subjects)(
  'per %s each counts by itself, and one that is not named is denied',
  (each) => {
    const sentence = `cap 5 USDC per 24h per ${each}`
    const budget = open(sentence)
    expect(budget.pay({ atoms: dollars(5) })).toBe('allow')
    expect(budget.pay({ atoms: 1n })).toBe('deny')
    if (each !== 'asset') expect(budget.pay({ atoms: dollars(5), [each]: other })).toBe('allow')
    const { verdict, reasons } = ask(sentence, without(each))
    expect(verdict).toBe('deny')
    expect(reasons.at(-1)).toMatchObject({ rule: sentence, outcome: 'deny' })
  },
)

test('a review without a subject counts on the meter of the subject it is approved with', () => {
  const [usage, approve] = [Budget.empty(), 'approve above 1 USDC by ops']
  const [before, after] = [desk(approve), desk('cap 5 USDC per 24h per tool', approve)]
  const { tool: _, ...toolless } = request(1, { atoms: dollars(4) })
  expect(Budget.authorize(usage, before, toolless, nowMs).verdict).toBe('review')
  // From here on the new rule's meters are kept up.
  Budget.authorize(usage, after, request(2, { atoms: 1n }), nowMs)
  const approval = { by: 'ops', payee: till, model: 'docs-reader', ceilingAtoms: dollars(4) }
  const approved = request(1, { atoms: dollars(4), approval })
  expect(Budget.authorize(usage, after, approved, nowMs).verdict).toBe('allow')
  expect(Budget.authorize(usage, after, request(3), nowMs).verdict).toBe('deny')
  expect(Budget.capture(usage, id(1), dollars(4), nowMs)).toBe('ok')
  const [row] = Budget.status(usage, after, nowMs)
  expect(row?.meter).toMatchObject({ used: '4000000', held: '1' })
})
