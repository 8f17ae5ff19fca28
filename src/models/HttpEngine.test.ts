import { afterEach, describe, expect, test } from 'vitest'
import * as OpenAi from '../../test/harness/OpenAi.ts'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import * as Chat from './Chat.ts'
import type * as Engine from './Engine.ts'
import * as HttpEngine from './HttpEngine.ts'

const card: Engine.ModelCard = { ...OpenAi.card, can: ['schema', 'stop', 'tools'] }
const key = 'secret-key-of-the-upstream'
const find = { type: 'function', function: { name: 'find', parameters: { type: 'object' } } }
const asked: Engine.Request = {
  messages: [{ role: 'user', content: 'What is it?' }],
  maxTokensOut: 40,
}

let server: OpenAi.OpenAi
afterEach(() => server.close())

async function open(script: OpenAi.Script, more: Partial<HttpEngine.Options> = {}) {
  server = await OpenAi.open(script)
  const { baseURL } = server
  return HttpEngine.open({
    ...{ baseURL, model: 'upstream', key, card, countTokens: Tokenizer.count },
    ...more,
  })
}

/** An answer and what was told of it, joined. */
async function tell(engine: Engine.Engine, request: Engine.Request = asked) {
  const deltas: Engine.Delta[] = []
  const answer = await engine.answer(request, { onDelta: (delta) => deltas.push(delta) })
  const text = deltas.map((delta) => delta.text ?? '').join('')
  const calls: string[] = []
  for (const { index, ...call } of deltas.flatMap(({ toolCalls = [] }) => toolCalls))
    calls[index] = `${calls[index] ?? ''}${call.id ?? ''}${call.name ?? ''}${call.arguments ?? ''}`
  return { answer: answer as Engine.Answer, deltas, text, calls }
}

describe.each([
  ['streamed', true],
  ['plain', false],
])('%s', (_, streams) => {
  test('an answer is told as it comes and counted in the card’s tokens', async () => {
    const engine = await open(() => OpenAi.says(['It is ', 'a ', 'test.']), { streams })
    const { answer, text, deltas } = await tell(engine)
    expect(answer).toMatchObject({
      ...{ kind: 'answered', text: 'It is a test.', finish: 'stop', citations: [] },
      usage: { tokensIn: 4, tokensOut: 5 },
      meter: { meter: 'engine', basis: 'wall', device: 'remote' },
    })
    expect(text).toBe(answer.text)
    expect(deltas).toHaveLength(streams ? 3 : 1)
    await server.asked[0]!.over
    expect(server.asked[0]!.isGone).toBe(false)
  })

  test('what is asked goes on as it is, under the upstream’s name, with its key', async () => {
    const engine = await open(() => OpenAi.says('{}'), { streams })
    const messages: Engine.Message[] = [
      { role: 'developer', content: 'Be brief' },
      { role: 'user', content: [{ type: 'text', text: 'What?' }] },
    ]
    const settings: Engine.Settings = {
      ...{ tools: [find], tool_choice: 'auto', stop: ['END'], temperature: 0, seed: null },
      response_format: { type: 'json_object' },
    }
    await engine.answer({ ...asked, messages, ...settings })
    const { path, headers, body } = server.asked[0]!
    expect(path).toBe('/v1/chat/completions')
    expect(headers.authorization).toBe(`Bearer ${key}`)
    expect(body).toEqual({
      ...{ model: 'upstream', stream: streams, max_tokens: 80 },
      messages: [{ ...messages[0], role: 'system' }, messages[1]],
      ...{ tools: [find], tool_choice: 'auto', stop: ['END'], temperature: 0 },
      response_format: { type: 'json_object' },
    })
  })

  test('tools are called, and their results go on', async () => {
    const engine = await open(
      ({ index }) => (index === 0 ? OpenAi.calls('find', { q: 'it' }) : OpenAi.says('Found.')),
      { streams },
    )
    const first = await tell(engine, { ...asked, tools: [find] })
    const call = { id: 'call_1', name: 'find', arguments: '{"q":"it"}' }
    expect(first.answer).toMatchObject({ text: '', toolCalls: [call], finish: 'tool_calls' })
    expect(first.calls).toEqual(['call_1find{"q":"it"}'])
    const output = Chat.outputText(first.answer)
    expect(first.answer.usage.tokensOut).toBe(Tokenizer.count(output))
    const { id, ...called } = call
    const messages: Engine.Message[] = [
      ...asked.messages,
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id, type: 'function', function: called }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'A test' },
    ]
    expect((await tell(engine, { ...asked, tools: [find], messages })).text).toBe('Found.')
    expect(server.asked[1]!.body.messages).toEqual(messages)
  })

  test('more than is paid for is cut off, by the card’s count', async () => {
    const engine = await open(() => OpenAi.says(['One ', 'two three', ' four.', ' Five']), {
      streams,
    })
    const { answer, text } = await tell(engine, { ...asked, maxTokensOut: 4 })
    expect(answer).toMatchObject({
      ...{ text: 'One two three four', finish: 'length', usage: { tokensOut: 4 } },
    })
    expect(text).toBe(answer.text)
  })

  test.each([
    ['length', 'length'],
    ['content_filter', 'length'],
    ['eos', 'stop'],
  ])('ended by %s it ends as %s', async (finish, ends) => {
    const engine = await open(() => OpenAi.says('Half', { finish }), { streams })
    expect((await tell(engine)).answer).toMatchObject({ text: 'Half', finish: ends })
  })

  test('what the card cannot is refused and not asked', async () => {
    const engine = await open(() => OpenAi.says('x'), { streams, card: { ...card, can: ['stop'] } })
    const refusal = await engine.answer({ ...asked, tools: [find] })
    expect(refusal).toMatchObject({ kind: 'refused', code: 'tools-unsupported' })
    expect(server.asked).toEqual([])
  })
})

