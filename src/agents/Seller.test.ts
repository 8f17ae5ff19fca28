import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../../test/harness/Market.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Quote from '../market/Quote.ts'
import type * as Buyer from './Buyer.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

const path = (request: Request) => new URL(request.url).pathname

/** A seller whose answers on one path are replaced. */
function lying(at: string, answer: (response: Response) => Promise<Response> | Response) {
  return market.front(async (request, ask) => {
    const response = await ask(request)
    return path(request) === at ? answer(response) : response
  })
}

async function refusedUnsigned(baseUrl: string): Promise<Buyer.Outcome> {
  const { buyer, wallet } = await market.agent()
  const outcome = await buyer.buy(Market.call({ baseUrl }))
  expect(outcome).toMatchObject({ state: 'refused', paidAtoms: 0n, reasons: [] })
  expect(outcome.states).not.toContain('paying')
  expect(buyer.status()[0]!.meter).toMatchObject({ used: '0', held: '0' })
  expect(await market.paid(wallet.address)).toEqual([])
  return outcome
}

describe('a quote that must not be signed for', () => {
  const other = `0x${'5'.repeat(40)}` as const
  const asset = (id: string) => ({ id, decimals: 6, symbol: 'USDC' })

  test.each<[string, (quote: Quote.Quote) => Partial<Quote.Quote>, RegExp]>([
    ['expired', ({ issuedAtMs }) => ({ expiresAtMs: issuedAtMs - 1 }), /quote expired/],
    ['in another asset', () => ({ asset: asset(`eip155:31337/erc20:${other}`) }), /in asset/],
    [
      'on another chain',
      ({ asset }) => ({ asset: { ...asset, id: asset.id.replace('31337', '8453') } }),
      /in asset eip155:8453/,
    ],
    ['of other decimals', ({ asset }) => ({ asset: { ...asset, decimals: 18 } }), /in asset/],
    ['for another request', () => ({ requestDigest: Hash.digest('x') }), /another request/],
    ['for another payer', () => ({ payer: other }), /for payer/],
    ['for another model', () => ({ model: 'other' }), /for model other/],
    ['on another card', () => ({ cardHash: Hash.digest('x') }), /another model card/],
    ['with another tokeniser', () => ({ tokenizer: 'bytes@1' }), /tokeniser/],
    ['with higher limits', () => ({ maxTokensOut: 9_999 }), /limits/],
    ['above what its rates give', () => ({ maxAtoms: '9999' }), /maximum 9999/],
    ['that does not add up', () => ({ payAtoms: '1' }), /do not sum/],
    [
      'for nothing',
      ({ maxAtoms }) => ({ payAtoms: '0', changeAppliedAtoms: maxAtoms }),
      /one atom/,
    ],
  ])('%s, though its seller signed it', async (_, change, because) => {
    const baseUrl = await lying('/v1/quotes', async (response) => {
      const { quote } = (await response.json()) as Quote.Signed
      const changed = { ...quote, ...change(quote) }
      const signature = await market.node.wallet.signTypedData(Quote.typedData(changed))
      return Response.json({ quote: changed, signature })
    })
    const outcome = await refusedUnsigned(baseUrl)
    expect(outcome).toMatchObject({ code: 'quote-refused' })
    expect(outcome.because).toMatch(because)
  })

  test.each<[string, (signed: { quote: Record<string, unknown>; signature: string }) => void]>([
    ['payTo', ({ quote }) => Object.assign(quote, { payTo: other })],
    ['coverage', ({ quote }) => Object.assign(quote, { coveragePromisedPpb: '7' })],
    ['salt', ({ quote }) => Object.assign(quote, { salt: Hash.digest('x') })],
    ['signature', (signed) => Object.assign(signed, { signature: `0x${'1b'.repeat(65)}` })],
  ])('altered on its way: %s', async (_, change) => {
    const baseUrl = await lying('/v1/quotes', (response) => Market.altered(response, change))
    const outcome = await refusedUnsigned(baseUrl)
    expect(outcome.because).toBe('quote that its seller did not sign')
  })

  test.each<[string, (json: Record<string, Record<string, unknown>>) => void, string]>([
    ['without an amount', ({ quote }) => delete quote!.payAtoms, 'payAtoms'],
    [
      'with a negative amount',
      ({ quote }) => Object.assign(quote!, { payAtoms: '-1' }),
      'payAtoms',
    ],
    ['with a number', ({ quote }) => Object.assign(quote!, { payAtoms: 1 }), 'payAtoms'],
    ['with more than is known', ({ quote }) => Object.assign(quote!, { tip: '1' }), 'quote'],
  ])('malformed: %s', async (_, change, where) => {
    const baseUrl = await lying('/v1/quotes', (response) => Market.altered(response, change))
    const outcome = await refusedUnsigned(baseUrl)
    expect(outcome).toMatchObject({ code: 'quote-malformed' })
    expect(outcome.because).toContain(where)
  })
})

