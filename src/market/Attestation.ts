/**
 * @module Attestations: a payer's word on an answer, worth what it can prove. It carries the quote and the
 * receipt that the seller signed and the evidence that the payment settled, so that anyone judges it from
 * the paper alone; what it weighs in a reputation is what the payer lost for good.
 */
import type { z } from 'zod'
import * as Asset from '../kernel/Asset.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import { name } from '../kernel/Name.ts'
import * as Share from '../kernel/Share.ts'
import type { TypedData } from '../kernel/TypedData.ts'
import * as Schema from './Attestation.schema.ts'
import type { VerifySignature } from './Equivocation.ts'
import * as Quote from './Quote.ts'
import * as Receipt from './Receipt.ts'
import type * as Reputation from './Reputation.ts'
import * as Untrusted from './Untrusted.ts'

/** What a payer says of an answer it paid for. */
export type Attestation = z.infer<typeof Schema.attestation>
/** An attestation with its payer's EIP-712 signature. */
export type Signed = z.infer<typeof Schema.signedAttestation>

/** What the payment was, for whoever judges its evidence. */
export type Payment = {
  readonly asset: Asset.Asset
  readonly payer: Hex
  readonly nonce: Hex
  readonly payTo: Hex
  readonly valueAtoms: bigint
}

/** What a judge brings: signatures are `Wallet.verifyTypedData`, payments `PaymentEvidence.check` or a look at the chain. */
export type World = {
  /** The asset that counts: anybody can pay in a token of their own making. */
  readonly asset: Asset.Asset
  readonly verifySignature: VerifySignature
  /** Why the evidence does not prove the payment; undefined when it does. */
  readonly paymentFault: (evidence: Attestation['evidence'], payment: Payment) => string | undefined
}

/** Reads one from untrusted JSON. Throws `InputError` with the path and what was expected. */
export function parse(value: unknown): Signed {
  const what = { what: 'a signed attestation', top: 'attestation', code: 'attestation-malformed' }
  return Untrusted.read(Schema.signedAttestation, value, what)
}

/** What the payer signs. */
export function typedData(attestation: Attestation): TypedData {
  const { quote } = attestation.quote
  return {
    domain: { name, version: '1', chainId: Asset.parts(quote.asset.id).chainId },
    primaryType: 'Attestation',
    types: {
      Attestation: [
        { name: 'digest', type: 'bytes32' },
        { name: 'seller', type: 'address' },
        { name: 'payer', type: 'address' },
        { name: 'isGood', type: 'bool' },
        { name: 'atMs', type: 'uint64' },
      ],
    },
    message: {
      digest: Hash.digest(attestation),
      seller: quote.seller,
      payer: attestation.payer,
      isGood: attestation.isGood,
      atMs: BigInt(attestation.atMs),
    },
  }
}

/** Why an attestation proves nothing; undefined when it does. */
export function fault({ attestation, signature }: Signed, world: World): string | undefined {
  const { payer, quote: quoted, receipt: delivered, isGood } = attestation
  const { quote } = quoted
  if (payer === quote.seller) return 'attestation of a seller about itself'
  if (!world.verifySignature({ address: payer, data: typedData(attestation), signature }))
    return 'attestation that its payer did not sign'
  const terms = { address: quote.seller, data: Quote.typedData(quote) }
  if (!world.verifySignature({ ...terms, signature: quoted.signature }))
    return 'quote that its seller did not sign'
  if (quote.payer !== null && quote.payer !== payer) return 'quote for another payer'
  if (!Asset.equal(quote.asset, world.asset)) return 'payment in another asset'
  const arithmetic = Quote.arithmeticFault(quote)
  if (arithmetic !== undefined) return arithmetic
  if (isGood && delivered === undefined) return 'praise without a receipt'
  const wrong = delivered && receiptFault(attestation, delivered, world)
  return wrong ?? world.paymentFault(attestation.evidence, paymentOf(attestation))
}

function receiptFault(
  { payer, quote: { quote }, paymentNonce }: Attestation,
  { receipt, signature }: Receipt.Signed,
  { verifySignature }: World,
): string | undefined {
  const { money } = receipt
  const data = Receipt.typedData(receipt)
  if (!verifySignature({ address: quote.seller, data, signature }))
    return 'receipt that its seller did not sign'
  if (receipt.provider !== quote.seller) return 'receipt of another seller'
  if (receipt.payer !== payer) return 'receipt for another payer'
  if (receipt.paymentNonce !== paymentNonce) return 'receipt for another payment'
  if (money.quoteHash !== Quote.hash(quote)) return 'receipt for another quote'
  if (money.paidAtoms !== quote.payAtoms) return 'receipt of another amount than quoted'
  const { executionNano, influenceNano, premiumNano, feeNano, gasNano, roundingNano } = money
  const parts = [executionNano, influenceNano, premiumNano, feeNano, gasNano, roundingNano]
  const sum = parts.reduce((total, part) => total + BigInt(part), 0n)
  if (sum !== BigInt(money.chargedAtoms) * nanoPerAtom)
    return 'receipt whose parts do not sum to what it charges'
  return BigInt(money.chargedAtoms) > BigInt(quote.maxAtoms)
    ? 'receipt that charges more than was quoted'
    : undefined
}

/** The payment that an attestation says was made. */
export function paymentOf({ payer, quote: { quote }, paymentNonce }: Attestation): Payment {
  const { asset, payTo, payAtoms } = quote
  return { asset, payer, nonce: paymentNonce, payTo, valueAtoms: BigInt(payAtoms) }
}

/**
 * What an attestation that has no fault says for a reputation: fee and royalties are what a payer does not
 * get back even from a seller it is in league with. Where nothing was delivered, the fee that was quoted.
 * Royalties to accounts of the seller's own are not told apart: no arithmetic can.
 */
export function evidence({
  quote: { quote },
  receipt,
  isGood,
  atMs,
}: Attestation): Reputation.Evidence {
  const { feePpb } = quote.rates
  const quotedFee = (BigInt(quote.maxAtoms) * nanoPerAtom * BigInt(feePpb)) / Share.whole
  const money = receipt?.receipt.money
  const lost =
    money && BigInt(money.feeNano) + BigInt(money.influenceNano) + BigInt(money.premiumNano)
  return { seller: quote.seller, isGood, irrecoverableNano: lost ?? quotedFee, atMs }
}

/** One word a payment: of several on one the latest, then the one whose hash is smallest. */
export function latest(attestations: readonly Attestation[]): Attestation[] {
  const found = new Map<string, Attestation>()
  for (const each of attestations) {
    const key = `${each.payer}/${each.paymentNonce}`
    const known = found.get(key)
    if (known === undefined || isLater(each, known)) found.set(key, each)
  }
  return [...found.values()]
}

function isLater(one: Attestation, other: Attestation): boolean {
  if (one.atMs !== other.atMs) return one.atMs > other.atMs
  return Hash.digest(one) < Hash.digest(other)
}