test('an endless answer is stopped at the limit, and the upstream with it', async () => {
  async function* endless() {
    for (let number = 0; ; number++)
      yield `data: ${JSON.stringify({ choices: [{ delta: { content: `w${number} ` } }] })}\n\n`
  }
  const headers = { 'content-type': 'text/event-stream' }
  const engine = await open(() => ({ kind: 'raw', headers, parts: endless() }))
  const { answer } = await tell(engine)
  expect(answer).toMatchObject({ finish: 'length', usage: { tokensOut: 40 } })
  await server.asked[0]!.over
  expect(server.asked[0]!.isGone).toBe(true)
})

test('abandoned midway it answers what it has and hangs up', async () => {
  const engine = await open(() => OpenAi.says(['One ', 'two'], { ending: 'stall' }))
  const controller = new AbortController()
  let text = ''
  const answer = await engine.answer(
    { ...asked, signal: controller.signal },
    {
      onDelta(delta) {
        text += delta.text
        if (text === 'One two') controller.abort()
      },
    },
  )
  expect(answer).toMatchObject({ kind: 'answered', text: 'One two', finish: 'length' })
  await server.asked[0]!.over
  expect(server.asked[0]!.isGone).toBe(true)
})

test('abandoned before anything was said it refuses and hangs up', async () => {
  const controller = new AbortController()
  const engine = await open(() => {
    controller.abort()
    return OpenAi.events(['STALL'])
  })
  const refusal = await engine.answer({ ...asked, signal: controller.signal })
  expect(refusal).toMatchObject({ kind: 'refused', code: 'cancelled' })
  await server.asked[0]!.over
  expect(server.asked[0]!.isGone).toBe(true)
})

test('a call cut short by the limit is kept as it is', async () => {
  const pieces = {
    tool_calls: [
      { index: 0, id: 'a', function: { name: 'find', arguments: `{"q":"${'x '.repeat(99)}"}` } },
    ],
  }
  const engine = await open(() => OpenAi.says(pieces))
  const { answer, calls } = await tell(engine, { ...asked, tools: [find] })
  expect(answer).toMatchObject({ finish: 'length', usage: { tokensOut: 40 } })
  expect(calls).toEqual([`afind${answer.toolCalls![0]!.arguments}`])
})

test('passages are laid before the question, and are not billed', async () => {
  const engine = await open(() => OpenAi.says('The moon.'))
  const context = [
    { docSeq: 3, path: 'tides.md', offset: 0, text: 'The moon moves the sea. '.repeat(50) },
  ]
  const { answer } = await tell(engine, { ...asked, context })
  expect(answer.usage.tokensIn).toBe(4)
  const told = String(server.asked[0]!.body.messages[0]!.content)
  expect(told).toContain(context[0]!.text)
  expect(told.endsWith('\n\nWhat is it?')).toBe(true)
})

const chunk = (delta: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
})
const json = (text: string, type = 'application/json'): OpenAi.Raw => ({
  ...{ kind: 'raw', headers: { 'content-type': type }, parts: [text] },
})
const call = (called: object) => chunk({ tool_calls: [called] })

