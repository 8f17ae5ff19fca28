/**
 * @module A node of the virtual chain. It can be silent, behind, and wrong about what is not final yet; of
 * what is final it tells the truth, or nothing.
 */
import { BaseError } from '../../../src/kernel/Errors.ts'
import type * as Hex from '../../../src/kernel/Hex.ts'
import type * as Real from '../../../src/wallets/Rpc.ts'
import * as Blocks from '../Blocks.ts'
import * as World from '../World.ts'

/** Chain and token of every simulation. */
export const chainId = 31_337
export const token = `0x${'70'.repeat(20)}` as const

/** The node of a party: `virtual://name`. */
export function open({ rpcUrl }: { readonly rpcUrl: string }): Real.Rpc {
  const { life } = World.party(rpcUrl.split('//')[1]!)
  const ask = <T>(method: string, answer: () => T): Promise<T> =>
    World.wait(life, `${life!.name} ${method}`, () => {
      if (World.current().strikes('node silent', 0.02)) throw silent(method)
      return answer()
    })
  return {
    request: (method, params) => ask(method, () => request(method, params)),
    read: ({ functionName, args = [] }, at) =>
      ask(functionName, () => read(functionName, args, Number(at))),
  }
}

/** Nothing to encode: nobody decodes it. */
export function encode(): Hex.Hex {
  return '0x'
}

/** Nothing to add. */
export function explain(error: unknown): unknown {
  return error
}

function request(method: string, params: readonly unknown[]): unknown {
  const world = World.current()
  const { blocks } = world
  const head = Blocks.head(blocks)
  switch (method) {
    case 'eth_chainId':
      return quantity(chainId)
    case 'eth_blockNumber':
      return quantity(world.strikes('node behind', 0.06) ? head - world.below(4) : head)
    case 'eth_getBlockByNumber': {
      const block = Blocks.at(blocks, Number(params[0]))
      if (block === undefined) return null
      const { number, hash, timestampSec } = block
      return { number: quantity(number), hash, timestamp: quantity(timestampSec) }
    }
    case 'eth_getLogs':
      return world.strikes('node misses a log', 0.2) ? [] : logs(params[0] as Filter)
    case 'eth_getTransactionReceipt':
      return receipt(params[0] as string)
  }
  throw new Error(`expected a method of this node, got ${method}`)
}

function read(name: string, args: readonly unknown[], at: number): unknown {
  const world = World.current()
  if (name === 'balanceOf') return 10n ** 12n
  if (name !== 'authorizationState')
    throw new Error(`expected a function of the token, got ${name}`)
  const [payer, nonce] = args as [string, string]
  const isUsed = Blocks.isUsed(world.blocks, payer, nonce, at)
  // What a final block holds is not denied: that is what finality stands for.
  const isFinal = Blocks.isUsed(world.blocks, payer, nonce, at - world.finality + 1)
  return isUsed && !(!isFinal && world.strikes('node says unused', 0.6))
}

type Filter = {
  readonly topics: readonly unknown[]
  readonly fromBlock: string
  readonly toBlock: string
}

function logs({ topics, fromBlock, toBlock }: Filter) {
  const { blocks } = World.current()
  const [, payerTopic, nonce] = topics as [unknown, string, string]
  const found = blocks.used.get(`0x${payerTopic.slice(26)} ${nonce}`)
  if (found === undefined || found.number < Number(fromBlock) || found.number > Number(toBlock))
    return []
  return (receipt(found.tx)?.logs ?? [])
    .filter(({ topics }) => topics[2] === nonce)
    .map((log) => ({ ...log, transactionHash: found.tx, blockNumber: quantity(found.number) }))
}

function receipt(tx: string) {
  const found = Blocks.find(World.current().blocks, tx)
  if (found === undefined) return null
  const { block, paid, isPaid } = found
  return {
    status: isPaid ? '0x1' : '0x0',
    blockHash: block.hash,
    blockNumber: quantity(block.number),
    gasUsed: '0x0',
    logs: isPaid
      ? Blocks.logs(token, paid).map((log, index) => ({ ...log, logIndex: quantity(index) }))
      : [],
  }
}

function silent(method: string): BaseError {
  return new BaseError(`the chain's node did not answer ${method}`, {
    code: 'chain-unreachable',
    retry: 'safe',
  })
}

function quantity(value: number): Hex.Hex {
  return `0x${value.toString(16)}`
}
