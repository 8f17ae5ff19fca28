/**
 * Sellers that lie, each hired first because it is the cheaper: what it does is refused, or disputed with
 * evidence on record; the money is as the policy says; every folder verifies; the next seller is hired.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Start from '../../examples/support/Market.ts'
import * as Verify from '../../examples/support/Verify.ts'
import * as Seller from '../../src/agents/Seller.ts'
import type * as Event from '../../src/economy/Event.ts'
import * as Equivocation from '../../src/market/Equivocation.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Journal from '../../src/store/Journal.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Market from '../harness/Market.ts'

let market: Market.Market
let liar: Start.Served
let vague: Start.Served
let honest: Start.Served
const { rates } = Start.terms
const at = (executionNanoPerStdUs: string) => ({
  ...Start.terms,
  rates: { ...rates, executionNanoPerStdUs },
})

beforeAll(async () => {
  market = await Market.open()
  liar = await market.another({ offers: [at('10000000')] })
  const promised = { ...at('10000000'), coveragePromisedPpb: '1000000000' }
  vague = await market.another({ offers: [promised] })
  honest = await market.another({ offers: [at('30000000')] })
}, 60_000)
afterAll(() => market.close())

type Answer = { choices: { message: { content: string } }[]; requite: Proved }
type Proved = { receipt: Receipt.Receipt; signature: string }
type Lie = {
  /** What it does with a paid request; hands on what else there is. */
  readonly front: Market.Front
  readonly seller?: () => Start.Served
  /** How the attempt with it ends; none: its quote is no bid. */
  readonly state?: 'disputed' | 'expired'
  readonly because?: RegExp
  readonly body?: object
}

const isPaid = (request: Request) => request.headers.has('payment-signature')
const asSigner = () => liar.node.wallet

/** Delivers another answer than it made. */
function altering(change: (answer: Answer) => unknown): Market.Front {
  return async (request, ask) => {
    const response = await ask(request)
    if (!isPaid(request) || response.status !== 200) return response
    const answer = (await response.json()) as Answer
    await change(answer)
    return Response.json(answer)
  }
}

/** Delivers another receipt, and signs it. */
const signing = (
  change: (receipt: Receipt.Receipt) => Partial<Receipt.Receipt>,
  signer = asSigner,
): Market.Front =>
  altering(async ({ requite }) => {
    Object.assign(requite.receipt, change(requite.receipt))
    requite.signature = await signer().signTypedData(Receipt.typedData(requite.receipt))
  })

const lies: Readonly<Record<string, Lie>> = {
  'serves another model than it quoted': {
    front: signing(() => ({ model: 'docs-writer' })),
    ...{ state: 'disputed', because: /another model/ },
  },
  'charges more than work and quote allow': {
    front: signing(({ money }) => ({ money: { ...money, chargedAtoms: money.paidAtoms } })),
    ...{ state: 'disputed', because: /recomputed/ },
  },
  'asks more in its quote than its rates give': {
    front: async (request, ask) => {
      const response = await ask(request)
      if (!request.url.endsWith('/quotes') || response.status !== 200) return response
      const { quote } = (await response.json()) as Quote.Signed
      const dearer = { ...quote, maxAtoms: '999999', payAtoms: '999999' }
      const signature = await asSigner().signTypedData(Quote.typedData(dearer))
      return Response.json({ quote: dearer, signature })
    },
  },
  'sits on a payment until it is too late': {
    front: async (request, ask) => {
      if (!isPaid(request)) return ask(request)
      await market.pass(31)
      return Response.json({ error: { message: 'one moment' } }, { status: 402 })
    },
    ...{ state: 'expired', because: /one moment/ },
  },
  'takes the money and says garbage': {
    front: async (request, ask) => {
      const response = await ask(request)
      return isPaid(request) ? new Response('thank you') : response
    },
    ...{ state: 'disputed', because: /nothing was delivered/ },
  },
  'breaks off in the middle of a stream, and then refuses': {
    front: breakingOff(),
    body: { stream: true },
    ...{ state: 'disputed', because: /nothing was delivered/ },
  },
  'answers something else than its receipt says': {
    front: altering(({ choices }) => {
      choices[0]!.message.content = 'High water never comes.'
    }),
    ...{ state: 'disputed', because: /recounted|another answer/ },
  },
  'has its receipt signed by somebody else': {
    front: signing(
      () => ({}),
      () => honest.node.wallet,
    ),
    ...{ state: 'disputed', because: /did not sign/ },
  },
  'tells two stories of one place in its chain': {
    front: signing(({ wallMs }) => ({ wallMs: wallMs + 1 })),
    ...{ state: 'disputed', because: /not of this receipt/ },
  },
  'promises that all is covered by sources, and is not': {
    front: async (request, ask) => ask(request),
    seller: () => vague,
    ...{ state: 'disputed', because: /^coverage \d+ ppb, promised 1000000000/ },
  },
}

