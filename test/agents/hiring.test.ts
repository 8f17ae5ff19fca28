import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Start from '../../examples/support/Market.ts'
import * as Verify from '../../examples/support/Verify.ts'
import * as Directory from '../../src/agents/Directory.ts'
import type * as Hiring from '../../src/agents/Hiring.ts'
import type * as Event from '../../src/economy/Event.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Http from '../../src/server/Http.ts'
import * as Registry from '../../src/server/Registry.ts'
import * as Journal from '../../src/store/Journal.ts'
import * as Market from '../harness/Market.ts'

// Three sellers of one model: the dearer, the cheaper, and one that gives way.
let market: Market.Market
let dear: Start.Served
let cheap: Start.Served
let soft: Start.Served
let registry: Http.Listening
const { rates } = Start.terms
const at = (executionNanoPerStdUs: string, floor?: string) => [
  {
    ...Start.terms,
    rates: { ...rates, executionNanoPerStdUs },
    ...(floor === undefined ? {} : { floor: { executionNanoPerStdUs: floor } }),
  },
]

beforeAll(async () => {
  market = await Market.open()
  dear = await market.another({ offers: at('30000000') })
  cheap = await market.another({ offers: at('10000000') })
  soft = await market.another({ offers: at('40000000', '5000000') })
  const { asset } = market.contracts
  const app = Registry.create({ asset, chain: market.chain, now: market.now })
  registry = await Http.serve(app.fetch, 0)
}, 60_000)
afterAll(async () => {
  await registry.close()
  await market.close()
})

const maximum = (seller: Start.Served) => {
  const [{ card, rates: own }] = [...seller.node.offers.values()] as [Quote.Quote & never]
  return Quote.maximum(card, Quote.rates({ rates: own }))
}

async function open(agent: Market.Agent = {}) {
  const payees = [market, dear, cheap, soft].map(({ contracts }) => contracts.till)
  const opened = await market.agent({ payees, ...agent })
  const job = (change: Partial<Hiring.Job> = {}): Hiring.Job => {
    const { baseUrl: _, ...call } = Market.call(market)
    return { ...call, sellers: [dear.baseUrl, cheap.baseUrl], explorePpb: 0n, ...change }
  }
  return { ...opened, job }
}
const addressOf = ({ node }: Pick<Start.Served, 'node'>) => node.wallet.address

describe('of several sellers', () => {
  test('the cheaper is taken when nobody is known', async () => {
    const { buyer, job } = await open()
    const hired = await buyer.hire(job())
    expect(hired.state).toBe('captured')
    expect(hired.seller).toBe(addressOf(cheap))
    expect(hired.delivered!.answered.output).toContain('about fifty minutes')
    expect(hired.tried).toHaveLength(1)
    expect(BigInt(hired.delivered!.receipt.money.paidAtoms)).toBe(maximum(cheap))
  })

  test('one that gives way is asked to match the cheapest, and gives up its own share alone', async () => {
    const { buyer, job } = await open()
    const hired = await buyer.hire(job({ sellers: [cheap.baseUrl, soft.baseUrl] }))
    const quotes = [...soft.node.books.state.sales.quotes.values()].map(({ quote }) => quote)
    const last = quotes.filter(({ payer }) => payer === buyer.address)
    expect(last.map(({ maxAtoms }) => BigInt(maxAtoms))).toEqual([
      maximum(soft),
      expect.toSatisfy((atoms: bigint) => atoms <= maximum(cheap)),
    ])
    const [first, second] = last as [Quote.Quote, Quote.Quote]
    expect({ ...second.rates, executionNanoPerStdUs: '' }).toEqual({
      ...{ ...first.rates, executionNanoPerStdUs: '' },
    })
    expect(hired.state).toBe('captured')
  })

  test('a ceiling is told to all, and who comes down to it is taken', async () => {
    const { buyer, job } = await open()
    const mostAtoms = maximum(cheap) - 100n
    const hired = await buyer.hire(job({ sellers: [dear.baseUrl, soft.baseUrl], mostAtoms }))
    expect(hired.seller).toBe(addressOf(soft))
    expect(BigInt(hired.delivered!.receipt.money.paidAtoms) <= mostAtoms).toBe(true)
  })

  test('only those are compared that the policy allows', async () => {
    const { buyer, job } = await open({ payees: [dear.contracts.till] })
    const hired = await buyer.hire(job())
    expect([hired.state, hired.seller]).toEqual(['captured', addressOf(dear)])
  })

  test('when it allows none, the best is denied on record, and nobody else is tried', async () => {
    const { buyer, job } = await open({ payees: [market.contracts.till] })
    const hired = await buyer.hire(job())
    expect(hired).toMatchObject({ state: 'refused', verdict: 'deny' })
    expect(hired.tried).toHaveLength(1)
    expect(hired.reasons.some(({ outcome }) => outcome === 'deny')).toBe(true)
  })

  test('the same step again is the same job, wherever it would go now', async () => {
    const { buyer, job } = await open()
    const first = await buyer.hire(job())
    const again = await buyer.hire(job({ sellers: [dear.baseUrl] }))
    expect(again.delivered!.receiptHash).toBe(first.delivered!.receiptHash)
    const [one, two] = await Promise.all([
      buyer.hire(job({ step: 1 })),
      buyer.hire(job({ step: 1 })),
    ])
    expect(one.purchase).toBe(two.purchase)
    const paid = first.paidAtoms + one.paidAtoms
    expect(buyer.spentAtoms()).toBe(paid)
  })

  test('nobody at all is said so', async () => {
    const { buyer, job } = await open()
    const sellers = ['http://127.0.0.1:9/v1']
    await expect(buyer.hire(job({ sellers }))).rejects.toMatchObject({
      ...{ code: 'sellers-missing', retry: 'safe' },
    })
    await expect(buyer.hire(job({ body: { model: 'other' } }))).rejects.toMatchObject({
      code: 'call-malformed',
    })
  })
})

