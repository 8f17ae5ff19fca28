/**
 * @module The seller's side of x402 `exact`: asks, verifies and settles in process, with the official
 * facilitator over our own sender. It looks on chain before it settles and again when a settlement
 * fails: anyone may submit a signed payment first, and an error does not mean that nothing happened.
 */
import { x402Facilitator } from '@x402/core/facilitator'
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme } from '@x402/evm/exact/facilitator'
import * as Asset from '../../kernel/Asset.ts'
import { BaseError, InputError, type Retry } from '../../kernel/Errors.ts'
import * as Hex from '../../kernel/Hex.ts'
import type * as Chain from '../Chain.ts'
import type { Evidence, Outcome, Payment } from '../PaymentEvidence.ts'
import * as PaymentEvidence from '../PaymentEvidence.ts'
import type { Wallet } from '../Wallet.ts'
import * as Exact from './Exact.ts'
import * as SettlementSigner from './SettlementSigner.ts'
import * as Wire from './Wire.ts'

/** A payment that can be settled now. */
export type Verified = { readonly ok: true; readonly payer: Hex.Hex; readonly nonce: Hex.Hex }

/** What one attempt to settle came to. `retry` `unknown`: look the payment up first. */
export type Settled = { readonly kind: 'settled'; readonly tx: Hex.Hex } | Failed

/** Not settled, and why. */
export type Failed = {
  readonly kind: 'failed'
  readonly because: string
  readonly retry: Retry
  readonly tx?: Hex.Hex
}

/** What a payment came to, by final blocks alone. */
export type Found =
  | { readonly kind: 'paid'; readonly evidence: Evidence }
  /** It never will be paid: the nonce is spent or cancelled, or a final block is past its time. */
  | {
      readonly kind: 'unpaid'
      readonly how: 'elsewhere' | 'cancelled' | 'expired'
      readonly because: string
    }
  /** Ask again: nothing is lost, nothing is certain. `tx`: a transaction that is not final yet. */
  | { readonly kind: 'unclear'; readonly because: string; readonly tx?: Hex.Hex }

/** A seller of one asset to one payee. */
export type Seller = {
  /** One way to pay; `extra` travels with it and must come back unchanged. */
  requirements(options: {
    readonly amountAtoms: bigint
    readonly maxTimeoutSec: number
    readonly extra?: Readonly<Record<string, unknown>>
  }): Wire.Requirements
  /** Verifies without settling. Throws `chain-unreachable`. */
  verify(payload: Wire.Payload, requirements: Wire.Requirements): Promise<Verified | Exact.Refused>
  /** One attempt to settle: prefer `settleOrFind`. */
  settle(payload: Wire.Payload, requirements: Wire.Requirements): Promise<Settled>
  /** What became of a payment, at the configured finality. Throws what `Chain.lookUpPayment` does. */
  lookUp(payment: Payment): Promise<Outcome>
  /**
   * Looks first, settles if nobody has, and looks again. Calls for one payment share one attempt. Throws
   * `chain-unreachable`; `settlement-unknown` when it fell silent after an attempt.
   */
  settleOrFind(options: {
    readonly payload: Wire.Payload
    /** As recorded when it was verified; the payload's own unless told. */
    readonly payment?: Payment
    readonly validBeforeSec?: number
    /**
     * Verified a moment ago: settled without a look before. Whoever was faster is found by the look after.
     */
    readonly isFresh?: boolean
  }): Promise<Found>
}

/** What a seller is made of. */
export type Options = {
  readonly chain: Chain.Chain
  /** Pays the gas of settlements. */
  readonly wallet: Wallet
  readonly asset: Asset.Asset
  readonly payTo: Hex.Hex
  /** Of the token's EIP-712 domain. */
  readonly tokenName: string
  readonly tokenVersion: string
  /** Milliseconds since 1970; the system's clock unless told. */
  readonly now?: () => number
  /** How long one settlement waits for its block, 60,000 ms unless told. */
  readonly confirmMs?: number
  /** Where look-ups begin and when they believe a block; the chain's own unless told. */
  readonly lookUp?: Chain.LookUp
}

