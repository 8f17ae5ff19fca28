/** What a node sells over HTTP, asked by hand: terms, payments replayed and reused, bodies it will not read. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Quote from '../src/market/Quote.ts'
import * as Settlement from '../src/server/Settlement.ts'
import * as Sqlite from '../src/store/Sqlite.ts'
import * as Payer from '../src/wallets/x402/Payer.ts'
import * as Wire from '../src/wallets/x402/Wire.ts'
import * as Market from './harness/Market.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

const ask = (content: string) => ({ model: Market.model, messages: [{ role: 'user', content }] })
const tides = ask('When does high water come?')
const bees = ask('How do bees tell where the clover stands?')

function post(body: unknown, headers: Record<string, string> = {}, path = '/chat/completions') {
  return fetch(`${market.baseUrl}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

let drawn = 0
/** What a 402 asks. */
async function required(body: unknown): Promise<Wire.Required> {
  const response = await post(body)
  expect(response.status).toBe(402)
  return Payer.parseRequired({ header: response.headers.get('payment-required') })
}

/** A payment of it, by somebody with money. */
async function payment(
  body: unknown,
  change: Partial<Payer.Terms> & { readonly asked?: Wire.Required } = {},
) {
  const { wallet } = await market.agent()
  const asked = change.asked ?? (await required(body))
  drawn += 1
  const signed = await Payer.sign({
    wallet,
    requirements: asked.accepts[0]!,
    nonce: `0x${String(drawn).padStart(64, '0')}`,
    validAfterSec: 0,
    validBeforeSec: Math.ceil(market.now() / 1000) + 60,
    expected: {
      asset: market.contracts.asset,
      payTo: market.contracts.till,
      maxAtoms: BigInt(asked.accepts[0]!.amount),
    },
    ...change,
  })
  if (!signed.ok) throw new Error(signed.because)
  const { payload, header } = signed
  return { wallet, payload, headers: { [Wire.headerNames.signature]: header } }
}

const errorOf = async (response: Response) =>
  ((await response.json()) as { error: { code: string; message: string } }).error

