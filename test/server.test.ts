/**
 * @module A node's public HTTP face, looked at by strangers: an official client that pays, pages made of
 * hostile texts, proofs that another program checks, and whatever a fuzzer would send. What it is paid for
 * is proved in `sale.test.ts`.
 */
import { x402Client, x402HTTPClient } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Asset from '../src/kernel/Asset.ts'
import * as App from '../src/server/App.ts'
import * as LocalChain from '../src/wallets/LocalChain.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Payer from '../src/wallets/x402/Payer.ts'
import * as Wire from '../src/wallets/x402/Wire.ts'
import * as Market from './harness/Market.ts'
import * as Outside from './harness/Outside.ts'

const evil = `<script>alert('words')</script><img src=x onerror="alert(1)">`
const documents = [
  ...Market.documents,
  {
    path: `"><script>alert('path')</script>.md`,
    owner: `npm:"onmouseover=alert('owner')<b>`,
    text: `# Lighthouses & "quotes"

The lamp of a lighthouse turns once in seventeen seconds ${evil} and its beam is seen for twenty miles
</div></mark></style> by whoever keeps a watch upon the water at night.
`,
  },
]

let market: Market.Market
let site: string

beforeAll(async () => {
  market = await Market.open({ documents })
  site = market.baseUrl.replace(/\/v1$/, '')
})
afterAll(() => market.close())

