/**
 * @module The vault's Merkle sum tree (PAYMENTS.md, "The royalty vault and its till"). Every node is one
 * word, hash (192 bits) | amount (64 bits), so the root states the total liability.
 *
 * Leaf word = named (1 bit) | index (31) | account (160) | cumulative (64). Leaf node = keccak256(word)
 * with its low 64 bits replaced by the amount; inner node = keccak256(left ‖ right) likewise with the
 * checked sum; unused leaves are the word 0, hashed alike, padded to 2^depth.
 */
import { assert } from '../kernel/Assert.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Money from '../kernel/Money.ts'

/** What one account has earned so far, as the vault sees it. */
export type Leaf = {
  readonly index: number
  /** The account stands for a name and is paid through a binding. */
  readonly named: boolean
  /** 20 bytes, lower case. */
  readonly account: Hex.Hex
  /** In vault units: atoms ÷ scale. */
  readonly cumulative: bigint
}

/** Nodes by level, leaves first; what lies right of a level's end is `padding[level]`. */
export type Tree = {
  readonly depth: number
  readonly levels: readonly (readonly Uint8Array[])[]
  readonly padding: readonly Uint8Array[]
  readonly rootWord: Hex.Hex
  /** Σ cumulative, in vault units. */
  readonly total: bigint
}

/** Deepest tree the leaf word can index. */
export const maxDepth = 31

const maxAmount = (1n << 64n) - 1n

/** The least depth of a tree with room for `count` leaves. */
export function depthFor(count: number): number {
  let depth = 0
  while (2 ** depth < count) depth++
  assert(depth <= maxDepth, 'no more leaves than an index of 31 bits can name')
  return depth
}

/** The 32-byte word of a leaf. Throws `InputError` unless every field fits its bits. */
export function encodeLeaf(leaf: Leaf): Hex.Hex {
  const { index, account, cumulative } = leaf
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** maxDepth)
    throw refuse('an index of at most 31 bits', index)
  if (!Hex.is(account, 20)) throw refuse('a 20-byte account', account)
  if (cumulative < 0n || cumulative > maxAmount)
    throw refuse('a cumulative amount of at most 64 bits', cumulative)
  const head = (leaf.named ? 1n << 31n : 0n) | BigInt(index)
  return Hex.word((head << 224n) | (BigInt(account) << 64n) | cumulative)
}

/** The leaf of a word. Throws `InputError` unless it is 32 bytes. */
export function decodeLeaf(word: Hex.Hex): Leaf {
  if (!Hex.is(word, 32)) throw refuse('a leaf word of 32 bytes', word)
  const bits = BigInt(word)
  return {
    index: Number((bits >> 224n) & 0x7fff_ffffn),
    named: bits >> 255n === 1n,
    account: `0x${word.slice(10, 50).toLowerCase()}`,
    cumulative: bits & maxAmount,
  }
}

/** The tree node of a leaf word. */
export function leafNode(word: Hex.Hex): Hex.Hex {
  return Hex.encode(hashLeaf(Hex.decode(word)))
}

/** The tree of `leaves`, which stand at their index from 0 on, padded to 2^depth. */
export function tree(leaves: readonly Leaf[], depth: number): Tree {
  assert(depth >= depthFor(leaves.length) && depth <= maxDepth, 'a depth with room for all leaves')
  const padding = [hashLeaf(new Uint8Array(32))]
  const levels = [
    leaves.map((leaf, index) => {
      assert(leaf.index === index, 'leaves in index order, without gaps')
      return hashLeaf(Hex.decode(encodeLeaf(leaf)))
    }),
  ]
  for (let level = 0; level < depth; level++) {
    const below = levels[level]!
    const pad = padding[level]!
    const nodes: Uint8Array[] = []
    for (let index = 0; index < below.length; index += 2)
      nodes.push(hashPair(below[index]!, below[index + 1] ?? pad))
    levels.push(nodes)
    padding.push(hashPair(pad, pad))
  }
  const root = levels[depth]![0] ?? padding[depth]!
  return { depth, levels, padding, rootWord: Hex.encode(root), total: amount(root) }
}

