import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Share from '../kernel/Share.ts'
import * as Card from './Card.schema.ts'
import * as Credits from './Credits.ts'
import * as Price from './Price.ts'
import * as Quote from './Quote.ts'
import * as Receipt from './Receipt.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f'].map(Hash.text).sort()

/** A card that names the first artifacts as its lineage. */
function cardOf(shares: readonly bigint[]): Card.Card {
  const lineage = shares.map((ppb, at) => ({ artifact: names[at]!, sharePpb: String(ppb) }))
  const lineagePpb = String(shares.reduce((sum, ppb) => sum + ppb, 0n))
  return { ...Terms.card, ...(lineage.length > 0 && { lineage, lineagePpb }) }
}

/** Documents, some of them in the lineage too, at shares that sum to at most the whole. */
const documents = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...names), fc.nat(300_000_000), fc.nat(10 ** 9)), {
    ...{ maxLength: 3, selector: ([artifact]) => artifact },
  })
  .map((all) =>
    all.map(([artifact, ppb, rarity]): Price.Shaped => {
      return { artifact, sharePpb: BigInt(ppb) + 1n, rarityPpb: BigInt(rarity) }
    }),
  )
const lineages = fc
  .array(fc.nat(249_999_999), { maxLength: 4 })
  .map((all) => all.map((ppb) => BigInt(ppb) + 1n))

const coverageOf = (data: readonly Price.Shaped[]) =>
  data.reduce((sum, { sharePpb }) => sum + sharePpb, 0n)

function influenceOf(card: Card.Card, data: readonly Price.Shaped[]) {
  const entries = Credits.of(card, data).map(({ artifact, sharePpb, rarityPpb }) => ({
    ...{ artifact, sharePpb: String(sharePpb), rarityPpb: String(rarityPpb) },
    ...{ influenceNano: '0', premiumNano: '0' },
  }))
  return { entries, coveragePpb: String(coverageOf(data)) }
}

describe('lines of lineage and documents', () => {
  test('are S = ℓ + (1 − ℓ)·coverage, to a ppb a document, and never above the whole', () => {
    fc.assert(
      fc.property(lineages, documents, (shares, data) => {
        const card = cardOf(shares)
        expect(Card.card.safeParse(card).success).toBe(true)
        const lines = Credits.of(card, data)
        const sum = coverageOf(lines)
        const total = Credits.total(card, coverageOf(data))
        expect(sum <= total && total - sum <= BigInt(data.length)).toBe(true)
        expect(total <= Share.whole).toBe(true)
        expect(new Set(lines.map(({ artifact }) => artifact)).size).toBe(lines.length)
        expect(Credits.fault(card, influenceOf(card, data))).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  test('pay the lineage to the ppb, whatever is found besides', () => {
    fc.assert(
      fc.property(lineages, documents, (shares, data) => {
        const strangers = data.filter(({ artifact }) => !names.slice(0, 4).includes(artifact))
        const lines = Credits.of(cardOf(shares), strangers)
        for (const [at, ppb] of shares.entries())
          expect(lines[at]).toEqual({ artifact: names[at], sharePpb: ppb, rarityPpb: 0n })
      }),
      { numRuns: 100 },
    )
  })

  test('of a card that names none are what was found', () => {
    fc.assert(
      fc.property(documents, (data) => {
        expect(Credits.of(Terms.card, data)).toEqual(data)
        expect(Credits.of({ lineagePpb: '500000000' }, data)).toEqual(data)
      }),
      { numRuns: 30 },
    )
  })

  test('of a document that is lineage too are one line, rare by its words alone', () => {
    const card = cardOf([400_000_000n])
    const found = { artifact: names[0]!, sharePpb: 500_000_000n, rarityPpb: 700_000_000n }
    expect(Credits.of(card, [found])).toEqual([
      { artifact: names[0], sharePpb: 700_000_000n, rarityPpb: 300_000_000n },
    ])
  })

  test.each<[string, (given: ReturnType<typeof influenceOf>) => object, RegExp]>([
    [
      'lineage left out',
      ({ entries }) => ({ entries: entries.slice(1) }),
      /lineage of .* at 0 ppb/,
    ],
    [
      'lineage cut',
      (given) => line(given, 0, { sharePpb: '199999999' }),
      /the card says 200000000/,
    ],
    ['lineage made rare', (given) => line(given, 0, { rarityPpb: '1' }), /which is lineage/],
    ['coverage raised', () => ({ coveragePpb: '500000010' }), /not the sum of shares/],
    ['coverage lowered', () => ({ coveragePpb: '499999990' }), /not the sum of shares/],
    ['documents unscaled', (given) => line(given, 1, { sharePpb: '500000000' }), /not the sum/],
    [
      'more than the whole',
      (given) => line(given, 1, { sharePpb: '800000001' }),
      /above the whole/,
    ],
    ['coverage above it', () => ({ coveragePpb: '1000000001' }), /coverage above the whole/],
  ])('do not hold with %s', (_, forge, because) => {
    const card = cardOf([200_000_000n])
    const data = [{ artifact: names[5]!, sharePpb: 500_000_000n, rarityPpb: 1n }]
    const given = influenceOf(card, data)
    expect(Credits.fault(card, given)).toBeUndefined()
    expect(Credits.fault(card, { ...given, ...forge(given) })).toMatch(because)
  })
})

function line(
  { entries }: ReturnType<typeof influenceOf>,
  at: number,
  change: Partial<ReturnType<typeof influenceOf>['entries'][number]>,
) {
  return { entries: entries.with(at, { ...entries[at]!, ...change }) }
}

test('a receipt of a card with lineage follows from its quote, and not without it', () => {
  const card = cardOf([100_000_000n, 200_000_000n])
  const quote = Terms.quote({ cardHash: Card.hash(card) })
  const data = [{ artifact: names[5] as Hex, sharePpb: 600_000_001n, rarityPpb: 500_000_000n }]
  const receipt = (shaped: readonly Price.Shaped[]): Receipt.Receipt => {
    const made = Terms.receipt(quote, { shaped })
    return { ...made, influence: { ...made.influence, coveragePpb: '600000001' } }
  }
  const sound = receipt(Credits.of(card, data))
  expect(Receipt.fault(sound, quote, card)).toBeUndefined()
  const price = Price.of(BigInt(sound.stdUs), Quote.rates(quote), Credits.of(card, data))
  expect(sound.money.influenceNano).toBe(String(price.influenceNano))
  expect(Receipt.fault(receipt(data), quote, card)).toMatch(/lineage of/)
  expect(Receipt.fault(sound, quote, Terms.card)).toMatch(/not the sum of shares/)
})