describe('a seller that fails', () => {
  const lying = (seller: Start.Served) =>
    market.front(async (request, ask) => {
      const response = await ask(request)
      if (!request.headers.has('payment-signature') || response.status !== 200) return response
      return Market.altered(response, (json) => {
        json.choices[0].message.content = 'High water never comes.'
      })
    }, seller)

  test('is passed over for another, with its lie on record, and never asked again for this job', async () => {
    const { buyer, job } = await open()
    const sellers = [await lying(cheap), dear.baseUrl]
    const hired = await buyer.hire(job({ sellers }))
    expect(hired.tried.map(({ state, seller }) => [state, seller])).toEqual([
      ['disputed', addressOf(cheap)],
      ['captured', addressOf(dear)],
    ])
    expect(hired.tried[0]!.because).toMatch(/recounted|another answer/)
    expect(hired.tried[0]!.evidence!.tx).toMatch(/^0x/)
    const again = await buyer.hire(job({ sellers }))
    expect(again.delivered!.receiptHash).toBe(hired.delivered!.receiptHash)
    const [lie, truth] = hired.tried as [Hiring.Hired, Hiring.Hired]
    expect(buyer.spentAtoms()).toBe(lie.paidAtoms + truth.paidAtoms)
  })

  test('is known for it from then on, dearer as another is', async () => {
    const { buyer, job } = await open()
    const sellers = [await lying(cheap), dear.baseUrl]
    await buyer.hire(job({ sellers }))
    const chosen: (Hex | undefined)[] = []
    for (let step = 1; step <= 4; step += 1)
      chosen.push((await buyer.hire(job({ sellers, step }))).tried[0]!.seller)
    expect(chosen.filter((seller) => seller === addressOf(dear)).length).toBeGreaterThanOrEqual(3)
  })

  test('is not replaced for ever: attempts are bounded, and the last is how it ended', async () => {
    const { buyer, job } = await open()
    const sellers = [await lying(cheap), await lying(dear), await lying(soft)]
    const hired = await buyer.hire(job({ sellers, attempts: 2 }))
    expect(hired.tried.map(({ state }) => state)).toEqual(['disputed', 'disputed'])
    const last = await buyer.hire(job({ sellers }))
    expect(last.tried).toHaveLength(1)
    expect(last).toMatchObject({
      state: 'disputed',
      because: expect.stringMatching(/besides.*found none that quotes/),
    })
    await expect(buyer.hire(job({ sellers }))).rejects.toMatchObject({ code: 'sellers-missing' })
  })

  test('whose quote is not one is not even considered', async () => {
    const { buyer, job } = await open()
    const greedy = await market.front(async (request, ask) => {
      const response = await ask(request)
      if (!request.url.endsWith('/quotes')) return response
      return Market.altered(response, (json) => {
        json.quote.payAtoms = '1'
      })
    }, cheap)
    const hired = await buyer.hire(job({ sellers: [greedy, dear.baseUrl] }))
    expect(hired.tried.map(({ seller }) => seller)).toEqual([addressOf(dear)])
  })
})

describe('through a registry', () => {
  test('sellers are found, and words about them weigh', async () => {
    const { buyer, job, wallet } = await open()
    const { asset } = market.contracts
    const directory = Directory.open({
      ...{ registries: [registry.baseUrl], asset, chain: market.chain, now: market.now },
    })
    for (const { node, baseUrl } of [dear, cheap])
      await directory.announce(node.wallet, {
        ...{ name: 'reader', baseUrl },
        offers: [{ model: Market.model, kind: 'extractive', description: 'passages' }],
      })
    const first = await buyer.hire(job({ sellers: [], directory }))
    expect(first.state).toBe('captured')
    await directory.attest(await buyer.attest(first.purchase))
    const [word] = await directory.attestations(first.seller!)
    expect(word).toMatchObject({ payer: wallet.address, isGood: true })
    await expect(buyer.attest(Hash.text('nothing'))).rejects.toMatchObject({
      code: 'not-attestable',
    })
  })
})

test('who was compared stands beside each decision, and every folder verifies', async () => {
  const { buyer, job } = await open()
  await buyer.hire(job())
  await buyer.close()
  const { candidates } = decidedIn(buyer.dir).choice!
  expect(candidates.map(({ seller }) => seller).sort()).toEqual([dear, cheap].map(addressOf).sort())
  const folders = [dear, cheap, soft].map(({ node }) => node.dir)
  expect(Verify.folders(buyer.dir, ...folders)).toMatchObject({ failures: 0 })
})

function decidedIn(dir: string): Event.Of<'decided'> {
  const reader = Journal.reader(join(dir, 'journal.db'))
  const events = [...reader.read()].map((text) => JSON.parse(text).event as Event.Event)
  reader.close()
  const found = events.find(({ type }) => type === 'decided')
  return found as Event.Of<'decided'>
}