/** The siblings of leaf `index`, nearest first; as many as the tree is deep. */
export function proof(tree: Tree, index: number): Hex.Hex[] {
  assert(Number.isInteger(index) && index >= 0 && index < 2 ** tree.depth, 'an index in the tree')
  return Array.from({ length: tree.depth }, (_, level) => {
    const sibling = Math.floor(index / 2 ** level) ^ 1
    return Hex.encode(tree.levels[level]![sibling] ?? tree.padding[level]!)
  })
}

/** Whether `proof` shows that `leaf` stands at its index of the tree of `depth` with `rootWord`. */
export function verifyProof(claim: {
  readonly leaf: Leaf
  readonly proof: readonly Hex.Hex[]
  readonly depth: number
  readonly rootWord: Hex.Hex
}): boolean {
  const { leaf, depth } = claim
  if (claim.proof.length !== depth || leaf.index >= 2 ** depth) return false
  if (!claim.proof.every((sibling) => Hex.is(sibling, 32))) return false
  let node = hashLeaf(Hex.decode(encodeLeaf(leaf)))
  for (const [level, text] of claim.proof.entries()) {
    const sibling = Hex.decode(text)
    if (amount(node) + amount(sibling) > maxAmount) return false
    const right = Math.floor(leaf.index / 2 ** level) % 2 === 1
    node = right ? hashPair(sibling, node) : hashPair(node, sibling)
  }
  return Hex.encode(node) === claim.rootWord
}

/** The total that a root word states, in vault units. */
export function total(rootWord: Hex.Hex): bigint {
  return amount(Hex.decode(rootWord))
}

/** The published leaves: JSON lines in index order, each ended by a newline. */
export function toLines(leaves: readonly Leaf[]): string {
  return leaves
    .map(({ index, named, account, cumulative }) => {
      const line = { index, named, account, cumulative: cumulative.toString() }
      return `${JSON.stringify(line)}\n`
    })
    .join('')
}

/** Reads {@link toLines}, and nothing that it would not write. Throws `InputError` naming the line. */
export function fromLines(text: string): Leaf[] {
  const lines = text.split('\n')
  if (lines.pop() !== '') throw refuse('leaves that end with a newline', 'none')
  return lines.map((line, index) => {
    const what = `leaf line ${index + 1}`
    const value = Json.parse(line, what) as Record<string, unknown> | null
    if (typeof value !== 'object' || value === null) throw refuse(`${what} as an object`, line)
    const { named, account } = value
    if (typeof named !== 'boolean' || !Hex.is(account, 20))
      throw refuse(`${what} with named and a 20-byte account`, line)
    const cumulative = Money.atoms(value.cumulative, `cumulative of ${what}`)
    const leaf = { index, named, account, cumulative }
    encodeLeaf(leaf)
    if (account !== account.toLowerCase() || toLines([leaf]) !== `${line}\n`)
      throw refuse(`${what} as {"index":${index},"named":…,"account":"0x…","cumulative":"…"}`, line)
    return leaf
  })
}

function hashLeaf(word: Uint8Array): Uint8Array {
  const node = Hash.keccak256(word)
  node.set(word.subarray(24), 24)
  return node
}

function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  const sum = amount(left) + amount(right)
  assert(sum <= maxAmount, 'a sum of amounts of at most 64 bits')
  const bytes = new Uint8Array(64)
  bytes.set(left)
  bytes.set(right, 32)
  const node = Hash.keccak256(bytes)
  new DataView(node.buffer, node.byteOffset).setBigUint64(24, sum)
  return node
}

function amount(node: Uint8Array): bigint {
  return new DataView(node.buffer, node.byteOffset).getBigUint64(24)
}

function refuse(expected: string, got: unknown): InputError {
  return new InputError(`expected ${expected}, got ${String(got).slice(0, 120)}`, {
    code: 'leaf-malformed',
  })
}
