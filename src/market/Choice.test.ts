import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Choice from './Choice.ts'
import * as Reputation from './Reputation.ts'

const seller = (digit: number) => `0x${String(digit).repeat(40)}` as Hex
const purchase = (index: number) => Hash.digest(['job', index])
const sure = { tauNanoPerMs: 0n, explorePpb: 0n, purchase: purchase(0) }
const usual: Choice.Candidate = {
  ...{ seller: seller(1), priceAtoms: 100n, latencyMs: 200, reputationPpb: 500_000_000n },
}

describe('the choice', () => {
  test.each<[string, Partial<Choice.Candidate>, bigint]>([
    ['falls on the cheaper', { priceAtoms: 99n }, 0n],
    ['on the better at one price', { reputationPpb: 500_000_001n }, 0n],
    ['on the dearer that is sure enough', { priceAtoms: 190n, reputationPpb: 960_000_000n }, 0n],
    ['on the faster when time has a price', { priceAtoms: 101n, latencyMs: 0 }, 10_000_000n],
    ['among equals on the first by address', { seller: seller(0) }, 0n],
  ])('%s', (_, change, tauNanoPerMs) => {
    const other = { ...usual, seller: seller(2), ...change }
    const options = { ...sure, tauNanoPerMs }
    expect(Choice.of([usual, other], options)).toEqual({ index: 1, isTrial: false })
    expect(Choice.of([other, usual], options)).toEqual({ index: 0, isTrial: false })
  })

  test('of one is that one', () => {
    expect(Choice.of([usual], { ...sure, explorePpb: 10n ** 9n })).toEqual({
      ...{ index: 0, isTrial: false },
    })
  })

  test('tries another about one time in twenty, each other alike', () => {
    const candidates = [1, 2, 3].map((digit) => ({
      ...usual,
      ...{ seller: seller(digit), priceAtoms: BigInt(digit) },
    }))
    const counts = [0, 0, 0]
    for (let job = 0; job < 20_000; job += 1) {
      const options = { tauNanoPerMs: 0n, purchase: purchase(job) }
      const { index, isTrial } = Choice.of(candidates, options)
      expect(isTrial).toBe(index !== 0)
      counts[index]! += 1
    }
    for (const count of counts.slice(1)) {
      expect(count).toBeGreaterThan(400)
      expect(count).toBeLessThan(600)
    }
  })

  test('follows from candidates and purchase alone, whatever their order', () => {
    const candidate = fc.record({
      seller: fc.integer({ min: 0, max: 9 }).map(seller),
      priceAtoms: fc.bigInt(0n, 10n ** 12n),
      latencyMs: fc.integer({ min: 0, max: 60_000 }),
      reputationPpb: fc.bigInt(20_000_000n, 999_999_999n),
    })
    const list = fc.uniqueArray(candidate, { selector: ({ seller }) => seller, minLength: 1 })
    fc.assert(
      fc.property(list, fc.nat(), fc.bigInt(0n, 10n ** 9n), (candidates, job, tauNanoPerMs) => {
        const options = { tauNanoPerMs, purchase: purchase(job) }
        const chosen = candidates[Choice.of(candidates, options).index]!
        const reversed = [...candidates].reverse()
        expect(reversed[Choice.of(reversed, options).index]).toBe(chosen)
        if (Choice.of(candidates, options).isTrial) return
        for (const other of candidates)
          expect(Choice.costNano(chosen, options) <= Choice.costNano(other, options)).toBe(true)
      }),
    )
  })
})

test('a recorded choice is recomputed, and falls on one quote only', () => {
  const quoteHash = (digit: number) => Hash.text(`quote ${digit}`)
  const recorded: Choice.Recorded = {
    candidates: [1, 2].map((digit) => ({
      ...{ seller: seller(digit), quoteHash: quoteHash(digit), latencyMs: 0 },
      ...{ priceAtoms: String(100 * digit), reputationPpb: '500000000' },
    })),
    ...{ tauNanoPerMs: '0', explorePpb: '0' },
  }
  const fault = (quote: number, change: Partial<Choice.Recorded> = {}) =>
    Choice.fault({ ...recorded, ...change }, { purchase: purchase(0), quoteHash: quoteHash(quote) })
  expect(fault(1)).toBeUndefined()
  expect(fault(2)).toMatch(/^choice of another quote/)
  const [first, second] = recorded.candidates as [Choice.Recorded['candidates'][0], never]
  const worse = { ...first, reputationPpb: '20000000' }
  expect(fault(2, { candidates: [worse, second] })).toBeUndefined()
  expect(fault(1, { candidates: [worse, second] })).toMatch(/^choice of another quote/)
  const none = { ...first, reputationPpb: '0' }
  expect(fault(1, { candidates: [none] })).toBe('choice among the worthless')
})

test('a good answer costs a third less than by taking the cheapest each time', () => {
  // As in the design's figures: five sellers, retried until good, at most five times a job.
  const sellers = [
    ...[{ price: 100n, latencyMs: 400, goodPpb: 550_000_000n }],
    ...[{ price: 160n, latencyMs: 500, goodPpb: 950_000_000n }],
    ...[{ price: 220n, latencyMs: 200, goodPpb: 970_000_000n }],
    ...[{ price: 400n, latencyMs: 300, goodPpb: 990_000_000n }],
    ...[{ price: 90n, latencyMs: 450, goodPpb: 300_000_000n }],
  ]
  const ratios = [1, 2, 3, 4, 5].map((world) => {
    const cheapest = run(world, () => 4)
    const chosen = run(world, (candidates, id) => {
      const options = { tauNanoPerMs: 100_000_000n, purchase: id }
      return Choice.of(candidates, options).index
    })
    expect(chosen.good).toBeGreaterThanOrEqual(980)
    return chosen.costPerGood / cheapest.costPerGood
  })
  // 1.77 against 2.99 in the design; now and then a world settles on the second best for long.
  expect(ratios.sort()[2]).toBeLessThan(0.63)

  function run(world: number, choose: (candidates: Choice.Candidate[], purchase: Hex) => number) {
    let [cost, good] = [0n, 0]
    const known = sellers.map(() => ({ all: 0, good: 0 }))
    for (let job = 0; job < 1_000; job += 1)
      for (let attempt = 0; attempt < 5; attempt += 1) {
        const candidates = sellers.map(({ price, latencyMs }, index) => ({
          ...{ seller: seller(index), priceAtoms: price, latencyMs },
          reputationPpb: reputation(index),
        }))
        const index = choose(candidates, Hash.digest([world, job, attempt]))
        const lot = BigInt(Hash.digest(['lot', world, job, attempt])) % 1_000_000_000n
        const isGood = lot < sellers[index]!.goodPpb
        cost += sellers[index]!.price
        known[index]!.all += 1
        if (!isGood) continue
        known[index]!.good += 1
        good += 1
        break
      }
    return { good, costPerGood: Number(cost) / good }

    // Of many answers a hundred say as much.
    function reputation(index: number) {
      const { all, good } = known[index]!
      const some = Math.min(all, 100)
      const share = all === 0 ? 0 : Math.round((good * some) / all)
      const list = Array.from({ length: some }, (_, at) => made(index, at < share))
      return Reputation.of(seller(index), list, { nowMs: 0, observationNano: 1n })
    }
    function made(index: number, isGood: boolean): Reputation.Evidence {
      return { seller: seller(index), isGood, irrecoverableNano: 1n, atMs: 0 }
    }
  }
})
