/**
 * A provider with a model of its own: an OpenAI-compatible endpoint and a chat model of LangChain, each
 * given passages of the node's datanet, priced and sold. What they quote is paid to whose words it is.
 */
import { ChatOpenAI } from '@langchain/openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as Tokenizer from '../src/attribution/spans/Tokenizer.ts'
import * as AttributedEngine from '../src/models/AttributedEngine.ts'
import * as ChatModelEngine from '../src/models/ChatModelEngine.ts'
import type * as Engine from '../src/models/Engine.ts'
import * as HttpEngine from '../src/models/HttpEngine.ts'
import * as Reader from '../src/models/Reader.ts'
import type * as Offer from '../src/server/Offer.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Shop from './clients/Shop.ts'
import * as Market from './harness/Market.ts'
import * as OpenAi from './harness/OpenAi.ts'

const countTokens = Tokenizer.count
const question = 'When does high water come?'
const quoted = /High water comes[^.]+\./

let upstream: OpenAi.OpenAi
let market: Market.Market
let script: OpenAi.Script
const quotes: OpenAi.Script = ({ body }) => {
  const told = String(body.messages.at(-1)!.content)
  const words = (quoted.exec(told)?.[0] ?? 'I was given nothing to quote.').split(/(?= )/)
  return OpenAi.says(['As the ', 'document has it: ', ...words])
}

beforeAll(async () => {
  upstream = await OpenAi.open((asked) => script(asked))
  const { baseURL } = upstream
  const http = (card: Engine.ModelCard) =>
    HttpEngine.open({ baseURL, model: 'theirs', card, countTokens })
  const chat = (card: Engine.ModelCard) => {
    const configuration = { baseURL }
    const model = new ChatOpenAI({ model: 'theirs', apiKey: 'none', maxRetries: 0, configuration })
    return ChatModelEngine.open({ model, card, countTokens })
  }
  const offer = (model: string, open: (card: Engine.ModelCard) => Engine.Engine): Offer.Offer => {
    const terms = Shop.terms({ model })
    const engine: Offer.Offer['engine'] = ({ documents }) =>
      AttributedEngine.of({ engine: open(terms.card), retrieve: Reader.retriever({ documents }) })
    return { ...terms, engine }
  }
  market = await Market.open({ offers: [offer('http', http), offer('chat', chat)] })
})
afterAll(async () => {
  await market.close()
  await upstream.close()
})

/** A paid answer, as it came over the wire. */
async function buy(model: string, more: object = {}) {
  return (await payment(model, more)).send()
}

async function payment(model: string, more: object = {}) {
  const wallet = Wallet.generate()
  await market.agent({ wallet, fundAtoms: 1_000_000n })
  return Shop.payment(market, Shop.chat(question, { ...more, model }), { wallet })
}

test.each(['http', 'chat'])(
  '%s: streamed or not, what is quoted earns for whose it is',
  async (model) => {
    script = quotes
    const streamed = await Shop.read(await buy(model, { stream: true }))
    const plain = (await (await buy(model)).json()) as {
      choices: { message: { content: string } }[]
      requite: Shop.Proved & { sources: { owner: string }[] }
    }
    expect(streamed).toMatchObject({ isDone: true, finish: 'stop' })
    const text = 'As the document has it: High water comes about fifty minutes later each day,'
    expect(streamed.text.replaceAll('\n', ' ')).toContain(text)
    expect(plain.choices[0]!.message.content).toBe(streamed.text)
    for (const { receipt } of [streamed.requite!, plain.requite]) {
      expect(receipt.influence.entries).toHaveLength(1)
      expect(Number(receipt.influence.coveragePpb)).toBeGreaterThan(500_000_000)
      expect(receipt.tokens).toMatchObject({ in: 6, out: countTokens(streamed.text) })
    }
    expect(plain.requite.sources).toMatchObject([{ owner: 'npm:tides' }])
    // The model was shown more than was asked, which nobody pays for.
    expect(String(upstream.asked.at(-1)!.body.messages.at(-1)!.content).length).toBeGreaterThan(300)
  },
)

test.each(['http', 'chat'])('%s: who goes away midway stops the model', async (model) => {
  script = () => OpenAi.says(['As ', 'the ', 'document '], { ending: 'stall' })
  const before = upstream.asked.length
  const response = await buy(model, { stream: true })
  const events = Shop.events(response)
  let said = ''
  while (!said.includes('As')) {
    const { value } = await events.next()
    if (typeof value === 'object') said += value.choices?.[0]?.delta.content ?? ''
  }
  await events.return()
  await upstream.asked[before]!.over
  expect(upstream.asked[before]!.isGone).toBe(true)
  await Promise.all(market.node.working.values())
})

test.each(['http', 'chat'])('%s: a model that fails takes nobody’s money', async (model) => {
  script = () => OpenAi.fails(500, 'broken')
  const { send, wallet, amountAtoms } = await payment(model)
  const response = await send()
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ error: { code: 'engine-failed' } })
  expect(await market.paid(wallet.address)).toEqual([])
  script = quotes
  expect((await send()).status).toBe(200)
  expect(await market.paid(wallet.address)).toEqual([amountAtoms])
})
