import { afterEach, expect, test } from 'vitest'
import * as OpenAi from '../../test/harness/OpenAi.ts'
import * as PriorityCover from '../attribution/spans/PriorityCover.ts'
import * as Segment from '../attribution/spans/Segment.ts'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import * as AttributedEngine from './AttributedEngine.ts'
import type * as Engine from './Engine.ts'
import * as HttpEngine from './HttpEngine.ts'
import * as Reader from './Reader.ts'
import type { Passage } from './Retriever.ts'

const card: Engine.ModelCard = { ...OpenAi.card, maxTokensIn: 20, maxTokensOut: 200 }
const countTokens = Tokenizer.count
const documents = [
  [
    'tides.md',
    'The gravitational pull of the moon raises two bulges of water on opposite sides of the earth.',
  ],
  [
    'bread.md',
    'A sourdough starter wants flour and water in equal parts, fed twice a day until it doubles.',
  ],
  [
    'moss.md',
    'Moss has no roots; it drinks through its leaves and dries out without dying for many months.',
  ],
].map(([path, text], seq) => ({
  ...{ seq, path: path!, owner: `0x${`${seq + 1}`.repeat(40)}` },
  text: `# About ${path}\n\n${text}\n`,
}))
const asked: Engine.Request = {
  messages: [{ role: 'user', content: 'Why does the moon raise bulges of water?' }],
  maxTokensOut: 100,
}

let server: OpenAi.OpenAi | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

/** An engine that remembers what it is asked. */
function listening() {
  const seen: Engine.Request[] = []
  const engine: Engine.Engine = {
    card,
    async answer(request) {
      seen.push(request)
      return refused
    },
  }
  return { engine, seen }
}
const refused = { kind: 'refused', code: 'question-missing', because: 'x' } as const

const passages: readonly Passage[] = ['one', 'two two', 'three'].map((text, docSeq) => ({
  ...{ docSeq, path: `${text}.md`, offset: 0, text },
}))

test('a model that quotes what it is given earns for whose words they are', async () => {
  server = await OpenAi.open(({ body }) => {
    const told = String(body.messages.at(-1)!.content)
    const quoted = /The gravitational[^.]+\./.exec(told)?.[0] ?? 'Nobody knows.'
    return OpenAi.says(['Well: ', quoted, ' That is all there is to say about it.'])
  })
  const engine = AttributedEngine.of({
    engine: HttpEngine.open({ baseURL: server.baseURL, model: 'm', card, countTokens }),
    retrieve: Reader.retriever({ documents }),
  })
  let text = ''
  const answer = await engine.answer(asked, { onDelta: (delta) => (text += delta.text) })
  if (answer.kind === 'refused') throw new Error(answer.because)
  expect(text).toBe(answer.text)
  expect(answer.usage.tokensIn).toBe(9)
  const indexed = documents.map((one) => ({ ...one, batch: 0, committedAtMs: 0, commons: false }))
  const segments = [Segment.build(indexed as never)]
  const { credits, coveragePpb } = PriorityCover.cover(answer.text, { segments })
  expect(credits.map(({ docSeq }) => docSeq)).toEqual([0])
  expect(coveragePpb).toBeGreaterThan(500_000_000n)
  expect(coveragePpb).toBeLessThan(1_000_000_000n)
})

test('the question finds passages, best first; what finds nothing is asked without any', async () => {
  const retrieve = Reader.retriever({ documents })
  const found = await retrieve('How do I feed a sourdough starter?', { most: 2 })
  expect(found[0]).toMatchObject({ docSeq: 1, path: 'bread.md' })
  const { offset, text } = found[0]!
  expect(documents[1]!.text.slice(offset, offset + text.length)).toBe(text)
  expect(await retrieve('Who won the football cup?', { most: 4 })).toEqual([])
  expect(await retrieve('moon moss flour', { most: 3 })).toHaveLength(3)
  expect(await retrieve('moon moss flour', { most: 1 })).toHaveLength(1)
  const twice = '# Sky\n\n## Pull\n\nThe moon pulls.\n\n## Light\n\nThe moon shines.\n'
  const sky = Reader.retriever({ documents: [{ ...documents[0]!, text: twice }] })
  expect(await sky('What does the moon do?', { most: 4 })).toHaveLength(2)
  expect(await sky('What does the moon do?', { most: 1 })).toHaveLength(1)
  const { engine, seen } = listening()
  const attributed = AttributedEngine.of({ engine, retrieve })
  await attributed.answer({ ...asked, messages: [{ role: 'user', content: 'Football?' }] })
  expect(seen[0]!.context).toEqual([])
})

test('passages are whole, as many and as long as there is room for, after those given', async () => {
  const { engine, seen } = listening()
  let wanted: unknown
  const retrieve = (question: string, { most }: { most: number }) => {
    wanted = { question, most }
    return passages
  }
  const options = { engine, retrieve, mostPassages: 3, mostCharacters: 8 }
  await AttributedEngine.of(options).answer({ ...asked, context: [passages[1]!] })
  expect(wanted).toEqual({ question: 'Why does the moon raise bulges of water?', most: 3 })
  expect(seen[0]!.context).toEqual([passages[1], passages[0], passages[2]])
  await AttributedEngine.of({ ...options, mostPassages: 1 }).answer(asked)
  expect(seen[1]!.context).toEqual([passages[0]])
})

test('all else of a request goes on as it is, and so does a refusal', async () => {
  const { engine, seen } = listening()
  const attributed = AttributedEngine.of({ engine, retrieve: () => [] })
  expect(attributed.card).toBe(card)
  const request = { ...asked, stop: ['x'], temperature: 0 }
  expect(await attributed.answer(request)).toBe(refused)
  expect(seen[0]).toEqual({ ...request, context: [] })
})

test('where nothing is asked nothing is looked for', async () => {
  const { engine, seen } = listening()
  const retrieve = () => {
    throw new Error('looked')
  }
  const attributed = AttributedEngine.of({ engine, retrieve })
  const blank: Engine.Request = { ...asked, messages: [{ role: 'user', content: ' ' }] }
  const abandoned = { ...asked, signal: AbortSignal.abort() }
  for (const request of [blank, abandoned, { ...asked, messages: [] }]) {
    await attributed.answer(request)
    expect(seen.at(-1)).toBe(request)
  }
  await expect(attributed.answer(asked)).rejects.toThrow('looked')
})

test('abandoned while it looks, it refuses', async () => {
  const { engine, seen } = listening()
  const controller = new AbortController()
  const retrieve = () => {
    controller.abort()
    return new Promise<never>(() => {})
  }
  const refusal = await AttributedEngine.of({ engine, retrieve }).answer({
    ...asked,
    signal: controller.signal,
  })
  expect(refusal).toMatchObject({ kind: 'refused', code: 'cancelled' })
  expect(seen).toEqual([])
})
