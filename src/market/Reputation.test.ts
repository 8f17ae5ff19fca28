import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Reputation from './Reputation.ts'

const day = 24 * 3_600_000
const options = { nowMs: 100 * day, observationNano: 1_000n }
const good: Reputation.Evidence = {
  ...{ seller: 'a', isGood: true, irrecoverableNano: 1_000n, atMs: options.nowMs },
}
const bad = { ...good, isGood: false }
const times = (count: number, each: Reputation.Evidence) =>
  Array.from({ length: count }, () => each)

describe('a seller', () => {
  test.each<[string, Reputation.Evidence[], bigint]>([
    ['nobody knows is given the prior', [], 146_446_610n],
    ['of ten good answers', times(10, good), 836_881_074n],
    ['of one good answer in two', [good, bad], 250_000_000n],
    ['of bad answers alone', times(1_000, bad), 20_000_000n],
    ['somebody else is praised for', times(9, { ...good, seller: 'b' }), 146_446_610n],
  ])('%s', (_, evidence, expected) => {
    const found = Reputation.of('a', evidence, options)
    expect(found - expected).toSatisfy((gap: bigint) => -2n <= gap && gap <= 2n)
  })
})

describe('a word weighs', () => {
  const weight = (change: Partial<Reputation.Evidence>) =>
    Reputation.weightOf({ ...good, ...change }, options)
  test.each<[string, Partial<Reputation.Evidence>, bigint]>([
    ['an observation, and never more', { irrecoverableNano: 10n ** 30n }, 1_000_000_000n],
    ['a tenth for a tenth of the cost', { irrecoverableNano: 100n }, 100_000_000n],
    ['nothing when it cost nothing', { irrecoverableNano: 0n }, 0n],
    ['half after 30 days', { atMs: options.nowMs - 30 * day }, 500_000_000n],
    ['three quarters after 15', { atMs: options.nowMs - 15 * day }, 750_000_000n],
    ['nothing in the end', { atMs: options.nowMs - 64 * 30 * day }, 0n],
    ['no more for coming from the future', { atMs: options.nowMs + day }, 1_000_000_000n],
  ])('%s', (_, change, expected) => {
    expect(weight(change)).toBe(expected)
  })

  test('what is paid back to its payer buys no reputation, however often', () => {
    const washed = times(5_000, { ...good, irrecoverableNano: 0n })
    expect(Reputation.of('a', washed, options)).toBe(Reputation.of('a', [], options))
  })
})

const evidence = fc.array(
  fc.record({
    seller: fc.constantFrom('a', 'b'),
    isGood: fc.boolean(),
    irrecoverableNano: fc.bigInt(0n, 3_000n),
    atMs: fc.integer({ min: 0, max: 110 * day }),
  }),
  { maxLength: 40 },
)

test('order decides nothing; a good answer never harms, a bad one never helps beyond its certainty', () => {
  fc.assert(
    fc.property(evidence, (list) => {
      const found = Reputation.of('a', list, options)
      expect(Reputation.of('a', [...list].reverse(), options)).toBe(found)
      expect(found).toSatisfy((ppb: bigint) => 20_000_000n <= ppb && ppb < 1_000_000_000n)
      // Rounding may take a few ppb.
      expect(Reputation.of('a', [...list, good], options) + 3n >= found).toBe(true)
      const mostlyBad = [...list, ...times(100, bad)]
      expect(Reputation.of('a', mostlyBad, options) < 500_000_000n).toBe(true)
    }),
  )
})
