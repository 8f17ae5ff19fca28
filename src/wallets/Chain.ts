/**
 * @module The chain as the rest of the house sees it: narrow, our own types, one node behind it. What it
 * tells of a payment holds at the configured finality and not before.
 */
import { assert } from '../kernel/Assert.ts'
import * as Asset from '../kernel/Asset.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as BlockHeader from './BlockHeader.ts'
import * as Calls from './Calls.ts'
import * as LocalChain from './LocalChain.ts'
import type { Evidence, Final, Outcome, Payment } from './PaymentEvidence.ts'
import * as PaymentEvidence from './PaymentEvidence.ts'
import * as Rpc from './Rpc.ts'
import * as Sender from './Sender.ts'
import type { Wallet } from './Wallet.ts'

/**
 * When a block counts as final: once it has this many confirmations (1 = it is the latest), or when the
 * chain itself calls it `finalized`.
 */
export type Finality = number | 'finalized'

/** A block. */
export type Block = { readonly number: number; readonly hash: Hex; readonly timestampSec: number }

/** How far back to look for a payment, and when to believe it. */
export type LookUp = {
  readonly confirmations?: Finality
  readonly fromBlock?: number
  /** Where it is thought to be: looked at first. */
  readonly tx?: Hex | undefined
  /** Its receipt there, seen a moment ago with the head. */
  readonly seen?: Sender.Receipt | undefined
}

/** A chain. Every method can throw `chain-unreachable`. */
export type Chain = {
  readonly chainId: number
  /** CAIP-2. */
  readonly network: `eip155:${number}`
  blockNumber(): Promise<number>
  /** The latest block that is final. */
  finalBlock(finality?: Finality): Promise<Block>
  /** What a view function returns, decoded. Throws `reverted`, `contract-missing`. */
  read(call: Rpc.Call): Promise<unknown>
  /** Code of a contract; `0x` where there is none. */
  code(address: Hex): Promise<Hex>
  /** A token balance, in atoms. */
  balanceAtoms(asset: Asset.Asset, address: Hex): Promise<bigint>
  /** Balance of the native coin, which pays for gas, in wei. */
  balanceWei(address: Hex): Promise<bigint>
  /** Logs of a contract with these topics (null = any), oldest first. */
  logs(filter: LogFilter): Promise<readonly FoundLog[]>
  /** The receipt of a transaction, once it is in a block. */
  receipt(tx: Hex): Promise<Sender.Receipt | undefined>
  /** This wallet's way to send, the same each time. */
  sender(wallet: Wallet): Sender.Sender
  /** Calls of a wallet's own, simulated, signed once and looked up. */
  readonly calls: Calls.Calls
  /**
   * What became of a payment. Throws `payment-log-missing` when its nonce is used and no log since
   * `fromBlock` says how.
   */
  lookUpPayment(payment: Payment, options?: LookUp): Promise<Outcome>
}

/** Which logs; both blocks included. */
export type LogFilter = {
  readonly address: Hex
  readonly topics: readonly (Hex | readonly Hex[] | null)[]
  readonly fromBlock: number
  readonly toBlock?: number
}

/** A log and where it stands. */
export type FoundLog = PaymentEvidence.Log & { readonly tx: Hex; readonly blockNumber: number }

/** How to reach a chain, and when to believe it. */
export type Options = {
  readonly rpcUrl: string
  /** The chain that must answer there. */
  readonly chainId: number
  /** 1 on a local chain unless told, `finalized` elsewhere. */
  readonly finality?: Finality
  /** First block that can hold a payment: the token's or the node's first day. */
  readonly fromBlock?: number
  /** Blocks asked for at once, 10,000 unless told: nodes have limits. */
  readonly logRange?: number
  readonly timeoutMs?: number
}

