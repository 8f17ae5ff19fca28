/** @module What a policy is asked about a quote: every attribute it may read, by quote, card and key alone. */
import type { Hex } from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import * as Price from '../market/Price.ts'
import * as Quote from '../market/Quote.ts'
import * as Work from '../market/Work.ts'
import type * as Budget from '../policies/Budget.ts'
import type * as Event from './Event.ts'

/** What does not follow from the quote. */
export type Options = {
  /** `host:port` the seller is asked at. */
  readonly host: string
  /** The id it is held under: the purchase's, or that of the attempt which was approved. */
  readonly hold: Hex
  readonly approval?: Budget.Approval | undefined
}

/** The request of a quote. */
export function of(
  { key, quote, card }: Pick<Event.Of<'decided'>, 'key' | 'quote' | 'card'>,
  { host, hold, approval }: Options,
): Budget.Request {
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
    royaltySharePpb: royaltyShare(stdUs, Quote.rates(quote), coveragePpb),
    // Nobody vouches for the device yet.
    trustTier: 0,
    deviceMs: (stdUs + 999n) / 1_000n,
    datanet: card.datanet,
    ...{ adapter: 'none', tool: 'none', category: 'inference' },
    ...(approval === undefined ? {} : { approval }),
  }
}

/** Of the largest price, what goes to those who shaped the answer if no more is proved than promised. */
function royaltyShare(stdUs: bigint, rates: Price.Rates, coveragePpb: bigint): bigint {
  const shaped = { artifact: '0x' as Hex, sharePpb: coveragePpb, rarityPpb: 0n }
  const { influenceNano, chargedAtoms } = Price.of(stdUs, rates, [shaped])
  const totalNano = chargedAtoms * Money.nanoPerAtom
  return totalNano === 0n ? 0n : (influenceNano * Share.whole) / totalNano
}
