/**
 * @module A second opinion: what an outsider computes from the published formats alone, with none of this
 * package's own code. Tokens, the vault's sum tree, a package's documents, and a chain's answers.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { keccak256, pad, toHex } from 'viem'

type Hex = `0x${string}`

/** `words@1`, roughly: words and single marks, ASCII case folded, white space and invisible marks left out. */
export function tokens(text: string): string[] {
  const folded = text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
  return [...folded.replace(invisible, ' ').matchAll(token)].map(([text]) => text)
}

const invisible = /\p{Cc}|\p{Cf}|\p{Z}|[\uFE00-\uFE0F]/gu
const alone = '\\p{P}\\p{S}\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}'
const token = new RegExp(`[${alone}]|[^\\s${alone}]+`, 'gu')

/** Whether the tokens of `part` stand next to each other in those of `whole`. */
export function holds(whole: readonly string[], part: readonly string[]): boolean {
  const line = (list: readonly string[]) => `\n${list.join('\n')}\n`
  return part.length > 0 && line(whole).includes(line(part))
}

/** Name of the package that a file belongs to: of the nearest `package.json` above that has one. */
export function packageOf(file: string): string | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json')
    if (!existsSync(manifest)) continue
    const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }
    if (name !== undefined) return name
  }
  return undefined
}

/** A line of a published leaves file. */
export type Leaf = {
  readonly index: number
  readonly named: boolean
  readonly account: Hex
  readonly cumulative: string
}

/** Reads a leaves file: JSON lines in index order. */
export function leaves(file: string): Leaf[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Leaf)
}

const amountBits = (1n << 64n) - 1n

/**
 * The root word of a Merkle sum tree: a leaf word is named (1 bit) | index (31) | account (160) |
 * cumulative (64); a node is the keccak of its word, or of its children, with the sum in its low 64 bits.
 */
export function root(list: readonly Leaf[], depth: number): Hex {
  const withSum = (hash: Hex, sum: bigint) => (BigInt(hash) & ~amountBits) | sum
  const word = (value: bigint) => pad(toHex(value), { size: 32 })
  const leaf = (value: bigint) => withSum(keccak256(word(value)), value & amountBits)
  let level = Array.from({ length: 2 ** depth }, (_, at) => {
    const found = list[at]
    if (found === undefined) return leaf(0n)
    const head = (found.named ? 1n << 31n : 0n) | BigInt(found.index)
    return leaf((head << 224n) | (BigInt(found.account) << 64n) | BigInt(found.cumulative))
  })
  while (level.length > 1)
    level = Array.from({ length: level.length / 2 }, (_, at) => {
      const [left, right] = [level[2 * at]!, level[2 * at + 1]!]
      const sum = (left & amountBits) + (right & amountBits)
      return withSum(keccak256(`${word(left)}${word(right).slice(2)}`), sum)
    })
  return word(level[0]!)
}

/** Where a record stands in a log: as the HTTP face of a node tells it. */
export type Inclusion = {
  readonly leaf: number
  readonly size: number
  readonly root: Hex
  readonly path: readonly Hex[]
}

/** Whether a record's text stands in the log of that root, by the recursion of RFC 6962 § 2.1.1. */
export function stands(record: string, { leaf, size, root, path }: Inclusion): boolean {
  const sha256 = (...parts: Uint8Array[]) =>
    createHash('sha256').update(Buffer.concat(parts)).digest()
  const rest = path.map((hex) => Buffer.from(hex.slice(2), 'hex'))
  const above = (index: number, count: number): Buffer => {
    if (count === 1) return sha256(Buffer.from([0]), Buffer.from(record, 'utf8'))
    let half = 1
    while (half * 2 < count) half *= 2
    const sibling = rest.pop() ?? Buffer.alloc(0)
    return index < half
      ? sha256(Buffer.from([1]), above(index, half), sibling)
      : sha256(Buffer.from([1]), sibling, above(index - half, count - half))
  }
  return `0x${above(leaf, size).toString('hex')}` === root && rest.length === 0
}

/** A log as a chain tells it. */
export type Log = { readonly address: Hex; readonly topics: readonly Hex[]; readonly data: Hex }

/** A chain's plain JSON-RPC. */
export function chain(url: string) {
  const ask = async <T>(method: string, ...params: unknown[]): Promise<T> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const headers = { 'content-type': 'application/json' }
    const signal = AbortSignal.timeout(20_000)
    const response = await fetch(url, { method: 'POST', headers, body, signal })
    const { result, error } = (await response.json()) as { result: T; error?: unknown }
    if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`)
    return result
  }
  const call = (to: string, data: string) => ask<Hex>('eth_call', { to, data }, 'latest')
  return {
    /** Whether a transaction is in a block and did what it was sent for. */
    async succeeded(tx: string): Promise<boolean> {
      const receipt = await ask<{ status: Hex } | null>('eth_getTransactionReceipt', tx)
      return receipt?.status === '0x1'
    },
    /** Every ERC-20 transfer of a token: who paid whom how many atoms. */
    async transfers(token: string) {
      const topics = [keccak256(toHex('Transfer(address,address,uint256)'))]
      const filter = { address: token, fromBlock: '0x0', toBlock: 'latest', topics }
      const logs = await ask<Log[]>('eth_getLogs', filter)
      const party = (topic: Hex) => `0x${topic.slice(26)}`
      return logs.map(({ topics: [, from, to], data }) => ({
        from: party(from!),
        to: party(to!),
        atoms: BigInt(data),
      }))
    },
    /** Atoms that an account holds. */
    async balance(token: string, account: string): Promise<bigint> {
      const selector = keccak256(toHex('balanceOf(address)')).slice(0, 10)
      return BigInt(await call(token, `${selector}${account.slice(2).padStart(64, '0')}`))
    },
    /** The root that a vault pays now, and the depth of its tree. */
    async head(vault: string): Promise<{ root: string; depth: number }> {
      const words = await call(vault, keccak256(toHex('head()')).slice(0, 10))
      return { root: words.slice(0, 66), depth: Number(`0x${words.slice(66, 130)}`) }
    },
  }
}
