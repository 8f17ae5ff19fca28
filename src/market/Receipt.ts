/**
 * @module Receipts: what was done, measured, owed and to whom, in one signed body per inference. Everything
 * on it but the measured times can be recomputed by the buyer.
 */
import type { z } from 'zod'
import * as Asset from '../kernel/Asset.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import { name } from '../kernel/Name.ts'
import type { TypedData } from '../kernel/TypedData.ts'
import type * as Card from './Card.schema.ts'
import * as Credits from './Credits.ts'
import * as Price from './Price.ts'
import * as Quote from './Quote.ts'
import * as Schema from './Receipt.schema.ts'
import * as Untrusted from './Untrusted.ts'
import * as Work from './Work.ts'

/** One signed body per inference; amounts as decimal strings. */
export type Receipt = z.infer<typeof Schema.receipt>
/** A receipt and its provider's EIP-712 signature. */
export type Signed = z.infer<typeof Schema.signedReceipt>

/** The money part of a receipt and its per-artifact lines, from a price. */
export function money(quote: Quote.Quote, price: Price.Price): Receipt['money'] {
  return {
    asset: quote.asset,
    quoteHash: Quote.hash(quote),
    executionNano: String(price.executionNano),
    influenceNano: String(price.influenceNano),
    premiumNano: String(price.premiumNano),
    feeNano: String(price.feeNano),
    gasNano: String(price.gasNano),
    roundingNano: String(price.roundingNano),
    chargedAtoms: String(price.chargedAtoms),
    paidAtoms: quote.payAtoms,
    changeAtoms: String(BigInt(quote.payAtoms) - price.chargedAtoms),
  }
}

/** Reads a signed receipt from untrusted JSON. Throws `InputError` with the path and what was expected. */
export function parse(value: unknown): Signed {
  const what = { what: 'a signed receipt', top: 'receipt', code: 'receipt-malformed' }
  return Untrusted.read(Schema.signedReceipt, value, what)
}

/** Name of a receipt: SHA-256 of its canonical JSON. Stands in permalinks and in `prevHash`. */
export function hash(receipt: Receipt): Hex {
  return Hash.digest(receipt)
}

/** What the provider signs. */
export function typedData(receipt: Receipt): TypedData {
  return {
    domain: { name, version: '1', chainId: Asset.parts(receipt.money.asset.id).chainId },
    primaryType: 'Receipt',
    types: {
      Receipt: [
        { name: 'digest', type: 'bytes32' },
        { name: 'quoteHash', type: 'bytes32' },
        { name: 'provider', type: 'address' },
        { name: 'payer', type: 'address' },
        { name: 'chargedAtoms', type: 'uint256' },
        { name: 'seq', type: 'uint64' },
        { name: 'prevHash', type: 'bytes32' },
      ],
    },
    message: {
      digest: hash(receipt),
      quoteHash: receipt.money.quoteHash,
      provider: receipt.provider,
      payer: receipt.payer,
      chargedAtoms: BigInt(receipt.money.chargedAtoms),
      seq: BigInt(receipt.seq),
      prevHash: receipt.prevHash,
    },
  }
}

/**
 * Why a receipt does not follow from its quote and card; undefined when it does. Recomputes standard
 * work, every part of the price, the card's lineage and coverage from the lines, payment and change, and
 * all bounds.
 */
export function fault(receipt: Receipt, quote: Quote.Quote, card: Card.Card): string | undefined {
  const { tokens, influence, money } = receipt
  if (receipt.provider !== quote.seller)
    return `receipt of ${receipt.provider}, quote of ${quote.seller}`
  if (quote.payer !== null && receipt.payer !== quote.payer) return 'receipt for another payer'
  if (receipt.model !== quote.model || receipt.cardHash !== quote.cardHash)
    return 'receipt for another model'
  if (receipt.requestDigest !== quote.requestDigest) return 'receipt for another request'
  if (money.quoteHash !== Quote.hash(quote)) return 'receipt for another quote'
  if (!Asset.equal(money.asset, quote.asset)) return 'receipt in another asset'
  if (influence.indexRoot !== quote.indexRoot) return 'receipt over another datanet version'
  if (tokens.in + tokens.cached > quote.maxTokensIn)
    return 'receipt with more tokens in than quoted'
  if (tokens.out > quote.maxTokensOut) return 'receipt with more tokens out than quoted'
  const stdUs = Work.stdUs(card, tokens)
  if (BigInt(receipt.stdUs) !== stdUs) return `standard work ${receipt.stdUs}, recomputed ${stdUs}`
  return Credits.fault(card, influence) ?? priceFault(receipt, quote, stdUs)
}

function priceFault(receipt: Receipt, quote: Quote.Quote, stdUs: bigint): string | undefined {
  const { influence, money: stated } = receipt
  const shaped = influence.entries.map((entry) => ({
    artifact: entry.artifact,
    sharePpb: BigInt(entry.sharePpb),
    rarityPpb: BigInt(entry.rarityPpb),
  }))
  if (new Set(shaped.map(({ artifact }) => artifact)).size !== shaped.length)
    return 'two lines for one artifact'
  const price = Price.of(stdUs, Quote.rates(quote), shaped)
  const recomputed = money(quote, price)
  for (const key of Object.keys(recomputed) as (keyof Receipt['money'])[])
    if (key !== 'asset' && stated[key] !== recomputed[key])
      return `${key} ${String(stated[key])}, recomputed ${String(recomputed[key])}`
  for (const [index, part] of price.parts.entries()) {
    const entry = influence.entries[index]!
    if (
      entry.influenceNano !== String(part.influenceNano) ||
      entry.premiumNano !== String(part.premiumNano)
    )
      return `earnings of ${entry.artifact}: ${entry.influenceNano}, recomputed ${part.influenceNano}`
  }
  if (price.chargedAtoms > BigInt(quote.maxAtoms))
    return `charged ${price.chargedAtoms} above the quoted maximum ${quote.maxAtoms}`
  return undefined
}
