/**
 * @module The virtual chain: a token with EIP-3009, blocks that can be replaced as long as they are not
 * final, transactions that can be dropped. It takes a payment once, and before it expires.
 */
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import type * as Exact from '../../src/wallets/x402/Exact.ts'

/** A transaction that pays what was authorised; who sends it does not matter. */
export type Transaction = { readonly tx: Hex.Hex; readonly paid: Exact.Authorization }

/** A block. */
export type Block = {
  readonly number: number
  readonly hash: Hex.Hex
  readonly timestampSec: number
  readonly transactions: readonly (Transaction & { readonly isPaid: boolean })[]
}

/** The chain as it is, and what waits to be in a block. */
export type Blocks = {
  readonly blocks: Block[]
  readonly waiting: Transaction[]
  /** Where each nonce was used. */
  readonly used: Map<string, { readonly number: number; readonly tx: Hex.Hex }>
  /** Atoms that each payer has paid. */
  readonly paidAtoms: Map<string, bigint>
  /** The highest block there ever was: finality counts from it. */
  highest: number
  /** Makes hashes of replaced blocks differ. */
  turn: number
}

/** The block before all others. */
const genesis = 100

/** A chain with one block. */
export function create(timestampSec: number): Blocks {
  const blocks: Blocks = {
    blocks: [],
    waiting: [],
    used: new Map(),
    paidAtoms: new Map(),
    highest: genesis,
    turn: 0,
  }
  mine(blocks, timestampSec, () => 'take')
  return blocks
}

/** The latest block. */
export function head({ blocks }: Blocks): number {
  return genesis + blocks.length - 1
}

/** A block by number. */
export function at({ blocks }: Blocks, number: number): Block | undefined {
  return blocks[number - genesis]
}

/** Hands a payment in; the same one again is another transaction. */
export function submit(blocks: Blocks, paid: Exact.Authorization): Transaction {
  blocks.turn += 1
  const transaction = { tx: Hash.text(`${paid.nonce} ${blocks.turn}`), paid }
  blocks.waiting.push(transaction)
  return transaction
}

/** Makes the next block of what waits: each is taken, left for later, or dropped. */
export function mine(
  blocks: Blocks,
  timestampSec: number,
  choose: () => 'take' | 'leave' | 'drop',
): void {
  blocks.turn += 1
  const number = genesis + blocks.blocks.length
  const timestamp = Math.max(timestampSec, (blocks.blocks.at(-1)?.timestampSec ?? 0) + 1)
  const transactions: Block['transactions'][number][] = []
  for (const transaction of blocks.waiting.splice(0)) {
    const choice = choose()
    if (choice === 'leave') blocks.waiting.push(transaction)
    if (choice !== 'take') continue
    const { paid, tx } = transaction
    const isPaid =
      !blocks.used.has(key(paid)) &&
      paid.validAfterSec < timestamp &&
      timestamp < paid.validBeforeSec
    if (isPaid) {
      blocks.used.set(key(paid), { number, tx })
      blocks.paidAtoms.set(paid.from, paidBy(blocks, paid.from) + paid.valueAtoms)
    }
    transactions.push({ ...transaction, isPaid })
  }
  const hash = Hash.text(`block ${number} ${blocks.turn}`)
  blocks.blocks.push({ number, hash, timestampSec: timestamp, transactions })
  blocks.highest = Math.max(blocks.highest, number)
}

/** Takes the last blocks back; their transactions wait again, or are gone. */
export function revert(blocks: Blocks, depth: number, isKept: () => boolean): void {
  for (const { transactions } of blocks.blocks.splice(-depth))
    for (const { tx, paid, isPaid } of transactions) {
      if (isPaid) {
        blocks.used.delete(key(paid))
        blocks.paidAtoms.set(paid.from, paidBy(blocks, paid.from) - paid.valueAtoms)
      }
      if (isKept()) blocks.waiting.push({ tx, paid })
    }
}

/** Whether a nonce is used, as of a block. */
export function isUsed(blocks: Blocks, payer: string, nonce: string, number: number): boolean {
  const found = blocks.used.get(`${payer} ${nonce}`)
  return found !== undefined && found.number <= number
}

/** A transaction and its block. */
export function find(blocks: Blocks, tx: string) {
  for (let index = blocks.blocks.length - 1; index >= 0; index -= 1) {
    const block = blocks.blocks[index]!
    const found = block.transactions.find((each) => each.tx === tx)
    if (found !== undefined) return { block, ...found }
  }
  return undefined
}

/** Atoms that a payer has paid. */
export function paidBy({ paidAtoms }: Blocks, payer: string): bigint {
  return paidAtoms.get(payer) ?? 0n
}

/** Payments of a payer, each once. */
export function payments({ blocks }: Blocks, payer: string): readonly Exact.Authorization[] {
  return blocks.flatMap(({ transactions }) =>
    transactions
      .filter(({ paid, isPaid }) => isPaid && paid.from === payer)
      .map(({ paid }) => paid),
  )
}

/** What the token logs of a payment. */
export function logs(token: Hex.Hex, paid: Exact.Authorization) {
  const { usedTopic, transferTopic, addressTopic } = PaymentEvidence
  return [
    { address: token, topics: [usedTopic, addressTopic(paid.from), paid.nonce], data: '0x' },
    {
      address: token,
      topics: [transferTopic, addressTopic(paid.from), addressTopic(paid.to)],
      data: Hex.word(paid.valueAtoms),
    },
  ]
}

function key({ from, nonce }: Exact.Authorization): string {
  return `${from} ${nonce}`
}
