/**
 * @module Quotes and receipts without keys or texts: whatever arithmetic judges. Names of people and
 * artifacts are hashes of words, so that tests read.
 */
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Card from '../../src/market/Card.schema.ts'
import * as Price from '../../src/market/Price.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Work from '../../src/market/Work.ts'

/** An address that a word names. */
export function address(word: string): Hex {
  return Hash.text(word).slice(0, 42) as Hex
}

/** The test dollar. */
export const asset = {
  id: `eip155:31337/erc20:${address('token')}`,
  decimals: 6,
  symbol: 'USDC',
}

/** What is sold. */
export const card: Card.Card = {
  v: 1,
  model: 'docs-reader',
  kind: 'extractive',
  tokenizer: 'words@1',
  stdUsPerTokenIn: 50,
  stdUsPerTokenCached: 10,
  stdUsPerTokenOut: 50,
  maxTokensIn: 64,
  maxTokensOut: 128,
  lineagePpb: '0',
  datanet: 'docs',
}

/** On what terms. */
export const rates: Quote.Quote['rates'] = {
  executionNanoPerStdUs: '20000000',
  influenceNanoPerStdUs: '60000000',
  premiumPpb: '100000000',
  qualityPpb: '500000000',
  feePpb: '50000000',
  gasNano: '200000000',
}

/** When all this happens. */
export const nowMs = 1_700_000_000_000

/** A quote; `appliedAtoms` of change are applied. */
export function quote(
  given: Partial<Quote.Quote> & { readonly appliedAtoms?: bigint } = {},
): Quote.Quote {
  const { appliedAtoms = 0n, ...rest } = given
  const terms = rest.rates ?? rates
  const maxAtoms = Quote.maximum(card, Quote.rates({ rates: terms }))
  return {
    v: 1,
    seller: address('seller'),
    payer: address('payer'),
    model: card.model,
    cardHash: Card.hash(card),
    tokenizer: card.tokenizer,
    maxTokensIn: card.maxTokensIn,
    maxTokensOut: card.maxTokensOut,
    rates: terms,
    asset,
    payTo: address('till'),
    maxAtoms: String(maxAtoms),
    changeAppliedAtoms: String(appliedAtoms),
    payAtoms: String(maxAtoms - appliedAtoms),
    coveragePromisedPpb: '0',
    disputeWindowMs: 1_000,
    requestDigest: Hash.text('request'),
    indexRoot: Hash.text('index'),
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 60_000,
    salt: Hash.text('salt'),
    ...rest,
  }
}

/** What was done under a quote. */
export type Done = {
  readonly tokens?: Work.Tokens
  readonly shaped?: readonly Price.Shaped[]
} & Partial<Pick<Receipt.Receipt, 'seq' | 'prevHash' | 'paymentNonce' | 'payer' | 'issuedAtMs'>>

/** The receipt that follows from a quote and what was done. */
export function receipt(quoted: Quote.Quote, done: Done = {}): Receipt.Receipt {
  const { tokens = { in: 10, cached: 0, out: 40 }, shaped = [], ...rest } = done
  const stdUs = Work.stdUs(card, tokens)
  const price = Price.of(stdUs, Quote.rates(quoted), shaped)
  const coverage = shaped.reduce((sum, { sharePpb }) => sum + sharePpb, 0n)
  return {
    v: 1,
    provider: quoted.seller,
    payer: quoted.payer ?? address('payer'),
    device: { class: 'cpu', count: 1, tier: 'claimed' },
    model: quoted.model,
    cardHash: quoted.cardHash,
    tokens,
    bytes: { in: 60, out: 240 },
    stdUs: String(stdUs),
    ...{ computeMs: 3, wallMs: 4, queueMs: 0, meter: 'engine', basis: 'wall' },
    promptCommitment: Hash.text('prompt'),
    outputCommitment: Hash.text('output'),
    influence: {
      method: 'spans/priority-cover',
      version: 1,
      recomputable: true,
      indexRoot: quoted.indexRoot,
      evidenceDigest: Hash.digest({}),
      entries: shaped.map(({ artifact, sharePpb, rarityPpb }, at) => ({
        artifact,
        sharePpb: String(sharePpb),
        rarityPpb: String(rarityPpb),
        influenceNano: String(price.parts[at]!.influenceNano),
        premiumNano: String(price.parts[at]!.premiumNano),
      })),
      coveragePpb: String(coverage),
    },
    money: Receipt.money(quoted, price),
    paymentNonce: Hash.text('nonce'),
    requestDigest: quoted.requestDigest,
    ...{ consumed: [], feedback: [], seq: 0, prevHash: `0x${'0'.repeat(64)}` },
    issuedAtMs: quoted.issuedAtMs,
    ...rest,
  }
}
