import { describe, expect, test } from 'vitest'
import { ask, without } from '../../../test/policies/Desk.ts'
import * as Rule from '../Rule.ts'

describe.each([
  ['coverage', 'coveragePpb', 'demand-coverage'],
  ['royalty share', 'royaltySharePpb', 'demand-royalty-share'],
  ['rarity', 'rarityPpb', 'demand-rarity'],
] as const)('demand %s', (words, fact, rule) => {
  const sentence = `demand ${words} 50%`

  test('exactly the share that is demanded is enough, one part in a billion less is not', () => {
    expect(ask(sentence, { [fact]: 500_000_000n }).verdict).toBe('allow')
    expect(ask(sentence, { [fact]: 499_999_999n }).verdict).toBe('deny')
    expect(ask(sentence, { [fact]: 1_000_000_000n }).verdict).toBe('allow')
  })

  test('shares are compared as numbers, not as text', () => {
    expect(ask(`demand ${words} 9%`, { [fact]: 100_000_000n }).verdict).toBe('allow')
    expect(ask(`demand ${words} 100%`, { [fact]: 900_000_000n }).verdict).toBe('deny')
  })

  test('a quote that promises nothing is denied, naming the rule', () => {
    const { verdict, decidedBy } = ask(sentence, without(fact))
    expect(verdict).toBe('deny')
    expect(decidedBy?.because).toBe(`${sentence}: the request states no valid ${words}`)
    expect(ask(`demand ${words} 0%`, without(fact)).verdict).toBe('deny')
  })

  test('more than the whole is no promise', () => {
    expect(ask(sentence, { [fact]: 1_000_000_001n }).verdict).toBe('deny')
    expect(() => Rule.fromJson({ rule, [fact]: '1000000001' })).toThrow('at most 1000000000')
  })

  test('what another demand asks for is not enough', () => {
    const others = { coveragePpb: 1n, royaltySharePpb: 1n, rarityPpb: 1n, [fact]: 500_000_000n }
    expect(ask(sentence, others).verdict).toBe('allow')
    const all = 1_000_000_000n
    const rest = { coveragePpb: all, royaltySharePpb: all, rarityPpb: all, [fact]: 1n }
    expect(ask(sentence, rest).verdict).toBe('deny')
  })
})

const all = {
  coveragePpb: 1_000_000_000n,
  royaltySharePpb: 1_000_000_000n,
  rarityPpb: 1_000_000_000n,
}

test('only coverage covers', () => {
  expect(ask('demand coverage 1%', { ...all, coveragePpb: 0n }).verdict).toBe('deny')
})

test('only a royalty share pays those whose work it was', () => {
  expect(ask('demand royalty share 1%', { ...all, royaltySharePpb: 0n }).verdict).toBe('deny')
})

test('only rarity is rare', () => {
  expect(ask('demand rarity 1%', { ...all, rarityPpb: 0n }).verdict).toBe('deny')
})

test('exactly what is demanded is enough', () => {
  expect(ask('demand coverage 100%', all).verdict).toBe('allow')
})