describe('what a seller offers', () => {
  const listing = '/v1/models'
  test.each<[string, string, (response: Response) => Promise<Response> | Response]>([
    [
      'a card that its hash does not name',
      'card-altered',
      (response) =>
        Market.altered(response, ({ data }) => {
          data[0].requite.card.stdUsPerTokenOut = 9_999
        }),
    ],
    [
      'no terms',
      'model-unknown',
      (response) =>
        Market.altered(response, ({ data }) => {
          delete data[0].requite
        }),
    ],
    ['no list', 'seller-malformed', () => Response.json({ data: 'none' })],
    ['no JSON', 'seller-malformed', () => new Response('<html>')],
    ['an error', 'seller-malformed', () => Response.json({}, { status: 500 })],
    ['9 MB', 'answer-too-large', () => new Response('x'.repeat(9_000_000))],
    ['another place', 'seller-unreachable', () => Response.redirect('http://127.0.0.1:9/', 302)],
  ])('%s: %s', async (_, code, answer) => {
    expect(await refusedUnsigned(await lying(listing, answer))).toMatchObject({ code })
  })

  test.each([listing, '/v1/quotes'])('nothing at all, on %s', async (at) => {
    const baseUrl = await market.front(async (request, ask) =>
      path(request) === at ? ask.drop() : ask(request),
    )
    expect(await refusedUnsigned(baseUrl)).toMatchObject({ code: 'seller-unreachable' })
  })

  test('a quote it refuses to give', async () => {
    const error = { message: 'too many requests' }
    const baseUrl = await lying('/v1/quotes', () => Response.json({ error }, { status: 429 }))
    const outcome = await refusedUnsigned(baseUrl)
    expect(outcome).toMatchObject({ code: 'quote-refused' })
    expect(outcome.because).toContain('too many requests')
  })
})

describe('what a seller delivers', () => {
  const chat = '/v1/chat/completions'
  type Completion = {
    choices: { message: { content: string } }[]
    requite: Record<string, unknown> & {
      receipt: { tokens: { out: number }; money: Record<string, string>; wallMs: number }
      sources: { start: number; end: number }[]
      proof: { leaf: number; path?: string[] }
    }
  }

  async function disputed(change: (json: Completion) => void) {
    const baseUrl = await lying(chat, (response) => Market.altered(response, change))
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.buy(Market.call({ baseUrl }))
    expect(outcome).toMatchObject({ state: 'disputed', verdict: 'allow' })
    expect(outcome.delivered).toBeUndefined()
    // The money left: it counts as spent, and the evidence is kept.
    expect(await market.paid(wallet.address)).toEqual([outcome.paidAtoms])
    expect(buyer.spentAtoms()).toBe(outcome.paidAtoms)
    expect(buyer.status()[0]!.meter).toMatchObject({ used: String(outcome.paidAtoms), held: '0' })
    await expect(buyer.buy(Market.call({ baseUrl }))).rejects.toMatchObject({
      code: 'purchase-exists',
      facts: { status: 'disputed' },
    })
    return outcome
  }

  test.each<[string, (json: Completion) => void, RegExp]>([
    ['another word', (it) => alter(it, 'fifty', 'forty'), /commits to another answer/],
    ['more words', (it) => alter(it, 'fifty', 'fifty or so'), /tokens out, recounted/],
    [
      'a cheaper receipt',
      ({ requite }) => Object.assign(requite.receipt.money, { chargedAtoms: '1' }),
      /did not sign/,
    ],
    ['other times', ({ requite }) => Object.assign(requite.receipt, { wallMs: 9 }), /did not sign/],
    [
      'another salt',
      ({ requite }) => Object.assign(requite, { promptSalt: Hash.digest('x') }),
      /another prompt/,
    ],
    [
      'sources beyond the answer',
      ({ requite }) => Object.assign(requite.sources[0]!, { end: 1_000_000 }),
      /outside the answer/,
    ],
    [
      'a proof of another place',
      ({ requite }) => Object.assign(requite.proof, { leaf: requite.proof.leaf - 1 }),
      /no proof|expected/,
    ],
    [
      'another record',
      ({ requite }) =>
        Object.assign(requite, { record: String(requite.record).replace('served', 'serves') }),
      /no proof|expected/,
    ],
  ])('%s is disputed', async (_, change, because) => {
    expect((await disputed(change)).because).toMatch(because)
  })

  test.concurrent.each<[string, () => Response]>([
    ['nothing readable', () => new Response('thank you')],
    ['no receipt', () => Response.json({ choices: [{ message: { content: 'fifty' } }] })],
    ['a refusal', () => Response.json({ error: { message: 'no' } }, { status: 402 })],
  ])('%s, though it was paid, is asked for again and then disputed', async (_, answer) => {
    const payments: (string | null)[] = []
    const baseUrl = await market.front(async (request, ask) => {
      const response = await ask(request)
      if (path(request) !== chat) return response
      payments.push(request.headers.get('payment-signature'))
      return answer()
    })
    const { buyer, wallet } = await market.agent()
    const outcome = await buyer.buy(Market.call({ baseUrl }))
    expect(outcome.state).toBe('disputed')
    expect(outcome.because).toContain('paid, but nothing was delivered')
    expect(payments).toHaveLength(5)
    expect(new Set(payments).size).toBe(1)
    expect(await market.paid(wallet.address)).toEqual([outcome.paidAtoms])
  })

  function alter({ choices }: Completion, from: string, to: string) {
    const { message } = choices[0]!
    message.content = message.content.replace(from, to)
  }
})
