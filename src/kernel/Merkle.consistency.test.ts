import { describe, expect, test } from 'vitest'
import { AssertionError } from './Assert.ts'
import * as Hash from './Hash.ts'
import * as Hex from './Hex.ts'
import * as Merkle from './Merkle.ts'

const data = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657']
const reference = [...data, '606162636465666768696a6b6c6d6e6f'].map((hex) =>
  Merkle.leaf(Hex.decode(`0x${hex}`)),
)

function leaves(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, index) => Merkle.leaf(Hash.bytes(`entry ${index}`)))
}

/** Proof and roots of two sizes of one tree. */
function between(tree: readonly Uint8Array[], from: number, size: number) {
  const roots = {
    fromRoot: Merkle.root(tree.slice(0, from)),
    root: Merkle.root(tree.slice(0, size)),
  }
  return { proof: { from, size, path: Merkle.consistency(tree.slice(0, size), from) }, roots }
}

describe('known answers', () => {
  test.each([
    [1, 1, []],
    [
      1,
      8,
      [
        '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
      ],
    ],
    [
      6,
      8,
      [
        '0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a',
        'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
        'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      ],
    ],
    [
      2,
      5,
      [
        '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
        'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      ],
    ],
  ])('of Certificate Transparency’s reference tests: %i to %i', (from, size, path) => {
    const { proof, roots } = between(reference, from, size)
    expect(proof.path.map(Hex.encode)).toEqual(path.map((hash) => `0x${hash}`))
    expect(Merkle.verifyConsistency(proof, roots)).toBe(true)
  })

  test('of the example tree of RFC 6962 § 2.1.3, by the letters of its figure', () => {
    const d = leaves(7)
    const [a, b, c, e, f, , j] = d as [Uint8Array, Uint8Array, ...Uint8Array[]] & Uint8Array[]
    const [g, h, i] = [Merkle.node(a, b), Merkle.node(c!, e!), Merkle.node(f!, d[5]!)]
    const [k, l] = [Merkle.node(g, h), Merkle.node(i, j!)]
    expect(Merkle.root(d)).toEqual(Merkle.node(k, l))
    expect(Merkle.consistency(d, 3)).toEqual([c, e, g, l])
    expect(Merkle.consistency(d, 4)).toEqual([l])
    expect(Merkle.consistency(d, 6)).toEqual([i, j, k])
  })
})

describe('a proof', () => {
  const tree = leaves(40)

  test('of every two sizes up to forty verifies, and is no longer than the tree is deep', () => {
    let proofs = 0
    for (let size = 1; size <= tree.length; size++)
      for (let from = 1; from <= size; from++, proofs++) {
        const { proof, roots } = between(tree, from, size)
        expect(Merkle.verifyConsistency(proof, roots)).toBe(true)
        expect(proof.path.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)) + 1)
      }
    expect(proofs).toBe(820)
  })

  test('of one tree does not hold for another with one leaf changed before its former size', () => {
    let refused = 0
    for (let size = 2; size <= 18; size++)
      for (let from = 1; from < size; from++)
        for (let leaf = 0; leaf < from; leaf++, refused++) {
          const other = tree.slice(0, size).with(leaf, Merkle.leaf(Hash.bytes('other')))
          const { proof, roots } = between(other, from, size)
          const fromRoot = Merkle.root(tree.slice(0, from))
          expect(Merkle.verifyConsistency(proof, { ...roots, fromRoot })).toBe(false)
        }
    expect(refused).toBe(969)
  })

  test('with one bit turned, one hash dropped, added or moved, or under other sizes, fails', () => {
    let broken = 0
    for (let size = 2; size <= 17; size++)
      for (let from = 1; from < size; from++) {
        const { proof, roots } = between(tree, from, size)
        const { path } = proof
        const paths = path.flatMap((hash, at) => {
          const flipped = hash.with((size + at) % 32, hash[(size + at) % 32]! ^ 1)
          return [path.with(at, flipped), path.toSpliced(at, 1), path.toSpliced(at, 0, hash)]
        })
        if (path.length > 1) paths.push([...path].reverse())
        for (const tampered of paths) {
          expect(Merkle.verifyConsistency({ ...proof, path: tampered }, roots)).toBe(false)
          broken += 1
        }
        for (const root of ['fromRoot', 'root'] as const) {
          const flipped = roots[root].with(0, roots[root][0]! ^ 128)
          expect(Merkle.verifyConsistency(proof, { ...roots, [root]: flipped })).toBe(false)
        }
      }
    expect(broken).toBeGreaterThan(1_000)
  })

  test('from the empty tree is empty; from a whole one too, if the roots are one', () => {
    const root = Merkle.root(tree)
    const empty = { from: 0, size: 40, path: [] }
    expect(Merkle.verifyConsistency(empty, { fromRoot: Merkle.root([]), root })).toBe(true)
    expect(Merkle.verifyConsistency(empty, { fromRoot: root, root })).toBe(false)
    expect(
      Merkle.verifyConsistency({ ...empty, path: [root] }, { fromRoot: Merkle.root([]), root }),
    ).toBe(false)
    const whole = { from: 40, size: 40, path: [] }
    expect(Merkle.verifyConsistency(whole, { fromRoot: root, root })).toBe(true)
    expect(Merkle.verifyConsistency(whole, { fromRoot: Merkle.root([]), root })).toBe(false)
    expect(Merkle.verifyConsistency({ ...whole, path: [root] }, { fromRoot: root, root })).toBe(
      false,
    )
  })

  test('of no shape at all is false, never an error', () => {
    const { proof, roots } = between(tree, 6, 21)
    const shapes = [
      ...[-1, 0.5, Number.NaN, 2 ** 53, 22].map((from) => ({ ...proof, from })),
      ...[5, 0, Number.NaN, Number.POSITIVE_INFINITY].map((size) => ({ ...proof, size })),
      { ...proof, path: [] },
      { ...proof, path: proof.path.map((hash) => hash.slice(1)) },
    ]
    for (const shape of shapes) expect(Merkle.verifyConsistency(shape, roots)).toBe(false)
    expect(Merkle.verifyConsistency(proof, roots)).toBe(true)
    expect(() => Merkle.consistency(tree, 0)).toThrow(AssertionError)
    expect(() => Merkle.consistency(tree, 41)).toThrow(AssertionError)
  })
})
