/** @module What a policy is asked about a quote: every attribute it may read, by quote, card and key alone. */
import type { Hex } from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import * as Credits from '../market/Credits.ts'
import * as Price from '../market/Price.ts'
import * as Quote from '../market/Quote.ts'
import * as Work from '../market/Work.ts'
import type * as Budget from '../policies/Budget.ts'
import type * as Event from './Event.ts'

/** What does not follow from quote or terms, but is stated. */
export type Stated = {
  /** `host:port` the seller is asked at; of terms it follows. */
  readonly host?: string
  /** What the agent wants it with, and for: of terms alone. */
  readonly tool?: string
  readonly category?: string
}

/** What does not follow from the quote. */
export type Options = Stated & {
  /** The id it is held under: the purchase's, or that of the attempt which was approved. */
  readonly hold: Hex
  readonly approval?: Budget.Approval | undefined
}

/** What a quote was decided on: or terms. */
export type Decided =
  | Pick<Event.DecidedOnQuote, 'key' | 'quote' | 'card' | 'terms'>
  | Pick<Event.DecidedOnTerms, 'key' | 'terms'>

/** What a recorded request states of itself. */
export function stated({ request }: Pick<Event.Of<'decided'>, 'request'>): Stated {
  const { host, tool, category } = request
  return { host: String(host), tool: String(tool), category: String(category) }
}

/** The request of a quote, or of terms. */
export function of(decided: Decided, options: Options): Budget.Request {
  if (decided.terms !== undefined) return ofTerms(decided, options)
  const { key, quote, card } = decided
  const { host = 'none', hold, approval } = options
  const coveragePpb = BigInt(quote.coveragePromisedPpb)
  const most = { in: quote.maxTokensIn, cached: 0, out: quote.maxTokensOut }
  const stdUs = Work.stdUs(card, most)
  return {
    id: hold,
    digest: quote.requestDigest,
    agent: key.agent,
    asset: quote.asset.id,
    atoms: BigInt(quote.payAtoms),
    payee: quote.payTo,
    host,
    model: quote.model,
    coveragePpb,
    royaltySharePpb: royaltyShare(stdUs, Quote.rates(quote), Credits.total(card, coveragePpb)),
    // Nobody vouches for the device yet.
    trustTier: 0,
    deviceMs: (stdUs + 999n) / 1_000n,
    datanet: card.datanet,
    ...{ adapter: 'none', tool: 'none', category: 'inference' },
    ...(approval === undefined ? {} : { approval }),
  }
}

/** Nobody promises who shaped what it brings, and no device is reserved for it. */
function ofTerms(
  { key, terms }: Pick<Event.DecidedOnTerms, 'key' | 'terms'>,
  { tool = 'none', category = terms.kind, hold, approval }: Options,
): Budget.Request {
  const { requestDigest, asset, payAtoms, payTo, model } = terms
  return {
    id: hold,
    digest: requestDigest,
    agent: key.agent,
    asset: asset.id,
    atoms: BigInt(payAtoms),
    payee: payTo,
    host: terms.kind === 'resource' ? new URL(terms.url).host : 'none',
    model,
    royaltySharePpb: 0n,
    trustTier: 0,
    deviceMs: 0n,
    ...{ datanet: 'none', adapter: 'none', tool, category },
    ...(terms.kind === 'call' ? factsOf(terms) : {}),
    ...(approval === undefined ? {} : { approval }),
  }
}

/** What the agent measured itself, as it was recorded. */
function factsOf({ facts }: Extract<Event.DecidedOnTerms['terms'], { kind: 'call' }>) {
  const { slippagePpb, drawdown, price } = facts
  return {
    ...(slippagePpb && { slippagePpb: BigInt(slippagePpb) }),
    ...(drawdown && { drawdown: { ...drawdown, ppb: BigInt(drawdown.ppb) } }),
    ...(price && { price: { ...price, atoms: BigInt(price.atoms) } }),
  }
}

/** Of the largest price, what goes to those who shaped the answer if no more is proved than promised. */
function royaltyShare(stdUs: bigint, rates: Price.Rates, sharePpb: bigint): bigint {
  const shaped = { artifact: '0x' as Hex, sharePpb, rarityPpb: 0n }
  const { influenceNano, chargedAtoms } = Price.of(stdUs, rates, [shaped])
  const totalNano = chargedAtoms * Money.nanoPerAtom
  return totalNano === 0n ? 0n : (influenceNano * Share.whole) / totalNano
}
