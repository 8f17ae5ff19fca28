/**
 * @module A chain on paper, as a buyer's ports see it: payments that a seller takes, nonces that go
 * elsewhere, blocks that are slow, a node that is away, and calls of a contract that does as it is told.
 */
import { BaseError } from '../../src/kernel/Errors.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import type * as Calls from '../../src/wallets/Calls.ts'
import type { Chain } from '../../src/wallets/Chain.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import type * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Block from '../harness/Block.ts'
import * as Pair from '../harness/Pair.ts'
import type * as Shop from './Shop.ts'

/** What the chain does. */
export type Script = {
  /** So many questions about payments are not answered. */
  readonly silences?: number
  /** There is no code behind the contract. */
  readonly codeless?: true
  /** The call as it was tried: it reverts, or more leaves than was stated. */
  readonly tried?: 'reverts' | 'takes more'
  /** The call as it was sent, one time after the other; the last stands for all after it. */
  readonly mined?: readonly ('succeeds' | 'reverts' | 'takes more' | 'replaced' | 'lost')[]
  /** There is no coin for gas. */
  readonly penniless?: true
}

type Paying = { readonly nonce: string; readonly validBeforeSec: number; readonly payload: unknown }
type Given = {
  readonly pair: Pair.Pair
  readonly script: Script
  readonly act: (what: string) => void
}

/** What a call of these tests pays. */
export const callAtoms = 700n
const receiver = `0x${'77'.repeat(20)}` as const
/** A call that sends {@link callAtoms} of the token. */
export const call = {
  to: Pair.token,
  data: `0xa9059cbb${Hex.word(BigInt(receiver)).slice(2)}${Hex.word(callAtoms).slice(2)}` as Hex.Hex,
}