/** Opens a seller. */
export function open(options: Options): Seller {
  const { chain, asset, payTo, tokenName, tokenVersion, lookUp: lookUpOptions = {} } = options
  const { address, chainId } = Asset.parts(asset.id)
  if (chainId !== chain.chainId)
    throw new InputError(`expected an asset on chain ${chain.chainId}, got ${asset.id}`)
  if (!Hex.is(payTo, 20)) throw new InputError('expected an address to be paid at')
  let silences = 0
  const settlementSigner = SettlementSigner.from(chain, options.wallet, () => {
    silences += 1
  })
  const { confirmMs = 60_000 } = options
  const signer = toFacilitatorEvmSigner(settlementSigner, { confirmationTimeoutMs: confirmMs })
  const facilitator = new x402Facilitator().register(chain.network, new ExactEvmScheme(signer))
  const nowSec = () => Math.floor((options.now ?? Date.now)() / 1000)
  const running = new Map<string, Promise<Found>>()

  const lookUp: Seller['lookUp'] = (payment) => chain.lookUpPayment(payment, lookUpOptions)

  const verify: Seller['verify'] = async (payload, requirements) => {
    const mismatch = Exact.mismatch(payload, requirements, nowSec())
    if (mismatch !== undefined) return mismatch
    const { from: payer, nonce } = Exact.authorization(payload)
    const silencesBefore = silences
    const [, judged] = await Promise.all([
      settlementSigner.foresee(payload),
      facilitator.verify(...official(payload, requirements)),
    ])
    // What the token would take now has not been taken yet: the nonce needs no look of its own.
    if (judged.isValid) return { ok: true, payer, nonce }
    const outcome = await lookUp(Exact.payment(payload, asset, requirements))
    if (outcome.kind !== 'unused')
      return Exact.refuse('nonce-used', 'a nonce that is not used', `one that is ${outcome.kind}`)
    if (silences > silencesBefore) throw unverified()
    if (judged.invalidReason === 'invalid_exact_evm_signature')
      return Exact.refuse('bad-signature', `a signature of ${payer} over this payment`, 'another')
    const balance = await chain.balanceAtoms(asset, payer)
    if (balance < BigInt(requirements.amount))
      return Exact.refuse('no-funds', `at least ${requirements.amount} atoms`, `${balance}`)
    const reason = `${judged.invalidReason ?? 'no reason'} ${judged.invalidMessage ?? ''}`
    return Exact.refuse('not-payable', 'a payment that the token accepts', reason.trim())
  }

  const settle: Seller['settle'] = async (payload, requirements) => {
    const mismatch = Exact.mismatch(payload, requirements, nowSec())
    if (mismatch !== undefined) return { kind: 'failed', because: mismatch.because, retry: 'never' }
    const silencesBefore = silences
    const result = await facilitator.settle(...official(payload, requirements))
    const tx = Hex.is(result.transaction, 32) ? result.transaction : undefined
    if (result.success && tx !== undefined) return { kind: 'settled', tx }
    const reason = result.errorReason ?? 'no reason'
    const because = `the settlement failed: ${reason} ${result.errorMessage ?? ''}`.trim()
    const retry = certain.has(reason) && silences === silencesBefore ? 'never' : 'unknown'
    return { kind: 'failed', because, retry, ...(tx === undefined ? {} : { tx }) }
  }

  /** What was verified a moment ago is sent as it was simulated: the facilitator would verify it again. */
  const transfer = async (payload: Wire.Payload): Promise<Settled | undefined> => {
    let tx: Hex.Hex | undefined
    const fail = (because: string): Failed => ({
      ...{ kind: 'failed', because: `the settlement failed: ${because}`, retry: 'unknown' },
      ...(tx === undefined ? {} : { tx }),
    })
    try {
      tx = await settlementSigner.transfer(payload)
      if (tx === undefined) return undefined
      const wait = { hash: tx, timeout: confirmMs }
      const { status } = await settlementSigner.waitForTransactionReceipt(wait)
      return status === 'success' ? { kind: 'settled', tx } : fail('the token refused it')
    } catch (error) {
      if (error instanceof BaseError) return fail(error.message)
      throw error
    }
  }

  const settleOrFind = async (
    payload: Wire.Payload,
    payment: Payment,
    { validBeforeSec, isFresh }: { validBeforeSec: number; isFresh: boolean },
  ): Promise<Found> => {
    const before = isFresh ? undefined : found(await lookUp(payment), validBeforeSec)
    if (before !== undefined) return before
    const attempt =
      (isFresh ? await transfer(payload) : undefined) ?? (await settle(payload, payload.accepted))
    const { tx: sent } = attempt
    const seen = sent && settlementSigner.seen(sent)
    const outcome = await chain
      .lookUpPayment(payment, { ...lookUpOptions, tx: sent, seen })
      .catch((cause: unknown) => {
        throw doubtful(attempt, cause)
      })
    const after = found(outcome, validBeforeSec)
    if (after !== undefined) return after
    if (attempt.kind === 'settled')
      return { kind: 'unclear', because: 'its block was replaced', tx: attempt.tx }
    const { because, tx } = attempt
    return { kind: 'unclear', because, ...(tx === undefined ? {} : { tx }) }
  }

  return {
    requirements: ({ amountAtoms, maxTimeoutSec, extra = {} }) => {
      if (amountAtoms < 1n)
        throw new InputError(`expected a price of at least 1 atom, got ${amountAtoms}`)
      return {
        scheme: 'exact',
        network: chain.network,
        asset: address,
        amount: String(amountAtoms),
        payTo: payTo.toLowerCase(),
        maxTimeoutSeconds: maxTimeoutSec,
        extra: { ...extra, name: tokenName, version: tokenVersion },
      }
    },
    verify,
    settle,
    lookUp,
    async settleOrFind({ payload, ...recorded }) {
      const signed = Exact.authorization(payload)
      const payment = recorded.payment ?? Exact.payment(payload, asset, payload.accepted)
      const { validBeforeSec = signed.validBeforeSec, isFresh = false } = recorded
      const foreign = foreignTo(payment, { asset, payTo, payload })
      if (foreign !== undefined) throw new InputError(`expected a payment to us: ${foreign}`)
      const key = `${payment.payer} ${payment.nonce} ${payment.valueAtoms}`
      const shared =
        running.get(key) ??
        settleOrFind(payload, payment, { validBeforeSec, isFresh }).finally(() => {
          running.delete(key)
        })
      running.set(key, shared)
      return shared
    },
  }
}

