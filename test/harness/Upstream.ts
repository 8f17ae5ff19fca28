/**
 * @module A market whose node sells a scripted model of somebody else's: an OpenAI-compatible server behind
 * an engine behind a paid, attributed offer; and sellers in front of it that stream what they like.
 */
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'
import * as HttpEngine from '../../src/models/HttpEngine.ts'
import * as Market from './Market.ts'
import * as OpenAi from './OpenAi.ts'
import * as Terms from './Terms.ts'

/** The model that is sold. */
export const model = 'scripted'

/** Its card: all that a card can say. */
export const card = {
  ...Terms.card,
  ...{ model, kind: 'generative', maxTokensIn: 2_000, maxTokensOut: 400 },
  can: ['schema', 'stop', 'tools'],
} as typeof Terms.card

/** A market and the server behind it. */
export type Upstream = Awaited<ReturnType<typeof open>>

/** Opens both; `close` them whatever happened. What is said can be changed from test to test. */
export async function open(first: OpenAi.Script = () => OpenAi.says('Hello.')) {
  let script = first
  const upstream = await OpenAi.open((asked) => script(asked), { models: [model] })
  const engine = HttpEngine.open({
    ...{ baseURL: upstream.baseURL, model, card, countTokens: Tokenizer.count },
  })
  const offer = {
    ...{ card, rates: { ...Terms.rates, gasNano: '200000000000' }, coveragePromisedPpb: '0' },
    ...{ disputeWindowMs: 0, quoteTtlMs: 30_000 },
    device: { class: 'cpu', count: 1, tier: 'claimed' },
    engine: () => engine,
  } as const
  const market = await Market.open({ offers: [offer] })
  return {
    ...{ market, upstream },
    baseURL: market.baseUrl,
    /** What the model does from now on. */
    says(next: OpenAi.Script) {
      script = next
    },
    /** A seller whose streams are changed on their way: one text an event, as it goes out. */
    async front(
      change: (data: string[], asked: number) => Iterable<string> | AsyncIterable<string>,
    ) {
      let asked = 0
      return market.front(async (request, ask) => {
        const response = await ask(request)
        const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
        if (!isStream) return response
        const text = await response.text()
        const data = text.split('\n\n').flatMap((event) => (event === '' ? [] : [event.slice(6)]))
        const body = ReadableStream.from(encoded(change(data.flatMap(words), asked++)))
        return new Response(body, { headers: response.headers })
      })
    },
    async close() {
      await market.close()
      await upstream.close()
    },
  }
}

/** A chunk of text as one for each word, so that what is streamed does not hang on the time it took. */
function words(data: string): string[] {
  if (data === '[DONE]') return [data]
  const chunk = JSON.parse(data)
  const delta = chunk.choices?.[0]?.delta
  if (typeof delta?.content !== 'string' || delta.content === '') return [data]
  return delta.content.split(/(?<= )/).map((content: string) => {
    const choices = [{ ...chunk.choices[0], delta: { ...delta, content } }]
    return JSON.stringify({ ...chunk, choices })
  })
}

async function* encoded(data: Iterable<string> | AsyncIterable<string>) {
  const encoder = new TextEncoder()
  for await (const each of data) yield encoder.encode(`data: ${each}\n\n`)
}
