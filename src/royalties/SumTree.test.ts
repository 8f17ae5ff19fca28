import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../kernel/Assert.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Account from './Account.ts'
import * as SumTree from './SumTree.ts'

const leaves: readonly SumTree.Leaf[] = [
  {
    index: 0,
    named: false,
    account: '0x00000000000000000000000000000000000a11ce',
    cumulative: 1_500_000n,
  },
  { index: 1, named: true, account: Account.leaf('npm:zod').address, cumulative: 42n },
  {
    index: 2,
    named: false,
    account: '0x0000000000000000000000000000000000000b0b',
    cumulative: 0n,
  },
]

const anyLeaves = fc
  .array(
    fc.record({
      named: fc.boolean(),
      account: fc.uint8Array({ minLength: 20, maxLength: 20 }).map(Hex.encode),
      cumulative: fc.bigInt({ min: 0n, max: 2n ** 56n }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) => list.map((leaf, index) => ({ index, ...leaf })))

describe('format', () => {
  test('words, nodes and root are those that viem computes (PAYMENTS.md)', () => {
    expect(leaves.map(SumTree.encodeLeaf)).toEqual([
      '0x0000000000000000000000000000000000000000000a11ce000000000016e360',
      '0x80000001165a4de5c45892c4a69041abe7316b150d88f338000000000000002a',
      '0x000000020000000000000000000000000000000000000b0b0000000000000000',
    ])
    expect(SumTree.leafNode(SumTree.encodeLeaf(leaves[0]!))).toBe(
      '0x5c344b6f207676bad01a5df468a358b0d92c5fece0a05284000000000016e360',
    )
    const tree = SumTree.tree(leaves, 2)
    expect(tree.rootWord).toBe('0x9c248a24fb954a1f87d37522f44951ea34a344785b9ebe6d000000000016e38a')
    expect(tree.total).toBe(1_500_042n)
    expect(SumTree.total(tree.rootWord)).toBe(1_500_042n)
  })

  test('a leaf is its word and back', () => {
    fc.assert(
      fc.property(anyLeaves, (leaves) => {
        for (const leaf of leaves)
          expect(SumTree.decodeLeaf(SumTree.encodeLeaf(leaf))).toEqual(leaf)
      }),
    )
  })

  test('fields that do not fit are refused', () => {
    const leaf = leaves[0]!
    for (const bad of [
      { ...leaf, index: 2 ** 31 },
      { ...leaf, index: -1 },
      { ...leaf, cumulative: 1n << 64n },
      { ...leaf, cumulative: -1n },
      { ...leaf, account: '0x12' as const },
    ])
      expect(() => SumTree.encodeLeaf(bad)).toThrow(InputError)
  })

  test('a sum above 64 bits is never built', () => {
    const half = { ...leaves[0]!, cumulative: 1n << 63n }
    expect(() => SumTree.tree([half, { ...half, index: 1 }], 1)).toThrow(AssertionError)
  })

  test('depth is the least with room for all', () => {
    const counts = [0, 1, 2, 3, 4, 5, 1000, 1024, 1025]
    expect(counts.map(SumTree.depthFor)).toEqual([0, 0, 1, 2, 2, 3, 10, 10, 11])
  })
})

describe('proofs', () => {
  test('every leaf of a tree is proved; another leaf, place, depth or root is not', () => {
    fc.assert(
      fc.property(anyLeaves, fc.integer({ min: 1, max: 4 }), fc.nat(), (leaves, deeper, pick) => {
        const depth = SumTree.depthFor(leaves.length) + deeper
        const tree = SumTree.tree(leaves, depth)
        const { rootWord } = tree
        for (const leaf of leaves) {
          const proof = SumTree.proof(tree, leaf.index)
          expect(SumTree.verifyProof({ leaf, proof, depth, rootWord })).toBe(true)
        }
        const leaf = leaves[pick % leaves.length]!
        const proof = SumTree.proof(tree, leaf.index)
        const bad = [
          { leaf: { ...leaf, cumulative: leaf.cumulative + 1n }, proof, depth, rootWord },
          { leaf: { ...leaf, named: !leaf.named }, proof, depth, rootWord },
          { leaf: { ...leaf, index: leaf.index + 2 ** depth }, proof, depth, rootWord },
          { leaf: { ...leaf, index: leaf.index ^ 1 }, proof, depth, rootWord },
          { leaf, proof: [...proof, Hex.word(0n)], depth: depth + 1, rootWord },
          { leaf, proof: proof.slice(1), depth, rootWord },
          { leaf, proof, depth, rootWord: Hex.word(BigInt(rootWord) ^ (1n << 64n)) },
          { leaf, proof, depth, rootWord: Hex.word(BigInt(rootWord) ^ 1n) },
        ]
        for (const claim of bad) expect(SumTree.verifyProof(claim)).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  test('a leaf whose index lies outside the tree proves nothing', () => {
    const leaf = { ...leaves[0]!, index: 5 }
    const rootWord = SumTree.leafNode(SumTree.encodeLeaf(leaf))
    expect(SumTree.verifyProof({ leaf, proof: [], depth: 0, rootWord })).toBe(false)
    const inside = {
      leaf: leaves[0]!,
      proof: [],
      depth: 0,
      rootWord: SumTree.tree(leaves.slice(0, 1), 0).rootWord,
    }
    expect(SumTree.verifyProof(inside)).toBe(true)
  })

  test('siblings whose sum passes 64 bits prove nothing', () => {
    const proof = [Hex.word((1n << 64n) - 1n)]
    const claim = { leaf: leaves[0]!, proof, depth: 1, rootWord: Hex.word(0n) }
    expect(SumTree.verifyProof(claim)).toBe(false)
  })
})

describe('published lines', () => {
  const text = SumTree.toLines(leaves)

  test('are JSON lines in index order', () => {
    expect(text.split('\n')[1]).toBe(
      '{"index":1,"named":true,"account":"0x165a4de5c45892c4a69041abe7316b150d88f338","cumulative":"42"}',
    )
    expect(SumTree.fromLines('')).toEqual([])
    fc.assert(
      fc.property(anyLeaves, (leaves) => {
        expect(SumTree.fromLines(SumTree.toLines(leaves))).toEqual(leaves)
      }),
    )
  })

  test('one changed character is refused, or changes the root', () => {
    const { rootWord } = SumTree.tree(leaves, 2)
    let refused = 0
    for (let at = 0; at < text.length; at++) {
      for (const character of ['0', '7', 'a', ' ', '\n', '"']) {
        if (text[at] === character) continue
        const altered = text.slice(0, at) + character + text.slice(at + 1)
        let read: SumTree.Leaf[]
        try {
          read = SumTree.fromLines(altered)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
          refused += 1
          continue
        }
        expect(SumTree.tree(read, 2).rootWord).not.toBe(rootWord)
      }
    }
    expect(refused).toBeGreaterThan(500)
  })

  test.each([
    ['no newline at the end', text.slice(0, -1)],
    ['a gap', text.split('\n').slice(1).join('\n')],
    [
      'another order of members',
      '{"named":false,"index":0,"account":"0x00000000000000000000000000000000000a11ce","cumulative":"1"}\n',
    ],
    ['a number for an amount', text.replace('"42"', '42')],
    ['an address in capitals', text.replace('a11ce', 'A11CE')],
    ['more than 64 bits', text.replace('"42"', '"18446744073709551616"')],
    ['null', 'null\n'],
  ])('refuses %s', (_, bad) => {
    expect(() => SumTree.fromLines(bad)).toThrow(InputError)
  })
})