function foreignTo(
  payment: Payment,
  own: { asset: Asset.Asset; payTo: Hex.Hex; payload: Wire.Payload },
): string | undefined {
  const signed = Exact.authorization(own.payload)
  if (!Asset.equal(payment.asset, own.asset)) return `it is in ${payment.asset.id}`
  if (payment.payTo.toLowerCase() !== own.payTo.toLowerCase()) return `it goes to ${payment.payTo}`
  if (signed.to !== payment.payTo.toLowerCase()) return `what was signed goes to ${signed.to}`
  if (signed.from !== payment.payer.toLowerCase()) return `what was signed is from ${signed.from}`
  if (signed.nonce !== payment.nonce.toLowerCase()) return 'what was signed has another nonce'
  if (signed.valueAtoms !== payment.valueAtoms) return `${signed.valueAtoms} atoms were signed`
  return undefined
}

/** The 402 answer: header and body say the same. */
export function encodeRequired(options: {
  readonly requirements: Wire.Requirements | readonly Wire.Requirements[]
  readonly resource: Wire.Resource
  readonly extensions?: Readonly<Record<string, unknown>>
  readonly error?: string
}): { readonly headers: Readonly<Record<string, string>>; readonly body: Wire.Required } {
  const { requirements, resource, extensions, error } = options
  const body: Wire.Required = {
    x402Version: 2,
    ...(error === undefined ? {} : { error }),
    resource,
    accepts: [requirements].flat() as Wire.Requirements[],
    ...(extensions === undefined ? {} : { extensions }),
  }
  const headers = {
    [Wire.headerNames.required]: Wire.encode(body),
    'cache-control': 'no-store',
  }
  return { headers, body }
}

