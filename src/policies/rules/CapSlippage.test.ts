import { expect, test } from 'vitest'
import { ask, without } from '../../../test/policies/Desk.ts'

const sentence = 'cap slippage 1%'

test('a trade that may lose exactly the share may be made, a billionth more may not', () => {
  expect(ask(sentence, { slippagePpb: 0n }).verdict).toBe('allow')
  expect(ask(sentence, { slippagePpb: 10_000_000n }).verdict).toBe('allow')
  const { verdict, decidedBy } = ask(sentence, { slippagePpb: 10_000_001n })
  expect(verdict).toBe('deny')
  expect(decidedBy?.because).toBe(`${sentence}: 1.0000001% asked`)
})

test('what says nothing of its slippage is denied, however much is let pass', () => {
  for (const each of [sentence, 'cap slippage 100%']) {
    const { verdict, decidedBy } = ask(each, without('slippagePpb'))
    expect(verdict).toBe('deny')
    expect(decidedBy?.because).toBe(`${each}: the request states no valid slippage`)
  }
})

test('a share of nothing lets only what loses nothing pass, all of it whatever is stated', () => {
  expect(ask('cap slippage 0%', { slippagePpb: 0n }).verdict).toBe('allow')
  expect(ask('cap slippage 0%', { slippagePpb: 1n }).verdict).toBe('deny')
  expect(ask('cap slippage 100%', { slippagePpb: 1_000_000_000n }).verdict).toBe('allow')
})

test.each([1_000_000_001n, -1n, 0, 0.5, Number.NaN, '0', null, [0n]])(
  'a slippage of %s is none',
  (slippagePpb) => {
    expect(ask('cap slippage 100%', { slippagePpb: slippagePpb as bigint }).verdict).toBe('deny')
  },
)
