import { expect, test } from 'vitest'
import { ask, dollars, open, without } from '../../../test/policies/Desk.ts'

const sentence = 'cap 2 USDC per payment'

test('a payment of exactly the cap is allowed, one atom more is denied', () => {
  expect(ask(sentence, { atoms: dollars(2) }).verdict).toBe('allow')
  const over = ask(sentence, { atoms: dollars(2) + 1n })
  expect(over.verdict).toBe('deny')
  expect(over.decidedBy).toMatchObject({ rule: sentence, because: `${sentence}: 2.000001 asked` })
})

test('payments do not add up', () => {
  const budget = open(sentence)
  for (let count = 0; count < 5; count++) expect(budget.pay({ atoms: dollars(2) })).toBe('allow')
})

test('a request that states no amount is denied, naming the rule', () => {
  const { verdict, reasons } = ask(sentence, without('atoms'))
  expect(verdict).toBe('deny')
  const because = `${sentence}: the request states no valid amount`
  expect(reasons.map((reason) => reason.because)).toContain(because)
})

test('a cap of nothing allows what is free, and nothing else', () => {
  expect(ask('cap 0 USDC per payment', { atoms: 0n }).verdict).toBe('allow')
  expect(ask('cap 0 USDC per payment', { atoms: 1n }).verdict).toBe('deny')
})

test('amounts are told apart beyond what a float can tell apart', () => {
  const huge = 'cap 9007199254.740993 USDC per payment'
  expect(ask(huge, { atoms: 2n ** 53n + 1n }).verdict).toBe('allow')
  expect(ask(huge, { atoms: 2n ** 53n + 2n }).verdict).toBe('deny')
})
