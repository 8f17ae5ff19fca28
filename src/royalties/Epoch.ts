/**
 * @module Epochs: when one closes, every receipt that is funded and past its dispute window enters the
 * cumulative sums; they are floored to vault units and become leaves of a sum tree whose root the vault
 * pays. Only money that can no longer be taken back enters, so cumulative roots never fall.
 */
import { assert } from '../kernel/Assert.ts'
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import * as Account from './Account.ts'
import * as Accrual from './Accrual.ts'
import * as Cascade from './Cascade.ts'
import * as SumTree from './SumTree.ts'

export type { Leaf, Tree } from './SumTree.ts'
export {
  decodeLeaf,
  depthFor,
  encodeLeaf,
  fromLines,
  leafNode,
  proof,
  toLines,
  total,
  tree,
  verifyProof,
} from './SumTree.ts'

/** What a root is drawn from; with the books before it, everything else follows. */
export type Closing = {
  /** Receipts that enter with this epoch, in the order in which they were served. */
  readonly receipts: readonly Hex[]
  readonly closedAtMs: number
  /** Atoms in a vault unit. */
  readonly scale: bigint
  readonly rootWord: Hex
  readonly depth: number
  /** What the root states, all epochs together. */
  readonly totalAtoms: bigint
}

/** An epoch that may be published. */
export type Proposal = Closing & {
  readonly leaves: readonly SumTree.Leaf[]
  /** What `publish` pulls from the till. */
  readonly increaseAtoms: bigint
}

/**
 * Closes an epoch on paper; changes nothing. What its receipts gathered for artifacts goes through their
 * lineage once, over the sums. A leaf for each account with a unit or more: earlier leaves keep their
 * index for ever; new ones follow in order of first appearance in the books, then, sorted, those whom
 * lineage alone has reached. Throws `epoch-above-63-bits` where the vault would refuse the total.
 */
export function propose(
  accruals: Accrual.Accruals,
  options: { readonly nowMs: number; readonly scale: bigint },
): Proposal {
  const receipts: Hex[] = []
  for (const [receipt, entry] of accruals.receipts)
    if (isDue(entry, options.nowMs)) receipts.push(receipt)
  const { drawn, totalAtoms } = draw(accruals, receipts, options.scale)
  const leaves = drawn.map(({ leaf }) => leaf)
  const depth = Math.max(SumTree.depthFor(leaves.length), accruals.epochs.at(-1)?.depth ?? 0)
  return {
    receipts,
    closedAtMs: options.nowMs,
    scale: options.scale,
    rootWord: SumTree.tree(leaves, depth).rootWord,
    depth,
    totalAtoms,
    leaves,
    increaseAtoms: totalAtoms - (accruals.epochs.at(-1)?.totalAtoms ?? 0n),
  }
}

/**
 * Takes an epoch into the books. Everything in it is drawn again from the books: `not-publishable` if a
 * receipt is unknown, not funded, in its dispute window or published before, `root-mismatch` if root,
 * depth or total differ. An epoch once more is `exists`.
 */
export function publish(accruals: Accrual.Accruals, closing: Closing): Accrual.Outcome {
  const { receipts, scale, rootWord, depth, totalAtoms } = closing
  const last = accruals.epochs.at(-1)
  const twin =
    receipts.length === 0 ? last : accruals.epochs.find((epoch) => same(epoch.receipts, receipts))
  if (twin?.rootWord === rootWord) return 'exists'
  if (twin !== undefined && receipts.length > 0) return 'exists-with-different-root'
  if (new Set(receipts).size !== receipts.length) return 'not-publishable'
  for (const receipt of receipts) {
    const entry = accruals.receipts.get(receipt)
    if (entry === undefined) return 'unknown-receipt'
    if (!isDue(entry, closing.closedAtMs)) return 'not-publishable'
  }
  if (scale <= 0n) return 'malformed'
  const { drawn, passed, totalAtoms: drawnAtoms } = draw(accruals, receipts, scale)
  const leaves = drawn.map(({ leaf }) => leaf)
  const lowest = Math.max(SumTree.depthFor(leaves.length), last?.depth ?? 0)
  if (depth < lowest || depth > SumTree.maxDepth || totalAtoms !== drawnAtoms)
    return 'root-mismatch'
  if (SumTree.tree(leaves, depth).rootWord !== rootWord) return 'root-mismatch'
  const fell = ({ account, leaf }: Drawn) =>
    leaf.cumulative * scale < (accruals.balances.get(account)?.publishedAtoms ?? 0n)
  if (drawn.some(fell)) return 'root-mismatch'

  for (const receipt of receipts) Accrual.enter(accruals, receipt)
  for (const part of passed) Accrual.receive(accruals, part)
  for (const { account, leaf } of drawn) {
    const balance = accruals.balances.get(account)!
    balance.publishedAtoms = leaf.cumulative * scale
    if (accruals.leaves.length === leaf.index) accruals.leaves.push(account)
    assert(accruals.leaves[leaf.index] === account, 'leaves that never change owner')
  }
  accruals.epochs.push({ rootWord, depth, totalAtoms, receipts: [...receipts] })
  return 'ok'
}

