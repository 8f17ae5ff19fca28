/**
 * @module Registry: where agents find one another. Sellers announce themselves, payers attest what they
 * got; it keeps the latest signed word of each, in memory, bounded, and vouches for nothing: whoever reads
 * it checks signatures and payments again. It never opens a URL that somebody handed in.
 */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Asset } from '../kernel/Asset.ts'
import type { Clock } from '../kernel/Clock.ts'
import { InputError, problem } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Attestation from '../market/Attestation.ts'
import * as Listing from '../market/Listing.ts'
import type { Chain } from '../wallets/Chain.ts'
import * as Wallet from '../wallets/Wallet.ts'
import * as RateLimit from './RateLimit.ts'

/** How a registry is opened. */
export type Options = {
  /** Where payments are looked up before a word about them is kept. */
  readonly chain: Pick<Chain, 'lookUpPayment'>
  /** What counts as a payment. */
  readonly asset: Asset
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: Clock
  /** Tells who asks, for rate limits. */
  readonly address?: (context: Context) => string
}

const mostBodyBytes = 256 * 1024
const mostListings = 10_000
const mostWordsOfOneSeller = 1_000
const mostAnswered = 100

type Kept = {
  readonly listings: Map<Hex, Listing.Signed>
  /** By seller, then by payer and payment: the latest word on each. */
  readonly words: Map<Hex, Map<string, Attestation.Signed>>
}

/** The app: `POST` and `GET /v1/agents`, `POST` and `GET /v1/attestations`. Serve it with `Http.serve`. */
export function create(options: Options): Hono {
  const { now = Date.now, address = () => 'local' } = options
  const kept: Kept = { listings: new Map(), words: new Map() }
  const limit = RateLimit.perMinute(600, now)
  const app = new Hono()
  app.use(async (context, next) => {
    if (limit(address(context))) return next()
    return refuse(context, 429, 'rate-limited', 'too many requests')
  })
  app.use(
    bodyLimit({
      maxSize: mostBodyBytes,
      onError: (context) => {
        context.header('Connection', 'close')
        return refuse(context, 413, 'body-too-large', `expected at most ${mostBodyBytes} bytes`)
      },
    }),
  )
  app.onError((error, context) => {
    const details = problem(error)
    const message = details.title
    return context.json(
      { error: { ...details, message, type: details.code } },
      error instanceof InputError ? 400 : 503,
    )
  })
  app.notFound((context) =>
    refuse(context, 404, 'not-found', 'expected /v1/agents or /v1/attestations'),
  )
  app.post('/v1/agents', async (context) => {
    announce(kept, Listing.parse(await body(context)), now())
    return context.json({ ok: true })
  })
  app.get('/v1/agents', (context) => context.json(find(kept, context.req.query(), now())))
  app.post('/v1/attestations', async (context) => {
    await attest(kept, Attestation.parse(await body(context)), options)
    return context.json({ ok: true })
  })
  app.get('/v1/attestations', (context) => {
    const words = kept.words.get(context.req.query('seller') as Hex) ?? new Map()
    return context.json({ attestations: [...words.values()].slice(-mostAnswered) })
  })
  return app
}

/** Takes a seller's word. Throws `InputError` for what is not to be believed, or is older than what is kept. */
function announce({ listings }: Kept, signed: Listing.Signed, nowMs: number): void {
  const { seller, issuedAtMs } = signed.listing
  const because = Listing.fault(signed, { nowMs, verifySignature: Wallet.verifyTypedData })
  if (because !== undefined) throw new InputError(because, { code: 'listing-refused' })
  const known = listings.get(seller)?.listing.issuedAtMs ?? -1
  if (issuedAtMs < known)
    throw new InputError('listing older than the one that is kept', { code: 'listing-refused' })
  for (const [other, { listing }] of listings)
    if (listing.expiresAtMs <= nowMs) listings.delete(other)
  if (!listings.has(seller) && listings.size >= mostListings)
    throw new InputError(`expected room for another of ${mostListings} listings, found none`, {
      code: 'registry-full',
    })
  // Whoever spoke last stands last.
  listings.delete(seller)
  listings.set(seller, signed)
}

/** Live listings that sell `model`, or whose words hold `about`; the latest first. */
function find(
  { listings }: Kept,
  { model, about }: Record<string, string>,
  nowMs: number,
): { readonly agents: readonly Listing.Signed[] } {
  const words = about?.toLowerCase().split(/\s+/).filter(Boolean) ?? []
  const agents = [...listings.values()].reverse().filter(({ listing }) => {
    if (listing.expiresAtMs <= nowMs) return false
    if (model !== undefined && !listing.offers.some((offer) => offer.model === model)) return false
    const text = JSON.stringify([listing.name, listing.offers]).toLowerCase()
    return words.every((word) => text.includes(word))
  })
  return { agents: agents.slice(0, mostAnswered) }
}

/** Takes a payer's word, once its payment is found on the chain. Throws `InputError` for what proves nothing. */
async function attest(
  { words }: Kept,
  signed: Attestation.Signed,
  { asset, chain }: Options,
): Promise<void> {
  const { attestation } = signed
  const because = Attestation.fault(signed, {
    asset,
    verifySignature: Wallet.verifyTypedData,
    // What it brings as evidence is not needed: the chain is asked.
    paymentFault: () => undefined,
  })
  if (because !== undefined) throw new InputError(because, { code: 'attestation-refused' })
  const payment = Attestation.paymentOf(attestation)
  const { kind } = await chain.lookUpPayment(payment)
  if (kind !== 'paid')
    throw new InputError(`expected a payment that is final on chain, found it ${kind}`, {
      code: 'attestation-refused',
    })
  const { seller } = attestation.quote.quote
  const known = words.get(seller) ?? new Map<string, Attestation.Signed>()
  const key = `${attestation.payer}/${attestation.paymentNonce}`
  const before = known.get(key)
  const [latest] = Attestation.latest([...(before ? [before.attestation] : []), attestation])
  if (latest !== attestation) return
  known.delete(key)
  known.set(key, signed)
  if (known.size > mostWordsOfOneSeller) known.delete(known.keys().next().value!)
  words.set(seller, known)
}

async function body(context: Context): Promise<unknown> {
  return Json.parse(await context.req.text(), 'the body')
}

function refuse(context: Context, status: 404 | 413 | 429, code: string, message: string) {
  return context.json({ error: { code, title: message, message, type: code } }, status)
}
