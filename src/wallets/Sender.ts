/**
 * @module Sends transactions of one wallet, many at once: nonces are counted here, not asked for each time.
 * A nonce whose transaction never reached the chain is a gap that would hold up all later ones: it is given
 * to the next transaction, or filled with an empty one. So is one whose block was replaced: it is sent again.
 */
import { encodeDeployData } from 'viem'
import { BaseError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import type { Log } from './PaymentEvidence.ts'
import * as Rpc from './Rpc.ts'
import type { Wallet } from './Wallet.ts'

/** What is to be done on chain. Without `to` it creates a contract; without `gas` it is estimated. */
export type Request = {
  readonly to?: Hex.Hex
  readonly data?: Hex.Hex
  readonly valueWei?: bigint
  readonly gas?: bigint
}

/** What a transaction did. */
export type Receipt = {
  readonly tx: Hex.Hex
  readonly status: 'success' | 'reverted'
  readonly blockHash: Hex.Hex
  readonly blockNumber: number
  readonly gasUsed: bigint
  readonly logs: readonly Log[]
  /** Of the contract created, if one was. */
  readonly contract?: Hex.Hex
  /** The latest block as it was seen with this receipt, where it was asked for: this one's own, or a later. */
  readonly head?: Readonly<Record<string, unknown>>
}

/** One wallet's way to the chain. */
export type Sender = {
  readonly address: Hex.Hex
  /**
   * Hands a transaction to the chain and gives its hash; throws `reverted` before a nonce is spent when
   * it would fail, and `chain-unreachable` with retry `unknown` when it may or may not have been taken.
   */
  send(request: Request): Promise<Hex.Hex>
  /** Gas that a transaction needs, with room to spare; throws as `send` does. Fees are asked for beside. */
  estimate(request: Request): Promise<bigint>
  /** A contract's function, sent. */
  write(call: Rpc.Call & { readonly gas?: bigint }): Promise<Hex.Hex>
  /**
   * Waits until the transaction is in a block. Throws `transaction-unconfirmed` (retry `unknown`).
   * `withHead`: looks at the latest block each time too.
   */
  wait(
    tx: Hex.Hex,
    options?: { readonly timeoutMs?: number; readonly withHead?: boolean },
  ): Promise<Receipt>
  /** `write` and `wait`; throws `reverted` if it failed on chain. */
  execute(call: Rpc.Call & { readonly gas?: bigint }): Promise<Receipt>
  /** Creates a contract and gives its address. */
  deploy(options: {
    readonly abi: readonly unknown[]
    readonly bytecode: Hex.Hex
    readonly args?: readonly unknown[]
  }): Promise<Hex.Hex>
}

/** EIP-7825: no transaction may take more. */
const maxGas = 16_777_216n
const feesFreshMs = 2000
const healEveryMs = 500
const resendEveryMs = 5000
/** Transactions in a block, remembered for as long as that block may be replaced. */
const mostMined = 256

type Taken = { readonly nonce: number; readonly raw: Hex.Hex; readonly tx: Hex.Hex }

/** Opens a wallet's sender. One per wallet and process: two would count the same nonces. */
export function open(options: {
  readonly rpc: Rpc.Rpc
  readonly wallet: Wallet
  readonly chainId: number
  readonly pollMs: number
}): Sender {
  const { rpc, wallet, pollMs } = options
  const nonces = counter(rpc, wallet.address)
  const fees = feeSource(rpc)
  const sent = new Map<Hex.Hex, Taken>()
  const mined = new Map<number, Taken>()
  const doubtful = new Set<Taken>()
  /** Nonces of transactions on their way to the node. */
  const leaving = new Set<number>()

  const sign = async (request: Request, nonce: number, gas: bigint): Promise<Taken> => {
    const { to, data, valueWei } = request
    const raw = await wallet.signTransaction({
      chainId: options.chainId,
      nonce,
      gas,
      ...(to === undefined ? {} : { to }),
      ...(data === undefined ? {} : { data }),
      ...(valueWei === undefined ? {} : { valueWei }),
      ...(await fees()),
    })
    return { nonce, raw, tx: Hex.encode(Hash.keccak256(Hex.decode(raw))) }
  }

  /** True once the node has it; false when its nonce is taken by another transaction. */
  const hand = async (taken: Taken): Promise<boolean> => {
    try {
      await rpc.request('eth_sendRawTransaction', [taken.raw])
      return true
    } catch (error) {
      if (/already (known|imported)/i.test(String(error))) return true
      let known: boolean
      try {
        known = await isKnown(rpc, taken.tx)
      } catch {
        doubtful.add(taken)
        throw error
      }
      if (known) return true
      if (/nonce too low|replacement transaction/i.test(String(error))) return false
      nonces.giveBack(taken.nonce)
      throw error
    }
  }

  const settleDoubts = async () => {
    for (const taken of [...doubtful]) {
      const known = await isKnown(rpc, taken.tx)
      if (!doubtful.delete(taken)) continue
      if (known) sent.set(taken.tx, taken)
      else nonces.giveBack(taken.nonce)
    }
  }

  const dispatch = async (request: Request, gas: bigint): Promise<Hex.Hex> => {
    if (doubtful.size > 0) await settleDoubts()
    for (let attempt = 0; attempt < 8; attempt++) {
      const nonce = await nonces.take()
      leaving.add(nonce)
      try {
        const taken = await sign(request, nonce, gas).catch((error: unknown) => {
          nonces.giveBack(nonce)
          throw error
        })
        if (await hand(taken)) {
          sent.set(taken.tx, taken)
          return taken.tx
        }
      } finally {
        leaving.delete(nonce)
      }
      await nonces.catchUp()
    }
    throw new BaseError(`the nonces of ${wallet.address} are taken by somebody else`, {
      code: 'nonce-contested',
      hint: 'only one process may send with a key',
      retry: 'safe',
    })
  }

  /** What the chain took back stands before what waits: each is sent again, or its nonce filled. */
  const restore = async ({ nonce: last }: Taken) => {
    const known = new Map([...sent.values(), ...doubtful].map((taken) => [taken.nonce, taken]))
    for (let nonce = await nonces.ask(); nonce < last; nonce++) {
      const taken = known.get(nonce) ?? mined.get(nonce)
      if (taken !== undefined) await resend(taken)
      else if (!leaving.has(nonce)) nonces.giveBack(nonce)
    }
  }

  // If the node has it still, it says so.
  const resend = ({ raw }: Taken) =>
    rpc.request('eth_sendRawTransaction', [raw]).catch(() => undefined)

  const heal = async (waiting: Taken | undefined) => {
    await settleDoubts()
    if (waiting !== undefined) await restore(waiting)
    while (nonces.hasGap()) await dispatch({ to: wallet.address }, 21_000n)
  }

  const estimate = (request: Request) => {
    // Whoever sends soon finds them fresh; whoever cannot have them hears of it then.
    fees().catch(() => undefined)
    return gasOf(rpc, wallet.address, request)
  }

  const send = async (request: Request) =>
    dispatch(request, request.gas ?? (await estimate(request)))

  const write = async ({ gas, ...call }: Rpc.Call & { readonly gas?: bigint }) => {
    const request = { to: call.address, data: Rpc.encode(call) }
    return send(gas === undefined ? request : { ...request, gas }).catch((error: unknown) => {
      throw Rpc.explain(error, call.abi)
    })
  }

  const wait: Sender['wait'] = async (tx, { timeoutMs = 60_000, withHead = false } = {}) => {
    let pauseMs = pollMs / 16
    const startedMs = performance.now()
    let healedMs = startedMs
    let resentMs = startedMs
    for (;;) {
      const [receipt, head] = await Promise.all([
        findReceipt(rpc, tx),
        withHead ? latest(rpc) : undefined,
      ])
      const waiting = sent.get(tx)
      if (receipt !== undefined) {
        sent.delete(tx)
        if (waiting !== undefined)
          mined.set(waiting.nonce, waiting).delete(waiting.nonce - mostMined)
        const isSeen = head !== undefined && Number(head.number) >= receipt.blockNumber
        return isSeen ? { ...receipt, head } : receipt
      }
      const nowMs = performance.now()
      if (nowMs - startedMs > timeoutMs) throw unconfirmed(tx, timeoutMs)
      if (nowMs - healedMs > healEveryMs) {
        healedMs = nowMs
        await heal(waiting)
      }
      if (waiting !== undefined && nowMs - resentMs > resendEveryMs) {
        resentMs = nowMs
        await resend(waiting)
      }
      // A chain that mines at once has it at once.
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      pauseMs = Math.min(pollMs, 2 * pauseMs)
    }
  }

  const succeeded = async (tx: Hex.Hex, what: string) => {
    const receipt = await wait(tx)
    if (receipt.status === 'success') return receipt
    throw new BaseError(`${what} failed on chain`, { code: 'reverted', facts: { tx } })
  }

  return {
    address: wallet.address,
    send,
    estimate,
    write,
    wait,
    execute: async (call) => succeeded(await write(call), call.functionName),
    async deploy({ abi, bytecode, args = [] }) {
      const data = encodeDeployData({ abi, bytecode, args })
      const { contract } = await succeeded(await send({ data }), 'creating the contract')
      if (contract !== undefined) return contract
      throw new BaseError('the receipt names no contract', { code: 'chain-refused' })
    },
  }
}

/** The receipt, once the transaction is in a block. */
export async function findReceipt(rpc: Rpc.Rpc, tx: Hex.Hex): Promise<Receipt | undefined> {
  const found = (await rpc.request('eth_getTransactionReceipt', [tx])) as RawReceipt | null
  if (found === null || found.blockHash === null) return undefined
  return {
    tx,
    status: found.status === '0x1' ? 'success' : 'reverted',
    blockHash: found.blockHash,
    blockNumber: Number(found.blockNumber),
    gasUsed: BigInt(found.gasUsed),
    logs: found.logs.map((log) => ({
      address: log.address.toLowerCase() as Hex.Hex,
      topics: log.topics,
      data: log.data,
      index: Number(log.logIndex),
    })),
    ...(found.contractAddress == null
      ? {}
      : { contract: found.contractAddress.toLowerCase() as Hex.Hex }),
  }
}

type RawReceipt = {
  readonly status: Hex.Hex
  readonly blockHash: Hex.Hex | null
  readonly blockNumber: Hex.Hex
  readonly gasUsed: Hex.Hex
  readonly contractAddress?: Hex.Hex | null
  readonly logs: readonly {
    readonly address: Hex.Hex
    readonly topics: readonly Hex.Hex[]
    readonly data: Hex.Hex
    readonly logIndex: Hex.Hex
  }[]
}

/** Undefined where the node does not say: who wants it asks again. */
async function latest(rpc: Rpc.Rpc): Promise<Receipt['head']> {
  const block = await rpc.request('eth_getBlockByNumber', ['latest', false]).catch(() => undefined)
  return (block ?? undefined) as Receipt['head']
}

async function isKnown(rpc: Rpc.Rpc, tx: Hex.Hex): Promise<boolean> {
  return (await rpc.request('eth_getTransactionByHash', [tx])) !== null
}

/** Counts nonces: `take` gives each once, the ones given back first. */
function counter(rpc: Rpc.Rpc, address: Hex.Hex) {
  let next: number | undefined
  let started: Promise<number> | undefined
  const free = new Set<number>()
  const ask = async () => Number(await rpc.request('eth_getTransactionCount', [address, 'pending']))
  return {
    /** The next nonce, as the chain counts what it has and what waits in its order. */
    ask,
    async take(): Promise<number> {
      if (next === undefined) {
        started ??= ask().finally(() => {
          started = undefined
        })
        const asked = await started
        next ??= asked
      }
      if (free.size === 0) return next++
      const lowest = Math.min(...free)
      free.delete(lowest)
      return lowest
    },
    giveBack(nonce: number) {
      free.add(nonce)
      while (next !== undefined && free.delete(next - 1)) next -= 1
    },
    /** A gap: a nonce given back while higher ones are on their way. */
    hasGap: () => free.size > 0,
    async catchUp() {
      const asked = await ask()
      next = Math.max(next ?? 0, asked)
      for (const nonce of free) if (nonce < asked) free.delete(nonce)
    },
  }
}

/** Twice the base fee, so that it holds through six full blocks, plus what the node suggests as a tip. */
function feeSource(rpc: Rpc.Rpc) {
  type Fees = { maxFeePerGasWei: bigint; maxPriorityFeePerGasWei: bigint }
  let asked: Promise<Fees> | undefined
  let askedMs = 0
  const ask = async () => {
    const [block, tip] = await Promise.all([
      rpc.request('eth_getBlockByNumber', ['latest', false]),
      rpc.request('eth_maxPriorityFeePerGas', []),
    ])
    const { baseFeePerGas = '0x0' } = block as { baseFeePerGas?: Hex.Hex }
    const maxPriorityFeePerGasWei = BigInt(tip as Hex.Hex)
    const maxFeePerGasWei = 2n * BigInt(baseFeePerGas) + maxPriorityFeePerGasWei
    return { maxFeePerGasWei, maxPriorityFeePerGasWei }
  }
  return async (): Promise<Fees> => {
    if (asked === undefined || performance.now() - askedMs > feesFreshMs) {
      askedMs = performance.now()
      asked = ask().catch((error: unknown) => {
        asked = undefined
        throw error
      })
    }
    return asked
  }
}

async function gasOf(rpc: Rpc.Rpc, from: Hex.Hex, request: Request): Promise<bigint> {
  const { to, data, valueWei } = request
  const call = {
    from,
    ...(to === undefined ? {} : { to }),
    ...(data === undefined ? {} : { data }),
    ...(valueWei === undefined ? {} : { value: `0x${valueWei.toString(16)}` }),
  }
  const needed = BigInt((await rpc.request('eth_estimateGas', [call])) as Hex.Hex)
  const roomy = needed + needed / 4n
  return roomy > maxGas ? maxGas : roomy
}

function unconfirmed(tx: Hex.Hex, timeoutMs: number): BaseError {
  return new BaseError(`transaction ${tx} was in no block after ${timeoutMs} ms`, {
    code: 'transaction-unconfirmed',
    hint: 'it may still be included: look it up before doing the same again',
    retry: 'unknown',
    facts: { tx },
  })
}
