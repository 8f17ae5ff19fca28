/**
 * @module Directory: registries as an agent sees them. Everything read is checked again, whoever keeps it;
 * a registry that is down or lies is passed over while another answers.
 */
import { z } from 'zod'
import type { Asset } from '../kernel/Asset.ts'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Attestation from '../market/Attestation.ts'
import * as Listing from '../market/Listing.ts'
import type { Chain } from '../wallets/Chain.ts'
import * as Wallet from '../wallets/Wallet.ts'
import * as Transport from './Transport.ts'

/** How a directory is opened. */
export type Options = {
  /** Where registries are, e.g. `http://127.0.0.1:4021`. */
  readonly registries: readonly string[]
  /** What counts as a payment, and where payments are looked up. */
  readonly asset: Asset
  readonly chain: Pick<Chain, 'lookUpPayment'>
  readonly now?: Clock
}

/** Which sellers: of one model or skill, or whose words hold these. */
export type Sought = { readonly model?: string; readonly about?: string }

/** Registries, read and written. */
export type Directory = {
  /** Who sells it, as the sellers say; the latest word of each. Throws `registry-unreachable`. */
  find(sought: Sought): Promise<Listing.Listing[]>
  /** What payers say of a seller, as far as it is proved. Throws `registry-unreachable`. */
  attestations(seller: Hex): Promise<Attestation.Attestation[]>
  /**
   * Says where one sells and what, at every registry, for an hour unless told otherwise. Throws
   * `registry-refused`, `registry-unreachable`.
   */
  announce(wallet: Wallet.Wallet, said: Said): Promise<void>
  /** Says what one got, at every registry. Throws `registry-refused`, `registry-unreachable`. */
  attest(signed: Attestation.Signed): Promise<void>
}

/** What a seller says of itself. */
export type Said = Pick<Listing.Listing, 'name' | 'baseUrl' | 'offers'> & {
  readonly expiresAtMs?: number
}

const hourMs = 3_600_000

const limits = { mostMs: 5_000, stallMs: 5_000 }

const agents = z.object({ agents: z.array(z.unknown()).max(1_000) })
const attestations = z.object({ attestations: z.array(z.unknown()).max(1_000) })

/** Opens a directory; nothing is asked yet. */
export function open({ registries, asset, chain, now = Date.now }: Options): Directory {
  const verifySignature = Wallet.verifyTypedData
  /** What any registry answers, read and checked item by item. */
  const gather = async <Item>(path: string, read: (body: unknown) => (Item | undefined)[]) => {
    const answers = await Promise.allSettled(
      registries.map(async (base) => {
        const { status, body } = await ask(`${base}${path}`)
        if (status !== 200) throw unreachable(base, status)
        return read(body)
      }),
    )
    const heard = answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    if (heard.length === 0) throw unreachable(registries.join(' or '))
    return heard.flat().filter((item) => item !== undefined)
  }
  const tell = async (path: string, value: unknown) => {
    for (const base of registries) {
      const { status, body } = await ask(`${base}${path}`, value)
      if (status === 200) continue
      throw new BaseError(`the registry at ${base} refused: ${Transport.message(body) ?? status}`, {
        code: 'registry-refused',
        retry: status >= 500 || status === 429 ? 'safe' : 'never',
      })
    }
  }
  return {
    async find({ model, about }) {
      const query = new URLSearchParams({
        ...(model === undefined ? {} : { model }),
        ...(about === undefined ? {} : { about }),
      })
      const found = await gather(`/v1/agents?${query}`, (body) => {
        const parsed = agents.safeParse(body)
        return (parsed.success ? parsed.data.agents : []).map((item) => {
          const signed = attempt(() => Listing.parse(item))
          const fault = signed && Listing.fault(signed, { nowMs: now(), verifySignature })
          const isSought =
            model === undefined || signed?.listing.offers.some((offer) => offer.model === model)
          return fault === undefined && isSought ? signed?.listing : undefined
        })
      })
      const latest = new Map<Hex, Listing.Listing>()
      for (const listing of found) {
        const known = latest.get(listing.seller)
        if (known === undefined || known.issuedAtMs < listing.issuedAtMs)
          latest.set(listing.seller, listing)
      }
      return [...latest.values()]
    },
    async attestations(seller) {
      const found = await gather(`/v1/attestations?seller=${seller}`, (body) => {
        const parsed = attestations.safeParse(body)
        return (parsed.success ? parsed.data.attestations : []).map((item) => {
          const signed = attempt(() => Attestation.parse(item))
          const world = { asset, verifySignature, paymentFault: () => undefined }
          if (signed?.attestation.quote.quote.seller !== seller) return undefined
          return Attestation.fault(signed, world) === undefined ? signed.attestation : undefined
        })
      })
      const proved: Attestation.Attestation[] = []
      for (const attestation of Attestation.latest(found))
        if ((await chain.lookUpPayment(Attestation.paymentOf(attestation))).kind === 'paid')
          proved.push(attestation)
      return proved
    },
    async announce(wallet, { name, baseUrl, offers, expiresAtMs = now() + hourMs }) {
      const listing: Listing.Listing = {
        v: 1,
        ...{ seller: wallet.address, name, baseUrl, asset },
        offers: offers.map(({ model, kind, description }) => ({ model, kind, description })),
        ...{ issuedAtMs: now(), expiresAtMs },
      }
      const signature = await wallet.signTypedData(Listing.typedData(listing))
      await tell('/v1/agents', { listing, signature })
    },
    attest: (signed) => tell('/v1/attestations', signed),
  }
}

async function ask(url: string, value?: unknown) {
  const init =
    value === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(value),
          headers: { 'content-type': 'application/json' },
        }
  const reply = await Transport.send(url, init, limits)
  return { status: reply.status, body: await Transport.json(reply) }
}

function unreachable(where: string, status?: number): BaseError {
  const said = status === undefined ? 'did not answer' : `answered HTTP ${status}`
  return new BaseError(`the registry at ${where} ${said}`, {
    code: 'registry-unreachable',
    hint: 'is it running? name sellers by their URL to do without one',
    retry: 'safe',
  })
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof BaseError) return undefined
    throw error
  }
}
