import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Contribution from './Contribution.ts'
import * as Datanet from './Datanet.ts'
import * as Version from './Version.ts'

function of(texts: readonly string[], committedAtMs = 7): Datanet.Datanet {
  const salt = Hash.text('salt')
  const documents = texts.map((text, index) =>
    Contribution.document({ path: `${index}.md`, owner: `npm:p${index % 3}`, text }),
  )
  const commitment = Datanet.commit(documents, { salt })
  const promised = Datanet.committed(Datanet.empty('docs'), { commitment, committedAtMs })
  if (promised.kind !== 'changed') throw new Error('expected a change')
  const opening = { documents, salt }
  const open = Datanet.revealed(promised.datanet, { root: commitment.root, opening })
  if (open.kind !== 'changed') throw new Error('expected a change')
  return open.datanet
}

test('an empty datanet has the root of nothing', () => {
  expect(Version.of(Datanet.empty('docs'))).toEqual({
    datanet: 'docs',
    size: 0,
    root: '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  })
})

test('a batch that is committed and not revealed is not in the version', () => {
  const datanet = of(['a', 'b'])
  const salt = Hash.text('other')
  const [document] = [Contribution.document({ path: 'p', owner: 'npm:x', text: 'c' })]
  const commitment = Datanet.commit([document!], { salt })
  const promised = Datanet.committed(datanet, { commitment, committedAtMs: 9 })
  if (promised.kind !== 'changed') throw new Error('expected a change')
  expect(Version.of(promised.datanet)).toEqual(Version.of(datanet))
  expect(() => Version.inclusion(promised.datanet, 2)).toThrow(/seq of a revealed contribution/)
})

test('every contribution is proven, and nothing else is', () => {
  const texts = fc.array(fc.string({ maxLength: 5 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(
      texts,
      fc.nat(),
      fc.constantFrom('seq', 'docHash', 'owner', 'time'),
      (all, pick, what) => {
        const datanet = of(all)
        const { root, size } = Version.of(datanet)
        expect(size).toBe(all.length)
        const proof = Version.inclusion(datanet, pick % all.length)
        expect(Version.verify(proof, root)).toBe(true)
        const entry = {
          seq: { ...proof.entry, seq: proof.entry.seq + 1 },
          docHash: { ...proof.entry, docHash: Hash.text('forged') },
          owner: { ...proof.entry, owner: 'npm:thief' },
          time: { ...proof.entry, committedAtMs: proof.entry.committedAtMs - 1 },
        }[what]
        expect(Version.verify({ ...proof, entry }, root)).toBe(false)
        expect(Version.verify({ ...proof, index: proof.index + 1 }, root)).toBe(false)
        expect(Version.verify(proof, Hash.text('another root'))).toBe(false)
      },
    ),
  )
})

test('the root changes with order, time and owner', () => {
  const roots = [of(['a', 'b']), of(['b', 'a']), of(['a', 'b'], 8), of(['a', 'b', 'c'])].map(
    (datanet) => Version.of(datanet).root,
  )
  expect(new Set(roots).size).toBe(4)
})

test('malformed proofs are false, never an error', () => {
  const datanet = of(['a', 'b', 'c'])
  const { root } = Version.of(datanet)
  const proof = Version.inclusion(datanet, 1)
  expect(Version.verify({ ...proof, path: ['0xzz' as Hex, '0x' as Hex] }, root)).toBe(false)
  expect(Version.verify({ ...proof, path: [] }, root)).toBe(false)
  expect(Version.verify({ ...proof, index: Number.NaN }, root)).toBe(false)
  expect(Version.verify({ ...proof, entry: { ...proof.entry, seq: 0.5 } }, root)).toBe(false)
  expect(Version.verify({ ...proof, entry: { ...proof.entry, owner: '\ud800' } }, root)).toBe(false)
  expect(Version.verify(proof, '0x12')).toBe(false)
})