const ask = (content: unknown) => ({ model: Market.model, messages: [{ role: 'user', content }] })
const tides = ask('When does high water come?')

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(`${site}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(20_000),
  })
}
const chat = (body: unknown, headers = {}) => post('/v1/chat/completions', body, headers)
const get = (path: string) => fetch(`${site}${path}`, { signal: AbortSignal.timeout(20_000) })

/** The error of an answer that is one: JSON, with code and message, and no stack in it. */
async function errorOf(response: Response): Promise<{ code: string; message: string }> {
  const text = await response.text()
  expect(text).not.toMatch(/\bat .*\.[jt]s:\d+/)
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  return (JSON.parse(text) as { error: { code: string; message: string } }).error
}

/** Buys the answer to a question and gives its receipt's hash. */
async function buy(question: string): Promise<string> {
  const { buyer } = await market.agent()
  const outcome = await buyer.buy(Market.call(market, { question }))
  expect(outcome.state).toBe('captured')
  return outcome.delivered!.receiptHash
}

describe('a client that knows x402 and nothing of us', () => {
  test('is quoted, pays with its own scheme and nonce, and reads an OpenAI completion', async () => {
    const account = privateKeyToAccount(LocalChain.devKeys[2]!)
    const payer = account.address.toLowerCase() as `0x${string}`
    const { address: asset } = Asset.parts(market.contracts.asset.id)
    const wallet = Wallet.fromPrivateKey(LocalChain.devKeys[2]!)
    await market.agent({ wallet, fundAtoms: 1_000_000n })
    const client = x402Client.fromConfig({
      schemes: [{ network: 'eip155:31337', client: new ExactEvmScheme(account) }],
      spendControls: {
        allowedAssets: [{ network: 'eip155:31337', asset, maxAmountPerPayment: '50000' }],
      },
    })
    const http = new x402HTTPClient(client)
    const first = await chat(tides)
    expect(first.status).toBe(402)
    const header = (name: string) => first.headers.get(name)
    const required = http.getPaymentRequiredResponse(header, await first.json())
    expect(required.accepts).toMatchObject([
      { scheme: 'exact', network: 'eip155:31337', payTo: market.contracts.till },
    ])
    const payment = await http.createPaymentPayload(required)
    const second = await chat(tides, http.encodePaymentSignatureHeader(payment))
    expect(second.status).toBe(200)
    expect(http.getPaymentSettleResponse((name) => second.headers.get(name))).toMatchObject({
      success: true,
      payer,
    })
    const completion = (await second.json()) as {
      object: string
      choices: { message: { role: string; content: string }; finish_reason: string }[]
      usage: { total_tokens: number; prompt_tokens: number; completion_tokens: number }
    }
    expect(completion.object).toBe('chat.completion')
    expect(completion.choices[0]!.message.content).toContain('about fifty minutes later each day')
    const { total_tokens, prompt_tokens, completion_tokens } = completion.usage
    expect(total_tokens).toBe(prompt_tokens + completion_tokens)
    expect(await market.paid(payer)).toEqual([BigInt(required.accepts[0]!.amount)])
  })

  test('that pays a quote after its time is not served, and nothing is taken', async () => {
    const { wallet } = await market.agent()
    const first = await chat(tides)
    const required = Payer.parseRequired({ header: first.headers.get('payment-required') })
    await market.pass(31)
    const signed = await Payer.sign({
      wallet,
      requirements: required.accepts[0]!,
      nonce: `0x${'e1'.repeat(32)}`,
      validAfterSec: 0,
      validBeforeSec: Math.ceil(market.now() / 1000) + 600,
      expected: {
        asset: market.contracts.asset,
        payTo: market.contracts.till,
        maxAtoms: BigInt(required.accepts[0]!.amount),
      },
    })
    if (!signed.ok) throw new Error(signed.because)
    const response = await chat(tides, { [Wire.headerNames.signature]: signed.header })
    expect(response.status).toBe(402)
    expect(await errorOf(response)).toMatchObject({ message: 'the quote has expired' })
    expect(await market.paid(wallet.address)).toEqual([])
  })
})

describe('bodies nobody should send', () => {
  const deep = (open: string, close: string) => open.repeat(50_000) + close.repeat(50_000)

  test.each<[string, unknown, RegExp]>([
    ['nothing', '', /JSON/],
    ['null', 'null', /expected a chat request/],
    ['a list', '[]', /expected a chat request/],
    ['a number out of range', '{"model":"docs-reader","messages":1e400}', /messages/],
    ['endless nesting', deep('[', ']'), /expected/],
    ['endless nesting in a member', `{"model":"docs-reader","x":${deep('[', ']')}}`, /expected/],
    ['no user', { model: Market.model, messages: [{ role: 'king', content: 'x' }] }, /role/],
    ['no messages', { model: Market.model, messages: [] }, /messages/],
    ['an empty question', ask(''), /question/],
    ['two choices', { ...tides, n: 2 }, /n = 1/],
    ['no choice', { ...tides, n: 0 }, /n = 1/],
    ['half a choice', { ...tides, n: 1.5 }, /n/],
    ['no tokens', { ...tides, max_tokens: 0 }, /max_tokens/],
    ['an image', ask([{ type: 'image_url', image_url: { url: 'x' } }]), /text only/],
    ['a part without text', ask([{ type: 'text' }]), /expected text/],
    ['half a letter', ask('\ud800 tide?'), /./],
    ['a tool’s result', { ...tides, messages: [{ role: 'tool', content: 'x' }] }, /tools/],
  ])('%s', async (_, body, message) => {
    const { quotes } = market.node.books.state.sales
    const before = quotes.size
    const response = await chat(body)
    expect(response.status).toBe(400)
    expect((await errorOf(response)).message).toMatch(message)
    expect(quotes.size).toBe(before)
  })

  test('a name that means something to engines means nothing here', async () => {
    const body =
      '{"model":"docs-reader","__proto__":{"stream":true},"messages":[{"role":"user","content":"tide?","constructor":1}]}'
    expect((await chat(body)).status).toBe(402)
    expect(({} as { stream?: boolean }).stream).toBeUndefined()
  })

  test.each(['/v1/chat/completions', '/v1/quotes'])('a body without end at %s', async (path) => {
    const piece = new Uint8Array(64 * 1024).fill(32)
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += 1
        if (sent > 1_000) controller.close()
        else controller.enqueue(piece)
      },
    })
    const request = { method: 'POST', body, duplex: 'half', signal: AbortSignal.timeout(20_000) }
    const response = await fetch(`${site}${path}`, request as RequestInit).catch(() => undefined)
    // Refused, or cut off while it was still being sent: either way it was not read to its end.
    if (response !== undefined) expect(response.status).toBe(413)
    expect(sent).toBeLessThan(500)
  })

  test.each([
    ['nothing', '{}'],
    ['no request', '{"request":{},"signature":"0x"}'],
    ['no object', '[1]'],
    ['members nobody asked for', '{"request":{},"signature":"0x","extra":1}'],
  ])('a quote request of %s', async (_, body) => {
    const response = await post('/v1/quotes', body)
    expect(response.status).toBe(400)
    expect((await errorOf(response)).message).toMatch(/expected a quote request: \S+: /)
  })
})

describe('places where nothing is', () => {
  const zeros = `0x${'00'.repeat(32)}`

  test.each([
    ...['/nowhere', '/v1', '/v1/', '/v1/models/docs-reader', '/r', '/r/', '/../../etc/passwd'],
    ...[`/r/${zeros}`, `/v1/receipts/${zeros}`, '/r/0x00', '/r/%00', '/r/..%2f..%2fkey.json'],
    ...['/v1/receipts/constructor', `/r/${'f'.repeat(4_000)}`, '/r/%3Cscript%3E'],
    ...['/v1/records/-1', '/v1/records/1.5', '/v1/records/1e99', '/v1/records/NaN'],
    ...['/v1/records/%20', '/v1/records/0x1', '/v1/records/1e0', '/v1/records/01'],
    ...['/v1/records/9007199254740993', '/v1/records/first', '/v1/records/999999'],
    ...['/v1/accounts/nobody', '/v1/accounts/__proto__', '/v1/accounts/npm:nobody'],
    `/v1/accounts/0x${'00'.repeat(20)}`,
  ])('%s', async (path) => {
    const response = await get(path)
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect((await errorOf(response)).message).toMatch(/^no(thing at| such) /)
  })

  test.each(['PUT', 'DELETE', 'PATCH'])('%s', async (method) => {
    for (const path of ['/', '/v1/chat/completions', '/v1/models'])
      expect((await fetch(`${site}${path}`, { method })).status).toBe(404)
  })

  test('other sites’ scripts are given no leave to read', async () => {
    const headers = { origin: 'https://evil.example' }
    for (const path of ['/', '/v1/models', '/v1/economy']) {
      const response = await fetch(`${site}${path}`, { headers })
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })
})

describe('pages', () => {
  const safe = async (path: string) => {
    const response = await get(path)
    expect(response.status).toBe(200)
    const policy = response.headers.get('content-security-policy')!
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/script-src|unsafe-eval|\*/)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
    const html = await response.text()
    expect(html).not.toMatch(/<script|<img|<b>|javascript:/i)
    // Attributes end where they should: no tag but ours, no handler in any.
    const tags = [...html.matchAll(/<([a-z][a-z0-9]*)((?:\s+[a-z-]+(?:="[^"<>]*")?)*)\s*\/?>/g)]
    expect(tags.length).toBe(html.match(/<[a-z]/gi)!.length)
    for (const [, , attributes] of tags) expect(attributes).not.toMatch(/\son[a-z]+=/)
    return html
  }

  test('of a receipt show hostile words, owners, paths and questions as text', async () => {
    const question = `How often does the lamp of a lighthouse turn? ${evil} "'&<>`
    const html = await safe(`/r/${await buy(question)}`)
    expect(html).toContain('&lt;script&gt;alert(&#39;words&#39;)&lt;/script&gt;')
    expect(html).toContain('&lt;script&gt;alert(&#39;path&#39;)&lt;/script&gt;')
    expect(html).toContain('npm:&quot;onmouseover=alert(&#39;owner&#39;)&lt;b&gt;')
    expect(html).toContain('How often does the lamp')
    expect(html).toContain('Local chain')
    expect(html.match(/<mark style="--hue:\d+"/g)!.length).toBeGreaterThan(1)
  })

  test('in front name what is sold and link the last receipts', async () => {
    const hash = await buy('When does high water come?')
    expect(await safe('/')).toContain(`href="/r/${hash}"`)
  })

  test('colour what the JSON says, to the letter', async () => {
    const hash = await buy('Where does a forager tell her sisters the clover stands?')
    type View = {
      answer: { output: string }
      sources: { start: number; end: number; owner: string; ppb: string }[]
      receipt: { influence: { coveragePpb: string } }
    }
    const view = (await (await get(`/v1/receipts/${hash}`)).json()) as View
    const html = await safe(`/r/${hash}`)
    const marked = [...html.matchAll(/<mark style="[^"]*" title="([^"]*)">([^<]*)<\/mark>/g)]
    expect(marked.map(([, , text]) => asText(text!))).toEqual(
      view.sources.map(({ start, end }) => view.answer.output.slice(start, end)),
    )
    expect(marked[0]![1]).toContain('npm:bees')
    const ppb = view.sources.reduce((sum, { ppb }) => sum + BigInt(ppb), 0n)
    expect(ppb).toBe(BigInt(view.receipt.influence.coveragePpb))
  })

  function asText(text: string): string {
    const names = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }
    return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: keyof typeof names) => names[name])
  }
})