/** Opens a chain. Throws `wrong-chain` when another chain answers, `chain-unreachable` when none does. */
export async function open(options: Options): Promise<Chain> {
  const { chainId, rpcUrl, fromBlock = 0, logRange = 10_000 } = options
  const local = chainId === LocalChain.chainId
  const finality = checked(options.finality ?? (local ? 1 : 'finalized'))
  const { timeoutMs } = options
  const rpc = Rpc.open(timeoutMs === undefined ? { rpcUrl } : { rpcUrl, timeoutMs })
  const answered = Number(await rpc.request('eth_chainId', []))
  if (answered !== chainId)
    throw new BaseError(`expected chain ${chainId} at the RPC URL, got chain ${answered}`, {
      code: 'wrong-chain',
      facts: { expected: chainId, got: answered },
    })
  const senders = new Map<Hex, Sender.Sender>()
  const reader = { rpc, chainId, finality, fromBlock, logRange }
  return {
    chainId,
    network: `eip155:${chainId}`,
    blockNumber: () => latest(rpc),
    finalBlock: async (own) => finalBlock(rpc, checked(own ?? finality), await latest(rpc)),
    read: (call) => rpc.read(call),
    code: async (address) => (await rpc.request('eth_getCode', [address, 'latest'])) as Hex,
    balanceAtoms: async (asset, address) => balanceAtoms(reader, asset, address),
    balanceWei: async (address) =>
      BigInt((await rpc.request('eth_getBalance', [address, 'latest'])) as Hex),
    logs: async (filter) =>
      logs(rpc, { ...filter, toBlock: filter.toBlock ?? (await latest(rpc)) }, logRange),
    receipt: (tx) => Sender.findReceipt(rpc, tx),
    sender(wallet) {
      const known = senders.get(wallet.address)
      if (known !== undefined) return known
      const sender = Sender.open({ rpc, wallet, chainId, pollMs: local ? 15 : 1000 })
      senders.set(wallet.address, sender)
      return sender
    },
    calls: Calls.open({
      ...{ rpc, chainId },
      finalBlockNumber: async () => (await finalBlock(rpc, finality, await latest(rpc))).number,
    }),
    lookUpPayment: (payment, lookUp = {}) => lookUpPayment(reader, payment, lookUp),
  }
}

type Reader = {
  readonly rpc: Rpc.Rpc
  readonly chainId: number
  readonly finality: Finality
  readonly fromBlock: number
  readonly logRange: number
}

const balanceAbi = [
  {
    type: 'function',
    name: 'balanceOf',
    stateMutability: 'view',
    inputs: [{ name: 'account', type: 'address' }],
    outputs: [{ name: '', type: 'uint256' }],
  },
]
const authorizationAbi = [
  {
    type: 'function',
    name: 'authorizationState',
    stateMutability: 'view',
    inputs: [
      { name: 'authorizer', type: 'address' },
      { name: 'nonce', type: 'bytes32' },
    ],
    outputs: [{ name: '', type: 'bool' }],
  },
]

/**
 * The final block is read first and the nonce's state at a later block, so that `unused` holds at the final
 * block too, whatever happens in between.
 */
async function lookUpPayment(reader: Reader, payment: Payment, options: LookUp): Promise<Outcome> {
  const { rpc, chainId } = reader
  const { address: token, chainId: assetChainId } = Asset.parts(payment.asset.id)
  if (assetChainId !== chainId)
    throw new InputError(`expected a payment on chain ${chainId}, got ${payment.asset.id}`)
  const known = await paidIn(reader, payment, options)
  if (known !== undefined) return known
  const head = await latest(rpc)
  const final = await finalBlock(rpc, checked(options.confirmations ?? reader.finality), head)
  const state = { address: token, abi: authorizationAbi, functionName: 'authorizationState' }
  const used = await rpc.read({ ...state, args: [payment.payer, payment.nonce] }, quantity(head))
  if (used !== true) return { kind: 'unused', finalTimestampSec: final.timestampSec }
  const { usedTopic, cancelledTopic, addressTopic } = PaymentEvidence
  const filter = {
    address: token,
    topics: [[usedTopic, cancelledTopic], addressTopic(payment.payer), payment.nonce],
    fromBlock: options.fromBlock ?? reader.fromBlock,
    toBlock: head,
  }
  const [log] = await logs(rpc, filter, reader.logRange, 'newest')
  const receipt = log === undefined ? undefined : await Sender.findReceipt(rpc, log.tx)
  if (log === undefined || receipt === undefined)
    throw new BaseError(`nonce ${payment.nonce} is used, and no log says how`, {
      code: 'payment-log-missing',
      hint: 'look from an earlier block, or wait until the node has indexed it',
      retry: 'safe',
      facts: { fromBlock: filter.fromBlock, payer: payment.payer },
    })
  const proof = PaymentEvidence.pair(receipt.logs, payment)
  const cancelled = log.topics[0] === cancelledTopic
  const would: Final = cancelled ? 'cancelled' : proof === undefined ? 'elsewhere' : 'paid'
  if (receipt.blockNumber > final.number) return { kind: 'pending', tx: log.tx, would }
  if (would !== 'paid') return { kind: would, tx: log.tx }
  assert(proof !== undefined, 'logs that prove what is called paid')
  const evidence = await evidenceOf(reader, receipt, { proof })
  if (evidence === undefined) return { kind: 'pending', tx: log.tx, would }
  const judged = PaymentEvidence.check(evidence, payment)
  assert(judged.ok, 'evidence of a paid payment that passes its own check')
  return { kind: 'paid', evidence }
}

