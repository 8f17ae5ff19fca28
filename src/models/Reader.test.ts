import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import type * as Engine from './Engine.ts'
import * as Reader from './Reader.ts'

const card: Engine.ModelCard = {
  v: 1,
  model: 'docs-reader',
  kind: 'extractive',
  tokenizer: Tokenizer.version,
  stdUsPerTokenIn: 1,
  stdUsPerTokenCached: 1,
  stdUsPerTokenOut: 10,
  maxTokensIn: 2_000,
  maxTokensOut: 1_000,
  lineagePpb: '0',
  datanet: 'docs',
}

const sections = [
  [
    'npm:kettle',
    'kettle/README.md',
    '# kettle\n\nBoils water in a given time.\n\n## Usage\n\nBoil a litre of water like this:\n\n```js\nimport { boil } from "kettle"\n\nawait boil({ litres: 1 })\n```\n\n## Whistle\n\nThe whistle sounds when steam leaves the spout.\n\n## License\n\nMIT, boil as you like.',
  ],
  [
    'npm:toaster',
    'toaster/README.md',
    '# toaster\n\n[![ci](https://x/y.svg)](https://x)\n\nBrowns slices of bread on both sides, and stops before they burn.\n\n## Settings\n\n| level | colour |\n|--|--|\n| 1 | pale bread |\n| 6 | dark bread |',
  ],
  [
    'npm:@pan/core',
    '@pan/core/README.md',
    '# pan core\n\nFries eggs, fish and potatoes in a little oil.',
  ],
  [
    `0x${'ab'.repeat(20)}`,
    'README.md',
    '# Kitchen\n\nKitchen is a framework of tools that cook for you and split the bill.',
  ],
] as const
const documents = sections.map(([owner, path, text], index) => ({
  seq: 10 + index,
  owner,
  path,
  text,
}))

function open(options: Partial<Reader.Options> = {}): Reader.Reader {
  let nowMs = 0
  return Reader.open({
    documents,
    card,
    countTokens: Tokenizer.count,
    elapsedMs: () => {
      nowMs += 1.23456
      return nowMs
    },
    device: 'test cpu',
    home: 'kitchen',
    ...options,
  })
}

async function ask(question: string, maxTokensOut = 400, reader = open()): Promise<Engine.Answer> {
  const messages = [{ role: 'user' as const, content: question }]
  const answer = await reader.answer({ messages, maxTokensOut })
  if (answer.kind === 'refused') throw new Error(answer.because)
  return answer
}

function verbatim(answer: Engine.Answer): void {
  let last = 0
  for (const { docSeq, start, end, offset } of answer.citations) {
    const { text } = documents.find(({ seq }) => seq === docSeq)!
    expect(start).toBeGreaterThanOrEqual(last)
    expect(end).toBeGreaterThan(start)
    expect(answer.text.slice(start, end)).toBe(text.slice(offset, offset + end - start))
    last = end
  }
}