describe('proofs', () => {
  type Proved = { record: string; proof: Outside.Inclusion }

  test('of every record hold for another program, and not for another record', async () => {
    const size = market.node.books.size()
    expect(size).toBeGreaterThan(10)
    expect((await get(`/v1/records/${size}`)).status).toBe(404)
    const proved = await Promise.all(
      Array.from({ length: size }, async (_, leaf) => {
        return (await (await get(`/v1/records/${leaf}`)).json()) as Proved
      }),
    )
    for (const [leaf, { record, proof }] of proved.entries()) {
      expect(proof).toMatchObject({ leaf, size })
      expect(Outside.stands(record, proof)).toBe(true)
      expect(Outside.stands(`${record} `, proof)).toBe(false)
      expect(Outside.stands(record, { ...proof, leaf: (leaf + 1) % size })).toBe(false)
    }
    expect(new Set(proved.map(({ proof }) => proof.root)).size).toBe(1)
  })

  test('of a receipt are of the record it was served by', async () => {
    const hash = await buy('When do spring tides follow the moon?')
    type View = Proved & { receiptHash: string; receipt: object; leaf: number; status: string }
    const view = (await (await get(`/v1/receipts/${hash}`)).json()) as View
    expect(Outside.stands(view.record, view.proof)).toBe(true)
    const { event } = JSON.parse(view.record) as { event: { type: string; receipt: object } }
    expect(event).toMatchObject({ type: 'served', receipt: view.receipt })
    expect(view).toMatchObject({ receiptHash: hash, status: 'funded' })
  })
})