/** A chain. */
export function open({ pair, script, act }: Given) {
  const paid = new Map<string, { readonly payment: PaymentEvidence.Payment; slow: number }>()
  const evidence = new Map<string, PaymentEvidence.Evidence>()
  const burnt = new Map<string, 'elsewhere' | 'cancelled'>()
  /** Seen by a seller, and good until then. */
  const sent = new Map<string, { readonly atoms: bigint; readonly untilSec: number }>()
  const returned = new Set<string>()
  const mined = new Map<string, Calls.Outcome>()
  let silences = script.silences ?? 0
  let sends = 0
  let count = 0
  const nowSec = () => Math.floor(pair.nowMs / 1000)
  const from = pair.buyer.wallet.address

  const calls: Calls.Calls = {
    async simulate(_, tried) {
      act('simulates')
      const atoms = script.tried === 'takes more' ? callAtoms * 2n : callAtoms
      const moved = { token: Pair.token, from, to: receiver, atoms: String(atoms) }
      const status = script.tried === 'reverts' ? 'reverted' : 'success'
      const one = {
        status,
        output: '0x',
        gasUsed: '50000',
        transfers: [moved],
        approvals: [],
      } as const
      return { blockNumber: pair.block, blockHash: Hash.text('block'), calls: tried.map(() => one) }
    },
    async sign(wallet, given) {
      act('counts transactions')
      const fees = { maxFeePerGasWei: 2n, maxPriorityFeePerGasWei: 1n }
      return Promise.all(
        given.map(async (one, at) => {
          const nonce = count + at
          const raw = await wallet.signTransaction({ chainId: 31_337, nonce, ...one, ...fees })
          const hash = Hex.encode(Hash.keccak256(Hex.decode(raw)))
          return { raw, hash, nonce, mostWei: one.gas * 2n }
        }),
      )
    },
    async send({ raw, hash }) {
      act('sends a transaction')
      const { mined: list = [] } = script
      const told = list[Math.min(sends, list.length - 1)] ?? 'succeeds'
      sends += 1
      if (told === 'lost') throw unreachable()
      if (mined.has(hash)) return true
      count += 1
      if (told === 'replaced') mined.set(hash, { kind: 'replaced', by: Hash.text('other') })
      else mined.set(hash, { kind: 'final', evidence: transaction(raw, told) })
      return true
    },
    async lookUp(_, { hash }) {
      act('looks a transaction up')
      return mined.get(hash) ?? { kind: 'unknown' }
    },
    async allowanceAtoms() {
      act('reads an allowance')
      return 0n
    },
  }

  function transaction(raw: Hex.Hex, told: 'succeeds' | 'reverts' | 'takes more'): Calls.Evidence {
    pair.block += 1
    const atoms = told === 'takes more' ? callAtoms * 2n : callAtoms
    const { transferTopic, addressTopic } = PaymentEvidence
    const topics = [transferTopic, addressTopic(from), addressTopic(receiver)]
    const log = { address: Pair.token, topics, data: Hex.word(atoms), index: 0 }
    return {
      ...{ chainId: 31_337, tx: Hex.encode(Hash.keccak256(Hex.decode(raw))) },
      ...{ blockHash: Hash.text('block'), blockNumber: pair.block, timestampSec: nowSec() },
      status: told === 'reverts' ? 'reverted' : 'success',
      logs: told === 'reverts' ? [] : [log],
      ...{ gasUsed: '50000', feeWei: '50000' },
    }
  }

  async function lookUpPayment(payment: PaymentEvidence.Payment): Promise<PaymentEvidence.Outcome> {
    act('looks a payment up')
    silences -= 1
    if (silences >= 0) throw unreachable()
    const tx = Hash.text(payment.nonce)
    const gone = burnt.get(payment.nonce)
    if (gone !== undefined) return { kind: gone, tx }
    const found = paid.get(payment.nonce)
    if (found === undefined) return { kind: 'unused', finalTimestampSec: nowSec() }
    found.slow -= 1
    if (found.slow >= 0) return { kind: 'pending', tx, would: 'paid' }
    const isThis =
      found.payment.payTo === payment.payTo && found.payment.valueAtoms === payment.valueAtoms
    if (!isThis) return { kind: 'elsewhere', tx }
    return { kind: 'paid', evidence: evidence.get(payment.nonce)! }
  }

  const chain = {
    ...{ chainId: 31_337, network: 'eip155:31337', calls, lookUpPayment },
    async code() {
      act('reads code')
      return script.codeless ? '0x' : '0x60'
    },
    async balanceWei() {
      act('reads a balance')
      return script.penniless ? 0n : 10n ** 18n
    },
  } as unknown as Chain

  const isFinal = (outcome: Calls.Outcome | undefined) =>
    outcome?.kind === 'final' && outcome.evidence.status === 'success'
  return {
    chain,
    /** A seller takes a payment: once, while it is good, unless its nonce is used. */
    settle(payload: Wire.Payload) {
      const { nonce, value, to, validBefore } = signedOf(payload)
      const isOver = nowSec() >= Number(validBefore)
      if (isOver || burnt.has(nonce) || paid.has(nonce)) return
      const payment = {
        ...{ asset: Pair.asset, payer: from, nonce: nonce as Hex.Hex },
        ...{ payTo: to.toLowerCase() as Hex.Hex, valueAtoms: BigInt(value) },
      }
      pair.block += 1
      evidence.set(nonce, Block.payment(payment, { number: pair.block, timestampSec: nowSec() }))
      paid.set(nonce, { payment, slow: 0 })
    },
    /** A seller has it, and may take it later. */
    seen(payload: Wire.Payload) {
      const { nonce, value, validBefore } = signedOf(payload)
      sent.set(nonce, { atoms: BigInt(value), untilSec: Number(validBefore) })
    },
    /** A seller keeps it as change. */
    returned: (payload: Wire.Payload) => void returned.add(signedOf(payload).nonce),
    next(what: NonNullable<Shop.Paid['next']>, payload: Wire.Payload) {
      const { nonce } = signedOf(payload)
      if (what === 'late') pair.nowMs += 120_000
      else if (what === 'slow') paid.get(nonce)!.slow = 3
      else if (!paid.has(nonce)) burnt.set(nonce, what)
    },
    /** Whether a signed payment can never happen any more, or came back as change. */
    isDead(paying: Paying): boolean {
      const { nonce, validBeforeSec } = paying
      if (isPaid(paying)) return returned.has(nonce)
      const { hash } = paying.payload as { hash?: string }
      if (hash !== undefined) return mined.has(hash)
      return burnt.has(nonce) || nowSec() >= validBeforeSec
    },
    isPaid,
    /** What is paid, and what a seller could still take. */
    exposedAtoms(): bigint {
      const open = [...sent].filter(
        ([nonce, { untilSec }]) => !paid.has(nonce) && !burnt.has(nonce) && nowSec() < untilSec,
      )
      return settled() + open.reduce((sum, [, { atoms }]) => sum + atoms, 0n)
    },
    settledAtoms: settled,
    payments: () => paid.size + [...mined.values()].filter(isFinal).length,
  }

  function isPaid({ nonce, payload }: Paying): boolean {
    const { hash } = payload as { hash?: string }
    return hash === undefined ? paid.has(nonce) : isFinal(mined.get(hash))
  }

  function settled(): bigint {
    const calls = BigInt([...mined.values()].filter(isFinal).length) * callAtoms
    return [...paid.values()].reduce((sum, { payment }) => sum + payment.valueAtoms, 0n) + calls
  }
}

function signedOf(payload: Wire.Payload) {
  return payload.payload.authorization as {
    readonly [key in 'nonce' | 'value' | 'to' | 'validBefore']: string
  }
}

function unreachable(): BaseError {
  return new BaseError('the node is away', { code: 'chain-unreachable', retry: 'safe' })
}