/** The payment in a request's PAYMENT-SIGNATURE header, or why it is none. */
export function decodePayment(
  header: string | null | undefined,
): { readonly ok: true; readonly payload: Wire.Payload } | Exact.Refused {
  if (header === undefined || header === null || header === '')
    return Exact.refuse('malformed', `a header ${Wire.headerNames.signature}`, 'none')
  try {
    return { ok: true, payload: Wire.decodePayload(header) }
  } catch (error) {
    if (error instanceof InputError) return { ok: false, code: 'malformed', because: error.message }
    throw error
  }
}

/** The PAYMENT-RESPONSE header: paid by `tx`, or failed and why. */
export function encodeResponse(options: {
  readonly requirements: Wire.Requirements
  readonly payer: Hex.Hex
  readonly tx?: Hex.Hex
  readonly because?: string
  readonly extensions?: Readonly<Record<string, unknown>>
}): Readonly<Record<string, string>> {
  const { requirements, payer, tx, because, extensions } = options
  const message: Wire.Settlement = {
    success: because === undefined && tx !== undefined,
    transaction: tx ?? '',
    network: requirements.network,
    payer,
    ...(because === undefined ? {} : { errorReason: because }),
    ...(extensions === undefined ? {} : { extensions }),
  }
  return { [Wire.headerNames.response]: Wire.encode(message) }
}

/** Reasons of the official facilitator given before anything was sent. */
const certain = new Set([
  'invalid_exact_evm_signature',
  'invalid_exact_evm_recipient_mismatch',
  'invalid_exact_evm_payload_authorization_valid_before',
  'invalid_exact_evm_payload_authorization_valid_after',
  'invalid_exact_evm_payload_authorization_value_mismatch',
  'invalid_exact_evm_network_mismatch',
  'invalid_exact_evm_scheme',
  'asset_not_deployed_contract',
])

function found(outcome: Outcome, validBeforeSec: number): Found | undefined {
  switch (outcome.kind) {
    case 'paid':
      return outcome
    case 'pending':
      return { kind: 'unclear', because: `${outcome.would}, not final yet`, tx: outcome.tx }
    case 'cancelled':
      return unpaid('cancelled', `the payer cancelled this payment in ${outcome.tx}`)
    case 'elsewhere':
      return unpaid('elsewhere', `its nonce was spent on another transfer in ${outcome.tx}`)
    case 'unused':
      if (!PaymentEvidence.expired(outcome, validBeforeSec)) return undefined
      return unpaid('expired', `it was valid until ${validBeforeSec} and nobody submitted it`)
  }
}

function unpaid(how: 'elsewhere' | 'cancelled' | 'expired', because: string): Found {
  return { kind: 'unpaid', how, because }
}

function unverified(): BaseError {
  return new BaseError('the chain did not answer while a payment was verified', {
    code: 'chain-unreachable',
    hint: 'nothing was settled; verify again',
    retry: 'safe',
  })
}

function doubtful(attempt: Settled, cause: unknown): BaseError {
  const said = attempt.kind === 'settled' ? `settled in ${attempt.tx}` : attempt.because
  return new BaseError(`the chain could not be asked what became of a payment (${said})`, {
    code: 'settlement-unknown',
    hint: 'look it up before settling again',
    retry: 'unknown',
    cause,
    ...(attempt.tx === undefined ? {} : { facts: { tx: attempt.tx } }),
  })
}

function official(
  payload: Wire.Payload,
  requirements: Wire.Requirements,
): [PaymentPayload, PaymentRequirements] {
  const strict = (given: Wire.Requirements) => ({ ...given, extra: given.extra ?? {} })
  const { x402Version, payload: signed, accepted } = payload
  return [{ x402Version, payload: signed, accepted: strict(accepted) }, strict(requirements)]
}
