/**
 * @module Bidding: several sellers, one of whom is bought from. Who is asked, what they are asked to match,
 * and which quote is taken; nothing is signed here but requests for quotes.
 */
import * as PolicyRequest from '../economy/PolicyRequest.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import type { PurchaseKey } from '../kernel/Id.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import * as Attestation from '../market/Attestation.ts'
import * as Choice from '../market/Choice.ts'
import * as Quote from '../market/Quote.ts'
import * as Reputation from '../market/Reputation.ts'
import * as Budget from '../policies/Budget.ts'
import * as Attesting from './Attesting.ts'
import type { Directory } from './Directory.ts'
import type * as Effect from './Effect.ts'
import type * as Purchase from './Purchase.ts'
import * as Quoting from './Quoting.ts'
import * as Seller from './Seller.ts'

/** A seller's quote, as it was taken. */
export type Bid = {
  readonly offer: Purchase.Offer
  readonly quote: Quote.Signed
  /** What it was chosen among. */
  readonly choice: Choice.Recorded
}

/** Who is asked, and what matters. */
export type Tender = {
  readonly model: string
  /** Endpoints of sellers that are known, e.g. `http://127.0.0.1:4020/v1`: at most ten are asked what they sell. */
  readonly sellers?: readonly string[]
  /** Where others are found. */
  readonly directory?: Directory
  /** How many are asked for a quote; 3 unless given. */
  readonly most?: number
  /** The most that would be paid: whoever asks for more is asked once to come down to it. */
  readonly mostAtoms?: bigint
  /** What a millisecond of waiting is worth, in nano-atoms; nothing unless given. */
  readonly tauNanoPerMs?: bigint
  /** How often another than the best is tried, so that newcomers have a chance; 5 % unless given. */
  readonly explorePpb?: bigint
}

/** For which attempt bids are asked. */
export type Attempt = {
  readonly key: PurchaseKey
  readonly purchase: Hex
  readonly requestDigest: Hex
  /** Sellers that failed this job before. */
  readonly excluded: ReadonlySet<Hex>
}

/** What bidding needs of the world. */
export type Ports = Pick<
  Effect.Ports,
  'runtime' | 'wallet' | 'asset' | 'books' | 'policy' | 'signal'
>

const mostKnown = 10

/** The bid that is taken; undefined when nobody who may be asked bids. */
export async function take(
  ports: Ports,
  tender: Tender,
  attempt: Attempt,
): Promise<Bid | undefined> {
  const offers = await shortlist(ports, tender, attempt)
  const quoted = await Promise.all(offers.map((offer) => timed(ports, offer, attempt)))
  const bids = await countered(ports, tender, attempt, quoted.filter(isBid))
  const allowed = bids.filter((bid) => isAllowed(ports, attempt, bid))
  // When the policy allows none, the best is put before it all the same: its reasons go on record.
  const judged = allowed.length > 0 ? allowed : bids
  if (judged.length === 0) return undefined
  // Others' words weigh in full when what they lost for good is a tenth of what is at stake here.
  const observationNano = (least(judged.map(price)) * nanoPerAtom) / 10n + 1n
  const own = Attesting.experience(ports.books.state.purchases, observationNano)
  const known = { own, observationNano }
  const candidates = await Promise.all(judged.map((bid) => candidate(ports, tender, bid, known)))
  const { tauNanoPerMs = 0n, explorePpb = Choice.usualExplorePpb } = tender
  const options = { tauNanoPerMs, explorePpb }
  const { index } = Choice.of(candidates, { purchase: attempt.purchase, ...options })
  const { offer, quote } = judged[index]!
  return { offer, quote, choice: recorded(judged, candidates, options) }
}

function recorded(
  bids: readonly Timed[],
  candidates: readonly Choice.Candidate[],
  { tauNanoPerMs, explorePpb }: { readonly tauNanoPerMs: bigint; readonly explorePpb: bigint },
): Choice.Recorded {
  return {
    candidates: candidates.map(({ seller, priceAtoms, latencyMs, reputationPpb }, at) => ({
      ...{ seller, latencyMs, priceAtoms: String(priceAtoms) },
      quoteHash: Quote.hash(bids[at]!.quote.quote),
      reputationPpb: String(reputationPpb),
    })),
    ...{ tauNanoPerMs: String(tauNanoPerMs), explorePpb: String(explorePpb) },
  }
}

/** Nobody sells it, or nobody else. */
export function missing(model: string, excluded: ReadonlySet<Hex>): BaseError {
  const others = excluded.size === 0 ? '' : ` besides ${[...excluded].join(', ')}`
  return new BaseError(`expected a seller of ${model}${others}, found none that quotes`, {
    code: 'sellers-missing',
    hint: 'name sellers by their URL, or a registry that knows some',
    retry: 'safe',
  })
}

type Timed = Omit<Bid, 'choice'> & { readonly latencyMs: number }

