import { AIMessage, AIMessageChunk } from '@langchain/core/messages'
import { FakeListChatModel, FakeStreamingChatModel } from '@langchain/core/utils/testing'
import { ChatOpenAI } from '@langchain/openai'
import { afterEach, describe, expect, test } from 'vitest'
import * as OpenAi from '../../test/harness/OpenAi.ts'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import * as ChatModelEngine from './ChatModelEngine.ts'
import type * as Engine from './Engine.ts'

const { card } = OpenAi
const able: Engine.ModelCard = { ...card, can: ['schema', 'stop', 'tools'] }
const find = { type: 'function', function: { name: 'find', parameters: { type: 'object' } } }
const asked: Engine.Request = {
  messages: [{ role: 'user', content: 'What is it?' }],
  maxTokensOut: 40,
}
const countTokens = Tokenizer.count
const key = 'secret-key-of-the-model'

function open(model: ChatModelEngine.ChatModel, more: Partial<ChatModelEngine.Options> = {}) {
  return ChatModelEngine.open({ model, card, countTokens, ...more })
}

/** A chat model that says chunks, or does something else. */
function says(chunks: readonly object[] | (() => AsyncIterable<unknown>)) {
  const asked: { messages: readonly object[]; options: Record<string, unknown> }[] = []
  async function* stream() {
    for (const chunk of chunks as object[]) yield chunk
  }
  const model = {
    async stream(messages: readonly object[], options: Record<string, unknown> = {}) {
      asked.push({ messages, options })
      return typeof chunks === 'function' ? chunks() : stream()
    },
    bindTools(tools: unknown, bound: object = {}) {
      return {
        stream: (messages: readonly object[], options: object = {}) =>
          model.stream(messages, { ...options, ...bound, tools }),
      }
    },
  }
  return { model: model satisfies ChatModelEngine.ChatModel, asked }
}

async function tell(engine: Engine.Engine, request: Engine.Request = asked) {
  const deltas: Engine.Delta[] = []
  const answer = await engine.answer(request, { onDelta: (delta) => deltas.push(delta) })
  const text = deltas.map((delta) => delta.text ?? '').join('')
  return { answer: answer as Engine.Answer, deltas, text }
}

describe('LangChain’s own models', () => {
  test('one that streams is told as it comes', async () => {
    const chunks = ['It is ', 'a ', 'test.'].map((content) => new AIMessageChunk({ content }))
    const { answer, text, deltas } = await tell(open(new FakeStreamingChatModel({ chunks })))
    expect(answer).toMatchObject({
      ...{ kind: 'answered', text: 'It is a test.', finish: 'stop' },
      usage: { tokensIn: 4, tokensOut: 5 },
    })
    expect(text).toBe(answer.text)
    expect(deltas.length).toBe(3)
  })

  test('one that answers letter by letter is cut at the limit', async () => {
    const model = new FakeListChatModel({ responses: ['One two three four'] })
    const { answer, text } = await tell(open(model), { ...asked, maxTokensOut: 2 })
    expect(answer).toMatchObject({ text: 'One two ', finish: 'length', usage: { tokensOut: 2 } })
    expect(text).toBe(answer.text)
  })
})

