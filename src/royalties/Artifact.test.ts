import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Share from '../kernel/Share.ts'
import * as Artifact from './Artifact.ts'

const id = Hash.text('document')

function artifact(shares: readonly bigint[], label = 'npm:owner'): Artifact.Artifact {
  const owners = shares.map((sharePpb, index) => ({ account: `${label}-${index}`, sharePpb }))
  return { id, kind: 'contribution', owners, parents: [] }
}

/** Shares above 0 that sum to the whole. */
const shares = fc
  .uniqueArray(fc.bigInt({ min: 1n, max: Share.whole - 1n }), { maxLength: 12 })
  .map((cuts) => [0n, ...cuts.sort((a, b) => (a < b ? -1 : 1)), Share.whole])
  .map((cuts) => cuts.slice(1).map((cut, index) => cut - cuts[index]!))

const nano = fc.bigInt({ min: 0n, max: 10n ** 24n })

describe('settle', () => {
  test('parts sum to the whole, whatever the order of owners (ECONOMICS invariant 1)', () => {
    fc.assert(
      fc.property(shares, nano, fc.infiniteStream(fc.nat()), (shares, nano, keys) => {
        const one = artifact(shares)
        const parts = Artifact.settle(one, nano)
        expect(parts.reduce((sum, part) => sum + part.nano, 0n)).toBe(nano)
        expect(parts.every((part) => part.nano >= 0n)).toBe(true)
        const shuffled = one.owners
          .map((owner) => ({ owner, key: keys.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ owner }) => owner)
        expect(Artifact.settle({ ...one, owners: shuffled }, nano)).toEqual(parts)
      }),
      { numRuns: 2000 },
    )
  })

  test('no part is a nano-atom or more from its exact share', () => {
    fc.assert(
      fc.property(shares, nano, (shares, nano) => {
        const byAccount = new Map(artifact(shares).owners.map((o) => [o.account, o.sharePpb]))
        for (const part of Artifact.settle(artifact(shares), nano)) {
          const off = part.nano * Share.whole - nano * byAccount.get(part.account)!
          expect(off < Share.whole && off > -Share.whole).toBe(true)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('splitting an identity in k gains less than k units (ECONOMICS invariant 2)', () => {
    let gained = 0
    fc.assert(
      fc.property(shares, shares, nano, fc.nat(), (shares, cuts, nano, pick) => {
        fc.pre(cuts.length > 1)
        const at = pick % shares.length
        const victim = `npm:owner-${at}`
        const parts = cuts.map((cut) => (shares[at]! * cut) / Share.whole)
        parts[0]! += shares[at]! - parts.reduce((sum, part) => sum + part, 0n)
        fc.pre(parts.every((part) => part > 0n))
        const whole = artifact(shares)
        const owners = [
          ...whole.owners.filter(({ account }) => account !== victim),
          ...parts.map((sharePpb, index) => ({ account: `npm:sybil-${index}`, sharePpb })),
        ]
        const before = Artifact.settle(whole, nano).find(({ account }) => account === victim)!.nano
        const after = Artifact.settle({ ...whole, owners }, nano)
          .filter(({ account }) => account.startsWith('npm:sybil'))
          .reduce((sum, part) => sum + part.nano, 0n)
        if (after > before) gained += 1
        expect(after - before < BigInt(parts.length)).toBe(true)
      }),
      { numRuns: 2000 },
    )
    // The bound is only a proof where splitting gained at all.
    expect(gained).toBeGreaterThan(10)
  })

  test('an artifact with parents is refused: lineage is one level deep', () => {
    const parents = [{ artifact: Hash.text('parent'), sharePpb: 1n }]
    const child = { ...artifact([Share.whole]), parents }
    expect(Artifact.validate(child)).toBe(child)
    expect(() => Artifact.settle(child, 5n)).toThrow(
      expect.objectContaining({ code: 'artifact-has-parents' }),
    )
  })
})

describe('validate', () => {
  const good = artifact([400_000_000n, 600_000_000n])

  test('returns what is well formed', () => {
    expect(Artifact.validate(good)).toBe(good)
    expect(Artifact.owned(id, 'prompt', 'npm:zod').owners).toEqual([
      { account: 'npm:zod', sharePpb: Share.whole },
    ])
  })

  test.each([
    ['an id that is no hash', { ...good, id: '0x12' as const }],
    ['an unknown kind', { ...good, kind: 'idea' as 'prompt' }],
    ['no owners', { ...good, owners: [] }],
    ['less than the whole', { ...good, owners: good.owners.slice(1) }],
    [
      'one owner twice',
      { ...good, owners: [good.owners[0]!, { ...good.owners[1]!, account: 'npm:owner-0' }] },
    ],
    ['a share of 0', { ...good, owners: [...good.owners, { account: 'npm:x', sharePpb: 0n }] }],
    [
      'an owner that is no account',
      { ...good, owners: [{ account: 'zod', sharePpb: Share.whole }] },
    ],
    ['itself as parent', { ...good, parents: [{ artifact: id, sharePpb: 1n }] }],
    [
      'parents above the whole',
      { ...good, parents: [{ artifact: Hash.text('p'), sharePpb: Share.whole + 1n }] },
    ],
  ])('refuses %s', (_, bad) => {
    expect(() => Artifact.validate(bad)).toThrow(InputError)
    expect(() => Artifact.validate(bad)).toThrow(/expected/)
  })
})
