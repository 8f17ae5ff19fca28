import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Hash from '../kernel/Hash.ts'
import * as Share from '../kernel/Share.ts'
import * as Price from './Price.ts'

const { whole } = Share
const rate = fc.bigInt(0n, 10n ** 12n)
const share = fc.bigInt(0n, whole)
const work = fc.bigInt(0n, 10n ** 9n)
const rates: fc.Arbitrary<Price.Rates> = fc.record({
  executionNanoPerStdUs: rate,
  influenceNanoPerStdUs: rate,
  premiumPpb: share,
  qualityPpb: share,
  feePpb: share,
  gasNano: fc.bigInt(0n, 10n ** 15n),
})

/** Shares that sum to at most the whole, by cutting it at random places. */
const shaped: fc.Arbitrary<Price.Shaped[]> = fc
  .array(fc.tuple(share, share), { maxLength: 12 })
  .map((cuts) => {
    const places = cuts.map(([cut]) => cut).sort((a, b) => (a < b ? -1 : 1))
    return cuts.map(([, rarityPpb], at) => ({
      artifact: Hash.text(`artifact ${at}`),
      sharePpb: places[at]! - (places[at - 1] ?? 0n),
      rarityPpb,
    }))
  })

const sum = (amounts: readonly bigint[]) => amounts.reduce((total, amount) => total + amount, 0n)

test('the parts of a price and its rounding are what is charged, to the nano-atom', () => {
  fc.assert(
    fc.property(work, rates, shaped, (stdUs, terms, shapes) => {
      const price = Price.of(stdUs, terms, shapes)
      const { executionNano, influenceNano, premiumNano, feeNano, gasNano, roundingNano } = price
      expect(sum([executionNano, influenceNano, premiumNano, feeNano, gasNano, roundingNano])).toBe(
        price.chargedAtoms * 10n ** 9n,
      )
      expect(roundingNano >= 0n && roundingNano < 10n ** 9n).toBe(true)
      expect(sum(price.parts.map((part) => part.influenceNano))).toBe(influenceNano)
      expect(sum(price.parts.map((part) => part.premiumNano))).toBe(premiumNano)
    }),
    { numRuns: 1_000 },
  )
})

test('each part is the formula’s, rounded down once', () => {
  fc.assert(
    fc.property(work, rates, shaped, (stdUs, terms, shapes) => {
      const price = Price.of(stdUs, terms, shapes)
      // As ECONOMICS.md writes them, as fractions: floor(n / d) ≤ n / d < floor(n / d) + 1.
      const isFloor = (part: bigint, numerator: bigint, denominator: bigint) =>
        part * denominator <= numerator && numerator < (part + 1n) * denominator
      expect(price.executionNano).toBe(stdUs * terms.executionNanoPerStdUs)
      for (const [at, { sharePpb, rarityPpb }] of shapes.entries()) {
        const { influenceNano, premiumNano } = price.parts[at]!
        const labour = stdUs * terms.influenceNanoPerStdUs * sharePpb
        expect(isFloor(influenceNano, labour, whole)).toBe(true)
        const premium = influenceNano * terms.premiumPpb * terms.qualityPpb * rarityPpb
        expect(isFloor(premiumNano, premium, 10n ** 27n)).toBe(true)
      }
      const before = price.executionNano + price.influenceNano + price.premiumNano
      expect(isFloor(price.feeNano, before * terms.feePpb, whole)).toBe(true)
      expect(price.gasNano).toBe(terms.gasNano)
    }),
    { numRuns: 500 },
  )
})

test('no work within the limit costs more than the maximum', () => {
  fc.assert(
    fc.property(work, fc.bigInt(0n, 10n ** 9n), rates, shaped, (limit, less, terms, shapes) => {
      const stdUs = limit - (less % (limit + 1n))
      expect(Price.of(stdUs, terms, shapes).chargedAtoms <= Price.maximum(limit, terms)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test('the maximum can be reached', () => {
  const terms = {
    ...{ executionNanoPerStdUs: 20n, influenceNanoPerStdUs: 60n, premiumPpb: whole },
    ...{ qualityPpb: whole, feePpb: 50_000_000n, gasNano: 7n },
  }
  const all = { artifact: Hash.text('a'), sharePpb: whole, rarityPpb: whole }
  expect(Price.of(10n ** 9n, terms, [all]).chargedAtoms).toBe(Price.maximum(10n ** 9n, terms))
})

test('who splits a share among k of its own names gains less than k nano-atoms', () => {
  fc.assert(
    fc.property(work, rates, shaped, (stdUs, terms, shapes) => {
      const part = (list: readonly Price.Shaped[]) => {
        const { influenceNano, premiumNano } = Price.of(stdUs, terms, list)
        return { influenceNano, premiumNano }
      }
      const sharePpb = sum(shapes.map((each) => each.sharePpb))
      const rarityPpb = 500_000_000n
      const one = part([{ artifact: Hash.text('one'), sharePpb, rarityPpb }])
      const many = part(shapes.map((each) => ({ ...each, rarityPpb })))
      expect(many.influenceNano <= one.influenceNano).toBe(true)
      expect(many.premiumNano <= one.premiumNano).toBe(true)
      expect(one.influenceNano - many.influenceNano <= BigInt(shapes.length)).toBe(true)
    }),
  )
})

describe('shares above the whole are refused', () => {
  test('by a single ppb', () => {
    fc.assert(
      fc.property(work, rates, shaped, fc.bigInt(1n, whole), (stdUs, terms, shapes, excess) => {
        const left = whole - sum(shapes.map(({ sharePpb }) => sharePpb))
        const last = { artifact: Hash.text('last'), rarityPpb: 0n }
        const with_ = (sharePpb: bigint) => [...shapes, { ...last, sharePpb }]
        expect(() => Price.of(stdUs, terms, with_(left))).not.toThrow()
        expect(() => Price.of(stdUs, terms, with_(left + excess))).toThrow(/at most the whole/)
      }),
      { numRuns: 200 },
    )
  })

  test('a share that is negative is a bug, not a discount', () => {
    const terms = fc.sample(rates, 1)[0]!
    const shape = { artifact: Hash.text('a'), sharePpb: -1n, rarityPpb: 0n }
    expect(() => Price.of(1n, terms, [shape])).toThrow(/bug: expected shares/)
  })
})

test('a price by hand', () => {
  const terms = {
    ...{ executionNanoPerStdUs: 20n, influenceNanoPerStdUs: 60n, premiumPpb: 100_000_000n },
    ...{ qualityPpb: 500_000_000n, feePpb: 50_000_000n, gasNano: 1_000_000_000n },
  }
  const half = { artifact: Hash.text('a'), sharePpb: 500_000_000n, rarityPpb: 800_000_000n }
  expect(Price.of(1_000_000n, terms, [half])).toEqual({
    executionNano: 20_000_000n,
    parts: [{ artifact: half.artifact, influenceNano: 30_000_000n, premiumNano: 1_200_000n }],
    influenceNano: 30_000_000n,
    premiumNano: 1_200_000n,
    feeNano: 2_560_000n,
    gasNano: 1_000_000_000n,
    roundingNano: 946_240_000n,
    chargedAtoms: 2n,
  })
})