describe('ChatOpenAI, unmodified, at a scripted endpoint', () => {
  let server: OpenAi.OpenAi
  afterEach(() => server.close())
  async function chat(script: OpenAi.Script, more: object = {}) {
    server = await OpenAi.open(script)
    const configuration = { baseURL: server.baseURL }
    return new ChatOpenAI({ model: 'm', apiKey: key, maxRetries: 0, configuration, ...more })
  }

  test.each([true, false])('streams (%s), calls tools and takes their results', async (streams) => {
    const model = await chat(
      ({ index }) => (index === 0 ? OpenAi.calls('find', { q: 'it' }) : OpenAi.says('Found.')),
      { disableStreaming: !streams },
    )
    const engine = open(model, { card: able })
    const first = await tell(engine, { ...asked, tools: [find], tool_choice: 'auto' })
    const call = { id: 'call_1', name: 'find', arguments: '{"q":"it"}' }
    expect(first.answer).toMatchObject({ text: '', toolCalls: [call], finish: 'tool_calls' })
    expect(server.asked[0]!.body).toMatchObject({ tools: [find], tool_choice: 'auto' })
    const { id, ...called } = call
    const messages: Engine.Message[] = [
      { role: 'system', content: 'Be brief' },
      ...asked.messages,
      {
        ...{ role: 'assistant', content: null },
        tool_calls: [{ id, type: 'function', function: called }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'A test' },
    ]
    const second = await tell(engine, { ...asked, messages, tools: [find] })
    expect(second).toMatchObject({ text: 'Found.', answer: { finish: 'stop' } })
    const sent = server.asked[1]!.body.messages
    expect(sent.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool'])
    expect(sent[2]).toMatchObject({ tool_calls: [{ id, function: called }] })
    expect(sent[3]).toMatchObject({ tool_call_id: 'call_1', content: 'A test' })
  })

  test('keeps to a format and ends where it is told to', async () => {
    const engine = open(await chat(() => OpenAi.says('{"a":1}')), { card: able })
    const format = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } }
    await tell(engine, { ...asked, response_format: format, stop: 'END' })
    expect(server.asked[0]!.body).toMatchObject({ response_format: format, stop: ['END'] })
  })

  test('abandoned midway it answers what it has, and the endpoint sees it go', async () => {
    const engine = open(await chat(() => OpenAi.says(['One ', 'two'], { ending: 'stall' })))
    const controller = new AbortController()
    let text = ''
    const onDelta = (delta: Engine.Delta) => {
      text += delta.text
      if (text === 'One two') controller.abort()
    }
    const answer = await engine.answer({ ...asked, signal: controller.signal }, { onDelta })
    expect(answer).toMatchObject({ kind: 'answered', text: 'One two', finish: 'length' })
    await server.asked[0]!.over
    expect(server.asked[0]!.isGone).toBe(true)
  })

  test('at the limit it is stopped, and the endpoint sees it go', async () => {
    const pieces = Array.from({ length: 20 }, (_, number) => `w${number} `)
    const engine = open(await chat(() => OpenAi.says(pieces, { ending: 'stall' })))
    const { answer } = await tell(engine, { ...asked, maxTokensOut: 5 })
    expect(answer).toMatchObject({ text: 'w0 w1 w2 w3 w4 ', finish: 'length' })
    await server.asked[0]!.over
    expect(server.asked[0]!.isGone).toBe(true)
  })

  test.each([
    [401, 'upstream-refused'],
    [429, 'upstream-busy'],
    [500, 'upstream-failed'],
  ])('HTTP %i is a failure that repeats nothing', async (status, code) => {
    const engine = open(await chat(() => OpenAi.fails(status, `bad key ${key}`)))
    const error = (await tell(engine).catch((error: unknown) => error)) as Error
    expect(error).toMatchObject({ name: 'UpstreamError', code, facts: { status } })
    expect(JSON.stringify([error, error.message, error.cause])).not.toContain(key)
  })
})

test('passages are laid before the question', async () => {
  const { model, asked: seen } = says([{ content: 'x' }])
  const context = [{ docSeq: 1, path: 'a.md', offset: 0, text: 'The moon moves the sea.' }]
  const { answer } = await tell(open(model), { ...asked, context })
  expect(answer.usage.tokensIn).toBe(4)
  expect(seen[0]!.messages[0]).toMatchObject({ role: 'user' })
  expect(JSON.stringify(seen[0]!.messages)).toContain('The moon moves the sea.')
})

test.each([
  [
    'text in parts',
    [{ content: [{ type: 'text', text: 'It' }, { type: 'reasoning' }] }],
    'It',
    'stop',
  ],
  ['a whole message', [new AIMessage('It')], 'It', 'stop'],
  [
    'OpenAI’s reason',
    [{ content: 'It', response_metadata: { finish_reason: 'length' } }],
    'It',
    'length',
  ],
  [
    'Anthropic’s',
    [{ content: 'It', response_metadata: { stop_reason: 'max_tokens' } }],
    'It',
    'length',
  ],
  [
    'Google’s',
    [{ content: 'It', response_metadata: { finishReason: 'MAX_TOKENS' } }],
    'It',
    'length',
  ],
  ['Ollama’s', [{ content: 'It', response_metadata: { done_reason: 'stop' } }], 'It', 'stop'],
  ['nothing at all', [], '', 'stop'],
  ['what is no chunk', [null, 5, { content: 7 }], '', 'stop'],
])('%s is understood', async (_, chunks, text, finish) => {
  const { answer } = await tell(open(says(chunks as object[]).model))
  expect(answer).toMatchObject({ text, finish })
})

