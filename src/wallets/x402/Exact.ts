/**
 * @module The `exact` scheme by EIP-3009: what is signed, and whether a payment is for what was asked.
 * Pure; both sides use it, so that what one signs is what the other expects.
 */
import * as Asset from '../../kernel/Asset.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import type { TypedData } from '../../kernel/TypedData.ts'
import type { Payment } from '../PaymentEvidence.ts'
import type { Payload, Requirements } from './Wire.ts'

/** Why a payment is refused, in order of precedence. */
export type Refused = { readonly ok: false; readonly code: Reason; readonly because: string }

/** Stable names of reasons. */
export type Reason =
  | 'malformed'
  | 'wrong-scheme'
  | 'wrong-chain'
  | 'wrong-asset'
  | 'wrong-payee'
  | 'wrong-amount'
  | 'other-terms'
  | 'over-hold'
  | 'not-yet-valid'
  | 'expired'
  | 'nonce-used'
  | 'bad-signature'
  | 'no-funds'
  | 'not-payable'

/** An EIP-3009 authorisation; times in seconds. */
export type Authorization = {
  readonly from: Hex
  readonly to: Hex
  readonly valueAtoms: bigint
  readonly validAfterSec: number
  readonly validBeforeSec: number
  readonly nonce: Hex
}

/**
 * Some tokens (OpenZeppelin's ERC-3009) read times with this bit set as block numbers: never signed, never
 * accepted.
 */
const clockBit = 2 ** 47

/** What the payer signs (EIP-3009 `TransferWithAuthorization`). */
export function typedData(
  authorization: Authorization,
  token: { readonly asset: Asset.Asset; readonly name: string; readonly version: string },
): TypedData {
  const { address, chainId } = Asset.parts(token.asset.id)
  return {
    domain: { name: token.name, version: token.version, chainId, verifyingContract: address },
    primaryType: 'TransferWithAuthorization',
    types: {
      TransferWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    message: {
      from: authorization.from,
      to: authorization.to,
      value: authorization.valueAtoms,
      validAfter: BigInt(authorization.validAfterSec),
      validBefore: BigInt(authorization.validBeforeSec),
      nonce: authorization.nonce,
    },
  }
}

/** The authorisation inside a payment, addresses in lower case. */
export function authorization(payload: Payload): Authorization {
  const { from, to, value, validAfter, validBefore, nonce } = payload.payload.authorization
  return {
    from: lower(from),
    to: lower(to),
    valueAtoms: BigInt(value),
    validAfterSec: Number(validAfter),
    validBeforeSec: Number(validBefore),
    nonce: lower(nonce),
  }
}

/** What a look-up needs to know of a payment: the terms asked for, under the nonce that was signed. */
export function payment(payload: Payload, asset: Asset.Asset, asked: Requirements): Payment {
  const { from, nonce } = authorization(payload)
  return {
    asset,
    payer: from,
    nonce,
    payTo: lower(asked.payTo),
    valueAtoms: BigInt(asked.amount),
  }
}

/** Why `given` is not the payment asked for; undefined if it is. `nowSec`: seconds. */
export function mismatch(given: Payload, asked: Requirements, nowSec: number): Refused | undefined {
  const { accepted } = given
  const signed = authorization(given)
  if (accepted.scheme !== 'exact') return refuse('wrong-scheme', 'scheme exact', accepted.scheme)
  if (accepted.network !== asked.network)
    return refuse('wrong-chain', `a payment on ${asked.network}`, accepted.network)
  if (lower(accepted.asset) !== lower(asked.asset))
    return refuse('wrong-asset', `a payment in ${asked.asset}`, accepted.asset)
  if (lower(accepted.payTo) !== lower(asked.payTo) || signed.to !== lower(asked.payTo))
    return refuse('wrong-payee', `a payment to ${asked.payTo}`, `one to ${signed.to}`)
  if (accepted.amount !== asked.amount || signed.valueAtoms !== BigInt(asked.amount))
    return refuse('wrong-amount', `${asked.amount} atoms`, `${signed.valueAtoms}`)
  for (const [name, value] of Object.entries(asked.extra ?? {}))
    if (!same(value, accepted.extra?.[name]))
      return refuse('other-terms', `extra.${name} as it was offered`, 'another')
  return badTimes(signed, nowSec)
}

/** Why an authorisation cannot be used at `nowSec`; undefined if it can. */
export function badTimes(
  { validAfterSec, validBeforeSec }: Authorization,
  nowSec: number,
): Refused | undefined {
  if (validAfterSec >= clockBit || validBeforeSec >= clockBit)
    return refuse('malformed', 'times in seconds since 1970', `${validAfterSec}, ${validBeforeSec}`)
  if (validAfterSec > nowSec)
    return refuse('not-yet-valid', `a payment valid at ${nowSec}`, `one after ${validAfterSec}`)
  if (validBeforeSec < nowSec + marginSec)
    return refuse(
      'expired',
      `a payment valid for at least ${marginSec} s`,
      `one until ${validBeforeSec}, and it is ${nowSec}`,
    )
  return undefined
}

/** What the official facilitator demands too: time left to be included in a block. */
export const marginSec = 6

/** A refusal that says what was expected and what came. */
export function refuse(code: Reason, expected: string, got: string): Refused {
  return { ok: false, code, because: `expected ${expected}, got ${got.slice(0, 200)}` }
}

function same(left: unknown, right: unknown): boolean {
  if (right === undefined) return left === undefined
  return Json.encode(left) === Json.encode(right)
}

function lower(hex: string): Hex {
  return hex.toLowerCase() as Hex
}
