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
  const plain = { ...asked, n: 1, tools: [], responseFormat: { type: 'text' }, maxTokensOut: 7 }
  expect(Engine.admit(plain, options)).toMatchObject({ kind: 'admitted', maxTokensOut: 7 })
})

const image = { type: 'image_url', image_url: { url: 'data:' } }
test.each<[Partial<Engine.Request>, Engine.Refusal['code']]>([
  [{ signal: AbortSignal.abort(), tools: [{}] }, 'cancelled'],
  [{ tools: [{ name: 'search' }] }, 'tools-unsupported'],
  [{ messages: [{ role: 'tool', content: 'result' }] }, 'tools-unsupported'],
  [{ responseFormat: { type: 'json_schema' } }, 'schema-unsupported'],
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
