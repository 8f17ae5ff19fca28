/**
 * @module The buyer's side of x402 `exact`. The nonce comes from the caller (it names the purchase), times
 * are explicit and signatures deterministic: the same input is the same payload, byte for byte, so it can
 * be stored before it is sent and sent again after a crash. Nothing is signed that was not expected.
 */
import type { PaymentRequirements, SchemeNetworkClient } from '@x402/core/types'
import * as Asset from '../../kernel/Asset.ts'
import { BaseError, InputError } from '../../kernel/Errors.ts'
import * as Hex from '../../kernel/Hex.ts'
import type { Wallet } from '../Wallet.ts'
import * as Exact from './Exact.ts'
import * as Wire from './Wire.ts'

/** What the purchase was decided on; a requirement that differs is refused unsigned. */
export type Expected = {
  readonly asset: Asset.Asset
  readonly payTo: Hex.Hex
  /** The hold: never more is signed. */
  readonly maxAtoms: bigint
  /** The quote's expiry in seconds: the payment must be valid at least as long. */
  readonly quoteExpiresAtSec?: number
}

/** Under what the payment is signed; times in seconds. */
export type Terms = {
  readonly wallet: Wallet
  /** EIP-3009 nonce, 32 bytes, fixed before any retry. */
  readonly nonce: Hex.Hex
  readonly validAfterSec: number
  readonly validBeforeSec: number
  readonly expected: Expected
}

/** A payment ready to be stored and sent: `header` is the value of PAYMENT-SIGNATURE. */
export type Signed = { readonly ok: true; readonly payload: Wire.Payload; readonly header: string }

/** Signs a payment of these requirements, or says why not. */
export async function sign(
  options: Terms & {
    readonly requirements: Wire.Requirements
    readonly resource?: Wire.Resource
    readonly extensions?: Readonly<Record<string, unknown>>
  },
): Promise<Signed | Exact.Refused> {
  const { requirements, resource, extensions } = options
  const authorized = await authorize(requirements, options)
  if (!authorized.ok) return authorized
  const payload: Wire.Payload = {
    x402Version: 2,
    ...(resource === undefined ? {} : { resource }),
    accepted: requirements,
    payload: authorized.payload,
    ...(extensions === undefined ? {} : { extensions }),
  }
  return { ok: true, payload, header: Wire.encode(payload) }
}

/** The header of a stored payload: the same bytes as when it was signed. */
export function header(payload: Wire.Payload): string {
  return Wire.encode(payload)
}

/** The first way to pay that matches what is expected, else why none does. */
export function choose(
  required: Wire.Required,
  expected: Expected,
): { readonly ok: true; readonly requirements: Wire.Requirements } | Exact.Refused {
  let first: Exact.Refused | undefined
  for (const requirements of required.accepts) {
    const refused = check(requirements, expected)
    if (refused === undefined) return { ok: true, requirements }
    first ??= refused
  }
  return first ?? Exact.refuse('wrong-scheme', 'a way to pay', 'none')
}

/** Why requirements are not what was expected; undefined if they are. */
export function check(
  requirements: Wire.Requirements,
  expected: Expected,
): Exact.Refused | undefined {
  const { extra } = requirements
  const { address } = Asset.parts(expected.asset.id)
  const network = Asset.network(expected.asset)
  if (requirements.scheme !== 'exact')
    return Exact.refuse('wrong-scheme', 'scheme exact', requirements.scheme)
  if (requirements.network !== network)
    return Exact.refuse('wrong-chain', `a payment on ${network}`, requirements.network)
  if (requirements.asset.toLowerCase() !== address)
    return Exact.refuse('wrong-asset', `a payment in ${address}`, requirements.asset)
  if (requirements.payTo.toLowerCase() !== expected.payTo.toLowerCase())
    return Exact.refuse('wrong-payee', `a payment to ${expected.payTo}`, requirements.payTo)
  if (BigInt(requirements.amount) > expected.maxAtoms)
    return Exact.refuse('over-hold', `at most ${expected.maxAtoms} atoms`, requirements.amount)
  const method = extra?.assetTransferMethod ?? 'eip3009'
  if (method !== 'eip3009')
    return Exact.refuse('wrong-scheme', 'assetTransferMethod eip3009', String(method))
  if (typeof extra?.name !== 'string' || typeof extra.version !== 'string')
    return Exact.refuse('malformed', 'extra.name and extra.version of the token', 'none')
  return undefined
}

/**
 * The same as the official client's plug for `exact`: for `x402Client.register`, in place of the stock one,
 * which draws random nonces. Good for one payment; throws `payment-refused`.
 */
export function scheme(terms: Terms): SchemeNetworkClient {
  return {
    scheme: 'exact',
    async createPaymentPayload(x402Version: number, offered: PaymentRequirements) {
      const authorized = await authorize(offered, terms)
      if (!authorized.ok)
        throw new BaseError(`nothing was signed: ${authorized.because}`, {
          code: 'payment-refused',
          facts: { reason: authorized.code },
        })
      return { x402Version, payload: authorized.payload }
    },
  }
}

/** What a 402 answer asks for: its header, else its body. Throws `payment-required-malformed`. */
export function parseRequired(response: {
  readonly header?: string | null | undefined
  /** Parsed JSON of the body. */
  readonly body?: unknown
}): Wire.Required {
  const { header: value, body } = response
  if (value !== undefined && value !== null && value !== '') return Wire.decodeRequired(value)
  return Wire.parseRequired(body)
}

/** What the seller says became of the payment: a claim, until the chain says so. */
export function parseResponse(value: string): Wire.Settlement {
  return Wire.decodeSettlement(value)
}

async function authorize(
  requirements: Wire.Requirements,
  terms: Terms,
): Promise<{ readonly ok: true; readonly payload: Wire.Payload['payload'] } | Exact.Refused> {
  const { wallet, nonce, validAfterSec, validBeforeSec, expected } = terms
  if (!Hex.is(nonce, 32)) throw new InputError('expected a nonce of 32 bytes')
  for (const second of [validAfterSec, validBeforeSec])
    if (!Number.isSafeInteger(second) || second < 0)
      throw new InputError(`expected whole seconds since 1970, got ${second}`)
  const refused = check(requirements, expected)
  if (refused !== undefined) return refused
  const { quoteExpiresAtSec = 0 } = expected
  if (validBeforeSec <= validAfterSec || validBeforeSec < quoteExpiresAtSec)
    return Exact.refuse(
      'expired',
      `a payment valid until the quote expires at ${quoteExpiresAtSec}`,
      `one from ${validAfterSec} until ${validBeforeSec}`,
    )
  const authorization: Exact.Authorization = {
    from: wallet.address,
    to: requirements.payTo.toLowerCase() as Hex.Hex,
    valueAtoms: BigInt(requirements.amount),
    validAfterSec,
    validBeforeSec,
    nonce,
  }
  const badTimes = Exact.badTimes(authorization, validAfterSec)
  if (badTimes !== undefined) return badTimes
  const { name, version } = requirements.extra as { name: string; version: string }
  const data = Exact.typedData(authorization, { asset: expected.asset, name, version })
  return {
    ok: true,
    payload: {
      signature: await wallet.signTypedData(data),
      authorization: {
        from: authorization.from,
        to: authorization.to,
        value: requirements.amount,
        validAfter: String(validAfterSec),
        validBefore: String(validBeforeSec),
        nonce,
      },
    },
  }
}