describe('money, as everybody may see it', () => {
  type Account = { account: string; accruedNano: string }
  const json = async <T>(path: string) => (await (await get(path)).json()) as T

  test('what was received is accrued, rounding, or change', async () => {
    const economy = await json<Record<string, string>>('/v1/economy')
    const { accruedNano, claimedNano, claimableNano, carryNano } = economy
    expect(BigInt(accruedNano!)).toBe(
      BigInt(claimedNano!) + BigInt(claimableNano!) + BigInt(carryNano!),
    )
    expect(BigInt(economy.receivedNano!)).toBeGreaterThanOrEqual(
      BigInt(accruedNano!) + BigInt(economy.roundingNano!),
    )
    expect(Number(economy.receipts)).toBeGreaterThan(3)
  })

  test('an account is found by its name, and nobody learns a key by it', async () => {
    const tidesAccount = await json<Account>('/v1/accounts/npm:tides')
    expect(tidesAccount.account).toBe('npm:tides')
    const node = await json<Account>(`/v1/accounts/${market.node.wallet.address}`)
    expect(node.account).toBe(market.node.wallet.address)
    const [first] = LocalChain.devKeys.slice(1)
    for (const path of ['/', '/v1/models', '/v1/economy', '/v1/records/0'])
      expect(await (await get(path)).text()).not.toContain(first!.slice(2, 20))
  })

  test('models are listed as OpenAI’s clients expect, with card, seller and till', async () => {
    const models = await json<{ object: string; data: Record<string, unknown>[] }>('/v1/models')
    expect(models).toMatchObject({
      object: 'list',
      data: [{ id: Market.model, object: 'model', owned_by: market.node.wallet.address }],
    })
    expect(models.data[0]).toMatchObject({ requite: { payTo: market.contracts.till } })
  })
})

test('a stranger in a hurry is asked to wait, and nobody else', async () => {
  const app = App.create(market.node, {
    address: (context) => context.req.header('x-who') ?? 'nobody',
  })
  const from = (who: string) => app.request('/v1/nowhere', { headers: { 'x-who': who } })
  const statuses: number[] = []
  // Twice as many as one minute admits: a new one may begin in between.
  for (let call = 0; call < 2_400; call += 1) statuses.push((await from('hasty')).status)
  expect(statuses[0]).toBe(404)
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0)
  expect(statuses.filter((status) => status === 404).length).toBeGreaterThanOrEqual(1_200)
  expect((await from('calm')).status).toBe(404)
  const refused = await from('hasty')
  if (refused.status === 429)
    expect(await refused.json()).toMatchObject({ error: { code: 'rate-limited' } })
})

test('after all this the node still sells', async () => {
  await buy('When does high water come?')
})
