import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { x402Facilitator } from '@x402/core/facilitator'
import type { FacilitatorClient } from '@x402/core/server'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme as StockFacilitator } from '@x402/evm/exact/facilitator'
import { ExactEvmScheme as StockServer } from '@x402/evm/exact/server'
import { paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../../test/harness/Market.ts'
import * as Asset from '../kernel/Asset.ts'
import * as LocalChain from '../wallets/LocalChain.ts'
import * as Wallet from '../wallets/Wallet.ts'
import * as SettlementSigner from '../wallets/x402/SettlementSigner.ts'
import * as Wire from '../wallets/x402/Wire.ts'
import type * as Buyer from './Buyer.ts'

/** Sold for: a tenth of a cent. */
const price = '1000'
let market: Market.Market
let stock: Hono
/** How often the resource was made. */
let made = 0

beforeAll(async () => {
  market = await Market.open()
  const { chain, contracts } = market
  const gasPayer = Wallet.fromPrivateKey(LocalChain.devKeys[6]!)
  const signer = toFacilitatorEvmSigner(SettlementSigner.from(chain, gasPayer, () => {}))
  const facilitator = new x402Facilitator().register(chain.network, new StockFacilitator(signer))
  const client: FacilitatorClient = {
    verify: (...given) => facilitator.verify(...given),
    settle: (...given) => facilitator.settle(...given),
    getSupported: async () => facilitator.getSupported() as never,
  }
  const { address: asset } = Asset.parts(contracts.asset.id)
  const server = new x402ResourceServer(client).register(chain.network, new StockServer())
  const accepts = {
    ...{ scheme: 'exact', network: chain.network, payTo: contracts.till },
    price: { amount: price, asset, extra: { name: 'USD Coin', version: '2' } },
    maxTimeoutSeconds: 60,
  }
  stock = new Hono()
  stock.use(
    paymentMiddleware({ 'GET /weather': { accepts }, 'POST /weather': { accepts } }, server),
  )
  stock.get('/weather', (context) => {
    made += 1
    return context.json({ sky: 'clear' }, 200, { 'x-made': String(made) })
  })
  stock.post('/weather', async (context) => context.text(`heard ${await context.req.text()}`))
  stock.get('/free', (context) => context.text('free'))
})
afterAll(() => market.close())

const served = (handle: (request: Request) => Promise<Response> | Response) =>
  market.front(async (request) => handle(request)).then((url) => url.replace(/\/v1$/, ''))
const open = () => served(async (request) => stock.fetch(request))
const step = { run: 'run', step: 0 }
const text = ({ response }: Buyer.Outcome) => new TextDecoder().decode(response!.body)

describe('an unmodified server of @x402/hono', () => {
  test('is paid once, and its answer kept with the evidence', async () => {
    const url = `${await open()}/weather`
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.fetch(url, undefined, { ...step, tool: 'weather' })
    expect(outcome).toMatchObject({ state: 'captured', paidAtoms: 1_000n, verdict: 'allow' })
    expect(outcome.states).toEqual([
      ...['discovering', 'quoting', 'deciding', 'paying', 'executing', 'verifying'],
      'captured',
    ])
    expect(outcome.response!.status).toBe(200)
    expect(JSON.parse(text(outcome))).toEqual({ sky: 'clear' })
    expect(outcome.evidence!.tx).toMatch(/^0x/)
    expect(await market.paid(wallet.address)).toEqual([1_000n])
    expect(buyer.status()[0]!.meter).toMatchObject({ used: '1000', held: '0' })
  })

  test('the same step again gives the same answer: nothing is asked, nothing is paid', async () => {
    const url = `${await open()}/weather`
    const { buyer, wallet, dir } = await market.agent()
    const first = await buyer.fetch(url, undefined, step)
    const before = made
    const [again, twice] = await Promise.all([
      buyer.fetch(url, undefined, step),
      buyer.fetch(url, undefined, step),
    ])
    for (const each of [again!, twice!]) {
      expect(each.state).toBe('captured')
      expect(text(each)).toBe(text(first))
    }
    await buyer.close()
    const reopened = await market.agent({ wallet, dir })
    expect(text(await reopened.buyer.fetch(url, undefined, step))).toBe(text(first))
    expect(made).toBe(before)
    expect(await market.paid(wallet.address)).toEqual([1_000n])
  })

  test('several at once under one step are one purchase', async () => {
    const url = `${await open()}/weather`
    const { buyer, wallet } = await market.agent()
    const all = await Promise.all([1, 2, 3].map(() => buyer.fetch(url, undefined, step)))
    expect(new Set(all.map(({ purchase }) => purchase)).size).toBe(1)
    expect(await market.paid(wallet.address)).toEqual([1_000n])
  })

  test('another request under the step is refused', async () => {
    const url = `${await open()}/weather`
    const { buyer } = await market.agent()
    await buyer.fetch(url, undefined, step)
    await expect(buyer.fetch(`${url}?at=2`, undefined, step)).rejects.toMatchObject({
      code: 'exists-with-different-request',
    })
  })

  test('bodies and headers go with the payment', async () => {
    const url = `${await open()}/weather`
    const { buyer } = await market.agent()
    const init = { method: 'post', body: 'rain', headers: { 'content-type': 'text/plain' } }
    expect(text(await buyer.fetch(url, init, step))).toBe('heard rain')
  })

  test('what asks for no money is given as it is, and nothing is bought', async () => {
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.fetch(`${await open()}/free`, undefined, step)
    expect(outcome).toMatchObject({ state: 'refused', code: 'resource-free', paidAtoms: 0n })
    expect(text(outcome)).toBe('free')
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test.each([
    ['a cap', ['cap 0.0005 USDC per payment'], 'deny'],
    ['an approval', ['approve above 0.0005 USDC by ops'], 'review'],
  ])('the policy decides: %s', async (_, rules, verdict) => {
    const { buyer, wallet } = await market.agent({ rules })
    const url = `${await open()}/weather`
    const outcome = await buyer.fetch(url, undefined, step)
    expect(outcome).toMatchObject({ state: 'refused', verdict })
    expect(await market.paid(wallet.address)).toEqual([])
    if (verdict === 'deny') return
    const [review] = buyer.reviews()
    const approved = await buyer.approve(review!.purchase, { by: 'ops' })
    expect(approved.state).toBe('captured')
    expect(text(approved)).toContain('clear')
    expect(await market.paid(wallet.address)).toEqual([1_000n])
  })

  test('no more than the caller would give', async () => {
    const { buyer, wallet } = await market.agent()
    const url = `${await open()}/weather`
    const outcome = await buyer.fetch(url, undefined, { ...step, mostAtoms: 999n })
    expect(outcome).toMatchObject({ state: 'refused', code: 'over-hold' })
    expect(await market.paid(wallet.address)).toEqual([])
  })
})

/** The terms of the stock server, changed on their way. */
async function asking(change: (required: Wire.Required, asked: number) => void) {
  let asked = 0
  return served(async (request) => {
    const response = await stock.fetch(request)
    const header = response.headers.get('payment-required')
    if (response.status !== 402 || header === null) return response
    const required = Wire.decodeRequired(header)
    change(required, asked++)
    const headers = { 'PAYMENT-REQUIRED': Wire.encode(required) }
    return Response.json(required, { status: 402, headers })
  })
}

const other = `0x${'5'.repeat(40)}` as const

describe('hostile terms', () => {
  test.each<[string, (required: Wire.Required) => void, string]>([
    ['another asset', ({ accepts: [one] }) => Object.assign(one!, { asset: other }), 'wrong-asset'],
    [
      'another network',
      ({ accepts: [one] }) => Object.assign(one!, { network: 'eip155:8453' }),
      'wrong-chain',
    ],
    [
      'another scheme',
      ({ accepts: [one] }) => Object.assign(one!, { scheme: 'upto' }),
      'wrong-scheme',
    ],
    ['no price', ({ accepts: [one] }) => Object.assign(one!, { amount: '0' }), 'malformed'],
    ['nobody', ({ accepts: [one] }) => Object.assign(one!, { payTo: 'me' }), 'malformed'],
    ['no token’s name', ({ accepts: [one] }) => Object.assign(one!, { extra: {} }), 'malformed'],
  ])('%s: refused by name, unsigned', async (_, change, code) => {
    const url = `${await asking(change)}/weather`
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.fetch(url, undefined, step)
    expect(outcome).toMatchObject({ state: 'refused', code, paidAtoms: 0n })
    expect(outcome.states).toEqual(['discovering', 'refused'])
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('a payee that the policy does not name is denied', async () => {
    const url = `${await asking(({ accepts: [one] }) => Object.assign(one!, { payTo: other }))}/weather`
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.fetch(url, undefined, step)
    expect(outcome).toMatchObject({ state: 'refused', verdict: 'deny' })
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test.each([
    ['no JSON', '!!!'],
    ['no terms', Buffer.from('{}').toString('base64')],
    ['another version', Buffer.from('{"x402Version":1,"accepts":[]}').toString('base64')],
  ])('a malformed header is refused by name: %s', async (_, header) => {
    const headers = { 'PAYMENT-REQUIRED': header }
    const url = `${await served(() => new Response('{}', { status: 402, headers }))}/weather`
    const { buyer } = await market.agent({ fundAtoms: 0n })
    expect(await buyer.fetch(url, undefined, step)).toMatchObject({
      ...{ state: 'refused', code: 'payment-required-malformed' },
    })
  })

  test.each<[string, (required: Wire.Required) => void, RegExp]>([
    [
      'price',
      ({ accepts: [one] }) => Object.assign(one!, { amount: '9000' }),
      /asks for 9000 atoms/,
    ],
    ['payee', ({ accepts: [one] }) => Object.assign(one!, { payTo: other }), /a payment to 0x5/],
    ['asset', ({ accepts: [one] }) => Object.assign(one!, { asset: other }), /another asset/],
  ])(
    'another %s once it is signed: never signed again, never paid',
    async (_, change, because) => {
      // Whoever asks with a payment is asked for something else.
      const url = await served(async (request) => {
        const { headers, url } = request
        const isPaying = headers.has('payment-signature')
        const response = await stock.fetch(new Request(url))
        const required = Wire.decodeRequired(response.headers.get('payment-required')!)
        if (isPaying) change(required)
        const told = { 'PAYMENT-REQUIRED': Wire.encode(required) }
        return Response.json(required, { status: 402, headers: told })
      })
      const { buyer, wallet } = await market.agent()
      const buying = buyer.fetch(`${url}/weather`, undefined, step)
      await new Promise((resolve) => setTimeout(resolve, 300))
      await market.pass(61)
      const outcome = await buying
      expect(outcome).toMatchObject({ state: 'expired', paidAtoms: 0n })
      expect(outcome.because).toMatch(because)
      expect(await market.paid(wallet.address)).toEqual([])
      expect(buyer.status()[0]!.meter).toMatchObject({ used: '0', held: '0' })
    },
    60_000,
  )

  test('paid and nothing given is disputed, with the evidence', async () => {
    const url = await served(async (request) => {
      const response = await stock.fetch(request)
      return response.status === 200 ? new Response('no', { status: 404 }) : response
    })
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.fetch(`${url}/weather`, undefined, step)
    expect(outcome).toMatchObject({ state: 'disputed', paidAtoms: 1_000n })
    expect(outcome.evidence!.tx).toMatch(/^0x/)
    expect(await market.paid(wallet.address)).toEqual([1_000n])
  }, 60_000)

  test('an answer whose connection breaks is not paid for again', async () => {
    let broken = 0
    const url = await market
      .front(async (request, ask) => {
        const response = await stock.fetch(request)
        if (response.status !== 200 || broken++ > 0) return response
        return ask.drop()
      })
      .then((base) => base.replace(/\/v1$/, ''))
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.fetch(`${url}/weather`, undefined, step)
    expect(outcome.state).toBe('disputed')
    expect(await market.paid(wallet.address)).toEqual([1_000n])
  }, 60_000)
})

describe('what cannot be sent is refused by its place', () => {
  test.each<[string, Parameters<Buyer.Buyer['fetch']>, string]>([
    ['a file', ['file:///etc/passwd', undefined, step], 'url'],
    ['a password', ['http://a:b@127.0.0.1/', undefined, step], 'url'],
    [
      'a payment of another',
      ['http://127.0.0.1/', { headers: { 'payment-signature': 'x' } }, step],
      'headers',
    ],
    [
      'a stream',
      ['http://127.0.0.1/', { method: 'POST', body: new ReadableStream() }, step],
      'body',
    ],
    ['half a step', ['http://127.0.0.1/', undefined, { run: 'r', step: 0.5 }], 'step'],
    ['no run', ['http://127.0.0.1/', undefined, { run: '', step: 0 }], 'run'],
  ])('%s', async (_, given, path) => {
    const { buyer } = await market.agent({ fundAtoms: 0n })
    await expect(buyer.fetch(...given)).rejects.toMatchObject({
      code: 'call-malformed',
      message: expect.stringContaining(path),
    })
  })
})

test.each([
  [
    'altered',
    (file: string) => {
      const text = readFileSync(file, 'utf8')
      const kept = JSON.parse(text) as { body: string }
      writeFileSync(file, text.replace(kept.body, Buffer.from('cloudy').toString('base64')))
    },
  ],
  ['erased', (file: string) => rmSync(file)],
])('an answer that was %s in the folder is not given as what was bought', async (_, change) => {
  const url = `${await open()}/weather`
  const { buyer, wallet, dir } = await market.agent()
  const { purchase } = await buyer.fetch(url, undefined, step)
  change(join(dir, 'responses', `${purchase.slice(2)}.json`))
  const again = buyer.fetch(url, undefined, step)
  await expect(again).rejects.toMatchObject({
    code: expect.stringMatching(/^(purchase-exists|answer-altered)$/),
  })
  expect(await market.paid(wallet.address)).toEqual([1_000n])
})
