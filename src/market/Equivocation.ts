/**
 * @module Equivocation: a provider that tells two stories. Receipts are chained per provider and device by
 * `seq` and `prevHash`, so two signed receipts for one place in a chain are a proof that needs nothing but
 * themselves: anyone verifies it, anywhere, without either party's log.
 */
import type { z } from 'zod'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import type { TypedData } from '../kernel/TypedData.ts'
import * as Schema from './Equivocation.schema.ts'
import * as Receipt from './Receipt.ts'
import * as Untrusted from './Untrusted.ts'

/** Two signed receipts that cannot both stand, in the order of their hashes. */
export type Equivocation = z.infer<typeof Schema.equivocation>

/** What two receipts share that only one may have. */
export type Conflict = 'same-seq' | 'same-previous'

/** Judges signatures: `Wallet.verifyTypedData`. */
export type VerifySignature = (options: {
  readonly address: Hex
  readonly data: TypedData
  readonly signature: string
}) => boolean

const genesis = `0x${'0'.repeat(64)}`

/**
 * The proof that two receipts make, the same in whichever order they are given; undefined when both may
 * stand. Signatures are not looked at: see {@link fault}.
 */
export function of(one: Receipt.Signed, other: Receipt.Signed): Equivocation | undefined {
  if (conflict(one.receipt, other.receipt) === undefined) return undefined
  const isFirst = Receipt.hash(one.receipt) < Receipt.hash(other.receipt)
  const [left, right] = isFirst ? [one, other] : [other, one]
  return { v: 1, left, right }
}

/**
 * What two different receipts of one provider in one asset share: the place `seq` on a device of one
 * class, or, whatever the device, the receipt they follow. Nothing follows from the first of all, whose
 * `prevHash` is zero.
 */
export function conflict(one: Receipt.Receipt, other: Receipt.Receipt): Conflict | undefined {
  if (one.provider !== other.provider || one.money.asset.id !== other.money.asset.id)
    return undefined
  if (Receipt.hash(one) === Receipt.hash(other)) return undefined
  if (one.seq === other.seq && one.device.class === other.device.class) return 'same-seq'
  if (one.prevHash === other.prevHash && one.prevHash !== genesis) return 'same-previous'
  return undefined
}

/** Why a proof does not hold; undefined when the provider of both receipts has told two stories. */
export function fault(proof: Equivocation, verifySignature: VerifySignature): string | undefined {
  const { left, right } = proof
  if (conflict(left.receipt, right.receipt) === undefined) return 'both receipts may stand'
  if (Receipt.hash(left.receipt) > Receipt.hash(right.receipt))
    return 'receipts that are not in the order of their hashes'
  for (const { receipt, signature } of [left, right]) {
    const data = Receipt.typedData(receipt)
    if (!verifySignature({ address: receipt.provider, data, signature }))
      return `receipt ${receipt.seq} that ${receipt.provider} did not sign`
  }
  return undefined
}

/** Name of a proof: of two stories, whatever signatures they carry. */
export function hash({ left, right }: Equivocation): Hex {
  return Hash.digest([Receipt.hash(left.receipt), Receipt.hash(right.receipt)])
}

/** Reads a proof from untrusted JSON. Throws `InputError` with the path and what was expected. */
export function parse(value: unknown): Equivocation {
  const what = { what: 'a proof of equivocation', top: 'proof', code: 'equivocation-malformed' }
  return Untrusted.read(Schema.equivocation, value, what)
}