describe('an upstream that misbehaves is a named failure', () => {
  test.each<[string, OpenAi.Raw | OpenAi.Says, string]>([
    ['500', OpenAi.fails(500, `bad ${key}`), 'upstream-failed'],
    ['503', OpenAi.fails(503, 'busy'), 'upstream-busy'],
    ['429', OpenAi.fails(429, 'busy'), 'upstream-busy'],
    ['401', OpenAi.fails(401, `Incorrect API key provided: ${key}`), 'upstream-refused'],
    [
      'a redirect',
      { kind: 'raw', status: 307, headers: { location: 'http://127.0.0.1:1/' }, parts: [] },
      'upstream-refused',
    ],
    ['a web page', json('<html>', 'text/html'), 'upstream-malformed'],
    ['no type', { kind: 'raw', parts: ['{}'] }, 'upstream-malformed'],
    ['no JSON', json('{"choices":'), 'upstream-malformed'],
    ['no choices', json('{}'), 'upstream-malformed'],
    ['no choice', json('{"choices":[]}'), 'upstream-malformed'],
    ['null', json('null'), 'upstream-malformed'],
    ['no message', json('{"choices":[{}]}'), 'upstream-malformed'],
    ['a number for text', json('{"choices":[{"message":{"content":5}}]}'), 'upstream-malformed'],
    ['events of no JSON', OpenAi.events(['{"choices"']), 'upstream-malformed'],
    ['events of a list', OpenAi.events(['[]']), 'upstream-malformed'],
    [
      'an error midway',
      OpenAi.events([chunk({ content: 'a' }), { error: { code: key } }]),
      'upstream-failed',
    ],
    ['no end', OpenAi.events([chunk({ content: 'Half' })]), 'upstream-cut'],
    ['only an end', OpenAi.events(['[DONE]']), 'upstream-cut'],
    ['a broken connection', OpenAi.says('Half', { ending: 'break' }), 'upstream-cut'],
    ['silence from the start', OpenAi.events(['STALL']), 'upstream-stalled'],
    ['silence midway', OpenAi.says('Half', { ending: 'stall' }), 'upstream-stalled'],
    [
      'pings for ever',
      {
        ...{ kind: 'raw', headers: { 'content-type': 'text/event-stream' } },
        parts: Array(400)
          .fill([': ping\n\n', { waitMs: 5 }])
          .flat(),
      },
      'upstream-stalled',
    ],
    [
      'too many bytes',
      OpenAi.events(Array(300).fill(chunk({ x: 'x'.repeat(100) }))),
      'upstream-too-large',
    ],
    ['a line without end', json('x'.repeat(30_000), 'text/event-stream'), 'upstream-too-large'],
    ['calls that are no list', OpenAi.events([chunk({ tool_calls: 5 })]), 'upstream-malformed'],
    ['a call of nothing', OpenAi.events([call({})]), 'upstream-malformed'],
    [
      'arguments as an object',
      OpenAi.events([call({ function: { name: 'find', arguments: {} } })]),
      'upstream-malformed',
    ],
    [
      'broken arguments',
      OpenAi.says({ tool_calls: [{ function: { name: 'find', arguments: '{"q":' } }] }),
      'upstream-tool-call-malformed',
    ],
  ])('%s', async (_, reply, code) => {
    const limits = { firstMs: 150, silenceMs: 150, totalMs: 400, maxBytes: 20_000 }
    const engine = await open(() => reply, { limits })
    const error = await tell(engine, { ...asked, tools: [find] }).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'UpstreamError', code })
    const { message, facts, hint, cause } = error as Error & { facts: object; hint: string }
    expect(JSON.stringify([message, facts, hint, cause])).not.toContain(key)
    await server.asked[0]!.over
  })

  test('nobody there', async () => {
    const engine = await open(() => OpenAi.says('x'))
    await server.close()
    const error = await tell(engine).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'upstream-unreachable', facts: { cause: 'ECONNREFUSED' } })
    server = await OpenAi.open(() => OpenAi.says('x'))
  })

  test('a call where no tool was offered', async () => {
    const engine = await open(() => OpenAi.calls('find', {}))
    await expect(tell(engine)).rejects.toMatchObject({ code: 'upstream-tool-call-malformed' })
  })
})

test('silence is counted from the last word, not from the first', async () => {
  const pieces = Array.from({ length: 30 }, (_, number) => `w${number} `)
  const limits = { firstMs: 1_000, silenceMs: 10_000 }
  const engine = await open(() => OpenAi.says(pieces, { waitMs: 50 }), { limits })
  expect((await tell(engine)).answer).toMatchObject({ text: pieces.join(''), finish: 'stop' })
})