test('whole calls and calls in pieces are the same', async () => {
  const whole = [
    new AIMessage({ content: '', tool_calls: [{ id: 'a', name: 'find', args: { q: 1 } }] }),
  ]
  const pieces = [
    { content: '', tool_call_chunks: [{ index: 0, id: 'a', name: 'find', args: '{"q"' }] },
    { content: '', tool_call_chunks: [{ index: 0, args: ':1}' }] },
  ]
  for (const chunks of [whole, pieces]) {
    const engine = open(says(chunks).model, { card: able })
    const { answer } = await tell(engine, { ...asked, tools: [find] })
    expect(answer.toolCalls).toEqual([{ id: 'a', name: 'find', arguments: '{"q":1}' }])
  }
})

test('pieces of a call that are no JSON yet are no mistake', async () => {
  const piece = (args: string, name?: string) =>
    new AIMessageChunk({
      content: '',
      tool_call_chunks: [
        { type: 'tool_call_chunk', index: 0, args, ...(name && { name, id: 'a' }) },
      ],
    })
  const chunks = [piece('{"q":tr', 'find'), piece('ue}')]
  expect(chunks[1]!.invalid_tool_calls).not.toEqual([])
  const engine = open(says(chunks).model, { card: able })
  const { answer } = await tell(engine, { ...asked, tools: [find] })
  expect(answer.toolCalls).toEqual([{ id: 'a', name: 'find', arguments: '{"q":true}' }])
})

const never = new Promise<never>(() => {})
const limits = { firstMs: 60, silenceMs: 60, totalMs: 200, maxBytes: 1_000 }
async function* once(value: object, then: () => Promise<unknown>) {
  yield value
  await then()
}
test.each<[string, () => AsyncIterable<unknown>, string]>([
  [
    'says nothing and heeds no signal',
    () => once({ content: 'Half' }, () => never),
    'upstream-stalled',
  ],
  [
    'breaks',
    () => once({ content: 'Half' }, () => Promise.reject(new Error(`at ${key}`))),
    'upstream-failed',
  ],
  [
    'breaks a call',
    () => once({ tool_call_chunks: [{ index: 0, name: 'find', args: '{' }] }, async () => {}),
    'upstream-tool-call-malformed',
  ],
  [
    'has broken a call',
    () => once({ invalid_tool_calls: [{ name: 'find', args: '{' }] }, async () => {}),
    'upstream-tool-call-malformed',
  ],
  [
    'says too much',
    async function* () {
      for (;;) yield { tool_call_chunks: [{ index: 0, args: 'x'.repeat(100) }] }
    },
    'upstream-too-large',
  ],
])('a model that %s is a named failure', async (_, chunks, code) => {
  const engine = open(says(chunks).model, { card: able, limits })
  const error = await tell(engine, { ...asked, tools: [find] }).catch((error: unknown) => error)
  expect(error).toMatchObject({ name: 'UpstreamError', code })
  expect(String((error as Error).message)).not.toContain(key)
})

test('abandoned, a model that heeds no signal is left behind', async () => {
  const controller = new AbortController()
  const { model, asked: seen } = says(() => {
    controller.abort()
    return once({}, () => never)
  })
  const refusal = await open(model).answer({ ...asked, signal: controller.signal })
  expect(refusal).toMatchObject({ kind: 'refused', code: 'cancelled' })
  expect((seen[0]!.options.signal as AbortSignal).aborted).toBe(true)
})

test('a card with tools wants a model that takes them', () => {
  const model = { stream: async () => once({}, async () => {}) }
  expect(() => open(model, { card: able })).toThrow(/bindTools/)
  expect(open(model).card).toBe(card)
})
