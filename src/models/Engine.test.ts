import { expect, test } from 'vitest'
import * as Engine from './Engine.ts'

const card: Engine.ModelCard = {
  v: 1,
  model: 'docs-reader',
  kind: 'extractive',
  tokenizer: 'words@1',
  stdUsPerTokenIn: 1,
  stdUsPerTokenCached: 1,
  stdUsPerTokenOut: 10,
  maxTokensIn: 10,
  maxTokensOut: 100,
  lineagePpb: '0',
  datanet: 'docs',
}
const options = { card, countTokens: (text: string) => text.split(/\s+/).length }
const asked: Engine.Request = {
  messages: [
    { role: 'system', content: 'Be brief' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is' },
        { type: 'text', text: 'it?' },
      ],
    },
  ],
  maxTokensOut: 500,
}

test('text within the limits is admitted, parts as lines, the card limiting the output', () => {
  expect(Engine.admit(asked, options)).toEqual({
    kind: 'admitted',
    turns: [
      { role: 'system', text: 'Be brief' },
      { role: 'user', text: 'What is\nit?' },
    ],
    question: 'What is\nit?',
    tokensIn: 5,
    maxTokensOut: 100,
  })
  const none = { tools: [], response_format: { type: 'text' }, stop: [], n: 1 }
  const plain = { ...asked, ...none, maxTokensOut: 7 }
  expect(Engine.admit(plain, options)).toMatchObject({ kind: 'admitted', maxTokensOut: 7 })
  const nothing = { ...asked, tools: null, response_format: null, stop: null }
  expect(Engine.admit(nothing, options)).toMatchObject({ kind: 'admitted', tokensIn: 5 })
})

const image = { type: 'image_url', image_url: { url: 'data:' } }
test.each<[Partial<Engine.Request>, Engine.Refusal['code']]>([
  [{ signal: AbortSignal.abort(), tools: [{}] }, 'cancelled'],
  [{ tools: [{ name: 'search' }] }, 'tools-unsupported'],
  [{ messages: [{ role: 'tool', content: 'result' }] }, 'tools-unsupported'],
  [{ response_format: { type: 'json_schema' } }, 'schema-unsupported'],
  [{ stop: 'END' }, 'stop-unsupported'],
  [{ stop: ['END'] }, 'stop-unsupported'],
  [{ n: 2 }, 'choices-unsupported'],
  [{ n: 0 }, 'choices-unsupported'],
  [{ maxTokensOut: 0 }, 'max-tokens-malformed'],
  [{ maxTokensOut: 1.5 }, 'max-tokens-malformed'],
  [{ maxTokensOut: Number.NaN }, 'max-tokens-malformed'],
  [{ messages: [] }, 'messages-empty'],
  [{ messages: [{ role: 'user', content: 5 as unknown as string }] }, 'message-malformed'],
  [{ messages: [{ role: 'user', content: [{ type: 'text' }] }] }, 'message-malformed'],
  [{ messages: [{ role: 'user', content: [image] }] }, 'images-unsupported'],
  [{ messages: [{ role: 'user', content: 'word '.repeat(11) }] }, 'input-too-large'],
  [{ messages: [{ role: 'system', content: 'Be brief' }] }, 'question-missing'],
  [{ messages: [{ role: 'user', content: ' \n' }] }, 'question-missing'],
])('%j is refused', (change, code) => {
  const refusal = Engine.admit({ ...asked, ...change }, options)
  expect(refusal).toMatchObject({ kind: 'refused', code })
  expect((refusal as Engine.Refusal).because.length).toBeGreaterThan(10)
})

const able = { ...card, can: ['schema' as const, 'stop' as const, 'tools' as const] }
const find = { type: 'function', function: { name: 'find' } }
const called = { id: 'c1', type: 'function', function: { name: 'find', arguments: '{}' } }
const wide: Engine.Request = {
  messages: [
    { role: 'user', content: 'What is it?' },
    { role: 'assistant', content: null, tool_calls: [called] },
    { role: 'tool', tool_call_id: 'c1', content: 'A tool' },
  ],
  tools: [find],
  response_format: { type: 'json_object' },
  stop: ['END'],
  maxTokensOut: 5,
}

test('what goes beyond text is admitted by what the card says it can, and all of it is counted', () => {
  const admitted = Engine.admit(wide, { ...options, card: able })
  // Three words, one of the call, two of the result, one each of tools and format.
  expect(admitted).toMatchObject({ kind: 'admitted', tokensIn: 9, question: 'What is it?' })
  for (const [without, code] of [
    ['tools', 'tools-unsupported'],
    ['schema', 'schema-unsupported'],
    ['stop', 'stop-unsupported'],
  ] as const) {
    const less = { ...able, can: able.can.filter((each) => each !== without) }
    expect(Engine.admit(wide, { ...options, card: less })).toMatchObject({ code })
  }
})

test.each<[Partial<Engine.Request>, Engine.Refusal['code']]>([
  [{ tools: [{}] }, 'tools-malformed'],
  [{ tools: [null] }, 'tools-malformed'],
  [{ tools: [{ type: 'function', function: {} }] }, 'tools-malformed'],
  [{ response_format: { type: 'grammar' } }, 'schema-unsupported'],
  [{ messages: [{ role: 'tool', content: 'x' }] }, 'message-malformed'],
  [{ messages: [{ role: 'assistant', content: null }] }, 'message-malformed'],
  [{ messages: [{ role: 'user', content: 'x', tool_calls: [called] }] }, 'message-malformed'],
  [{ messages: [{ role: 'assistant', tool_calls: [{ id: 'x' }] }] }, 'message-malformed'],
  [{ messages: [{ role: 'user', content: [image] }] }, 'images-unsupported'],
  [{ tools: Array.from({ length: 1 }, () => ({ ...find, x: 'a '.repeat(9) })) }, 'input-too-large'],
])('an able model refuses %j', (change, code) => {
  const refusal = Engine.admit({ ...wide, ...change }, { ...options, card: able })
  expect(refusal).toMatchObject({ kind: 'refused', code })
})

test('settings are what a model knows of a body, and nothing else of it', () => {
  const body = { model: 'm', messages: [], tools: [find], stop: null, seed: 0, user: 'x' }
  expect(Engine.settings(body)).toEqual({ tools: [find], stop: null, seed: 0 })
})

test('a whole answer as one delta leaves out what there is none of', () => {
  expect(Engine.whole({ text: 'Hi' })).toEqual({ text: 'Hi' })
  const call = { id: 'c1', name: 'find', arguments: '{}' }
  expect(Engine.whole({ text: '', toolCalls: [call] })).toEqual({
    toolCalls: [{ index: 0, ...call }],
  })
})
