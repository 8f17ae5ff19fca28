/**
 * @module Our chain and sender in the shape in which the official facilitator wants a signer. It takes a
 * node that does not answer for a bad signature or a bad token, so each such silence is reported. The
 * facilitator asks one thing after another; what it will ask is asked at once, ahead of it.
 */
import type { FacilitatorEvmSigner } from '@x402/evm'
import { parseSignature } from 'viem'
import { BaseError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import type * as Chain from '../Chain.ts'
import * as Rpc from '../Rpc.ts'
import type * as Sender from '../Sender.ts'
import * as Wallet from '../Wallet.ts'
import * as Exact from './Exact.ts'
import type * as Wire from './Wire.ts'

/** A facilitator's signer, and what it knows beside. */
export type SettlementSigner = Omit<FacilitatorEvmSigner, 'getAddresses'> & {
  readonly address: Hex
  /**
   * Asks for what verifying and settling this payment will take: code of payer and token, the gas of the
   * transfer, which is a simulation of it. Never throws: what failed is asked for again when it is needed.
   */
  foresee(payload: Wire.Payload): Promise<void>
  /**
   * Sends the transfer that was simulated when it was foreseen, once; undefined when it was not, or is
   * too long ago. Throws what sending does.
   */
  transfer(payload: Wire.Payload): Promise<Hex | undefined>
  /** The receipt of a transaction that was waited for a moment ago, with the head; once. */
  seen(tx: Hex): Sender.Receipt | undefined
}

/** A facilitator's signer that pays gas from `wallet`; `onSilence` hears of each unanswered request. */
export function from(
  chain: Chain.Chain,
  wallet: Wallet.Wallet,
  onSilence: () => void,
): SettlementSigner {
  const sender = chain.sender(wallet)
  const contracts = new Map<string, Hex>()
  const codes = brief<Promise<Hex>>()
  const gases = brief<Promise<bigint>>()
  const receipts = brief<Sender.Receipt>()
  const heard = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
    answer.catch((error: unknown) => {
      if (error instanceof BaseError && error.code === 'chain-unreachable') onSilence()
      throw error
    })
  const code = async (address: string): Promise<Hex> => {
    const known = contracts.get(address)
    if (known !== undefined) return known
    const found = await chain.code(address as Hex)
    // A contract keeps its code; an account may delegate to another tomorrow (EIP-7702), by a designator
    // of 23 bytes.
    if (found.length > 2 + 2 * 23) contracts.set(address, found)
    return found
  }
  const data = ({ dataSuffix = '0x', ...call }: Rpc.Call & { readonly dataSuffix?: Hex }) =>
    `${Rpc.encode(call)}${dataSuffix.slice(2)}` as Hex
  return {
    address: wallet.address,
    async foresee(payload) {
      const payer = Exact.authorization(payload).from
      const call = transferOf(payload)
      const asked: Promise<unknown>[] = [codes.put(payer, code(payer))]
      if (call !== undefined) {
        const request = { to: call.address, data: Rpc.encode(call) }
        asked.push(gases.put(request.data, sender.estimate(request)))
      }
      await Promise.allSettled(asked)
    },
    async transfer(payload) {
      const call = transferOf(payload)
      if (call === undefined) return undefined
      const request = { to: call.address, data: Rpc.encode(call) }
      const gas = await gases.take(request.data)?.catch(() => undefined)
      return gas === undefined ? undefined : heard(sender.send({ ...request, gas }))
    },
    seen: (tx) => receipts.take(tx),
    async readContract(call) {
      const simulated = call.functionName === transferName ? gases.get(data(call)) : undefined
      const gas = await simulated?.catch(() => undefined)
      return gas === undefined ? heard(chain.read(call)) : undefined
    },
    // The scheme verifies keys by itself and contracts through `readContract`; this is for other schemes.
    async verifyTypedData({ address, signature, ...data }) {
      const typed = data as unknown as Parameters<typeof Wallet.verifyTypedData>[0]['data']
      return Wallet.verifyTypedData({ address, data: typed, signature })
    },
    async writeContract({ gas: given, ...call }) {
      const request = { to: call.address, data: data(call) }
      const gas = given ?? (await gases.take(request.data)?.catch(() => undefined))
      return heard(sender.send({ ...request, ...(gas === undefined ? {} : { gas }) }))
    },
    sendTransaction: ({ to, data }) => heard(sender.send({ to, data })),
    async waitForTransactionReceipt({ hash, timeout: timeoutMs }) {
      const limit = timeoutMs === undefined ? {} : { timeoutMs }
      const receipt = await heard(sender.wait(hash, { ...limit, withHead: true }))
      receipts.put(hash, receipt)
      return { status: receipt.status, logs: receipt.logs as never }
    },
    async getCode({ address }) {
      const known = await codes.get(address.toLowerCase())?.catch(() => undefined)
      return known ?? heard(code(address))
    },
  }
}

const transferName = 'transferWithAuthorization'

/** `transferWithAuthorization` (EIP-3009), as the official facilitator calls it for a key's signature. */
const transferAbi = [
  {
    type: 'function',
    name: transferName,
    stateMutability: 'nonpayable',
    inputs: ['address', 'address', 'uint256', 'uint256', 'uint256', 'bytes32', 'uint8']
      .concat(['bytes32', 'bytes32'])
      .map((type, at) => ({ name: `input${at}`, type })),
    outputs: [],
  },
]

/** What will be called; undefined for signatures that are not a key's. */
function transferOf(payload: Wire.Payload): Rpc.Call | undefined {
  const { signature } = payload.payload
  if (signature.length !== 2 + 2 * 65) return undefined
  const signed = Exact.authorization(payload)
  const { from, to, valueAtoms, validAfterSec, validBeforeSec, nonce } = signed
  try {
    const { r, s, v, yParity } = parseSignature(signature as Hex)
    const terms = [from, to, valueAtoms, BigInt(validAfterSec), BigInt(validBeforeSec), nonce]
    const address = payload.accepted.asset.toLowerCase() as Hex
    return {
      ...{ address, abi: transferAbi, functionName: transferName },
      args: [...terms, v ?? yParity, r, s],
    }
  } catch {
    // No signature at all: the facilitator will say so.
    return undefined
  }
}

/** How long what was asked ahead holds, and how much of it. */
const briefMs = 10_000
const mostBrief = 1_024

/** Remembers for a moment. */
function brief<Value>() {
  const known = new Map<string, { readonly value: Value; readonly atMs: number }>()
  const get = (key: string): Value | undefined => {
    const found = known.get(key)
    return found === undefined || performance.now() - found.atMs > briefMs ? undefined : found.value
  }
  return {
    get,
    take(key: string): Value | undefined {
      const value = get(key)
      known.delete(key)
      return value
    },
    put(key: string, value: Value): Value {
      known.delete(key)
      known.set(key, { value, atMs: performance.now() })
      for (const oldest of known.keys()) {
        if (known.size <= mostBrief) break
        known.delete(oldest)
      }
      return value
    },
  }
}