describe('an answer', () => {
  test('is whole passages, then where they stand', async () => {
    const answer = await ask('How do I boil water with kettle?', 60)
    expect(answer.text).toBe(
      `${documents[0]!.text.slice(0, documents[0]!.text.indexOf('\n\n## Whistle'))}

Sources, quoted word for word:
[1] kettle/README.md`,
    )
    expect(answer).toMatchObject({
      kind: 'answered',
      citations: [{ docSeq: 10, start: 0, offset: 0 }],
      usage: { tokensIn: 8, tokensOut: Tokenizer.count(answer.text) },
      meter: { computeMs: 1.235, meter: 'engine', basis: 'wall', device: 'test cpu' },
      finish: 'stop',
    })
    verbatim(answer)
  })

  test('keeps tables whole and leaves badges out', async () => {
    const { text } = await ask('How dark does the toaster make bread at each level?')
    expect(text).toContain('| 1 | pale bread |\n| 6 | dark bread |')
    expect(text).not.toContain('x/y.svg')
  })

  test('cites two documents where the question names two packages', async () => {
    const answer = await ask('How do I boil water with kettle and brown bread with toaster?')
    expect(new Set(answer.citations.map(({ docSeq }) => docSeq))).toEqual(new Set([10, 11]))
    expect(answer.text).toMatch(/\[1\] kettle\/README.md\n\[2\] toaster\/README.md$/)
    verbatim(answer)
  })

  test('what this project is, its own documents say', async () => {
    for (const question of [
      'What is this project?',
      'What is Kitchen?',
      'what does this package do',
    ])
      expect((await ask(question)).text).toMatch(/^# Kitchen\n\nKitchen is a framework/)
  })

  test('keeps a second passage that fits nearly as well, and drops one that fits far less', async () => {
    const filler = 'and then some more words follow here '.repeat(14)
    const text = (second: string) =>
      `# oven\n\nBakes.\n\n## One\n\nCrust, yeast and dough: ${filler}\n\n## Two\n\n${second}: ${filler}`
    const cited = async (second: string) => {
      const oven = { seq: 0, owner: 'npm:oven', path: 'oven/README.md', text: text(second) }
      const others = documents.slice(1)
      const reader = open({ documents: [oven, ...others] })
      return (await ask('How does oven treat crust, yeast and dough?', 400, reader)).text
    }
    expect(await cited('Crust')).not.toContain('## Two')
    expect(await cited('Crust, yeast and dough too')).toContain('## Two')
  })

  test('asks of the last user message, whatever stands around it', async () => {
    const messages: Engine.Message[] = [
      { role: 'system', content: 'Speak of toasters only.' },
      { role: 'user', content: 'toaster?' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: [{ type: 'text', text: 'What fries eggs in oil?' }] },
      { role: 'assistant', content: 'Let me see' },
    ]
    const answer = await open().answer({ messages, maxTokensOut: 300 })
    expect(answer).toMatchObject({ citations: [{ docSeq: 12 }] })
  })

  test('says so when nothing fits, and cites nothing', async () => {
    for (const question of ['What is the capital of France?', '???', 'the of and', '什么'])
      expect(await ask(question)).toMatchObject({ text: Reader.nothingFits, citations: [] })
    const empty = open({ documents: [] })
    expect((await ask('How do I boil water?', 300, empty)).text).toBe(Reader.nothingFits)
  })

  test('is refused, as a value, where the reader cannot give it', async () => {
    const reader = open()
    const refused = async (request: Partial<Engine.Request>) =>
      reader.answer({ messages: [{ role: 'user', content: 'hi' }], maxTokensOut: 9, ...request })
    expect(await refused({ tools: [{}] })).toMatchObject({ code: 'tools-unsupported' })
    expect(await refused({ messages: [{ role: 'user', content: ' ' }] })).toMatchObject({
      code: 'question-missing',
    })
    expect(await refused({ messages: [{ role: 'system', content: 'x' }] })).toMatchObject({
      code: 'question-missing',
    })
    expect(
      await refused({ messages: [{ role: 'user', content: 'boil '.repeat(100_000) }] }),
    ).toMatchObject({ code: 'input-too-large' })
  })
})

describe('of any question and any limit', () => {
  const word = fc.constantFrom(
    'kettle',
    'boil',
    'water',
    'toaster',
    'bread',
    'pan',
    'fries',
    'kitchen',
    'how',
    'what',
    'litre',
    'zebra',
  )
  test('the answer is word for word, within the limit, and the same again', async () => {
    const reader = open()
    const again = open({ documents: documents.map((one) => ({ ...one })) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 120 }),
        async (words, limit) => {
          const answer = await ask(words.join(' '), limit, reader)
          verbatim(answer)
          expect(answer.usage.tokensOut).toBe(Tokenizer.count(answer.text))
          expect(answer.usage.tokensOut).toBeLessThanOrEqual(limit)
          const same = await ask(words.join(' '), limit, again)
          expect([same.text, same.citations]).toEqual([answer.text, answer.citations])
        },
      ),
      { numRuns: 300 },
    )
  })

  test('a limit too small for a passage cuts it at a line or a word, and says so', async () => {
    const cut = await ask('How do I boil water with kettle?', 22)
    expect(cut.finish).toBe('length')
    expect(cut.text).toContain('Sources, quoted word for word:')
    verbatim(cut)
    const few = await ask('How do I boil water with kettle?', 8)
    expect(few).toMatchObject({ text: '## Usage', finish: 'length', citations: [{ docSeq: 10 }] })
    const none = await ask('How do I boil water with kettle?', 1)
    expect(none).toMatchObject({ text: '', finish: 'length', citations: [] })
  })

  const hostile: Record<string, string> = {
    sql: "'; DROP TABLE documents; --",
    'regular expressions': '.*+?^$()|[]{}\\',
    'nested quantifiers': '(a+)+$'.repeat(200),
    'control characters': '%00\u0000\u0001\ufffe',
    'a lone surrogate': '\ud800 lone',
    'inherited members': '__proto__ constructor hasOwnProperty toString',
    arabic: 'كيف أغلي الماء؟',
    chinese: '如何烧水',
    emoji: '🫖🫖🫖',
    'combining marks': 'e\u0301'.repeat(500),
    'one word again and again': 'kettle '.repeat(600),
    'white space without width': `a${'\u200b'.repeat(5000)}b`,
  }
  test.each(Object.entries(hostile))('%s: a question like any other', async (_, question) => {
    verbatim(await ask(question))
  })

  test('a hundred thousand characters neither crash nor linger', async () => {
    const reader = open({ card: { ...card, maxTokensIn: 1_000_000 } })
    for (const one of ['kettle ', 'x', '((', '<', 'https://', 'a_', '水'])
      verbatim(await ask(one.repeat(100_000 / one.length), 100, reader))
    expect(reader.rank('kettle '.repeat(20_000))[0]).toEqual({
      package: 'kettle',
      path: 'kettle/README.md',
    })
  })
})