/** Notes what the chain has paid an account in all. At most what was published; less or equal is `exists`. */
export function claim(
  accruals: Accrual.Accruals,
  event: { readonly account: Account.Account; readonly cumulativeAtoms: bigint },
): Accrual.Outcome {
  const balance = accruals.balances.get(event.account)
  if (balance === undefined) return 'unknown-account'
  if (event.cumulativeAtoms > balance.publishedAtoms) return 'above-published'
  if (event.cumulativeAtoms <= balance.claimedAtoms) return 'exists'
  balance.claimedAtoms = event.cumulativeAtoms
  return 'ok'
}

/** The published leaf of an account, as the last epoch states it; `undefined` while it has none. */
export function leafOf(
  accruals: Accrual.Accruals,
  options: { readonly account: Account.Account; readonly scale: bigint },
): SumTree.Leaf | undefined {
  return leaves(accruals, options).find(({ index }) => accruals.leaves[index] === options.account)
}

/** The leaves of the last published epoch, in index order. */
export function leaves(
  accruals: Accrual.Accruals,
  options: { readonly scale: bigint },
): SumTree.Leaf[] {
  return draw(accruals, [], options.scale)
    .drawn.slice(0, accruals.leaves.length)
    .map(({ leaf }) => leaf)
}

/** One account's leaf, and whose it is. */
type Drawn = { readonly account: Account.Account; readonly leaf: SumTree.Leaf }

function draw(accruals: Accrual.Accruals, receipts: readonly Hex[], scale: bigint) {
  if (scale <= 0n) throw new InputError(`expected a scale of at least 1, got ${scale}`)
  const entering = new Map<Account.Account, bigint>()
  const gathered: Cascade.Earning[] = []
  for (const receipt of receipts) {
    const entry = accruals.receipts.get(receipt)!
    for (const { account, nano } of entry.postings)
      entering.set(account, (entering.get(account) ?? 0n) + nano)
    gathered.push(...entry.gathered)
  }
  const passed = Cascade.pass(accruals.lineage, gathered).parts
  const lineageNano = new Map(passed.map(({ account, nano }) => [account, nano]))
  const ownNano = (account: Account.Account) =>
    (accruals.balances.get(account)?.publishableNano ?? 0n) + (entering.get(account) ?? 0n)
  const unitsOf = (account: Account.Account) =>
    (ownNano(account) + (lineageNano.get(account) ?? 0n)) / (nanoPerAtom * scale)
  const known = new Set(accruals.leaves)
  const order = [...accruals.leaves]
  const isNew = (account: Account.Account) => !known.has(account) && unitsOf(account) > 0n
  // Books may grow between closing and publication: who has nothing of its own is in no order there.
  for (const account of accruals.balances.keys())
    if (isNew(account) && ownNano(account) > 0n) order.push(account)
  for (const { account } of passed)
    if (isNew(account) && ownNano(account) === 0n) order.push(account)

  let units = 0n
  const drawn: Drawn[] = order.map((account, index) => {
    const cumulative = unitsOf(account)
    units += cumulative
    const { named, address } = Account.leaf(account)
    return { account, leaf: { index, named, account: address, cumulative } }
  })
  if (units > maxUnits) throw above(units, scale)
  return { drawn, passed, totalAtoms: units * scale }
}

/** The most that a root may state: the vault keeps a mark of one bit beside each amount of 63. */
const maxUnits = (1n << 63n) - 1n

function above(units: bigint, scale: bigint): InputError {
  return new InputError(
    `expected a total of at most ${maxUnits} vault units (2^63 - 1), got ${units}`,
    {
      code: 'epoch-above-63-bits',
      hint: 'nothing was published; open a node on a vault deployed with a larger scale',
      facts: { maxUnits: String(maxUnits), units: String(units), scale: String(scale) },
    },
  )
}

function same(left: readonly Hex[], right: readonly Hex[]): boolean {
  return left.length === right.length && left.every((receipt, index) => receipt === right[index])
}

function isDue(entry: Accrual.Entry, nowMs: number): boolean {
  if (entry.status !== 'funded') return false
  const atMs = Accrual.publishableAtMs(entry)
  return atMs !== undefined && atMs <= nowMs
}
