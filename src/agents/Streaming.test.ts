import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as OpenAi from '../../test/harness/OpenAi.ts'
import * as Upstream from '../../test/harness/Upstream.ts'
import type * as Engine from '../models/Engine.ts'
import type * as Buyer from './Buyer.ts'

let up: Upstream.Upstream
beforeAll(async () => {
  up = await Upstream.open()
})
afterAll(() => up.close())

const pieces = ['The ', 'tide ', 'comes ', 'fifty ', 'minutes ', 'later.']

function call(given: Partial<Buyer.Call> & { readonly more?: object } = {}): Buyer.Call {
  const { more, ...rest } = given
  const messages = [{ role: 'user', content: 'When does high water come?' }]
  const body = { model: Upstream.model, messages, stream: true, ...more }
  return { baseUrl: up.baseURL, model: Upstream.model, body, run: 'run', step: 0, ...rest }
}

/** Buys, and remembers what was told on the way. */
async function listen(given: Parameters<typeof call>[0] = {}) {
  const agent = await up.market.agent()
  const told: Engine.Delta[] = []
  const outcome = await agent.buyer.buy(call({ onDelta: (delta) => told.push(delta), ...given }))
  const text = told.map(({ text }) => text ?? '').join('')
  return { ...agent, told, outcome, text }
}

describe('an answer that is streamed', () => {
  test('is told as it comes, once, and is what the receipt commits to', async () => {
    up.says(() => OpenAi.says(pieces))
    const told: string[] = []
    let heard = () => {}
    // Each word is sent when the one before it was told.
    const baseUrl = await up.front(async function* (data) {
      for (const each of data) {
        const next = new Promise<void>((resolve) => {
          heard = resolve
        })
        yield each
        if (isText(each)) await next
      }
    })
    const onDelta = ({ text = '' }: Engine.Delta) => {
      told.push(text)
      heard()
    }
    const { outcome, wallet, buyer } = await listen({ baseUrl, onDelta })
    expect(outcome).toMatchObject({ state: 'captured' })
    expect(told).toEqual(pieces)
    const text = told.join('')
    expect(outcome.delivered!.answered.output).toBe(text)
    expect(await up.market.paid(wallet.address)).toEqual([outcome.paidAtoms])
    expect(buyer.status()[0]!.meter).toMatchObject({ used: String(outcome.paidAtoms), held: '0' })
  })

  test('may call tools, and the calls are committed to', async () => {
    up.says(() => OpenAi.calls('find', { what: 'tide' }))
    const find = { type: 'function', function: { name: 'find', parameters: { type: 'object' } } }
    const { outcome, told } = await listen({ more: { tools: [find] } })
    expect(outcome).toMatchObject({
      state: 'captured',
      delivered: { answered: { finish: 'tool_calls', output: '' } },
    })
    const [called] = outcome.delivered!.answered.toolCalls!
    expect(called).toMatchObject({ name: 'find', arguments: '{"what":"tide"}' })
    expect(told.some(({ toolCalls }) => toolCalls?.[0]?.name === 'find')).toBe(true)
  })

  test('whole, without a stream, may call tools too', async () => {
    up.says(() => OpenAi.calls('find', { what: 'tide' }))
    const find = { type: 'function', function: { name: 'find' } }
    const { outcome, told } = await listen({ more: { tools: [find], stream: false } })
    expect(outcome.state).toBe('captured')
    expect(outcome.delivered!.answered.toolCalls).toHaveLength(1)
    expect(told).toEqual([])
  })

  test('the same step again tells all of it at once, and pays nothing', async () => {
    up.says(() => OpenAi.says(pieces))
    const { buyer, wallet, outcome } = await listen()
    const told: Engine.Delta[] = []
    const again = await buyer.buy(call({ onDelta: (delta) => told.push(delta) }))
    expect(again.delivered!.receiptHash).toBe(outcome.delivered!.receiptHash)
    expect(told).toEqual([{ text: pieces.join('') }])
    expect(await up.market.paid(wallet.address)).toHaveLength(1)
  })

  test('a listener that throws is not called again; the answer is bought all the same', async () => {
    up.says(() => OpenAi.says(pieces))
    let calls = 0
    const onDelta = () => {
      calls += 1
      throw new Error('not now')
    }
    const { outcome } = await listen({ onDelta })
    expect(outcome.state).toBe('captured')
    expect(calls).toBe(1)
  })
})

describe('a caller who has heard enough', () => {
  test('closes the connection: what was said is the answer, the rest is change', async () => {
    const words = Array.from({ length: 300 }, (_, at) => `word${at} `)
    up.says(() => OpenAi.says(words, { waitMs: 20 }))
    const caller = new AbortController()
    const { outcome, text, wallet } = await listen({
      signal: caller.signal,
      onDelta: ({ text = '' }) => {
        if (text !== '') caller.abort()
      },
    })
    expect(text).toBe('')
    expect(outcome.state).toBe('captured')
    const { answered, receipt } = outcome.delivered!
    expect(answered.finish).toBe('length')
    expect(answered.output.length).toBeGreaterThan(0)
    expect(answered.output.length).toBeLessThan(words.join('').length)
    expect(BigInt(receipt.money.changeAtoms)).toBeGreaterThan(0n)
    expect(await up.market.paid(wallet.address)).toHaveLength(1)
  })
})