/** A first word, and no more of it. */
function breakingOff(): Market.Front {
  return async (request, ask) => {
    if (!isPaid(request)) return ask(request)
    const response = await ask(request)
    const whole = await response.text()
    if (!/event-stream/.test(response.headers.get('content-type') ?? '')) return ask(request)
    if (heard.has(request.headers.get('payment-signature')!))
      return Response.json({ error: { message: 'enough' } }, { status: 402 })
    heard.add(request.headers.get('payment-signature')!)
    const events = whole.split('\n\n')
    return new Response(`${events.slice(0, 2).join('\n\n')}\n\n`, { headers: response.headers })
  }
}
const heard = new Set<string>()

const events = (dir: string) => {
  const reader = Journal.reader(join(dir, 'journal.db'))
  const found = [...reader.read()].map((text) => JSON.parse(text).event as Event.Event)
  reader.close()
  return found
}

test.each(Object.entries(lies))('a seller that %s', async (_, lie) => {
  const { front, state, because, seller = () => liar, body = {} } = lie
  const payees = [liar, vague, honest].map(({ contracts }) => contracts.till)
  const { buyer, dir } = await market.agent({ payees })
  const { baseUrl: _baseUrl, ...call } = Market.call(market)
  const sellers = [await market.front(front, seller()), honest.baseUrl]
  const hired = await buyer.hire({
    ...{ ...call, body: { ...call.body, ...body }, sellers, explorePpb: 0n },
  })
  // The agent goes on: the honest one delivers.
  expect([hired.state, hired.seller]).toEqual(['captured', honest.node.wallet.address])
  expect(hired.delivered!.answered.output).toContain('about fifty minutes')
  expect(hired.tried.map((each) => each.state)).toEqual([...(state ? [state] : []), 'captured'])
  const [first] = hired.tried as [(typeof hired.tried)[0]]
  if (because !== undefined) expect(first.because).toMatch(because)
  // Disputed: paid, with evidence, on record. Otherwise nothing left.
  const disputed = events(dir).filter(({ type }) => type === 'disputed')
  if (state === 'disputed') {
    expect(first.paidAtoms).toBeGreaterThan(0n)
    expect(disputed).toMatchObject([{ because: first.because, evidence: first.evidence! }])
  } else expect(disputed).toEqual([])
  if (state === 'expired') expect(first.paidAtoms).toBe(0n)
  const spentAtoms = hired.tried.reduce((sum, { paidAtoms }) => sum + paidAtoms, 0n)
  expect(buyer.spentAtoms()).toBe(spentAtoms)
  expect(buyer.status()[0]!.meter).toMatchObject({ used: String(spentAtoms), held: '0' })
  await buyer.close()
  const nodes = [liar, vague, honest].map(({ node }) => node.dir)
  expect(Verify.folders(dir, ...nodes)).toMatchObject({ failures: 0 })
})

test('two receipts of one place are a proof that anyone can check, without either log', async () => {
  const told: Receipt.Signed[] = []
  const front = altering(async ({ requite }) => {
    const { receipt, signature } = requite
    told.push({ receipt: { ...receipt }, signature } as Receipt.Signed)
    requite.receipt.wallMs += 1
    requite.signature = await asSigner().signTypedData(Receipt.typedData(requite.receipt))
    told.push({ receipt: { ...requite.receipt }, signature: requite.signature } as Receipt.Signed)
  })
  const { buyer } = await market.agent({ payees: [liar.contracts.till] })
  const baseUrl = await market.front(front, liar)
  expect((await buyer.buy(Market.call({ baseUrl }))).state).toBe('disputed')
  const [one, other] = told as [Receipt.Signed, Receipt.Signed]
  const proof = Equivocation.parse(JSON.parse(JSON.stringify(Equivocation.of(other, one))))
  expect(Equivocation.fault(proof, Wallet.verifyTypedData)).toBeUndefined()
  expect(proof.left.receipt.seq).toBe(proof.right.receipt.seq)
  expect(Equivocation.fault({ ...proof, right: proof.left }, Wallet.verifyTypedData)).toBeDefined()
})

test('a seller that falls silent in a stream is given up after a while, not waited for', async () => {
  let open = () => {}
  const front: Market.Front = async (request, ask) => {
    if (!isPaid(request)) return ask(request)
    const first = `data: ${JSON.stringify({ choices: [{ delta: { content: 'High ' } }] })}\n\n`
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(first))
        open = () => controller.close()
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
  const baseUrl = await market.front(front, liar)
  const heard: string[] = []
  const reply = await Seller.send(baseUrl, {
    body: { stream: true },
    payload: {} as never,
    onDelta: ({ text = '' }) => heard.push(text),
    limits: { stallMs: 150 },
  })
  open()
  // Unclear: the chain is looked at, and the same payment is sent again.
  expect(reply).toMatchObject({ kind: 'unclear' })
  expect(heard.join('')).toBe('High ')
})
