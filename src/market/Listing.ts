/**
 * @module Listings: how sellers are found. A seller signs where it sells and what; a registry keeps the
 * latest word of each and vouches for nothing. Whoever reads one checks it, and then asks the seller.
 */
import type { z } from 'zod'
import * as Asset from '../kernel/Asset.ts'
import * as Hash from '../kernel/Hash.ts'
import { name } from '../kernel/Name.ts'
import type { TypedData } from '../kernel/TypedData.ts'
import type { VerifySignature } from './Equivocation.ts'
import * as Schema from './Listing.schema.ts'
import * as Untrusted from './Untrusted.ts'

/** Where an agent sells, and what. */
export type Listing = z.infer<typeof Schema.listing>
/** A listing with its seller's EIP-712 signature. */
export type Signed = z.infer<typeof Schema.signedListing>

/** Longest that one may last: who sells still says so again. */
export const longestMs = 24 * 3_600_000
/** How far clocks may differ. */
const skewMs = 60_000

/** Reads one from untrusted JSON. Throws `InputError` with the path and what was expected. */
export function parse(value: unknown): Signed {
  const what = { what: 'a signed listing', top: 'listing', code: 'listing-malformed' }
  return Untrusted.read(Schema.signedListing, value, what)
}

/** What the seller signs. */
export function typedData(listing: Listing): TypedData {
  return {
    domain: { name, version: '1', chainId: Asset.parts(listing.asset.id).chainId },
    primaryType: 'Listing',
    types: {
      Listing: [
        { name: 'digest', type: 'bytes32' },
        { name: 'seller', type: 'address' },
        { name: 'baseUrl', type: 'string' },
        { name: 'expiresAtMs', type: 'uint64' },
      ],
    },
    message: {
      digest: Hash.digest(listing),
      seller: listing.seller,
      baseUrl: listing.baseUrl,
      expiresAtMs: BigInt(listing.expiresAtMs),
    },
  }
}

/** Why a listing is not to be believed now; undefined when its seller says so. */
export function fault(
  { listing, signature }: Signed,
  world: {
    readonly nowMs: number
    /** `Wallet.verifyTypedData`. */
    readonly verifySignature: VerifySignature
  },
): string | undefined {
  const { seller, issuedAtMs, expiresAtMs } = listing
  if (expiresAtMs <= world.nowMs) return 'listing that has expired'
  if (issuedAtMs > world.nowMs + skewMs) return 'listing from the future'
  if (expiresAtMs - issuedAtMs > longestMs) return 'listing that lasts longer than a day'
  return world.verifySignature({ address: seller, data: typedData(listing), signature })
    ? undefined
    : 'listing that its seller did not sign'
}