test('calls are told apart by their ids where they have no index', async () => {
  const one = (id: string, json: string) =>
    call({ id, function: { name: 'find', arguments: json } })
  const reply = OpenAi.events([one('a', '{"q":1}'), one('b', '{"q":2}'), chunk({}, 'stop')])
  const engine = await open(() => reply, { card: { ...card, maxTokensOut: 200 } })
  const { calls } = await tell(engine, { ...asked, tools: [find], maxTokensOut: 200 })
  expect(calls).toEqual(['afind{"q":1}', 'bfind{"q":2}'])
})

test('only the first choice is the answer', async () => {
  const other = { choices: [{ index: 1, delta: { content: 'Other' }, finish_reason: 'stop' }] }
  const reply = OpenAi.events([other, chunk({ content: 'First' }), chunk({}, 'stop')])
  const engine = await open(() => reply)
  expect((await tell(engine)).text).toBe('First')
})

test('a call that the model itself cut short is kept as it is', async () => {
  const piece = { tool_calls: [{ id: 'a', function: { name: 'find', arguments: '{"q":' } }] }
  const engine = await open(() => OpenAi.says(piece, { finish: 'length' }))
  const { answer } = await tell(engine, { ...asked, tools: [find] })
  expect(answer).toMatchObject({ finish: 'length', toolCalls: [{ arguments: '{"q":' }] })
})

test('a redirect is not followed with the question', async () => {
  const other = await OpenAi.open(() => OpenAi.says('Elsewhere'))
  const headers = { location: `${other.baseURL}/chat/completions` }
  const engine = await open(() => ({ kind: 'raw', status: 307, headers, parts: [] }))
  await expect(tell(engine)).rejects.toMatchObject({
    ...{ code: 'upstream-refused', facts: { status: 307 } },
  })
  expect(other.asked).toEqual([])
  await other.close()
})

test('an answer that breaks off is no answer', async () => {
  const half = OpenAi.events([chunk({ content: 'Half' })])
  const engine = await open(() => half)
  await expect(tell(engine)).rejects.toMatchObject({ code: 'upstream-cut', retry: 'safe' })
})

test('what comes after the end of an answer takes nothing from it', async () => {
  const end = chunk({}, 'stop')
  const limits = { firstMs: 5_000, silenceMs: 5_000, totalMs: 5_000, maxBytes: 20_000 }
  const scripts = [
    OpenAi.events([chunk({ content: 'Whole' }), end, 'STALL']),
    OpenAi.events([chunk({ content: 'Whole' }), end, { waitMs: 20 }, 'BREAK']),
    OpenAi.events([chunk({ content: 'Whole' }), end, 'garbage']),
    OpenAi.events([chunk({ content: 'Whole' }), end, chunk({ content: ' and more' })]),
  ]
  const engine = await open(({ index }) => scripts[index]!, { limits })
  for (const _ of scripts)
    expect((await tell(engine)).answer).toMatchObject({ text: 'Whole', finish: 'stop' })
})

test('a caller’s own mistake is its own', async () => {
  const engine = await open(() => OpenAi.says(['a', 'b']))
  const onDelta = () => expect.unreachable('mine')
  await expect(engine.answer(asked, { onDelta })).rejects.toThrow('mine')
  await server.asked[0]!.over
})

test('endpoints that answer in JSON though asked for a stream are understood', async () => {
  const message = { role: 'assistant', content: 'Whole' }
  const engine = await open(() => json(JSON.stringify({ choices: [{ message }] })))
  expect((await tell(engine)).answer).toMatchObject({ text: 'Whole', finish: 'stop' })
})

test('the other name of the limit, another count, more headers', async () => {
  const engine = await open(() => OpenAi.says('x'), {
    ...{ limitName: 'max_completion_tokens', ownTokens: (count) => count + 1 },
    headers: { 'x-tenant': 'a' },
  })
  await engine.answer(asked)
  expect(server.asked[0]!.body).toMatchObject({ max_completion_tokens: 41 })
  expect(server.asked[0]!.body).not.toHaveProperty('max_tokens')
  expect(server.asked[0]!.headers['x-tenant']).toBe('a')
})

test.each([
  [{ baseURL: 'nowhere' }],
  [{ baseURL: 'ftp://127.0.0.1/' }],
  [{ baseURL: `http://user:${key}@127.0.0.1/v1` }],
  [{ key: `${key}\n` }],
  [{ headers: { 'x y': key } }],
])('%j is refused before anything is asked, and not repeated', async (more) => {
  server = await OpenAi.open(() => OpenAi.says('x'))
  const options = { baseURL: server.baseURL, model: 'm', card, countTokens: Tokenizer.count }
  const opened = () => HttpEngine.open({ ...options, ...more })
  expect(opened).toThrow(/^expected (baseURL|a key)/)
  expect(opened).not.toThrow(new RegExp(key))
})
