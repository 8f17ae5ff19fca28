/**
 * @module Clients of others, unmodified but for their `fetch`, which pays: OpenAI's, LangChain's, the AI SDK's,
 * x402's own and mppx, buying plain and streamed answers, calls of tools, and what they make of a no.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ChatOpenAI } from '@langchain/openai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Asset from '../../src/kernel/Asset.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Fetch from './Fetch.ts'
import * as Shop from './Shop.ts'

const said = 'High water comes fifty minutes later each day.'

/** Says where high water comes from; asks the almanac first where it may, and fails when told to. */
const script: Shop.Script = async function* (question, { request }) {
  if (question === 'Fail') throw new Error('no ink')
  const isAnswered = request.messages.some(({ role }) => role === 'tool')
  if ((request.tools ?? []).length > 0 && !isAnswered) {
    yield { toolCalls: [{ index: 0, id: 'call_1', name: 'almanac', arguments: '' }] }
    yield { toolCalls: [{ index: 0, arguments: '{"day":' }] }
    yield { toolCalls: [{ index: 0, arguments: '"today"}' }] }
    return 'tool_calls'
  }
  yield* said.split(/(?<= )/)
  return 'stop'
}

let shop: Shop.Shop
beforeAll(async () => {
  shop = await Shop.open(script, { can: ['schema', 'stop', 'tools'] })
})
afterAll(async () => {
  const { failures } = await shop.close()
  expect(failures).toBe(0)
})

const { model } = Shop
const messages = [{ role: 'user' as const, content: 'When does high water come?' }]
const parameters = { type: 'object' as const, properties: { day: { type: 'string' as const } } }
const almanac = { type: 'function' as const, function: { name: 'almanac', parameters } }
const failing = [{ role: 'user' as const, content: 'Fail' }]

/**
 * What a client prints in a process of its own: under this test runner's conditions a package that some of
 * them use would be its TypeScript sources.
 */
async function inProcess(program: string, key: string): Promise<unknown> {
  const { baseUrl, contracts } = shop.market
  const { address: asset } = Asset.parts(contracts.asset.id)
  const told = JSON.stringify({ baseUrl, asset, key, model, chainId: LocalChain.chainId })
  const args = ['--import', 'tsx', join(import.meta.dirname, program), told]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 25_000 })
  return JSON.parse(stdout)
}

describe('openai', () => {
  async function open() {
    const { fetch, ...rest } = await Fetch.paying(shop.market)
    const { baseUrl: baseURL } = shop.market
    return { client: new OpenAI({ baseURL, apiKey: 'none', fetch, maxRetries: 0 }), ...rest }
  }

  test('buys a plain answer, and finds what is sold', async () => {
    const { client, paid, statuses } = await open()
    const { choices, usage, ...rest } = await client.chat.completions.create({ model, messages })
    expect(choices[0]!.message.content).toBe(said)
    expect(usage!.completion_tokens).toBe(9)
    expect(rest).toHaveProperty('requite.receipt')
    expect(statuses).toEqual([402, 200])
    expect(await paid()).toHaveLength(1)
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([model])
  })

  test('buys a stream, and its usage', async () => {
    const { client, paid } = await open()
    const options = { stream_options: { include_usage: true } }
    const stream = client.chat.completions.stream({ model, messages, ...options })
    const pieces: string[] = []
    stream.on('content', (piece) => pieces.push(piece))
    const final = await stream.finalChatCompletion()
    expect(pieces.join('')).toBe(said)
    expect(final.choices[0]!.message.content).toBe(said)
    expect(final.usage!.completion_tokens).toBe(9)
    expect(await paid()).toHaveLength(1)
  })

  test('calls a tool, plain and streamed, and goes on with its result', async () => {
    const { client } = await open()
    const tools = [almanac]
    const { choices } = await client.chat.completions.create({ model, messages, tools })
    const [call] = choices[0]!.message.tool_calls!
    expect(choices[0]!.finish_reason).toBe('tool_calls')
    expect(call).toMatchObject({ function: { name: 'almanac', arguments: '{"day":"today"}' } })
    const streamed = client.chat.completions.stream({ model, messages, tools })
    const { message } = (await streamed.finalChatCompletion()).choices[0]!
    expect(message.tool_calls).toMatchObject([
      { id: 'call_1', function: { name: 'almanac', arguments: '{"day":"today"}' } },
    ])
    const result = { role: 'tool' as const, tool_call_id: call!.id, content: 'at noon' }
    const turns = [...messages, choices[0]!.message, result]
    const next = await client.chat.completions.create({ model, messages: turns, tools })
    expect(next.choices[0]!.message.content).toBe(said)
  })

  test('is told no in its own words, unpaid', async () => {
    const { client, paid } = await open()
    const two = client.chat.completions.create({ model, messages, n: 2 })
    await expect(two).rejects.toMatchObject({ status: 400, code: 'choices-unsupported' })
    const other = client.chat.completions.create({ model: 'other', messages })
    await expect(other).rejects.toMatchObject({ status: 400, code: 'model-unknown' })
    const failed = client.chat.completions.create({ model, messages: failing })
    await expect(failed).rejects.toMatchObject({ status: 503, code: 'engine-failed' })
    expect(await paid()).toEqual([])
    const stream = await client.chat.completions.create({ model, messages: failing, stream: true })
    const drained = (async () => {
      for await (const _ of stream);
    })()
    await expect(drained).rejects.toThrow(/failed/)
  })
})