/** The payment where it is thought to be; undefined when it is not there, or not final yet. */
async function paidIn(
  reader: Reader,
  payment: Payment,
  { tx, seen, confirmations = reader.finality }: LookUp,
): Promise<Outcome | undefined> {
  const { rpc } = reader
  if (tx === undefined || checked(confirmations) !== 1) return undefined
  // Its own block is the latest, unless somebody was quick.
  const [receipt, head] =
    seen?.head === undefined
      ? await Promise.all([Sender.findReceipt(rpc, tx), blockAt(rpc, 'latest')])
      : [seen, seen.head]
  const proof = receipt && PaymentEvidence.pair(receipt.logs, payment)
  if (receipt === undefined || proof === undefined) return undefined
  if (receipt.blockNumber > Number(head.number)) return undefined
  const isHead = receipt.blockNumber === Number(head.number)
  const evidence = await evidenceOf(reader, receipt, { proof, ...(isHead ? { block: head } : {}) })
  if (evidence === undefined || !PaymentEvidence.check(evidence, payment).ok) return undefined
  return { kind: 'paid', evidence }
}

/** Undefined when the block has just been replaced. */
async function evidenceOf(
  { rpc, chainId }: Reader,
  receipt: Sender.Receipt,
  given: { readonly proof: Evidence['logs']; readonly block?: Readonly<Record<string, unknown>> },
): Promise<Evidence | undefined> {
  const { proof, block = await blockAt(rpc, quantity(receipt.blockNumber)) } = given
  if (block.hash !== receipt.blockHash) return undefined
  const header = BlockHeader.encode(block)
  return {
    chainId,
    tx: receipt.tx,
    blockHash: receipt.blockHash,
    blockNumber: receipt.blockNumber,
    timestampSec: Number(block.timestamp),
    status: receipt.status,
    logs: proof,
    ...(header === undefined ? {} : { header }),
  }
}

async function balanceAtoms(reader: Reader, asset: Asset.Asset, address: Hex): Promise<bigint> {
  const { address: token, chainId } = Asset.parts(asset.id)
  if (chainId !== reader.chainId)
    throw new InputError(`expected an asset on chain ${reader.chainId}, got ${asset.id}`)
  const call = { address: token, abi: balanceAbi, functionName: 'balanceOf', args: [address] }
  return (await reader.rpc.read(call)) as bigint
}

async function logs(
  rpc: Rpc.Rpc,
  filter: LogFilter & { readonly toBlock: number },
  range: number,
  wanted: 'all' | 'newest' = 'all',
): Promise<readonly FoundLog[]> {
  const found: FoundLog[][] = []
  for (let to = filter.toBlock; to >= filter.fromBlock; to -= range) {
    const from = Math.max(filter.fromBlock, to - range + 1)
    const { address, topics } = filter
    const window = { address, topics, fromBlock: quantity(from), toBlock: quantity(to) }
    const answer = (await rpc.request('eth_getLogs', [window])) as readonly RawLog[]
    found.unshift(answer.map(parseLog))
    if (wanted === 'newest' && answer.length > 0) break
  }
  return found.flat()
}

type RawLog = {
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Hex
  readonly logIndex: Hex
  readonly transactionHash: Hex
  readonly blockNumber: Hex
}

function parseLog(log: RawLog): FoundLog {
  return {
    address: log.address.toLowerCase() as Hex,
    topics: log.topics,
    data: log.data,
    index: Number(log.logIndex),
    tx: log.transactionHash,
    blockNumber: Number(log.blockNumber),
  }
}

async function latest(rpc: Rpc.Rpc): Promise<number> {
  return Number(await rpc.request('eth_blockNumber', []))
}

async function finalBlock(rpc: Rpc.Rpc, finality: Finality, head: number): Promise<Block> {
  const at = finality === 'finalized' ? finality : quantity(Math.max(0, head - finality + 1))
  const block = await blockAt(rpc, at)
  const { hash, number, timestamp } = block
  return { hash: hash as Hex, number: Number(number), timestampSec: Number(timestamp) }
}

async function blockAt(rpc: Rpc.Rpc, at: string): Promise<Readonly<Record<string, unknown>>> {
  const block = await rpc.request('eth_getBlockByNumber', [at, false])
  if (block !== null) return block as Record<string, unknown>
  throw new BaseError(`the chain's node does not have block ${at} yet`, {
    code: 'chain-unreachable',
    retry: 'safe',
  })
}

function checked(finality: Finality): Finality {
  if (finality === 'finalized' || (Number.isInteger(finality) && finality >= 1)) return finality
  throw new InputError(`expected confirmations of at least 1, or "finalized", got ${finality}`)
}

function quantity(number: number): string {
  return `0x${number.toString(16)}`
}
