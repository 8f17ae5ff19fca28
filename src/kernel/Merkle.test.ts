import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Hash from './Hash.ts'
import * as Hex from './Hex.ts'
import * as Merkle from './Merkle.ts'

/** Leaves of a tree of `size`, each other than the rest. */
function leaves(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, index) => Merkle.leaf(Hash.bytes(`entry ${index}`)))
}

/** A copy with one bit turned. */
function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

describe('known answers of Certificate Transparency’s reference tests (RFC 6962)', () => {
  const data = [
    '0x',
    '0x00',
    '0x10',
    '0x2021',
    '0x3031',
    '0x40414243',
    '0x5051525354555657',
    '0x606162636465666768696a6b6c6d6e6f',
  ]
  const tree = data.map((hex) => Merkle.leaf(Hex.decode(hex)))

  test('the empty tree is the hash of nothing', () => {
    expect(Hex.encode(Merkle.root([]))).toBe(
      '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    )
  })

  test.each([
    [1, '0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'],
    [2, '0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125'],
    [3, '0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77'],
    [4, '0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7'],
    [5, '0x4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4'],
    [6, '0x76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef'],
    [7, '0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c'],
    [8, '0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328'],
  ])('root of %i leaves', (size, root) => {
    expect(Hex.encode(Merkle.root(tree.slice(0, size)))).toBe(root)
  })

  test('the path of the sixth of eight', () => {
    expect(Merkle.inclusion(tree, 5).map(Hex.encode)).toEqual([
      '0xbc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
      '0xca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
      '0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    ])
  })
})

describe('inclusion', () => {
  const largest = 70

  test('proves every leaf of every tree, and no leaf anywhere else', () => {
    const all = leaves(largest)
    let proofs = 0
    for (let size = 1; size <= largest; size++) {
      const tree = all.slice(0, size)
      const root = Merkle.root(tree)
      for (let index = 0; index < size; index++) {
        const proof = { leafHash: tree[index]!, index, size, path: Merkle.inclusion(tree, index) }
        expect(Merkle.verifyInclusion(proof, root)).toBe(true)
        proofs++
        const others = [
          { ...proof, leafHash: all[(index + 1) % largest]! },
          { ...proof, index: (index + 1) % size },
          { ...proof, path: [...proof.path, root] },
          { ...proof, path: proof.path.slice(0, -1) },
          { ...proof, path: [...proof.path].reverse() },
        ]
        const genuine = others.filter((other) => Merkle.verifyInclusion(other, root))
        for (const other of genuine) {
          expect(other.leafHash).toEqual(proof.leafHash)
          expect(other.index).toBe(index)
          expect(other.path).toEqual(proof.path)
        }
      }
    }
    expect(proofs).toBe((largest * (largest + 1)) / 2)
  })

  test('one bit turned in leaf, path or root is seen, whichever bit', () => {
    const tree = leaves(11)
    const root = Merkle.root(tree)
    let tampered = 0
    for (const index of tree.keys()) {
      const path = Merkle.inclusion(tree, index)
      const proof = { leafHash: tree[index]!, index, size: tree.length, path }
      for (let bit = 0; bit < 256; bit += 5) {
        const leafHash = flip(proof.leafHash, bit)
        expect(Merkle.verifyInclusion({ ...proof, leafHash }, root)).toBe(false)
        expect(Merkle.verifyInclusion(proof, flip(root, bit))).toBe(false)
        for (const at of path.keys()) {
          const bent = path.map((hash, position) => (position === at ? flip(hash, bit) : hash))
          expect(Merkle.verifyInclusion({ ...proof, path: bent }, root)).toBe(false)
          tampered++
        }
      }
    }
    expect(tampered).toBeGreaterThan(1000)
  })

  test('a proof of another shape is refused, not thrown at', () => {
    const tree = leaves(5)
    const root = Merkle.root(tree)
    const proof = { leafHash: tree[2]!, index: 2, size: 5, path: Merkle.inclusion(tree, 2) }
    const shapes = [
      { ...proof, index: -1 },
      { ...proof, index: 5 },
      { ...proof, index: 2.5 },
      { ...proof, index: Number.NaN },
      { ...proof, size: 0 },
      { ...proof, size: Number.POSITIVE_INFINITY },
      { ...proof, size: 2 ** 53 },
      { ...proof, leafHash: proof.leafHash.slice(1) },
      { ...proof, leafHash: new Uint8Array(40) },
      { ...proof, path: proof.path.map((hash) => hash.slice(1)) },
      { ...proof, path: [] },
    ]
    for (const shape of shapes) expect(Merkle.verifyInclusion(shape, root)).toBe(false)
    expect(Merkle.verifyInclusion(proof, root.slice(1))).toBe(false)
    expect(Merkle.verifyInclusion(proof, root)).toBe(true)
  })

  test('a leaf’s last zero cannot be left away', () => {
    const zeroEnded = Array.from({ length: 4000 }, (_, nonce) =>
      Merkle.leaf(Hash.bytes(`nonce ${nonce}`)),
    ).find((hash) => hash[31] === 0)
    const tree = [Merkle.leaf(Hash.bytes('left')), zeroEnded!]
    const proof = { leafHash: tree[1]!, index: 1, size: 2, path: Merkle.inclusion(tree, 1) }
    expect(Merkle.verifyInclusion(proof, Merkle.root(tree))).toBe(true)
    const shorter = { ...proof, leafHash: proof.leafHash.slice(0, 31) }
    expect(Merkle.verifyInclusion(shorter, Merkle.root(tree))).toBe(false)
  })

  test('an inner node is not a leaf', () => {
    const tree = leaves(4)
    const inner = Merkle.node(tree[0]!, tree[1]!)
    const right = Merkle.node(tree[2]!, tree[3]!)
    const disguised = { leafHash: inner, index: 0, size: 4, path: [right] }
    expect(Merkle.verifyInclusion(disguised, Merkle.root(tree))).toBe(false)
    expect(Merkle.leaf(Buffer.concat([tree[0]!, tree[1]!]))).not.toEqual(inner)
  })

  test('the size is bound: the last of four is not the only one of one', () => {
    const tree = leaves(4)
    const proof = { leafHash: tree[3]!, index: 3, size: 4, path: Merkle.inclusion(tree, 3) }
    expect(Merkle.verifyInclusion(proof, Merkle.root(tree))).toBe(true)
    expect(Merkle.verifyInclusion({ ...proof, index: 0, size: 1 }, Merkle.root(tree))).toBe(false)
  })

  test('an index outside the tree is a bug', () => {
    expect(() => Merkle.inclusion(leaves(3), 3)).toThrow(/^bug: expected an index inside/)
    expect(() => Merkle.inclusion([], 0)).toThrow(/^bug: expected an index inside/)
  })
})

test('two lists of leaves have one root only if they are one list', () => {
  const list = fc.array(fc.nat(3), { maxLength: 9 })
  fc.assert(
    fc.property(list, list, (left, right) => {
      const root = (entries: number[]) =>
        Merkle.root(entries.map((entry) => Merkle.leaf(Uint8Array.of(entry))))
      expect(Merkle.equal(root(left), root(right))).toBe(left.join() === right.join())
    }),
    { numRuns: 500 },
  )
})

test('the leaf of a text is the leaf of its bytes, whatever its length and script', () => {
  const texts = ['', 'a', 'é', '漢'.repeat(30_000), '\u{1f600}'.repeat(20_000), 'x'.repeat(70_000)]
  for (const text of [...texts, ...texts])
    expect(Merkle.leafOfText(text)).toEqual(Merkle.leaf(Hash.bytes(text)))
  expect(() => Merkle.node(new Uint8Array(31), new Uint8Array(32))).toThrow(/^bug: /)
})
