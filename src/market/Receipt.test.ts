import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Forger from '../../test/harness/Forger.ts'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import * as TypedData from '../kernel/TypedData.ts'
import type * as Price from './Price.ts'
import * as Receipt from './Receipt.ts'

const { card } = Terms
const quote = Terms.quote({ appliedAtoms: 20n })
const shaped: Price.Shaped[] = [
  { artifact: Hash.text('a'), sharePpb: 400_000_000n, rarityPpb: 500_000_000n },
  { artifact: Hash.text('b'), sharePpb: 333_333_333n, rarityPpb: 900_000_000n },
]
const receipt = Terms.receipt(quote, { shaped })
const fault = (altered: Receipt.Receipt) => Receipt.fault(altered, quote, card)

test('the receipt that follows from quote, card and work has no fault', () => {
  const tokens = fc.record({ in: fc.nat(32), cached: fc.nat(32), out: fc.nat(128) })
  const share = fc.bigInt(0n, 250_000_000n)
  const shapes = fc
    .array(fc.tuple(share, fc.bigInt(0n, 1_000_000_000n)), { maxLength: 4 })
    .map((list) =>
      list.map(([sharePpb, rarityPpb], at) => ({
        ...{ artifact: Hash.text(`${at}`), sharePpb, rarityPpb },
      })),
    )
  fc.assert(
    fc.property(tokens, shapes, fc.bigInt(0n, 50n), (done, list, appliedAtoms) => {
      const quoted = Terms.quote({ appliedAtoms })
      const made = Terms.receipt(quoted, { tokens: done, shaped: list })
      expect(Receipt.fault(made, quoted, card)).toBeUndefined()
      const { chargedAtoms, paidAtoms, changeAtoms } = made.money
      expect(BigInt(chargedAtoms) <= BigInt(quoted.maxAtoms)).toBe(true)
      expect(BigInt(paidAtoms) - BigInt(chargedAtoms)).toBe(BigInt(changeAtoms))
    }),
    { numRuns: 300 },
  )
})

describe('whatever figure is altered, by one', () => {
  const text = JSON.stringify({ atMs: 0, causes: [], event: { type: 'served', receipt } })
  const changes = Forger.changes([text]).filter(({ path }) => path[1] === 'receipt')
  const free = new Set([
    // Measured, counted or committed to: judged by whoever has the texts, bound by the signature.
    ...['v', 'device.class', 'device.count', 'device.tier', 'bytes.in', 'bytes.out'],
    ...['computeMs', 'wallMs', 'queueMs', 'meter', 'basis', 'promptCommitment', 'outputCommitment'],
    ...['influence.method', 'influence.version', 'influence.recomputable'],
    ...['influence.evidenceDigest', 'influence.entries.*.artifact', 'money.asset.symbol'],
    // Judged by the fold, which knows the payment and the receipts before.
    ...['paymentNonce', 'seq', 'prevHash', 'issuedAtMs'],
  ])

  test('the receipt is refused, or its place is judged elsewhere', () => {
    const unseen = new Set<string>()
    const seen = new Set<string>()
    for (const change of changes) {
      const altered = JSON.parse(Forger.forge([text], change)[0]!).event.receipt
      const place = Forger.place(change).replace('served.receipt.', '')
      let because: string | undefined
      try {
        because = fault(altered)
      } catch {
        because = 'malformed'
      }
      ;(because === undefined ? unseen : seen).add(place)
    }
    expect([...unseen].filter((place) => !free.has(place))).toEqual([])
    for (const place of ['stdUs', 'tokens.out', 'money.chargedAtoms', 'influence.coveragePpb'])
      expect(seen).toContain(place)
    expect(seen.size).toBeGreaterThan(20)
  })

  test('the name and the signed digest are others', () => {
    const [hash, digest] = [Receipt.hash(receipt), TypedData.hash(Receipt.typedData(receipt))]
    expect(changes.length).toBeGreaterThan(60)
    for (const change of changes) {
      const altered = JSON.parse(Forger.forge([text], change)[0]!).event.receipt
      expect(Receipt.hash(altered)).not.toBe(hash)
      let other: string | undefined
      try {
        other = TypedData.hash(Receipt.typedData(altered))
      } catch {
        // What is malformed has no digest to sign.
      }
      expect(other).not.toBe(digest)
    }
  })
})

describe('what does not follow from the quote', () => {
  const [first, second] = receipt.influence.entries as [never, never]
  const tokens = (given: object) => ({ tokens: { in: 10, cached: 0, out: 40, ...given } })
  test.each<[string, Receipt.Receipt, RegExp]>([
    ['another provider', { ...receipt, provider: Terms.address('x') }, /receipt of/],
    ['another payer', { ...receipt, payer: Terms.address('x') }, /another payer/],
    ['another quote', Terms.receipt(Terms.quote({ salt: Hash.text('x') })), /another quote/],
    [
      'another version of the datanet',
      { ...receipt, influence: { ...receipt.influence, indexRoot: Hash.text('x') } },
      /another datanet version/,
    ],
    ['more tokens in', Terms.receipt(quote, tokens({ in: 65 })), /more tokens in than quoted/],
    [
      'more tokens in, some of them cached',
      Terms.receipt(quote, tokens({ in: 33, cached: 32 })),
      /more tokens in than quoted/,
    ],
    ['more tokens out', Terms.receipt(quote, tokens({ out: 129 })), /more tokens out than quoted/],
    [
      'work that was not done',
      { ...receipt, stdUs: '2501' },
      /standard work 2501, recomputed 2500/,
    ],
    [
      'one artifact on two lines',
      {
        ...receipt,
        influence: { ...receipt.influence, entries: [first, first], coveragePpb: '800000000' },
      },
      /two lines for one artifact/,
    ],
    [
      'coverage beside the shares',
      { ...receipt, influence: { ...receipt.influence, entries: [second] } },
      /not the sum of shares/,
    ],
    [
      'shares above the whole',
      {
        ...receipt,
        influence: {
          ...receipt.influence,
          coveragePpb: '1000000001',
          entries: [{ ...(first as object), sharePpb: '1000000001' } as never],
        },
      },
      /above the whole/,
    ],
  ])('%s', (_, altered, because) => {
    expect(fault(altered)).toMatch(because)
  })

  test('a receipt for a stranger’s quote may be anybody’s who paid', () => {
    const open = Terms.quote({ payer: null })
    const paid = Terms.receipt(open, { payer: Terms.address('anybody') })
    expect(Receipt.fault(paid, open, card)).toBeUndefined()
  })
})

describe('what arrives', () => {
  const signature = `0x${'11'.repeat(65)}` as const
  test('is read as it was written', () => {
    const written = JSON.parse(JSON.stringify({ receipt, signature }))
    expect(Receipt.parse(written)).toEqual({ receipt, signature })
  })

  test('or refused, and the refusal says where', () => {
    const cases: unknown[] = [
      null,
      { receipt },
      { receipt: { ...receipt, tip: '1' }, signature },
      { receipt: { ...receipt, stdUs: 5 }, signature },
      { receipt: { ...receipt, computeMs: Number.NaN }, signature },
      { receipt: { ...receipt, money: { ...receipt.money, changeAtoms: '-0' } }, signature },
    ]
    for (const value of cases)
      expect(() => Receipt.parse(value)).toThrow(/expected a signed receipt: \S+/)
  })
})
