import { afterAll, describe, expect, test } from 'vitest'
import * as Directory from '../../src/agents/Directory.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Attestation from '../../src/market/Attestation.ts'
import type * as Listing from '../../src/market/Listing.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Http from '../../src/server/Http.ts'
import * as Registry from '../../src/server/Registry.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Terms from '../harness/Terms.ts'

const { asset, nowMs } = Terms
const seller = Wallet.generate()
const payer = Wallet.generate()
const quote = Terms.quote({ seller: seller.address, payer: payer.address })
const receipt = Terms.receipt(quote)
const listeners: Http.Listening[] = []
afterAll(() => Promise.all(listeners.map((each) => each.close())))

const isPaid: Record<string, boolean> = { [receipt.paymentNonce]: true }
const chain = {
  lookUpPayment: async ({ nonce }: { nonce: string }) =>
    isPaid[nonce]
      ? ({ kind: 'paid', evidence: {} as never } as const)
      : ({ kind: 'unused', finalTimestampSec: 0 } as const),
}

async function registry() {
  const app = Registry.create({ asset, chain, now: () => nowMs })
  return serve(app.fetch)
}
async function serve(fetch: Http.Fetch) {
  const listening = await Http.serve(fetch, 0)
  listeners.push(listening)
  return listening.baseUrl
}
const open = (...registries: string[]) => at(0, ...registries)
const at = (laterMs: number, ...registries: string[]) =>
  Directory.open({ registries, asset, chain, now: () => nowMs + laterMs })
const dead = 'http://127.0.0.1:9'

const listing: Directory.Said = {
  ...{ name: 'Tide desk', baseUrl: 'http://127.0.0.1:4020/v1' },
  offers: [{ model: 'tides', kind: 'skill', description: 'When high water comes' }],
}

async function word(change: Partial<Attestation.Attestation> = {}) {
  const attestation: Attestation.Attestation = {
    ...{ v: 1, payer: payer.address, isGood: true, atMs: nowMs },
    quote: { quote, signature: await seller.signTypedData(Quote.typedData(quote)) },
    receipt: { receipt, signature: await seller.signTypedData(Receipt.typedData(receipt)) },
    paymentNonce: receipt.paymentNonce,
    evidence: { chainId: 31_337, tx: Hash.text('tx') },
    ...change,
  }
  return { attestation, signature: await payer.signTypedData(Attestation.typedData(attestation)) }
}

describe('sellers', () => {
  test('announce themselves everywhere and are found once, by their latest word', async () => {
    const [one, other] = [await registry(), await registry()]
    await open(one, other).announce(seller, listing)
    await at(1, other).announce(seller, { ...listing, name: 'New desk' })
    const found = await open(one, other, dead).find({ model: 'tides' })
    expect(found).toEqual([
      {
        ...{ v: 1, seller: seller.address, asset, ...listing, name: 'New desk' },
        ...{ issuedAtMs: nowMs + 1, expiresAtMs: nowMs + 1 + 3_600_000 },
      },
    ])
    expect(await open(one).find({ about: 'high water' })).toHaveLength(1)
    expect(await open(one).find({ model: 'bees' })).toEqual([])
  })

  test('are told why a registry does not take their word', async () => {
    const directory = open(await registry())
    await expect(
      directory.announce(seller, { ...listing, expiresAtMs: nowMs }),
    ).rejects.toMatchObject({ code: 'registry-refused', message: /has expired/ })
  })

  test('that a registry makes up are not found', async () => {
    const honest = await registry()
    await open(honest).announce(seller, listing)
    const signed = (await (await fetch(`${honest}/v1/agents`)).json()) as {
      agents: [{ listing: Listing.Listing; signature: string }]
    }
    const [{ listing: said, signature }] = signed.agents
    const lies = [
      { listing: { ...said, baseUrl: 'http://127.0.0.1:6666/v1' }, signature },
      { listing: said, signature: `0x${'0'.repeat(130)}` },
      { listing: { ...said, seller: payer.address }, signature },
      ...[null, 'listing', { listing: said }],
    ]
    const liar = await serve(() => Response.json({ agents: lies }))
    expect(await open(liar).find({})).toEqual([])
    expect(await open(liar, honest).find({})).toHaveLength(1)
    const other = await serve(() => Response.json(signed))
    // It answers everything with the same: what was not sought is not found.
    expect(await open(other).find({ model: 'bees' })).toEqual([])
  })

  test.each<[string, () => Response]>([
    ['garbage', () => new Response('<html>')],
    ['another shape', () => Response.json({ agents: 'all of them' })],
  ])('are none where a registry answers %s', async (_, answer) => {
    expect(await open(await serve(answer)).find({})).toEqual([])
  })

  test('cannot be looked for where no registry answers', async () => {
    const failing = await serve(() => new Response('down', { status: 500 }))
    await expect(open(dead, failing).find({})).rejects.toMatchObject({
      ...{ code: 'registry-unreachable', retry: 'safe' },
    })
  })
})

describe('words about a seller', () => {
  test('are read where their payments are found on the chain', async () => {
    const directory = open(await registry(), await registry())
    await directory.attest(await word())
    expect(await directory.attestations(seller.address)).toEqual([(await word()).attestation])
    expect(await directory.attestations(payer.address)).toEqual([])
  })

  test('that a registry makes up count for nothing', async () => {
    const unpaid = Terms.receipt(quote, {})
    const other = { ...unpaid, paymentNonce: Hash.text('never paid') }
    const neverPaid = await word({
      receipt: {
        receipt: other,
        signature: await seller.signTypedData(Receipt.typedData(other)),
      },
      paymentNonce: other.paymentNonce,
    })
    const forged = { ...(await word()), signature: neverPaid.signature }
    const liar = await serve(() => Response.json({ attestations: [neverPaid, forged, {}, 7] }))
    expect(await open(liar).attestations(seller.address)).toEqual([])
  })

  test('without proof are not taken by a registry', async () => {
    const directory = open(await registry())
    const forged = { ...(await word()), signature: `0x${'1'.repeat(130)}` as const }
    await expect(directory.attest(forged)).rejects.toMatchObject({ code: 'registry-refused' })
  })
})
