/**
 * @module A model on this machine, asked through the engines: `npm run bench -- local-model [model]`. Ollama
 * (`OLLAMA_HOST`) and llama-server (`LLAMA_SERVER_HOST`) are looked for. It answers from two documents,
 * streamed, plain, cut short and abandoned; printed is what it said and how much of it is credited. Where
 * there is no model this measures nothing, says where it looked, and ends with status 2.
 */
import { env, exit } from 'node:process'
import * as PriorityCover from '../src/attribution/spans/PriorityCover.ts'
import * as Segment from '../src/attribution/spans/Segment.ts'
import * as Tokenizer from '../src/attribution/spans/Tokenizer.ts'
import { assert } from '../src/kernel/Assert.ts'
import * as Share from '../src/kernel/Share.ts'
import * as AttributedEngine from '../src/models/AttributedEngine.ts'
import type * as Engine from '../src/models/Engine.ts'
import * as HttpEngine from '../src/models/HttpEngine.ts'
import * as Reader from '../src/models/Reader.ts'
import * as LocalModel from '../test/harness/LocalModel.ts'

const found = await LocalModel.find(LocalModel.places(env))
if (found.kind === 'none') {
  console.error(`no model on this machine, so nothing was measured:\n${found.looked.join('\n')}`)
  exit(2)
}
const model = process.argv[2] ?? found.models[0]!
console.log(`${found.place.name} at ${found.place.baseURL}, model ${model}`)

const documents = [
  {
    ...{ seq: 0, path: 'tides.md', owner: `0x${'11'.repeat(20)}` },
    text: '# Tides\n\nThe gravitational pull of the moon raises two bulges of water on opposite sides of the earth, and the earth turns beneath them.\n',
  },
  {
    ...{ seq: 1, path: 'bread.md', owner: `0x${'22'.repeat(20)}` },
    text: '# Bread\n\nA sourdough starter wants flour and water in equal parts, fed twice a day until it doubles within six hours.\n',
  },
] as const
const card: Engine.ModelCard = {
  ...{ v: 1, model, kind: 'generative', tokenizer: Tokenizer.version, datanet: 'docs' },
  ...{ stdUsPerTokenIn: 1, stdUsPerTokenCached: 1, stdUsPerTokenOut: 10 },
  ...{ maxTokensIn: 500, maxTokensOut: 200, lineagePpb: '0', can: ['stop'] },
}
const { baseURL } = found.place
const options = { baseURL, model, card, countTokens: Tokenizer.count, device: found.place.name }
const retrieve = Reader.retriever({ documents })
const segments = [
  Segment.build(documents.map((one) => ({ ...one, batch: 0, committedAtMs: 0, commons: false }))),
]
const question = 'Why does the moon raise bulges of water on the earth?'

type How = { readonly streams?: boolean; readonly onFirst?: () => void }

async function ask(name: string, more: Partial<Engine.Request> = {}, how: How = {}) {
  const { streams = true, onFirst = () => {} } = how
  const engine = AttributedEngine.of({ engine: HttpEngine.open({ ...options, streams }), retrieve })
  const startedMs = performance.now()
  let [told, firstMs] = ['', Number.NaN]
  const messages = [{ role: 'user', content: question }] as const
  const request = { messages, maxTokensOut: 120, temperature: 0, ...more }
  const answer = await engine.answer(request, {
    onDelta({ text = '' }) {
      const isFirst = told === ''
      told += text
      if (!isFirst) return
      firstMs = performance.now() - startedMs
      onFirst()
    },
  })
  if (answer.kind === 'refused') throw new Error(`${name}: ${answer.because}`)
  assert(told === answer.text, 'an answer that is what was told')
  assert(answer.usage.tokensOut <= request.maxTokensOut, 'an answer within what is paid')
  const { coveragePpb } = PriorityCover.cover(answer.text, { segments })
  const { tokensIn, tokensOut } = answer.usage
  console.log(
    `${name}: ${tokensIn} in, ${tokensOut} out, ${answer.finish}, first after ${firstMs.toFixed(0)} ms, ` +
      `all after ${answer.meter.computeMs.toFixed(0)} ms, ${Share.round(coveragePpb)} credited`,
  )
  return answer
}

console.log((await ask('streamed')).text)
await ask('plain', {}, { streams: false })
await ask('cut at 5 tokens', { maxTokensOut: 5 })
const controller = new AbortController()
const { signal } = controller
await ask('abandoned at its first word', { signal }, { onFirst: () => controller.abort() })