describe('a caller who has cancelled', () => {
  test('is told nothing more, though the answer is asked for again', async () => {
    up.says(() => OpenAi.says(pieces))
    const caller = new AbortController()
    const baseUrl = await up.front((data, asked) => {
      if (asked === 0) return []
      caller.abort()
      return data
    })
    const { outcome, text } = await listen({ baseUrl, signal: caller.signal })
    expect(outcome.state).toBe('captured')
    expect(text).toBe('')
  })

  test('and comes late is told nothing', async () => {
    up.says(() => OpenAi.says(pieces))
    const { buyer } = await listen()
    const told: Engine.Delta[] = []
    const signal = AbortSignal.abort()
    const again = await buyer.buy(call({ signal, onDelta: (delta) => told.push(delta) }))
    expect(again.state).toBe('captured')
    expect(told).toEqual([])
  })
})

describe('a stream that breaks', () => {
  test('is asked for again under the same payment; nothing is told twice', async () => {
    up.says(() => OpenAi.says(pieces))
    const baseUrl = await up.front((data, asked) => (asked === 0 ? data.slice(0, 4) : data))
    const { outcome, text, wallet } = await listen({ baseUrl })
    expect(outcome.state).toBe('captured')
    expect(outcome.states.filter((state) => state === 'executing')).toHaveLength(2)
    expect(text).toBe(pieces.join(''))
    expect(await up.market.paid(wallet.address)).toHaveLength(1)
  })

  test('and does not begin with what was streamed: disputed', async () => {
    up.says(() => OpenAi.says(pieces))
    const baseUrl = await up.front((data, asked) =>
      asked === 0 ? data.slice(0, 4).map((each) => each.replace('The ', 'A ')) : data,
    )
    const { outcome, text, wallet } = await listen({ baseUrl })
    expect(outcome).toMatchObject({
      state: 'disputed',
      because: 'an answer that is not what was streamed',
    })
    expect(text.startsWith('A ')).toBe(true)
    expect(await up.market.paid(wallet.address)).toEqual([outcome.paidAtoms])
  })
})

const isText = (each: string) => /"content":"[^"]/.test(each)
const isReceipt = (each: string) => each.includes('"requite"')
const isFinish = (each: string) => /"finish_reason":"/.test(each)

describe('a seller that streams what was not bought', () => {
  test.each<[string, (data: string[]) => readonly string[], RegExp]>([
    [
      'other words',
      (data) => data.map((each) => each.replace('fifty', 'forty')),
      /another answer|tokens out/,
    ],
    [
      'more words than the receipt counts',
      (data) => data.flatMap((each) => (isText(each) ? [each, each] : [each])),
      /tokens out, recounted/,
    ],
    ['no receipt', (data) => data.filter((each) => !isReceipt(each)), /no receipt/],
    [
      'a word after the receipt',
      (data) => [...data.slice(0, -1), data.find(isText)!, '[DONE]'],
      /after the receipt/,
    ],
    ['a word after the end', (data) => [...data, data.find(isText)!], /after the end/],
    [
      'a word after its last',
      (data) => data.flatMap((each) => (isFinish(each) ? [each, data.find(isText)!] : [each])),
      /goes on after its end/,
    ],
    [
      'the receipt first',
      (data) => [...data.filter(isReceipt), ...data.filter((each) => !isReceipt(each))],
      /before the end of the answer/,
    ],
    ['garbage', (data) => ['{"choices": 7}', ...data], /malformed stream/],
    ['no JSON', () => ['<html>', '[DONE]'], /malformed stream/],
    [
      'a call of no name',
      (data) => [
        '{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}',
        ...data,
      ],
      /without id and name/,
    ],
    ['half a character', (data) => data.map((each) => each.replace('later', '\\ud800')), /./],
  ])(
    '%s: disputed, paid once, with the evidence',
    async (_, change, because) => {
      up.says(() => OpenAi.says(pieces))
      const baseUrl = await up.front(change)
      const { outcome, wallet } = await listen({ baseUrl })
      expect(outcome.state).toBe('disputed')
      expect(outcome.because).toMatch(because)
      expect(outcome.evidence!.tx).toMatch(/^0x/)
      expect(await up.market.paid(wallet.address)).toEqual([outcome.paidAtoms])
    },
    60_000,
  )
})

describe('what its card cannot', () => {
  test.each([
    ['tools', { tools: [{ type: 'function', function: { name: 'find' } }] }],
    ['schema', { response_format: { type: 'json_object' } }],
    ['stop', { stop: ['.'] }],
  ])('%s is refused by name at quoting: nothing is signed', async (ability, more) => {
    const { Market } = await import('../../test/harness/Market.ts').then((m) => ({ Market: m }))
    const market = await Market.open()
    try {
      const { buyer, wallet } = await market.agent()
      const messages = [{ role: 'user', content: 'When?' }]
      const body = { model: Market.model, messages, ...more }
      const outcome = await buyer.buy({ ...Market.call(market), body })
      expect(outcome).toMatchObject({ state: 'refused', code: `${ability}-unsupported` })
      expect(outcome.states).toEqual(['discovering', 'quoting', 'refused'])
      expect(await market.paid(wallet.address)).toEqual([])
    } finally {
      await market.close()
    }
  })
})

test('a process that closes while it streams finds its purchase again', async () => {
  const words = Array.from({ length: 60 }, (_, at) => `word${at} `)
  up.says(() => OpenAi.says(words, { waitMs: 10 }))
  const { buyer, wallet, dir } = await up.market.agent()
  let heard = 0
  const buying = buyer.buy(call({ onDelta: () => (heard += 1) }))
  const closed = expect(buying).rejects.toMatchObject({ code: 'buyer-closed' })
  for (let waited = 0; heard < 3 && waited < 5_000; waited += 10) await sleep(10)
  await buyer.close()
  await closed
  const again = await up.market.agent({ wallet, dir })
  expect(await again.buyer.finish()).toMatchObject([{ state: 'captured' }])
  expect(await up.market.paid(wallet.address)).toHaveLength(1)
})
