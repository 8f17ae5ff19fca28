import type { AIMessage } from '@langchain/core/messages'
import { FakeListChatModel } from '@langchain/core/utils/testing'
import { MemorySaver } from '@langchain/langgraph'
import { createAgent, createMiddleware, modelRetryMiddleware, tool } from 'langchain'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as Market from '../../../test/harness/Market.ts'
import { ChatRequite, type Metadata } from './ChatRequite.ts'
import { payable } from './Payable.ts'
import type { State } from './State.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

const ask = (content: string) => ({ messages: [{ role: 'user', content }] })
const tides = ask('When does high water come?')
const bees = ask('How do bees tell where the clover stands?')

async function open(agent: Market.Agent = {}, baseURL = market.baseUrl) {
  const opened = await market.agent(agent)
  const model = new ChatRequite({ buyer: opened.buyer, baseURL, model: Market.model })
  return { ...opened, model, requite: payable(opened.buyer) }
}

/** Calls the model twice, whatever came of the first time. */
const twice = createMiddleware({
  name: 'twice',
  wrapModelCall: async (request, handler) => {
    await Promise.resolve(handler(request)).catch(() => undefined)
    return handler(request)
  },
})

describe('a LangChain agent', () => {
  test('pays for its model call; what it spent stands in its state', async () => {
    const { model, requite, wallet } = await open()
    const agent = createAgent({ model, tools: [], middleware: [requite] })
    const result = await agent.invoke(tides)
    const answer = result.messages.at(-1)!
    expect(answer.text).toContain('about fifty minutes later each day')
    const [paid, ...more] = await market.paid(wallet.address)
    expect(more).toEqual([])
    const state: State['requite'] = result.requite
    expect(state).toEqual({
      run: expect.stringMatching(/^chat\/[0-9a-f]{16}$/),
      step: 0,
      spentAtoms: String(paid),
      receipts: [(answer.response_metadata as Metadata).receipt],
    })
  })

  test('with a system prompt asks as before', async () => {
    const { model, requite } = await open()
    const systemPrompt = 'You read documents.'
    const agent = createAgent({ model, tools: [], systemPrompt, middleware: [requite] })
    expect((await agent.invoke(tides)).messages.at(-1)!.text).toContain('about fifty minutes')
  })

  test('with a checkpointer goes on counting in its thread', async () => {
    const { model, requite, buyer, wallet } = await open()
    const checkpointer = new MemorySaver()
    const agent = createAgent({ model, tools: [], middleware: [requite], checkpointer })
    const thread = { configurable: { thread_id: 'desk' } }
    const first = await agent.invoke(tides, thread)
    const second = await agent.invoke(bees, thread)
    expect(second.requite).toMatchObject({ run: first.requite!.run, step: 1 })
    expect(second.requite!.receipts).toHaveLength(2)
    expect(second.requite!.spentAtoms).toBe(String(buyer.spentAtoms()))
    expect(await market.paid(wallet.address)).toHaveLength(2)
    const other = await agent.invoke(tides, { configurable: { thread_id: 'another' } })
    expect(other.requite!.run).not.toBe(first.requite!.run)
  })

  test('counts nothing for an answer that came out of a cache', async () => {
    const { buyer, model, requite, wallet } = await open()
    const agent = createAgent({ model, tools: [], middleware: [requite] })
    const first = await agent.invoke(tides)
    expect(first.requite!.spentAtoms).toBe(String(buyer.spentAtoms()))
    const cache = createMiddleware({
      name: 'cache',
      wrapModelCall: async () => first.messages.at(-1) as AIMessage,
    })
    const again = createAgent({ model, tools: [], middleware: [requite, cache] })
    const second = await again.invoke(tides)
    expect(second.messages.at(-1)!.text).toBe(first.messages.at(-1)!.text)
    expect(second.requite).toMatchObject({ spentAtoms: '0', receipts: [] })
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('of a model that is not paid for is left alone', async () => {
    const { requite, buyer } = await open({ fundAtoms: 0n })
    const model = new FakeListChatModel({ responses: ['hello'] })
    const bound = Object.assign(model, { bindTools: () => model })
    const agent = createAgent({ model: bound, tools: [], middleware: [requite] })
    const result = await agent.invoke(tides)
    expect(result.messages.at(-1)!.text).toBe('hello')
    expect(result.requite).toBeUndefined()
    expect(buyer.spentAtoms()).toBe(0n)
  })

  test('with tools or a schema gets a typed refusal, unpaid', async () => {
    const { model, requite, wallet } = await open()
    const search = tool(() => 'x', { name: 'search', description: 's', schema: z.object({}) })
    const agents = [
      createAgent({ model, tools: [search], middleware: [requite] }),
      createAgent({
        ...{ model, tools: [], middleware: [requite] },
        responseFormat: z.object({ minutes: z.number() }),
      }),
    ]
    for (const agent of agents)
      await expect(agent.invoke(tides)).rejects.toSatisfy((error: Error) =>
        /-unsupported$/.test((error.cause as { code: string }).code),
      )
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('whose model has another buyer is refused', async () => {
    const { model } = await open({ fundAtoms: 0n })
    const { requite } = await open({ fundAtoms: 0n })
    const agent = createAgent({ model, tools: [], middleware: [requite] })
    await expect(agent.invoke(tides)).rejects.toMatchObject({ cause: { code: 'other-buyer' } })
  })
})

describe('the same step again', () => {
  test.each([
    ['outside', (requite: ReturnType<typeof payable>) => [twice, requite]],
    ['inside', (requite: ReturnType<typeof payable>) => [requite, twice]],
  ])('by a retry %s of the middleware pays once', async (_, order) => {
    const { model, requite, wallet, buyer } = await open()
    const agent = createAgent({ model, tools: [], middleware: order(requite) })
    const result = (await agent.invoke(tides)) as Awaited<ReturnType<typeof agent.invoke>> & State
    expect(result.messages.at(-1)!.text).toContain('about fifty minutes')
    expect(await market.paid(wallet.address)).toEqual([buyer.spentAtoms()])
    expect(result.requite!.spentAtoms).toBe(String(buyer.spentAtoms()))
    expect(result.requite!.receipts).toHaveLength(1)
  })

  test('by LangChain’s own retry comes through a seller that was not there', async () => {
    let down = true
    const baseURL = await market.front(async (request, next) => {
      if (!down) return next(request)
      down = false
      return next.drop()
    })
    const { model, requite, wallet } = await open({}, baseURL)
    const retry = modelRetryMiddleware({ initialDelayMs: 1, onFailure: 'error' })
    const agent = createAgent({ model, tools: [], middleware: [requite, retry] })
    const result = await agent.invoke(tides)
    expect(result.messages.at(-1)!.text).toContain('about fifty minutes')
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('is not a denial repeated', async () => {
    const { model, requite, wallet } = await open({ rules: ['cap 0.0001 USDC per payment'] })
    const quotes = market.node.books.state.sales.quotes.size
    const retry = modelRetryMiddleware({ initialDelayMs: 1, onFailure: 'error' })
    const agent = createAgent({ model, tools: [], middleware: [requite, retry] })
    await expect(agent.invoke(tides)).rejects.toMatchObject({
      name: 'PurchaseRefused',
      cause: { cause: { code: 'denied' } },
    })
    expect(market.node.books.state.sales.quotes.size).toBe(quotes + 1)
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('after a crash between payment and checkpoint pays once', async () => {
    const { model, requite, wallet, buyer } = await open()
    let crashes = true
    const crash = createMiddleware({
      name: 'crash',
      wrapModelCall: async (request, handler) => {
        const message = await handler(request)
        if (crashes) throw new Error('killed')
        return message
      },
    })
    const checkpointer = new MemorySaver()
    const middleware = [requite, crash] as const
    const agent = createAgent({ model, tools: [], middleware, checkpointer })
    const thread = { configurable: { thread_id: 'desk' } }
    await expect(agent.invoke(tides, thread)).rejects.toThrow('killed')
    expect(await market.paid(wallet.address)).toHaveLength(1)
    crashes = false
    const result = await agent.invoke(null, thread)
    expect(result.messages.at(-1)!.text).toContain('about fifty minutes')
    expect(result.requite).toMatchObject({ step: 0, spentAtoms: String(buyer.spentAtoms()) })
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })
})

describe('the budget gate', () => {
  test('ends a run whose meter has nothing left, and says which in the state', async () => {
    const rule = 'at most 1 payment per hour'
    const { model, requite, wallet } = await open({ rules: [rule] })
    const checkpointer = new MemorySaver()
    const agent = createAgent({ model, tools: [], middleware: [requite], checkpointer })
    const thread = { configurable: { thread_id: 'desk' } }
    const first = await agent.invoke(tides, thread)
    expect(first.requite!.stopped).toBeUndefined()
    const quotes = market.node.books.state.sales.quotes.size
    const second = await agent.invoke(bees, thread)
    expect(second.messages.at(-1)!.text).toBe(bees.messages[0]!.content)
    expect(second.requite!.stopped).toEqual({
      code: 'budget-exhausted',
      rule: expect.stringMatching(/^at most 1 payment/),
      meter: {
        ...{ key: 'payments per hour', unit: 'payments', windowMs: 3_600_000 },
        ...{ used: '1', held: '0', limit: '1' },
      },
    })
    expect(second.requite!.spentAtoms).toBe(first.requite!.spentAtoms)
    // Nobody was even asked for a quote.
    expect(market.node.books.state.sales.quotes.size).toBe(quotes)
    expect(await market.paid(wallet.address)).toHaveLength(1)
    await market.pass(2 * 3_600)
    const third = await agent.invoke(bees, thread)
    expect(third.requite!.stopped).toBeUndefined()
    expect(third.requite!.receipts).toHaveLength(2)
  })

  test('leaves meters of single payees to the decision', async () => {
    const { model, requite, wallet } = await open({
      rules: ['at most 1 payment per hour per payee'],
    })
    const agent = createAgent({ model, tools: [], middleware: [requite] })
    await agent.invoke(tides)
    await expect(agent.invoke(bees)).rejects.toMatchObject({ cause: { code: 'denied' } })
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })
})

test('a signal stops an agent before it pays', async () => {
  const caller = new AbortController()
  const baseURL = await market.front(async (request, next) => {
    if (new URL(request.url).pathname === '/v1/quotes') caller.abort()
    return next(request)
  })
  const { model, requite, wallet, buyer } = await open({}, baseURL)
  const agent = createAgent({ model, tools: [], middleware: [requite] })
  await expect(agent.invoke(tides, { signal: caller.signal })).rejects.toThrow()
  await expect.poll(() => buyer.status()[0]!.meter.held).toBe('0')
  expect(await market.paid(wallet.address)).toEqual([])
})
