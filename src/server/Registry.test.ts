import { describe, expect, test } from 'vitest'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Attestation from '../market/Attestation.ts'
import * as Listing from '../market/Listing.ts'
import * as Quote from '../market/Quote.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Wallet from '../wallets/Wallet.ts'
import * as Registry from './Registry.ts'

const seller = Wallet.generate()
const payer = Wallet.generate()
const { nowMs, asset } = Terms

function open(paid: readonly string[] = []) {
  let aheadMs = 0
  const app = Registry.create({
    asset,
    now: () => nowMs + aheadMs,
    chain: {
      lookUpPayment: async ({ nonce }) =>
        paid.includes(nonce)
          ? { kind: 'paid', evidence: {} as never }
          : { kind: 'unused', finalTimestampSec: 0 },
    },
  })
  const post = async (path: string, value: unknown) => {
    const response = await app.request(path, { method: 'POST', body: JSON.stringify(value) })
    const json = (await response.json()) as { ok?: true; error?: { code: string; message: string } }
    return json.ok ?? `${response.status} ${json.error!.code}: ${json.error!.message}`
  }
  const get = async (path: string) =>
    (await (await app.request(path)).json()) as { agents?: Listing.Signed[] }
  const agents = async (query = '') => (await get(`/v1/agents${query}`)).agents!
  return { app, post, get, agents, pass: (ms: number) => (aheadMs += ms) }
}

const listing: Listing.Listing = {
  ...{
    v: 1,
    seller: seller.address,
    name: 'Tide desk',
    baseUrl: 'http://127.0.0.1:4020/v1',
    asset,
  },
  offers: [
    { model: 'tides', kind: 'skill', description: 'When high water comes, at any pier' },
    { model: 'docs-reader', kind: 'extractive', description: 'Passages from the almanac' },
  ],
  ...{ issuedAtMs: nowMs, expiresAtMs: nowMs + 3_600_000 },
}
async function signed(change: Partial<Listing.Listing> = {}, by = seller) {
  const body = { ...listing, ...change }
  return { listing: body, signature: await by.signTypedData(Listing.typedData(body)) }
}

describe('sellers', () => {
  test('are found by what they sell and by the words they say it with', async () => {
    const { post, agents } = open()
    const other = Wallet.generate()
    expect(await post('/v1/agents', await signed())).toBe(true)
    const offers = [{ model: 'bees', kind: 'skill', description: 'Where clover stands' } as const]
    expect(await post('/v1/agents', await signed({ seller: other.address, offers }, other))).toBe(
      true,
    )
    const found = async (query: string) => (await agents(query)).map((each) => each.listing.seller)
    expect(await found('')).toEqual([other.address, seller.address])
    expect(await found('?model=tides')).toEqual([seller.address])
    expect(await found('?model=tide')).toEqual([])
    expect(await found('?about=HIGH%20water')).toEqual([seller.address])
    expect(await found('?about=clover')).toEqual([other.address])
    expect((await agents('?model=tides'))[0]).toEqual(await signed())
  })

  test('say something new, and are forgotten when they fall silent', async () => {
    const { post, agents, pass } = open()
    await post('/v1/agents', await signed())
    const later = { issuedAtMs: nowMs + 1, name: 'New desk' }
    expect(await post('/v1/agents', await signed(later))).toBe(true)
    expect(await post('/v1/agents', await signed())).toBe(
      '400 listing-refused: listing older than the one that is kept',
    )
    expect((await agents()).map((each) => each.listing.name)).toEqual(['New desk'])
    pass(3_600_000)
    expect(await agents()).toEqual([])
  })

  test.each<[string, Partial<Listing.Listing>]>([
    ['listing that has expired', { expiresAtMs: nowMs }],
    ['listing from the future', { issuedAtMs: nowMs + 60_001 }],
    ['listing that lasts longer than a day', { expiresAtMs: nowMs + Listing.longestMs + 1 }],
    ['listing that its seller did not sign', { seller: payer.address }],
  ])('are not believed: %s', async (because, change) => {
    const { post, agents } = open()
    expect(await post('/v1/agents', await signed(change))).toBe(`400 listing-refused: ${because}`)
    expect(await agents()).toEqual([])
  })

  test.each<[string, Partial<Listing.Listing>]>([
    ['a script for a URL', { baseUrl: 'javascript:alert(1)' }],
    ['a password in it', { baseUrl: 'http://me:secret@127.0.0.1/v1' }],
    ['no offer', { offers: [] }],
    ['a member nobody knows', { weight: 9 } as never],
  ])('are malformed with %s', async (_, change) => {
    const { post, agents } = open()
    expect(await post('/v1/agents', await signed(change))).toMatch(/^400 listing-malformed: /)
    expect(await agents()).toEqual([])
  })
})

describe('a payer’s word', () => {
  const quote = Terms.quote({ seller: seller.address, payer: payer.address })
  const receipt = Terms.receipt(quote)
  async function word(change: Partial<Attestation.Attestation> = {}) {
    const attestation: Attestation.Attestation = {
      ...{ v: 1, payer: payer.address, isGood: true, atMs: nowMs },
      quote: { quote, signature: await seller.signTypedData(Quote.typedData(quote)) },
      receipt: { receipt, signature: await seller.signTypedData(Receipt.typedData(receipt)) },
      paymentNonce: receipt.paymentNonce,
      evidence: { chainId: 31_337, tx: Hash.text('tx') },
      ...change,
    }
    const signature = await payer.signTypedData(Attestation.typedData(attestation))
    return { attestation, signature }
  }
  const path = `/v1/attestations?seller=${seller.address}`

  test('is kept once its payment is found on chain; of several the latest', async () => {
    const { post, get } = open([receipt.paymentNonce])
    const later = await word({ isGood: false, atMs: nowMs + 1, because: 'late' })
    for (const each of [await word(), later, await word()])
      expect(await post('/v1/attestations', each)).toBe(true)
    expect(await get(path)).toEqual({ attestations: [later] })
    expect(await get(`/v1/attestations?seller=${payer.address}`)).toEqual({ attestations: [] })
  })

  test('about nothing that was paid is refused', async () => {
    const { post, get } = open()
    expect(await post('/v1/attestations', await word())).toBe(
      '400 attestation-refused: expected a payment that is final on chain, found it unused',
    )
    const forged = await word({ payer: Wallet.generate().address })
    expect(await post('/v1/attestations', forged)).toMatch(/^400 attestation-refused: /)
    expect(await get(path)).toEqual({ attestations: [] })
  })
})

test('strangers who ask too much or send too much are told so', async () => {
  const { app, post } = open()
  expect(await post('/v1/agents', 'x'.repeat(300_000))).toMatch(/^413 body-too-large/)
  expect(await post('/v1/agents', 'no listing')).toMatch(/^400 listing-malformed/)
  const codes = []
  for (let asked = 0; asked < 601; asked += 1) codes.push((await app.request('/v1/agents')).status)
  expect(codes.at(-1)).toBe(429)
  expect((await app.request('/elsewhere')).status).toBe(429)
})
