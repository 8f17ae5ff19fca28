import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as PriceIndex from './PriceIndex.ts'

const party = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const flows = fc.array(
  fc.record({ from: party, to: party, atoms: fc.bigInt({ min: 0n, max: 20n }) }),
  { maxLength: 25 },
)

function balances(list: readonly PriceIndex.Flow[]): Record<string, bigint> {
  const sums: Record<string, bigint> = { a: 0n, b: 0n, c: 0n, d: 0n, e: 0n }
  for (const { from, to, atoms } of list) {
    sums[from] = (sums[from] ?? 0n) - atoms
    sums[to] = (sums[to] ?? 0n) + atoms
  }
  return sums
}

/** Whether money can go in a circle: takes away parties that nobody pays until none is left. */
function hasCircle(list: readonly PriceIndex.Flow[]): boolean {
  let rest = [...list]
  for (;;) {
    const paid = new Set(rest.map(({ to }) => to))
    const next = rest.filter(({ from }) => paid.has(from))
    if (next.length === rest.length) return rest.length > 0
    rest = next
  }
}

describe('armsLength', () => {
  test('leaves no circle, every balance as it was, no flow above what was paid; order decides nothing', () => {
    let cancelled = 0
    fc.assert(
      fc.property(flows, fc.infiniteStream(fc.nat()), (payments, keys) => {
        const { flows, grossAtoms, netAtoms } = PriceIndex.armsLength(payments)
        expect(hasCircle(flows)).toBe(false)
        expect(balances(flows)).toEqual(balances(payments))
        for (const { from, to, atoms } of flows) {
          const paid = payments.filter((one) => one.from === from && one.to === to)
          expect(atoms > 0n && atoms <= paid.reduce((sum, one) => sum + one.atoms, 0n)).toBe(true)
        }
        expect(netAtoms).toBe(flows.reduce((sum, { atoms }) => sum + atoms, 0n))
        if (netAtoms < grossAtoms) cancelled++
        const shuffled = payments
          .map((one) => ({ one, key: keys.next().value as number }))
          .sort((left, right) => left.key - right.key)
          .map(({ one }) => one)
        expect(PriceIndex.armsLength(shuffled)).toEqual(PriceIndex.armsLength(payments))
      }),
      { numRuns: 2000 },
    )
    expect(cancelled).toBeGreaterThan(500)
  })

  test('a closed ring of any length nets 0, and flow outside it stays (invariant 9)', () => {
    const outside = fc.array(
      fc.tuple(fc.nat(9), fc.nat(9), fc.bigInt({ min: 1n, max: 10n ** 12n })),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.bigInt({ min: 1n, max: 10n ** 18n }),
        outside,
        (length, atoms, pairs) => {
          const ring = Array.from({ length }, (_, at) => ({
            from: `ring ${at}`,
            to: `ring ${(at + 1) % length}`,
            atoms,
          }))
          // Buyers pay sellers: no circle among strangers.
          const honest = pairs.map(([buyer, seller, atoms]) => ({
            from: `buyer ${buyer}`,
            to: seller % 3 === 0 ? 'ring 0' : `seller ${seller}`,
            atoms,
          }))
          const alone = PriceIndex.armsLength(honest)
          const { flows, netAtoms } = PriceIndex.armsLength([...ring, ...honest])
          expect({ flows, netAtoms }).toEqual({ flows: alone.flows, netAtoms: alone.netAtoms })
          expect(alone.netAtoms).toBe(alone.grossAtoms)
          expect(PriceIndex.armsLength(ring).netAtoms).toBe(0n)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('resale is trade: what is bought to serve another stays', () => {
    const chain = [
      { from: 'a', to: 'b', atoms: 10n },
      { from: 'b', to: 'c', atoms: 10n },
      { from: 'c', to: 'c', atoms: 99n },
    ]
    expect(PriceIndex.armsLength(chain)).toEqual({
      grossAtoms: 119n,
      netAtoms: 20n,
      flows: chain.slice(0, 2),
    })
  })
})

describe('index', () => {
  const sample = (payer: string, rateNano: bigint, irrecoverableNano = 1n) => ({
    ...{ payer, rateNano, irrecoverableNano },
  })

  test('the middle half of the payers, each by its median', () => {
    const samples = ['p', 'q', 'r', 's'].map((payer, at) => sample(payer, 10n * BigInt(at + 1)))
    expect(PriceIndex.index(samples)).toBe(25n)
    expect(PriceIndex.index([...samples].reverse())).toBe(25n)
    expect(PriceIndex.index([sample('p', 7n)])).toBe(7n)
    expect(PriceIndex.index([sample('p', 1n), sample('p', 9n), sample('p', 2n)])).toBe(2n)
    expect(PriceIndex.index([])).toBeUndefined()
    expect(PriceIndex.index([sample('p', 7n, 0n)])).toBeUndefined()
  })

  test('lies between the lowest and the highest median, and who lost nothing has no say', () => {
    const any = fc.array(
      fc.record({
        payer: party,
        rateNano: fc.bigInt({ min: 0n, max: 1_000n }),
        irrecoverableNano: fc.bigInt({ min: 0n, max: 50n }),
      }),
      { maxLength: 20 },
    )
    fc.assert(
      fc.property(any, (samples) => {
        const found = PriceIndex.index(samples)
        const free = Array.from({ length: 30 }, (_, at) => sample(`sybil ${at}`, 9_999n, 0n))
        expect(PriceIndex.index([...samples, ...free])).toBe(found)
        if (found === undefined) return
        const rates = samples.map(({ rateNano }) => rateNano)
        expect(rates.some((rate) => rate <= found) && rates.some((rate) => rate >= found)).toBe(
          true,
        )
      }),
    )
  })
})
