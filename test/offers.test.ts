/** A node with several offers and no documents: each listed, quoted and sold under its own name and price. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import * as Verify from '../examples/support/Verify.ts'
import * as Library from '../src/server/Library.ts'
import * as Offer from '../src/server/Offer.ts'
import * as Skill from '../src/server/Skill.ts'
import * as Shop from './clients/Shop.ts'
import * as Market from './harness/Market.ts'

const offers = [
  Skill.offer({
    ...{ name: 'shout', description: 'Says it louder', priceAtoms: 1_234n },
    run: ({ input }) => input.toUpperCase(),
  }),
  Skill.offer({
    ...{ name: 'whisper', description: 'Says it <softly>', priceAtoms: 77n },
    run: ({ input }) => input.toLowerCase(),
  }),
  Skill.offer({
    ...{ name: 'forge', description: 'Names receipts that are none', priceAtoms: 1n },
    run: () => ({ text: 'fine', consumed: ['0x12'] }),
  }),
]

let market: Market.Market
beforeAll(async () => {
  market = await Market.open({ offers, documents: [] })
})
afterAll(async () => {
  const { failures, records } = Verify.folders(`${market.scratch}/node`)
  expect({ failures, isSold: records > 8 }).toEqual({ failures: 0, isSold: true })
  await market.close()
})

async function pay(model: string, content: string) {
  const { wallet } = await market.agent()
  const { send } = await Shop.payment(market, { ...Shop.chat(content), model }, { wallet })
  return { response: await send(), paid: () => market.paid(wallet.address) }
}

test('all are listed, with their cards and what they are good for', async () => {
  const response = await fetch(`${market.baseUrl}/models`)
  const { data } = (await response.json()) as { data: { id: string; description: string }[] }
  expect(data).toMatchObject(
    offers.map(({ card, description }) => ({ id: card.model, description, requite: { card } })),
  )
  const page = await (await fetch(market.baseUrl.replace(/\/v1$/, '/'))).text()
  for (const { id } of data) expect(page).toContain(`<code>${id}</code>`)
  expect(page).toContain('Says it &lt;softly&gt;')
})

/** What A2A 1.0 demands of a card (its specification, § 4.4.1 and on), with 0.3's names beside. */
const agentCard = z.looseObject({
  name: z.string().min(1),
  description: z.string().min(1),
  version: z.string().min(1),
  ...{ url: z.url(), preferredTransport: z.string().min(1), protocolVersion: z.string() },
  supportedInterfaces: z
    .array(
      z.strictObject({
        ...{ url: z.url(), protocolBinding: z.string().min(1), protocolVersion: z.string() },
      }),
    )
    .min(1),
  provider: z.strictObject({ organization: z.string().min(1), url: z.url() }),
  capabilities: z.strictObject({
    ...{ streaming: z.boolean(), pushNotifications: z.boolean() },
    extensions: z.array(
      z.strictObject({
        ...{ uri: z.url(), description: z.string(), required: z.boolean() },
        params: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
  defaultInputModes: z.array(z.string()).min(1),
  defaultOutputModes: z.array(z.string()).min(1),
  skills: z
    .array(
      z.strictObject({
        ...{ id: z.string().min(1), name: z.string().min(1), description: z.string().min(1) },
        tags: z.array(z.string()).min(1),
      }),
    )
    .min(1),
})

test('an agent card names each as a skill, and how it is paid', async () => {
  const site = market.baseUrl.replace(/\/v1$/, '')
  const response = await fetch(`${site}/.well-known/agent-card.json`)
  expect(response.headers.get('content-type')).toContain('application/json')
  const card = agentCard.parse(await response.json())
  expect(card.url).toBe(market.baseUrl)
  expect(card.supportedInterfaces[0]).toMatchObject({ url: market.baseUrl })
  expect(card.skills.map(({ id }) => id)).toEqual(['shout', 'whisper', 'forge'])
  expect(card.skills[0]!.description).toBe('Says it louder. At most 0.001234 USDC a call.')
  const { asset, till: payTo } = market.contracts
  expect(card.capabilities.extensions[0]!.params).toMatchObject({
    ...{ network: 'eip155:31337', asset: asset.id, payTo, scheme: 'exact' },
    seller: market.node.wallet.address,
  })
})

test.each([
  ['shout', 'HELLO', 1_234n],
  ['whisper', 'hello', 77n],
])('%s is answered by its own engine at its own price', async (model, content, atoms) => {
  const { response, paid } = await pay(model, 'Hello')
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    model,
    choices: [{ message: { content } }],
    requite: { receipt: { model, money: { chargedAtoms: String(atoms) } } },
  })
  expect(await paid()).toEqual([atoms])
})

test('an engine that names receipts that cannot be has failed, unpaid', async () => {
  const { response, paid } = await pay('forge', 'Hello')
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ error: { code: 'engine-failed' } })
  expect(await paid()).toEqual([])
})

test('two offers of one name are none, and none is none', () => {
  const { library } = market.node
  expect(() => Offer.open([offers[0]!, offers[0]!], library)).toThrow(/two of shout/)
  expect(() => Offer.open([], library)).toThrow(/at least one/)
  expect(Library.reader(library, offers[0]!.card).card.model).toBe('shout')
})
