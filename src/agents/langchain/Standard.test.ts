/**
 * What LangChain's documentation promises of chat models, held by a model that is bought: an attributed
 * offer over somebody else's OpenAI-compatible server.
 */
import { InMemoryCache } from '@langchain/core/caches'
import {
  AIMessage,
  AIMessageChunk,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { createAgent, providerStrategy, toolStrategy } from 'langchain'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as OpenAi from '../../../test/harness/OpenAi.ts'
import * as Upstream from '../../../test/harness/Upstream.ts'
import { ChatRequite, type Fields } from './ChatRequite.ts'
import { payable } from './Payable.ts'
import type { State } from './State.ts'

let up: Upstream.Upstream
beforeAll(async () => {
  up = await Upstream.open()
})
afterAll(() => up.close())

async function open(fields: Partial<Fields> = {}) {
  const opened = await up.market.agent()
  const base = { buyer: opened.buyer, baseURL: up.baseURL, model: Upstream.model }
  return { ...opened, chat: new ChatRequite({ ...base, ...fields }) }
}

const adder = tool(({ a, b }) => a + b, {
  name: 'add',
  description: 'Adds two numbers.',
  schema: z.object({ a: z.number(), b: z.number() }),
})
const sum = { a: 1, b: 2 }
const call = (name: string, args: object, id: string, index = 0): OpenAi.Call => ({
  ...{ index, id, type: 'function' },
  function: { name, arguments: JSON.stringify(args) },
})
/** What the model was sent last. */
const sent = () => up.upstream.asked.at(-1)!.body

describe('stream', () => {
  test('gives chunks that join to the answer; the last has usage and receipt', async () => {
    up.says(() => OpenAi.says(['High ', 'water ', 'comes ', 'later.'], { waitMs: 20 }))
    const { chat, wallet } = await open()
    const chunks: AIMessageChunk[] = []
    for await (const chunk of await chat.stream('When?')) chunks.push(chunk)
    expect(chunks.every((chunk) => AIMessageChunk.isInstance(chunk))).toBe(true)
    expect(chunks.length).toBeGreaterThan(1)
    expect(chunks.slice(0, -1).every((chunk) => chunk.usage_metadata === undefined)).toBe(true)
    const whole = chunks.reduce((before, chunk) => before.concat(chunk))
    expect(whole.text).toBe('High water comes later.')
    const { total_tokens, input_tokens, output_tokens } = chunks.at(-1)!.usage_metadata!
    expect(total_tokens).toBe(input_tokens + output_tokens)
    expect(whole.usage_metadata!.total_tokens).toBe(total_tokens)
    expect(whole.response_metadata).toMatchObject({
      ...{ model: Upstream.model, finish_reason: 'stop' },
      receipt: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      requite: {
        outcome: 'captured',
        paidAtoms: String((await up.market.paid(wallet.address))[0]),
      },
    })
  })

  test('tells callbacks each token, and the whole at the end', async () => {
    up.says(() => OpenAi.says(['High ', 'water.'], { waitMs: 20 }))
    const { chat } = await open({ streaming: true })
    const tokens: string[] = []
    const ends: unknown[] = []
    const callbacks = [
      {
        handleLLMNewToken: (token: string) => void tokens.push(token),
        handleLLMEnd: (result: unknown) => void ends.push(result),
      },
    ]
    const message = await chat.invoke('When?', { callbacks })
    expect(tokens.join('')).toBe('High water.')
    expect(ends).toHaveLength(1)
    expect(message.text).toBe('High water.')
    expect(message.usage_metadata!.total_tokens).toBeGreaterThan(0)
  })

  test('that is switched off gives the whole at once', async () => {
    up.says(() => OpenAi.says('High water.'))
    const { chat } = await open({ disableStreaming: true })
    const chunks = []
    for await (const chunk of await chat.stream('When?')) chunks.push(chunk)
    expect(chunks.map(({ text }) => text)).toEqual(['High water.'])
    expect(sent().messages).toHaveLength(1)
  })

  test('of tool calls gives pieces that join to them', async () => {
    up.says(() => OpenAi.calls('add', sum))
    const { chat } = await open()
    let whole: AIMessageChunk | undefined
    for await (const chunk of await chat.bindTools([adder]).stream('1 + 2?'))
      whole = whole === undefined ? chunk : whole.concat(chunk)
    expect(whole!.tool_call_chunks!.length).toBeGreaterThan(0)
    expect(whole!.tool_calls).toEqual([{ name: 'add', args: sum, id: 'call_1', type: 'tool_call' }])
    expect(whole!.response_metadata.finish_reason).toBe('tool_calls')
  })

  test('streamEvents begins, streams and ends', async () => {
    up.says(() => OpenAi.says('High water.'))
    const { chat } = await open()
    const events: string[] = []
    for await (const { event } of chat.streamEvents('When?', { version: 'v2' })) events.push(event)
    expect(events[0]).toBe('on_chat_model_start')
    expect(events).toContain('on_chat_model_stream')
    expect(events.at(-1)).toBe('on_chat_model_end')
  })

  test('a signal ends it: the caller gets the reason, the short answer is bought', async () => {
    const words = Array.from({ length: 300 }, (_, at) => `word${at} `)
    up.says(() => OpenAi.says(words, { waitMs: 10 }))
    const { chat, wallet, buyer } = await open()
    const caller = new AbortController()
    const reading = (async () => {
      for await (const { text } of await chat.stream('When?', { signal: caller.signal }))
        if (text !== '') caller.abort(new Error('enough'))
    })()
    await expect(reading).rejects.toThrow(/enough|abort/i)
    await buyer.close()
    expect(await up.market.paid(wallet.address)).toHaveLength(1)
  })
})

describe('tools', () => {
  test('of every kind are offered as OpenAI’s API writes them', async () => {
    up.says(() => OpenAi.says('None.'))
    const { chat } = await open()
    const parameters = { type: 'object', properties: {} }
    const plain = { type: 'function', function: { name: 'plain', parameters } } as const
    await chat.bindTools([adder, plain], { tool_choice: 'any' }).invoke('Hello')
    expect(sent().tools).toMatchObject([
      { type: 'function', function: { name: 'add', description: 'Adds two numbers.' } },
      plain,
    ])
    expect(sent().tool_choice).toBe('required')
    await chat.bindTools([adder], { tool_choice: 'add' }).invoke('Hello')
    expect(sent().tool_choice).toEqual({ type: 'function', function: { name: 'add' } })
    expect(() => chat.bindTools([7 as never])).toThrow(/expected a tool/)
  })

  test('their results go round, several in one answer too', async () => {
    up.says(() =>
      OpenAi.says({ tool_calls: [call('add', sum, 'a'), call('add', { a: 3, b: 4 }, 'b', 1)] }),
    )
    const { chat } = await open()
    const bound = chat.bindTools([adder])
    const question = new HumanMessage({ content: '1 + 2, 3 + 4?', name: 'ann' })
    const asked = await bound.invoke([new SystemMessage('Add.'), question])
    expect(asked.content).toBe('')
    expect(asked.tool_calls!.map(({ id, args }) => [id, args])).toEqual([
      ['a', sum],
      ['b', { a: 3, b: 4 }],
    ])
    up.says(() => OpenAi.says('3 and 7.'))
    const results = asked.tool_calls!.map(
      ({ id, args }) => new ToolMessage({ content: String(args.a + args.b), tool_call_id: id! }),
    )
    const last = await bound.invoke([question, asked, ...results])
    expect(last.text).toBe('3 and 7.')
    expect(sent().messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool'])
    expect(sent().messages[1]!.tool_calls).toMatchObject([{ id: 'a' }, { id: 'b' }])
    expect(sent().messages[2]).toMatchObject({ tool_call_id: 'a', content: '3' })
  })

  test('calls and results in content of other providers’ kind are told once', async () => {
    up.says(() => OpenAi.says('3.'))
    const { chat } = await open()
    const called = new AIMessage({
      content: [
        { type: 'text', text: 'Adding.' },
        { type: 'tool_use', id: 'a', name: 'add', input: sum },
      ],
      tool_calls: [{ name: 'add', args: sum, id: 'a' }],
    })
    const result = new ToolMessage({ content: [{ type: 'text', text: '3' }], tool_call_id: 'a' })
    const message = await chat.bindTools([adder]).invoke([new HumanMessage('?'), called, result])
    expect(message.text).toBe('3.')
    expect(sent().messages[1]!.tool_calls).toHaveLength(1)
  })
})

describe('structured output', () => {
  const schema = z.object({ name: z.string(), age: z.number() })
  const ann = { name: 'Ann', age: 7 }

  test('by the call of a tool', async () => {
    up.says(() => OpenAi.calls('person', ann))
    const { chat } = await open()
    const bound = chat.withStructuredOutput(schema, { name: 'person' })
    expect(await bound.invoke('Who?')).toEqual(ann)
    expect(sent().tool_choice).toEqual({ type: 'function', function: { name: 'person' } })
  })

  test.each(['jsonSchema', 'jsonMode'])('by %s', async (method) => {
    up.says(() => OpenAi.says(JSON.stringify(ann)))
    const { chat } = await open()
    expect(await chat.withStructuredOutput(schema, { method }).invoke('Who?')).toEqual(ann)
    const { type } = sent().response_format as { type: string }
    expect(type).toBe(method === 'jsonMode' ? 'json_object' : 'json_schema')
  })

  test('by a JSON schema, with the raw message beside', async () => {
    up.says(() => OpenAi.calls('extract', ann))
    const { chat } = await open()
    const json = { type: 'object', properties: { name: { type: 'string' } } }
    const both = await chat.withStructuredOutput(json, { includeRaw: true }).invoke('Who?')
    expect(both.parsed).toEqual(ann)
    expect(both.raw.response_metadata.receipt).toMatch(/^0x/)
  })

  test('that does not keep to it is a failure, or null beside the raw message', async () => {
    up.says(() => OpenAi.calls('extract', { name: 7 }))
    const { chat } = await open()
    await expect(chat.withStructuredOutput(schema).invoke('Who?')).rejects.toThrow()
    const both = await chat.withStructuredOutput(schema, { includeRaw: true }).invoke('Who else?')
    expect(both.parsed).toBeNull()
  })
})

describe('beside', () => {
  test('what the cache gives again costs nothing', async () => {
    up.says(() => OpenAi.says('High water.'))
    const { chat, wallet } = await open({ cache: new InMemoryCache() })
    const first = await chat.invoke('When?')
    const again = await chat.invoke('When?', { requite: { run: 'other', step: 4 } })
    expect(again.text).toBe(first.text)
    expect(again.usage_metadata!.total_tokens).toBe(0)
    expect(await up.market.paid(wallet.address)).toHaveLength(1)
    await chat.invoke('When then?')
    expect(await up.market.paid(wallet.address)).toHaveLength(2)
  })

  test('stop sequences and settings are sent', async () => {
    up.says(() => OpenAi.says('High'))
    const { chat } = await open({ stop: ['END'], temperature: 0, maxTokens: 9 })
    await chat.invoke('When?')
    expect(sent()).toMatchObject({ stop: ['END'], temperature: 0 })
    await chat.invoke('When?', { stop: ['water'] })
    expect(sent()).toMatchObject({ stop: ['water'] })
    expect(chat.getLsParams({ stop: ['x'] })).toMatchObject({ ls_stop: ['x'], ls_temperature: 0 })
    expect(Object.keys(chat.getLsParams({})).sort()).toEqual([
      ...['ls_max_tokens', 'ls_model_name', 'ls_model_type', 'ls_provider'],
      ...['ls_stop', 'ls_temperature'],
    ])
  })

  test('serialised, it holds neither key nor buyer nor folder', async () => {
    const { chat, dir } = await open()
    const text = JSON.stringify(chat) + JSON.stringify(chat.toJSON())
    for (const secret of ['journal', 'privateKey', dir, 'policy'])
      expect(text).not.toContain(secret)
  })
})

describe('an agent with a response format', () => {
  const ann = { name: 'Ann', age: 40 }
  const person = z.object({ name: z.string(), age: z.number() })

  test.each<[string, () => unknown, (format: string) => OpenAi.Script]>([
    ['of a tool', () => toolStrategy(person), (name) => () => OpenAi.calls(name, ann)],
    ['of the model', () => providerStrategy(person), () => () => OpenAi.says(JSON.stringify(ann))],
  ])(
    '%s gets what it asked for, and what that cost stands in its state',
    async (_, format, says) => {
      const { chat, buyer, wallet } = await open()
      up.says((asked) => {
        const tools = (asked.body.tools ?? []) as { function: { name: string } }[]
        return says(tools[0]?.function.name ?? '')(asked)
      })
      const agent = createAgent({
        ...{ model: chat, tools: [], middleware: [payable(buyer)] },
        responseFormat: format() as never,
      })
      const result = (await agent.invoke({
        messages: [{ role: 'user', content: 'Who?' }],
      })) as unknown as State & { structuredResponse: unknown; messages: unknown[] }
      expect(result.structuredResponse).toEqual(ann)
      const paid = await up.market.paid(wallet.address)
      expect(paid).toHaveLength(1)
      expect(result.requite).toMatchObject({ step: 0, spentAtoms: String(paid[0]) })
      expect(result.requite!.receipts).toHaveLength(1)
      // Nothing that was said stands there twice.
      const ids = (result.messages as { id?: string }[]).map(({ id }) => id)
      expect(new Set(ids).size).toBe(ids.length)
    },
  )
})
