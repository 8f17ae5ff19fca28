import { getRetryable } from '@langchain/core/errors'
import {
  AIMessage,
  ChatMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages'
import type { Runnable } from '@langchain/core/runnables'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as Market from '../../../test/harness/Market.ts'
import { ChatRequite, type Fields, type Metadata } from './ChatRequite.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

const question = 'When does high water come?'

async function open(agent: Market.Agent = {}, fields: Partial<Fields> = {}) {
  const opened = await market.agent(agent)
  const { buyer } = opened
  const base = { buyer, baseURL: market.baseUrl, model: Market.model }
  return { ...opened, chat: new ChatRequite({ ...base, ...fields }) }
}

describe('invoke', () => {
  test('answers, with usage and the receipt', async () => {
    const { chat, wallet, buyer } = await open()
    const message = await chat.invoke(question)
    expect(AIMessage.isInstance(message)).toBe(true)
    expect(message.text).toContain('about fifty minutes later each day')
    const [paid, ...more] = await market.paid(wallet.address)
    expect(more).toEqual([])
    expect(message.response_metadata).toMatchObject({
      model_name: Market.model,
      model_provider: 'requite',
      finish_reason: 'stop',
      receipt: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      requite: {
        ...{ outcome: 'captured', run: expect.any(String), step: 0 },
        purchase: expect.stringMatching(/^0x/),
        paidAtoms: String(paid),
        tx: expect.stringMatching(/^0x/),
      },
    })
    const { requite, receipt: hash } = message.response_metadata as Metadata
    expect(requite.states.at(-1)).toBe('captured')
    expect(requite.sources[0]!.document).toBe('tides/README.md')
    const { receipt } = market.node.books.state.sales.sales.get(hash)!
    expect(message.usage_metadata).toEqual({
      input_tokens: receipt.tokens.in,
      output_tokens: receipt.tokens.out,
      total_tokens: receipt.tokens.in + receipt.tokens.out,
    })
    expect(JSON.parse(JSON.stringify(message.response_metadata))).toEqual(message.response_metadata)
    expect(buyer.spentAtoms()).toBe(paid)
  })

  test('sends what was said, as OpenAI’s API writes it', async () => {
    const bodies: unknown[] = []
    const baseURL = await market.front(async (request, ask) => {
      if (request.headers.has('payment-signature')) bodies.push(await request.clone().json())
      return ask(request)
    })
    const { chat } = await open({}, { baseURL, maxTokens: 64 })
    await chat.invoke([
      new SystemMessage('Be brief.'),
      new HumanMessage({ content: [{ type: 'text', text: 'Who are you?', id: 'x' }] }),
      new AIMessage('A reader.'),
      new ChatMessage({ content: question, role: 'user' }),
    ])
    expect(bodies).toEqual([
      {
        model: Market.model,
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: [{ type: 'text', text: 'Who are you?' }] },
          { role: 'assistant', content: 'A reader.' },
          { role: 'user', content: question },
        ],
        max_tokens: 64,
      },
    ])
  })

  test('each call is a purchase of its own, unless told which step it is', async () => {
    const { chat, wallet } = await open()
    await chat.invoke(question)
    await chat.invoke(question)
    expect(await market.paid(wallet.address)).toHaveLength(2)
    const requite = { run: 'job', step: 3 }
    const one = await chat.invoke(question, { requite })
    const two = await chat.withConfig({ requite }).invoke(question)
    expect(two.response_metadata.receipt).toBe(one.response_metadata.receipt)
    expect(two.text).toBe(one.text)
    expect(await market.paid(wallet.address)).toHaveLength(3)
  })

  test('a batch is as many purchases', async () => {
    const { chat, wallet } = await open()
    const answers = await chat.batch([question, 'How do bees tell where the clover stands?'])
    expect(answers.map(({ text }) => text.slice(0, 7))).toEqual(['# Tides', '# Bees\n'])
    expect(await market.paid(wallet.address)).toHaveLength(2)
  })

  test('LangChain’s run id is the run', async () => {
    const { chat, wallet } = await open()
    const ids: string[] = []
    const callbacks = [
      {
        handleChatModelStart: (_model: unknown, _messages: unknown, runId: string) => {
          ids.push(runId)
        },
      },
    ]
    const first = await chat.invoke(question, { callbacks })
    const again = await chat.invoke(question, { requite: { run: ids[0]!, step: 0 } })
    expect(again.response_metadata.receipt).toBe(first.response_metadata.receipt)
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('says its name and nothing of its buyer', async () => {
    const { chat } = await open({ fundAtoms: 0n }, { maxTokens: 9 })
    expect(chat._llmType()).toBe('requite')
    expect(ChatRequite.lc_name()).toBe('ChatRequite')
    expect(chat.getLsParams({})).toEqual({
      ...{ ls_provider: 'requite', ls_model_name: Market.model },
      ...{ ls_model_type: 'chat', ls_max_tokens: 9 },
    })
    expect(chat.invocationParams()).toEqual({ model: Market.model, max_tokens: 9 })
    expect(JSON.stringify(chat.toJSON())).not.toContain('buyer')
  })
})

describe('no answer is a typed failure', () => {
  test.each([
    ['cap 0.0001 USDC per payment', 'denied', 'deny'],
    ['approve above 0.0001 USDC by ops', 'needs-approval', 'review'],
  ])('%s: %s', async (rule, code, verdict) => {
    const { chat, wallet } = await open({ rules: [rule] })
    const error = await chat.invoke(question).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'PurchaseRefused', code, retry: 'never' })
    const { reasons } = (error as { facts: { reasons: { outcome: string; because: string }[] } })
      .facts
    expect(reasons.find(({ outcome }) => outcome === verdict)!.because).toContain(rule)
    expect(getRetryable(error)).toBe(false)
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('a seller that is not there may be asked again', async () => {
    const { chat } = await open({}, { baseURL: 'http://127.0.0.1:9/v1' })
    const error = await chat.invoke(question).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'refused', facts: { reason: 'seller-unreachable' } })
    expect(getRetryable(error)).toBe(true)
  })

  const tool = { type: 'function', function: { name: 'search' } }
  test.each<[string, (chat: ChatRequite) => Runnable, string]>([
    ['tools', (chat) => chat.bindTools([tool]), 'tools-unsupported'],
    [
      'structured output',
      (chat) => chat.withStructuredOutput(z.object({ at: z.string() })),
      'tools-unsupported',
    ],
    [
      'a schema',
      (chat) => chat.withStructuredOutput({ type: 'object' }, { method: 'jsonSchema' }),
      'schema-unsupported',
    ],
    ['stop sequences', (chat) => chat.withConfig({ stop: ['.'] }), 'stop-unsupported'],
  ])('%s that its card does not say it can: nothing is signed', async (_, bind, code) => {
    const { chat, wallet, buyer } = await open()
    const error = await bind(chat)
      .invoke(question)
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ code })
    expect(getRetryable(error)).toBe(false)
    expect(buyer.status()[0]!.meter).toMatchObject({ used: '0', held: '0' })
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('messages that no model sold here reads are refused', async () => {
    const { chat } = await open({ fundAtoms: 0n })
    const image = new HumanMessage({ content: [{ type: 'image_url', image_url: 'data:' }] })
    await expect(chat.invoke([image])).rejects.toMatchObject({ code: 'call-malformed' })
    const result = new ToolMessage({ content: 'x', tool_call_id: '1' })
    await expect(chat.invoke([result])).rejects.toMatchObject({ code: 'tools-unsupported' })
  })
})

describe('a signal', () => {
  test('aborted before the call stops it', async () => {
    const { chat } = await open({ fundAtoms: 0n })
    await expect(chat.invoke(question, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
  })

  test('aborted before the payment stops it, with its own reason', async () => {
    const caller = new AbortController()
    const baseURL = await market.front(async (request, ask) => {
      if (new URL(request.url).pathname === '/v1/quotes') caller.abort(new Error('enough'))
      return ask(request)
    })
    const { chat, wallet, buyer } = await open({}, { baseURL })
    await expect(chat.invoke(question, { signal: caller.signal })).rejects.toThrow('enough')
    expect(buyer.status()[0]!.meter).toMatchObject({ used: '0', held: '0' })
    expect(await market.paid(wallet.address)).toEqual([])
  })
})
