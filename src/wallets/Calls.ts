/**
 * @module Calls: transactions of a wallet's own. Simulated before, signed once, sent and sent again
 * unchanged, looked up by hash at the configured finality. Nothing is ever replaced: a nonce that somebody
 * else took is found, and said.
 */
import {
  type Abi,
  decodeErrorResult,
  encodeFunctionData,
  parseAbi,
  parseTransaction,
  serializeTransaction,
} from 'viem'
import { BaseError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as BlockHeader from './BlockHeader.ts'
import { addressTopic, type Log, transferTopic } from './PaymentEvidence.ts'
import type * as Rpc from './Rpc.ts'
import type { Wallet } from './Wallet.ts'
import * as Wallets from './Wallet.ts'

/** What is called, with what; wei of the chain's coin go with it. */
export type Call = {
  readonly to: Hex.Hex
  readonly data: Hex.Hex
  readonly valueWei?: bigint
}

/** What calls did when they were tried after a block, one upon the other. Plain JSON. */
export type Simulation = {
  readonly blockNumber: number
  readonly blockHash: Hex.Hex
  readonly calls: readonly {
    readonly status: 'success' | 'reverted'
    /** What it returned, or reverted with. */
    readonly output: Hex.Hex
    readonly gasUsed: string
    /** Of tokens: who sent how much to whom. */
    readonly transfers: readonly Transfer[]
    /** Of tokens: who let whom take how much. */
    readonly approvals: readonly Transfer[]
  }[]
}

/** A token's `Transfer` or `Approval` (ERC-20). */
export type Transfer = {
  readonly token: Hex.Hex
  readonly from: Hex.Hex
  readonly to: Hex.Hex
  readonly atoms: string
}

/** A signed transaction, ready to be sent as often as one likes. */
export type Signed = {
  readonly raw: Hex.Hex
  readonly hash: Hex.Hex
  readonly nonce: number
  /** What the chain may take at most: its value and all its gas. */
  readonly mostWei: bigint
}

/** That a transaction is final. Plain JSON that stands in a record. */
export type Evidence = {
  readonly chainId: number
  readonly tx: Hex.Hex
  readonly blockHash: Hex.Hex
  readonly blockNumber: number
  readonly timestampSec: number
  readonly status: 'success' | 'reverted'
  /** All that it logged. */
  readonly logs: readonly Log[]
  readonly gasUsed: string
  /** What the chain took for it, in wei. */
  readonly feeWei: string
  readonly header?: Hex.Hex
}

/** What became of a signed transaction. */
export type Outcome =
  | { readonly kind: 'final'; readonly evidence: Evidence }
  /** In a block that is not final yet. */
  | { readonly kind: 'pending' }
  /** In no block: waiting, or never sent. */
  | { readonly kind: 'unknown' }
  /** Its nonce was taken by this other transaction, finally: it can never happen. */
  | { readonly kind: 'replaced'; readonly by: Hex.Hex }

/** A chain's way to call. Every method can throw `chain-unreachable`. */
export type Calls = {
  /** Tries calls one upon the other after the latest block (`eth_simulateV1`); nothing is sent. */
  simulate(from: Hex.Hex, calls: readonly Call[]): Promise<Simulation>
  /** Signs calls under the wallet's next nonces, in order. Each may take twice the gas that is stated. */
  sign(wallet: Wallet, calls: readonly (Call & { readonly gas: bigint })[]): Promise<Signed[]>
  /** Hands a signed transaction to the chain; again is the same as once. `false`: its nonce is taken. */
  send(signed: Pick<Signed, 'raw' | 'hash'>): Promise<boolean>
  /** What became of a transaction that `from` signed; `sinceBlock`: it was signed then or later. */
  lookUp(
    from: Hex.Hex,
    signed: Pick<Signed, 'hash' | 'nonce'>,
    sinceBlock?: number,
  ): Promise<Outcome>
  /** How much of a token a spender may take of an owner's. */
  allowanceAtoms(token: Hex.Hex, owner: Hex.Hex, spender: Hex.Hex): Promise<bigint>
}

const erc20 = parseAbi([
  'function approve(address spender, uint256 value) returns (bool)',
  'function allowance(address owner, address spender) view returns (uint256)',
])

/** `Approval(address indexed owner, address indexed spender, uint256 value)` (ERC-20). */
const approvalTopic = Hex.encode(Hash.keccak256('Approval(address,address,uint256)'))

/** EIP-7825: no transaction may take more. */
const maxGas = 16_777_216n

/** What a chain needs of itself to call. */
export type Reader = {
  readonly rpc: Rpc.Rpc
  readonly chainId: number
  readonly finalBlockNumber: () => Promise<number>
}

/** The calls of a chain. */
export function open(reader: Reader): Calls {
  const { rpc } = reader
  return {
    simulate: (from, calls) => simulate(rpc, from, calls),
    sign: (wallet, calls) => sign(reader, wallet, calls),
    send: (signed) => send(rpc, signed),
    lookUp: (from, signed, sinceBlock = 0) => lookUp(reader, from, { ...signed, sinceBlock }),
    async allowanceAtoms(token, owner, spender) {
      const call = { address: token, abi: erc20, functionName: 'allowance' }
      return (await rpc.read({ ...call, args: [owner, spender] })) as bigint
    },
  }
}

/** The call that lets a spender take so much of a token, and no more. */
export function approval(token: Hex.Hex, spender: Hex.Hex, atoms: bigint): Call {
  const args = [spender, atoms] as const
  return { to: token, data: encodeFunctionData({ abi: erc20, functionName: 'approve', args }) }
}

/** What left an address of a token, less what came back, in atoms; negative where more came. */
export function left(transfers: readonly Transfer[], token: Hex.Hex, owner: Hex.Hex): bigint {
  const ours = transfers.filter((transfer) => transfer.token === token)
  const sum = (side: 'from' | 'to') =>
    ours.reduce((sum, each) => sum + (each[side] === owner ? BigInt(each.atoms) : 0n), 0n)
  return sum('from') - sum('to')
}

/** Who sent how much to whom, of all tokens in some logs. */
export function transfers(
  logs: readonly Pick<Log, 'address' | 'topics' | 'data'>[],
  wanted = transferTopic,
): Transfer[] {
  return logs.flatMap(({ address, topics, data }) => {
    const [topic, from, to] = topics
    if (topic !== wanted || topics.length !== 3 || !Hex.is(data, 32)) return []
    const [sender, receiver] = [from!, to!].map((word) => `0x${word.slice(26)}` as Hex.Hex)
    if (addressTopic(sender!) !== from || addressTopic(receiver!) !== to) return []
    return [{ token: lower(address), from: sender!, to: receiver!, atoms: BigInt(data).toString() }]
  })
}

/** What a signed EIP-1559 transaction says and who signed it; undefined if it is none. Pure. */
export function read(
  raw: Hex.Hex,
):
  | (Call & { readonly from: Hex.Hex; readonly nonce: number; readonly chainId: number })
  | undefined {
  try {
    const signed = parseTransaction(raw as `0x02${string}`)
    const { r, s, yParity, v: _, ...unsigned } = signed as typeof signed & { v?: bigint }
    const digest = Hash.keccak256(Hex.decode(serializeTransaction(unsigned)))
    const signature = `${r!}${s!.slice(2)}${yParity === 0 ? '1b' : '1c'}` as Hex.Hex
    const from = Wallets.signer(Hex.encode(digest), signature)
    const { to, data = '0x', value = 0n, nonce = 0, chainId } = unsigned
    if (from === undefined || to == null || signed.type !== 'eip1559') return undefined
    return { from, to: lower(to), data, valueWei: value, nonce, chainId }
  } catch {
    return undefined
  }
}

/** Whether evidence shows that a signed transaction happened and succeeded; else why not. Pure. */
export function check(
  evidence: Evidence,
  { raw, from }: { readonly raw: Hex.Hex; readonly from: Hex.Hex },
): { readonly ok: true } | { readonly ok: false; readonly because: string } {
  const no = (because: string) => ({ ok: false, because }) as const
  const signed = read(raw)
  if (signed?.from !== from) return no(`expected a transaction that ${from} signed`)
  if (evidence.tx !== Hex.encode(Hash.keccak256(Hex.decode(raw))))
    return no('expected evidence of the transaction that was signed')
  if (evidence.chainId !== signed.chainId)
    return no(`expected evidence from chain ${signed.chainId}, got chain ${evidence.chainId}`)
  if (evidence.status !== 'success')
    return no(`expected a successful transaction, got ${evidence.status}`)
  if (evidence.header === undefined) return { ok: true }
  const header = BlockHeader.decode(evidence.header)
  const { blockHash, blockNumber, timestampSec, logs } = evidence
  if (header?.hash !== blockHash) return no(`expected the header of block ${blockHash}`)
  if (header.number !== blockNumber || header.timestampSec !== timestampSec)
    return no('expected number and time of the block as its header states them')
  const isHeld = logs.every((log) =>
    [log.address, ...log.topics].every((item) => BlockHeader.mayHold(header, item)),
  )
  return isHeld ? { ok: true } : no('expected logs that the header’s bloom filter admits')
}

/** Why a call reverted, as far as its output says. */
export function revertReason(output: Hex.Hex, abi: readonly unknown[] = []): string {
  try {
    const { errorName, args = [] } = decodeErrorResult({ abi: abi as Abi, data: output })
    return errorName === 'Error' ? String(args[0]) : `${errorName}(${args.map(String).join(', ')})`
  } catch {
    return output === '0x' ? 'no reason given' : output.slice(0, 74)
  }
}

type Tried = {
  readonly status: Hex.Hex
  readonly returnData: Hex.Hex
  readonly gasUsed: Hex.Hex
  readonly logs?: readonly Log[]
  readonly error?: { readonly data?: Hex.Hex }
}

async function simulate(rpc: Rpc.Rpc, from: Hex.Hex, calls: readonly Call[]): Promise<Simulation> {
  const block = await blockAt(rpc, 'latest')
  const tried = calls.map(({ to, data, valueWei = 0n }) => ({
    ...{ from, to, data, value: quantity(valueWei), gas: quantity(maxGas) },
  }))
  const asked = { blockStateCalls: [{ calls: tried }], validation: false }
  const answer = (await rpc.request('eth_simulateV1', [asked, block.number])) as {
    readonly calls: readonly Tried[]
  }[]
  return {
    blockNumber: Number(block.number),
    blockHash: block.hash as Hex.Hex,
    calls: answer[0]!.calls.map(({ status, returnData, gasUsed, logs = [], error }) => ({
      status: status === '0x1' ? 'success' : 'reverted',
      output: returnData === '0x' ? (error?.data ?? '0x') : returnData,
      gasUsed: BigInt(gasUsed).toString(),
      transfers: transfers(logs),
      approvals: transfers(logs, approvalTopic),
    })),
  }
}

async function sign(
  { rpc, chainId }: Reader,
  wallet: Wallet,
  calls: readonly (Call & { readonly gas: bigint })[],
): Promise<Signed[]> {
  const [count, block, tip] = await Promise.all([
    rpc.request('eth_getTransactionCount', [wallet.address, 'pending']),
    blockAt(rpc, 'latest'),
    rpc.request('eth_maxPriorityFeePerGas', []),
  ])
  const maxPriorityFeePerGasWei = BigInt(tip as Hex.Hex)
  const baseFeeWei = BigInt((block.baseFeePerGas as Hex.Hex | undefined) ?? '0x0')
  const fees = {
    maxPriorityFeePerGasWei,
    maxFeePerGasWei: 2n * baseFeeWei + maxPriorityFeePerGasWei,
  }
  return Promise.all(
    calls.map(async ({ gas, ...call }, at) => {
      const nonce = Number(count) + at
      // The same call may write more a block later: first writes of a slot, oracles that follow the clock.
      const roomy = 2n * gas
      const limit = roomy > maxGas ? maxGas : roomy
      const raw = await wallet.signTransaction({ chainId, nonce, gas: limit, ...call, ...fees })
      const mostWei = limit * fees.maxFeePerGasWei + (call.valueWei ?? 0n)
      return { raw, hash: Hex.encode(Hash.keccak256(Hex.decode(raw))), nonce, mostWei }
    }),
  )
}

async function send(rpc: Rpc.Rpc, { raw, hash }: Pick<Signed, 'raw' | 'hash'>): Promise<boolean> {
  try {
    await rpc.request('eth_sendRawTransaction', [raw])
    return true
  } catch (error) {
    const said = String(error)
    if (/already (known|imported)/i.test(said)) return true
    const known = await rpc.request('eth_getTransactionByHash', [hash])
    if (known !== null) return true
    if (/nonce too low|replacement transaction/i.test(said)) return false
    throw error
  }
}

/**
 * That a nonce is used and no receipt is there proves nothing: nodes count a nonce before they find its
 * receipt. Replaced is only what another transaction is shown to have replaced, in a final block.
 */
async function lookUp(
  reader: Reader,
  from: Hex.Hex,
  { hash, nonce, sinceBlock }: Pick<Signed, 'hash' | 'nonce'> & { readonly sinceBlock: number },
): Promise<Outcome> {
  const { rpc } = reader
  const final = await reader.finalBlockNumber()
  const receipt = (await rpc.request('eth_getTransactionReceipt', [hash])) as RawReceipt | null
  if (receipt !== null && receipt.blockHash !== null) {
    if (Number(receipt.blockNumber) > final) return { kind: 'pending' }
    const evidence = await evidenceOf(reader, receipt)
    return evidence === undefined ? { kind: 'pending' } : { kind: 'final', evidence }
  }
  if ((await usedAt(rpc, from, final)) <= nonce) return { kind: 'unknown' }
  const by = await takerOf(rpc, from, { nonce, sinceBlock, final })
  return by === undefined || by === hash ? { kind: 'pending' } : { kind: 'replaced', by }
}

async function usedAt(rpc: Rpc.Rpc, from: Hex.Hex, block: number): Promise<number> {
  return Number(await rpc.request('eth_getTransactionCount', [from, quantity(block)]))
}

/** The transaction that used a nonce, found where the count of them passed it. */
async function takerOf(
  rpc: Rpc.Rpc,
  from: Hex.Hex,
  { nonce, sinceBlock, final }: { nonce: number; sinceBlock: number; final: number },
): Promise<Hex.Hex | undefined> {
  let [before, at] = [Math.min(sinceBlock, final) - 1, final]
  while (at - before > 1) {
    const middle = Math.floor((before + at) / 2)
    if ((await usedAt(rpc, from, middle)) > nonce) at = middle
    else before = middle
  }
  const block = (await rpc.request('eth_getBlockByNumber', [quantity(at), true])) as {
    readonly transactions: readonly {
      readonly from: Hex.Hex
      readonly nonce: Hex.Hex
      readonly hash: Hex.Hex
    }[]
  } | null
  const found = block?.transactions.find(
    (each) => lower(each.from) === from && Number(each.nonce) === nonce,
  )
  return found === undefined ? undefined : lower(found.hash)
}

type RawReceipt = {
  readonly transactionHash: Hex.Hex
  readonly status: Hex.Hex
  readonly blockHash: Hex.Hex | null
  readonly blockNumber: Hex.Hex
  readonly gasUsed: Hex.Hex
  readonly effectiveGasPrice: Hex.Hex
  readonly logs: readonly (Omit<Log, 'index'> & { readonly logIndex: Hex.Hex })[]
}

/** Undefined when the block has just been replaced. */
async function evidenceOf(reader: Reader, receipt: RawReceipt): Promise<Evidence | undefined> {
  const block = await blockAt(reader.rpc, receipt.blockNumber)
  if (block.hash !== receipt.blockHash) return undefined
  const header = BlockHeader.encode(block)
  const gasUsed = BigInt(receipt.gasUsed)
  return {
    chainId: reader.chainId,
    tx: lower(receipt.transactionHash),
    blockHash: block.hash as Hex.Hex,
    blockNumber: Number(receipt.blockNumber),
    timestampSec: Number(block.timestamp),
    status: receipt.status === '0x1' ? 'success' : 'reverted',
    logs: receipt.logs.map(({ address, topics, data, logIndex }) => ({
      ...{ address: lower(address), topics, data, index: Number(logIndex) },
    })),
    gasUsed: gasUsed.toString(),
    feeWei: (gasUsed * BigInt(receipt.effectiveGasPrice)).toString(),
    ...(header === undefined ? {} : { header }),
  }
}

async function blockAt(rpc: Rpc.Rpc, at: string): Promise<Readonly<Record<string, string>>> {
  const block = await rpc.request('eth_getBlockByNumber', [at, false])
  if (block !== null) return block as Record<string, string>
  throw new BaseError(`the chain's node does not have block ${at} yet`, {
    code: 'chain-unreachable',
    retry: 'safe',
  })
}

function quantity(value: number | bigint): Hex.Hex {
  return `0x${value.toString(16)}`
}

function lower(hex: Hex.Hex): Hex.Hex {
  return hex.toLowerCase() as Hex.Hex
}