describe('@langchain/openai', () => {
  async function open() {
    const { fetch, paid } = await Fetch.paying(shop.market)
    const configuration = { baseURL: shop.market.baseUrl, fetch }
    return { chat: new ChatOpenAI({ model, apiKey: 'none', maxRetries: 0, configuration }), paid }
  }

  test('buys a plain answer', async () => {
    const { chat, paid } = await open()
    const answer = await chat.invoke('When does high water come?')
    expect(answer.text).toBe(said)
    expect(answer.usage_metadata!.output_tokens).toBe(9)
    expect(await paid()).toHaveLength(1)
  })

  test('buys a stream', async () => {
    const { chat, paid } = await open()
    const pieces: string[] = []
    for await (const piece of await chat.stream('When does high water come?'))
      pieces.push(piece.text)
    expect(pieces.join('')).toBe(said)
    expect(await paid()).toHaveLength(1)
  })

  test('calls a tool', async () => {
    const { chat } = await open()
    const answer = await chat.bindTools([almanac]).invoke('When does high water come?')
    expect(answer.tool_calls).toMatchObject([{ name: 'almanac', args: { day: 'today' } }])
  })

  test('is told no', async () => {
    const { chat, paid } = await open()
    await expect(chat.invoke('Fail')).rejects.toThrow(/engine of parrot failed/)
    expect(await paid()).toEqual([])
  })
})

describe('the AI SDK', () => {
  test('buys plain and streamed answers, calls tools, and is told no', async () => {
    const { key, paid } = await Fetch.stranger(shop.market)
    const got = await inProcess('ai-sdk.ts', key)
    const call = { toolName: 'almanac', input: { day: 'today' } }
    expect(got).toMatchObject({
      plain: { text: said, outputTokens: 9 },
      streamed: { text: said },
      called: [call],
      calledStreamed: [call],
      failed: { statusCode: 503 },
    })
    expect(await paid()).toHaveLength(4)
  })
})

describe('a fetch that pays', () => {
  const ask = (body: object) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const url = () => `${shop.market.baseUrl}/chat/completions`

  test('of @x402/fetch buys plain and streamed', async () => {
    const { fetch, paid, statuses } = await Fetch.paying(shop.market)
    const plain = await fetch(url(), ask(Shop.chat('When?')))
    expect(await plain.json()).toMatchObject({ choices: [{ message: { content: said } }] })
    const streamed = await fetch(url(), ask(Shop.chat('When?', { stream: true })))
    expect(streamed.headers.get('payment-response')).not.toBeNull()
    expect(await Shop.read(streamed)).toMatchObject({ text: said, isDone: true })
    expect(statuses).toEqual([402, 200, 402, 200])
    expect(await paid()).toHaveLength(2)
  })

  test('of mppx buys plain and streamed', async () => {
    const { key, paid } = await Fetch.stranger(shop.market)
    const got = await inProcess('mppx.ts', key)
    const { plain, streamed } = got as { plain: object; streamed: string }
    expect(plain).toMatchObject({ choices: [{ message: { content: said } }] })
    expect(await Shop.read(new Response(streamed))).toMatchObject({ text: said, isDone: true })
    expect(await paid()).toHaveLength(2)
  })
})