describe('a stranger', () => {
  test('is told what to pay, pays, and is answered', async () => {
    const { headers, wallet } = await payment(tides)
    const response = await post(tides, headers)
    expect(response.status).toBe(200)
    expect(response.headers.get('payment-response')).not.toBeNull()
    expect(JSON.stringify(await response.json())).toContain('about fifty minutes later each day')
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('that pays again with the same payment gets the same answer, paid once', async () => {
    const { headers, wallet } = await payment(tides)
    const responses = await Promise.all([post(tides, headers), post(tides, headers)])
    const answers = await Promise.all(responses.map((response) => response.json()))
    const later = await (await post(tides, headers)).json()
    const hashes = [...answers, later].map(
      (answer) => (answer as { requite: { receiptHash: string } }).requite.receiptHash,
    )
    expect(new Set(hashes).size).toBe(1)
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('that asks something else under the same payment gets a conflict', async () => {
    const { headers, wallet } = await payment(tides)
    expect((await post(tides, headers)).status).toBe(200)
    const response = await post(bees, headers)
    expect(response.status).toBe(409)
    expect(await errorOf(response)).toMatchObject({ code: 'payment-reused' })
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('that asks something else than it was quoted for is not served', async () => {
    const { headers, wallet } = await payment(tides)
    const response = await post(bees, headers)
    expect(response.status).toBe(402)
    expect(await errorOf(response)).toMatchObject({ message: 'the quote is for another request' })
    expect(await market.paid(wallet.address)).toEqual([])
  })
})

test('two payments for one quote: one is served, the other is told and not taken', async () => {
  const asked = await required(tides)
  const rivals = [await payment(tides, { asked }), await payment(tides, { asked })]
  const responses = await Promise.all(rivals.map(({ headers }) => post(tides, headers)))
  expect(responses.map(({ status }) => status).sort()).toEqual([200, 402])
  const loser = responses.findIndex(({ status }) => status === 402)
  expect(await errorOf(responses[loser]!)).toMatchObject({
    message: 'the quote was used by another payment',
  })
  expect(await market.paid(rivals[loser]!.wallet.address)).toEqual([])
  expect(await market.paid(rivals[1 - loser]!.wallet.address)).toHaveLength(1)
})

test('what the disk does not take is not settled: no money for an answer that no record tells of', async () => {
  const other = await Market.open()
  try {
    let answered: (status: number) => void
    const status = new Promise<number>((resolve) => {
      answered = resolve
    })
    const baseUrl = await other.front(async (request, ask) => {
      const response = await ask(request)
      if (request.headers.has(Wire.headerNames.signature)) answered(response.status)
      return response
    })
    const { buyer, wallet } = await other.agent()
    const sqlite = Sqlite.open(join(other.scratch, 'node', 'journal.db'), { busyMs: 1_000 })
    sqlite.exec(`CREATE TRIGGER full BEFORE INSERT ON records WHEN new.record LIKE '%"served"%'
      BEGIN SELECT raise(ABORT, 'disk full'); END`)
    sqlite.close()
    const bought = buyer.buy(Market.call({ baseUrl })).catch((error: unknown) => error)
    expect(await status).toBeGreaterThanOrEqual(500)
    await buyer.close()
    expect(await bought).toMatchObject({ code: 'buyer-closed' })
    // What closes an epoch settles what is open; of this sale no record would ever tell.
    const settling = Settlement.settleOpen(other.node)
    await expect(settling).rejects.toMatchObject({ code: 'journal-poisoned' })
    expect(await other.paid(wallet.address)).toEqual([])
  } finally {
    await other.close()
  }
})

describe('a payment that is not one', () => {
  test.each<[string, string, RegExp]>([
    ['no base64', '{}', /expected base64/],
    ['no JSON', Buffer.from('hello').toString('base64'), /base64 of JSON/],
    ['no payment', Buffer.from('{"x402Version":2}').toString('base64'), /malformed PAYMENT/],
    ['of version 1', Buffer.from('{"x402Version":1}').toString('base64'), /x402Version/],
  ])('%s', async (_, header, because) => {
    const served = market.node.books.state.sales.sales.size
    const response = await post(tides, { [Wire.headerNames.signature]: header })
    expect(response.status).toBe(402)
    expect(response.headers.get('payment-required')).not.toBeNull()
    expect((await errorOf(response)).message).toMatch(because)
    expect(market.node.books.state.sales.sales.size).toBe(served)
  })

  type Signed = Awaited<ReturnType<typeof payment>>['payload']
  test.each<[string, (payload: Signed) => void, RegExp]>([
    ['of another amount', (it) => Object.assign(it.accepted, { amount: '1' }), /atoms, got/],
    ['on another chain', (it) => Object.assign(it.accepted, { network: 'eip155:1' }), /eip155:1/],
    [
      'in another asset',
      (it) => Object.assign(it.accepted, { asset: `0x${'5'.repeat(40)}` }),
      /expected a payment in/,
    ],
    [
      'to another payee',
      (it) => Object.assign(it.payload.authorization, { to: `0x${'5'.repeat(40)}` }),
      /expected a payment to/,
    ],
    [
      'signed by nobody',
      (it) => Object.assign(it.payload, { signature: `0x${'1b'.repeat(65)}` }),
      /signature/,
    ],
    [
      'for a quote of somebody else',
      (it) => Object.assign(it.accepted.extra!, { quote: `0x${'5'.repeat(64)}` }),
      /names no quote/,
    ],
  ])('%s', async (_, change, because) => {
    const { payload, wallet } = await payment(tides)
    change(payload)
    const response = await post(tides, { [Wire.headerNames.signature]: Wire.encode(payload) })
    expect(response.status).toBe(402)
    expect((await errorOf(response)).message).toMatch(because)
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('is void before the quote expires', async () => {
    const { headers, wallet } = await payment(tides, {
      validBeforeSec: Math.ceil(market.now() / 1000) + 10,
    })
    const response = await post(tides, headers)
    expect(await errorOf(response)).toMatchObject({
      message: 'expected a payment that is valid until the quote expires',
    })
    expect(await market.paid(wallet.address)).toEqual([])
  })
})

describe('a body it will not read', () => {
  test('above 256 KiB', async () => {
    const response = await post(ask('x'.repeat(256 * 1024)))
    expect(response.status).toBe(413)
    expect(await errorOf(response)).toMatchObject({ code: 'body-too-large' })
    // Nobody may wait on a connection whose body is not read to its end.
    expect(response.headers.get('connection')).toBe('close')
  })

  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'bad-input'],
    ['no messages', { model: Market.model }, 'request-malformed'],
    ['another model', { ...tides, model: 'other' }, 'model-unknown'],
    ['tools', { ...tides, tools: [{}] }, 'tools-unsupported'],
    ['a schema', { ...tides, response_format: { type: 'json_object' } }, 'schema-unsupported'],
    ['a text to stop at', { ...tides, stop: 'x' }, 'stop-unsupported'],
    ['more than the model takes', ask('why '.repeat(257)), 'input-too-large'],
  ])('%s', async (_, body, code) => {
    const quotes = market.node.books.state.sales.quotes.size
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(await errorOf(response)).toMatchObject({ code })
    expect(market.node.books.state.sales.quotes.size).toBe(quotes)
  })
})

describe('a quote request', () => {
  async function request(change: Partial<Quote.Request> = {}, signer?: 'somebody else') {
    const { wallet } = await market.agent({ fundAtoms: 0n })
    const other = await market.agent({ fundAtoms: 0n })
    const request: Quote.Request = {
      v: 1,
      seller: market.node.wallet.address,
      payer: wallet.address,
      model: Market.model,
      requestDigest: `0x${'7'.repeat(64)}`,
      issuedAtMs: market.now(),
      ...change,
    }
    const data = Quote.requestTypedData(request, market.chain.chainId)
    const signature = await (signer === undefined ? wallet : other.wallet).signTypedData(data)
    return post({ request, signature }, {}, '/quotes')
  }

  test('is answered with a signed quote', async () => {
    const response = await request()
    expect(response.status).toBe(200)
    expect(Quote.parse(await response.json()).quote.model).toBe(Market.model)
  })

  test.each<[string, Parameters<typeof request>, RegExp]>([
    ['of somebody else', [{}, 'somebody else'], /signed by its payer/],
    ['to another seller', [{ seller: `0x${'5'.repeat(40)}` }], /to seller/],
    ['for another model', [{ model: 'other' }], /expected model/],
    ['of yesterday', [{ issuedAtMs: 1 }], /last minute/],
  ])('%s is refused', async (_, args, because) => {
    const response = await request(...args)
    expect(response.status).toBe(400)
    expect((await errorOf(response)).message).toMatch(because)
  })
})