/** Offers of those who are asked: one a seller, none that failed before, and a newcomer among them. */
async function shortlist(
  ports: Ports,
  { model, sellers = [], directory, most = 3 }: Tender,
  { excluded, purchase }: Attempt,
): Promise<Purchase.Offer[]> {
  const known = sellers.slice(0, mostKnown).map((baseUrl) => ({ baseUrl, seller: undefined }))
  const listed = directory === undefined ? [] : await directory.find({ model })
  const live = listed.filter(({ seller }) => !excluded.has(seller))
  const asked = [...known, ...drawn(ports, live, { most, purchase })]
  const found = await Promise.all(
    asked.map(async ({ baseUrl, seller }) => {
      const offer = await attempted(() => Seller.discover(baseUrl, model, ports.signal))
      return seller === undefined || offer?.seller === seller ? offer : undefined
    }),
  )
  const bySeller = new Map<Hex, Purchase.Offer>()
  for (const offer of found)
    if (offer !== undefined && !excluded.has(offer.seller) && !bySeller.has(offer.seller))
      bySeller.set(offer.seller, offer)
  return drawn(ports, [...bySeller.values()], { most, purchase })
}

/** The best by own experience, and in the last place one of the others by lot. */
function drawn<Item extends { readonly seller: Hex }>(
  { books, runtime }: Ports,
  items: readonly Item[],
  { most, purchase }: { readonly most: number; readonly purchase: Hex },
): Item[] {
  if (items.length <= most) return [...items]
  const seen = Attesting.experience(books.state.purchases, 1n)
  const options = { nowMs: runtime.now(), observationNano: 1n }
  const ranked = items
    .map((item) => ({
      item,
      reputation: Reputation.of(item.seller, seen, options),
      lot: Hash.digest([purchase, item.seller]),
    }))
    .sort((a, b) => compare(b.reputation, a.reputation) || compare(a.lot, b.lot))
  const best = ranked.slice(0, most - 1)
  const other = ranked.slice(most - 1).sort((a, b) => compare(a.lot, b.lot))[0]!
  return [...best, other].map(({ item }) => item)
}

async function timed(
  ports: Ports,
  offer: Purchase.Offer,
  { requestDigest }: Attempt,
  mostAtoms?: bigint,
): Promise<Timed | undefined> {
  const startedMs = ports.runtime.now()
  const asked = { requestDigest, ...(mostAtoms === undefined ? {} : { mostAtoms }) }
  const quote = await attempted(() => Quoting.ask(ports, offer, asked))
  if (quote === undefined) return undefined
  if (Quoting.fault(ports, { offer, requestDigest }, quote) !== undefined) return undefined
  return { offer, quote, latencyMs: Math.max(0, ports.runtime.now() - startedMs) }
}

/** Whoever asks for more than another, or than would be paid, is asked once to match it. */
async function countered(
  ports: Ports,
  { mostAtoms }: Tender,
  attempt: Attempt,
  bids: readonly Timed[],
): Promise<Timed[]> {
  if (bids.length === 0) return []
  const target = least([...bids.map(price), ...(mostAtoms === undefined ? [] : [mostAtoms])])
  return Promise.all(
    bids.map(async (bid) => {
      if (price(bid) <= target) return bid
      const lower = await timed(ports, bid.offer, attempt, target)
      return lower !== undefined && price(lower) < price(bid)
        ? { ...lower, latencyMs: bid.latencyMs }
        : bid
    }),
  )
}

function isAllowed(
  { books, policy, runtime }: Ports,
  { key, purchase }: Attempt,
  { offer, quote: { quote } }: Timed,
): boolean {
  const decided = { key, quote, card: offer.card }
  const host = new URL(offer.baseUrl).host
  const request = PolicyRequest.of(decided, { host, hold: purchase })
  const { usage } = books.state.purchases
  return Budget.explain(usage, policy, request, runtime.now()).verdict === 'allow'
}

/** The agent's own experience, and what an observation weighs beside it. */
type Known = { readonly own: readonly Reputation.Evidence[]; readonly observationNano: bigint }

/** What is known of a bid: what it costs, how long its seller took, how often it was as good as its word. */
async function candidate(
  { runtime, wallet }: Ports,
  { directory }: Tender,
  bid: Timed,
  { own, observationNano }: Known,
): Promise<Choice.Candidate> {
  const { seller } = bid.offer
  const heard = await attempted(async () => (await directory?.attestations(seller)) ?? [])
  const others = (heard ?? []).filter(({ payer }) => payer !== wallet.address)
  const evidence = [...own, ...others.map(Attestation.evidence)]
  return {
    seller,
    priceAtoms: price(bid),
    latencyMs: bid.latencyMs,
    reputationPpb: Reputation.of(seller, evidence, { nowMs: runtime.now(), observationNano }),
  }
}

/** The price without the change that one seller or the other applies. */
function price({ quote: { quote } }: Timed): bigint {
  return BigInt(quote.maxAtoms)
}

function least(amounts: readonly bigint[]): bigint {
  return [...amounts].sort(compare)[0]!
}

function isBid(bid: Timed | undefined): bid is Timed {
  return bid !== undefined
}

async function attempted<Value>(ask: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof BaseError) return undefined
    throw error
  }
}

function compare<Value extends bigint | string>(left: Value, right: Value): number {
  return left === right ? 0 : left < right ? -1 : 1
}
