import { expect, test } from 'vitest'
import { ask, dollars, hourMs, nowMs, open, till, without } from '../../../test/policies/Desk.ts'

const other = '0x00000000000000000000000000000000000000bb'

test('what is on its way counts until it is captured or voided, and nothing of the past does', () => {
  const budget = open('cap exposure 3 USDC')
  expect(budget.pay({ atoms: dollars(2) })).toBe('allow')
  expect(budget.pay({ atoms: dollars(2) })).toBe('deny')
  expect(budget.pay({ atoms: dollars(1) })).toBe('allow')
  expect(budget.pay({ atoms: 1n })).toBe('deny')
  expect(budget.sums()).toEqual([['0', '3000000']])
  expect(budget.capture(1, dollars(2))).toBe('ok')
  expect(budget.sums()).toEqual([['0', '1000000']])
  expect(budget.pay({ atoms: dollars(2) })).toBe('allow')
  expect(budget.release(3)).toBe('ok')
  expect(budget.pay({ atoms: dollars(1) })).toBe('allow')
  expect(budget.pay({ atoms: 1n })).toBe('deny')
})

test('time alone frees nothing: a hold is on its way until somebody has looked', () => {
  const budget = open('cap exposure 3 USDC')
  budget.pay({ atoms: dollars(3) })
  expect(budget.pay({ atoms: 1n }, nowMs + 10_000 * hourMs)).toBe('deny')
})

test('each payee is exposed by itself', () => {
  const budget = open('cap exposure 3 USDC per payee')
  expect(budget.pay({ atoms: dollars(3) })).toBe('allow')
  expect(budget.pay({ atoms: dollars(3), payee: other })).toBe('allow')
  expect(budget.pay({ atoms: 1n })).toBe('deny')
  budget.capture(1, dollars(3))
  expect(budget.pay({ atoms: dollars(3), payee: till })).toBe('allow')
  expect(budget.pay({ atoms: 1n, payee: other })).toBe('deny')
})

test('a request that names no subject is denied, naming what is missing', () => {
  const { verdict, decidedBy } = ask('cap exposure 3 USDC per tool', without('tool'))
  expect(verdict).toBe('deny')
  expect(decidedBy?.because).toBe('cap exposure 3 USDC per tool: the request states no valid tool')
})
