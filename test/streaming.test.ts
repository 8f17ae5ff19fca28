/**
 * @module A streamed sale, looked at by a stranger who pays first: words as they are said, clients that
 * vanish or stop reading, engines that fail or talk too long, payments that come twice, late, or after a crash.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Prepaid from '../src/economy/Prepaid.ts'
import * as Json from '../src/kernel/Json.ts'
import * as Receipt from '../src/market/Receipt.ts'
import * as Proof from '../src/provenance/Proof.ts'
import * as Record from '../src/provenance/Record.ts'
import * as Advance from '../src/server/Advance.ts'
import * as App from '../src/server/App.ts'
import * as Node from '../src/server/Node.ts'
import * as Settlement from '../src/server/Settlement.ts'
import * as Answers from '../src/store/Answers.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Shop from './clients/Shop.ts'

const words = (count: number) => Array.from({ length: count }, (_, at) => `word${at} `)

const parrot: Shop.Script = async function* (question) {
  yield* question.split(/(?<= )/)
  return 'stop'
}

let shop: Shop.Shop
beforeEach(async () => {
  shop = await Shop.open(parrot)
})
afterEach(async () => {
  const { records, failures } = await shop.close()
  expect(records).toBeGreaterThan(3)
  expect(failures).toBe(0)
})

const streamed = (content: string, more: object = {}) =>
  Shop.chat(content, { stream: true, ...more })
const sales = () => shop.market.node.books.state.sales
const events = (type: string) => Shop.recorded(shop, type)

describe('a stream', () => {
  test('is paid first, and each word goes out when it is said', async () => {
    const { script, let: step } = Shop.gated(['High ', 'water ', 'comes'])
    shop.says(script)
    const body = streamed('When?', { stream_options: { include_usage: true } })
    const { send, wallet, amountAtoms } = await shop.payment(body)
    const response = await send()
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    expect(response.headers.get('payment-response')).not.toBeNull()
    expect(await shop.market.paid(wallet.address)).toEqual([amountAtoms])
    expect(events('served')).toEqual([])
    const told = Shop.events(response)
    const next = async () => (await told.next()).value as Shop.Event
    expect(await next()).toMatchObject({ choices: [{ delta: { role: 'assistant' } }] })
    for (const [at, content] of ['High ', 'water ', 'comes'].entries()) {
      step(at)
      expect(await next()).toMatchObject({
        object: 'chat.completion.chunk',
        choices: [{ index: 0, delta: { content }, finish_reason: null }],
      })
    }
    expect(await next()).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }] })
    expect(await next()).toMatchObject({ choices: [], usage: { completion_tokens: 3 } })
    const { choices, requite } = await next()
    expect(choices).toEqual([])
    expect((await told.next()).value).toBe('[DONE]')
    expect((await told.next()).done).toBe(true)
    const { receipt, signature, promptSalt, outputSalt } = requite!
    const address = shop.market.node.wallet.address
    expect(Wallet.verifyTypedData({ address, data: Receipt.typedData(receipt), signature })).toBe(
      true,
    )
    expect(receipt).toMatchObject(
      Answers.commit({
        ...{ prompt: Json.encode(body.messages), promptSalt, outputSalt },
        output: 'High water comes',
      }),
    )
    expect(events('accepted')).toHaveLength(1)
    expect(events('served')).toHaveLength(1)
    expect(sales().sales.values().next().value!.status).toBe('funded')
  })

  test('is told again under the same payment, paid once', async () => {
    const { send, wallet } = await shop.payment(streamed('one two three'))
    const first = await Shop.read(await send())
    const again = await Shop.read(await send())
    expect(first).toMatchObject({ text: 'one two three', finish: 'stop', isDone: true })
    expect(again).toMatchObject({ text: 'one two three', finish: 'stop', isDone: true })
    expect(again.requite!.receiptHash).toBe(first.requite!.receiptHash)
    expect(await shop.market.paid(wallet.address)).toHaveLength(1)
  })

  test('asked for twice at once is one sale, told to both', async () => {
    const { send, wallet } = await shop.payment(streamed('one two three'))
    const [first, second] = await Promise.all(
      [send(), send()].map(async (one) => Shop.read(await one)),
    )
    expect(first).toMatchObject({ text: 'one two three', isDone: true })
    expect(second).toMatchObject({ text: 'one two three', isDone: true })
    expect(events('served')).toHaveLength(1)
    expect(await shop.market.paid(wallet.address)).toHaveLength(1)
  })

  test('and a plain request under one payment: one is served, the other is told no', async () => {
    const { headers, wallet } = await shop.payment(streamed('one two three'))
    const bodies = [streamed('one two three'), Shop.chat('one two three')]
    const replies = await Promise.all(bodies.map((body) => shop.ask(body, { headers })))
    expect(replies.map(({ status }) => status)).toEqual([200, expect.toBeOneOf([402, 409])])
    expect((await Shop.read(replies[0]!)).isDone).toBe(true)
    expect(await shop.market.paid(wallet.address)).toHaveLength(1)
  })

  test('longer than was sold is cut to the token, and its engine stopped', async () => {
    let yielded = 0
    let aborted = false
    shop.says(async function* (_, { signal }) {
      for (; yielded < 100_000; yielded += 1) {
        yield `word${yielded} and ${yielded % 7 === 0 ? 'so on, ' : ''}`
        if (yielded % 50 === 0) await sleep(1)
        aborted = signal.aborted
        if (aborted) break
      }
      return 'stop'
    })
    const { send } = await shop.payment(streamed('Talk'))
    const { finish, requite, isDone } = await Shop.read(await send())
    expect({ finish, isDone, aborted }).toEqual({ finish: 'length', isDone: true, aborted: true })
    const { tokens } = requite!.receipt
    expect(tokens.out).toBe(200)
    expect(yielded).toBeLessThan(1_000)
    const short = await shop.payment(streamed('Talk', { max_tokens: 5 }))
    yielded = 0
    const cut = await Shop.read(await short.send())
    expect(cut).toMatchObject({ text: 'word0 and so on, ', finish: 'length' })
  })

  test('outlives its quote: what was accepted in time is answered', async () => {
    const { script, let: step } = Shop.gated(words(2))
    shop.says(script)
    const { send } = await shop.payment(streamed('Slow'))
    const response = await send()
    step(0)
    await shop.market.pass(31)
    step(1)
    expect(await Shop.read(response)).toMatchObject({ text: 'word0 word1 ', isDone: true })
  })

  test('of a model that calls no tools is refused unpaid', async () => {
    const tools = [{ type: 'function', function: { name: 'search', parameters: {} } }]
    const response = await shop.ask(streamed('Search', { tools }))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'tools-unsupported' } })
    await shop.payment(streamed('so that something is on record'))
  })
})

describe('a client that', () => {
  test('goes away midway has bought what was said, and the rest is change', async () => {
    const engine = Shop.gated(words(100))
    shop.says(engine.script)
    const { send, wallet, amountAtoms } = await shop.payment(streamed('Talk'))
    const leaving = new AbortController()
    const told = Shop.events(await send({ signal: leaving.signal }))
    await told.next()
    for (const at of [0, 1, 2]) {
      engine.let(at)
      await told.next()
    }
    leaving.abort()
    await Shop.until(() => engine.isAborted() && events('served').length === 1)
    const again = await Shop.read(await send())
    expect(again).toMatchObject({ text: 'word0 word1 word2 ', finish: 'length', isDone: true })
    const { money, tokens } = again.requite!.receipt
    expect(tokens.out).toBe(3)
    const change = sales().change.get(wallet.address)!
    expect(change.availableAtoms).toBe(amountAtoms - BigInt(money.chargedAtoms))
    expect(change.availableAtoms > amountAtoms / 3n).toBe(true)
  })

  test('goes away before the first word is answered when it comes again', async () => {
    const engine = Shop.gated(words(2))
    shop.says(engine.script)
    const { send, wallet } = await shop.payment(streamed('Talk'))
    const leaving = new AbortController()
    const response = await send({ signal: leaving.signal })
    expect(response.status).toBe(200)
    leaving.abort()
    await Shop.until(() => engine.isAborted() && shop.market.node.working.size === 0)
    expect(events('served')).toEqual([])
    expect(events('funded')).toHaveLength(1)
    shop.says(parrot)
    expect(await Shop.read(await send())).toMatchObject({ text: 'Talk', isDone: true })
    expect(await shop.market.paid(wallet.address)).toHaveLength(1)
  })

  test('goes away before it is settled is answered when it comes again', async () => {
    const { send, wallet } = await shop.payment(streamed('Talk'))
    const leaving = new AbortController()
    const gone = send({ signal: leaving.signal }).catch(() => undefined)
    await Shop.until(() => events('accepted').length === 1)
    leaving.abort()
    await gone
    expect(await Shop.read(await send())).toMatchObject({ text: 'Talk', isDone: true })
    expect(await shop.market.paid(wallet.address)).toHaveLength(1)
  })

  test('goes away and reads nothing at all leaves no failure that nobody hears', async () => {
    const unheard: unknown[] = []
    const note = (error: unknown) => unheard.push(error)
    process.on('unhandledRejection', note)
    try {
      const engine = Shop.gated(words(2))
      shop.says(engine.script)
      const { headers } = await shop.payment(streamed('Talk'))
      const leaving = new AbortController()
      const body = JSON.stringify(streamed('Talk'))
      const init = { method: 'POST', body, headers, signal: leaving.signal }
      const asking = App.create(shop.market.node).request('/v1/chat/completions', init)
      await Shop.until(() => events('accepted').length === 1)
      leaving.abort()
      await (await asking).body!.cancel()
      await Shop.until(() => shop.market.node.working.size === 0)
      await sleep(20)
      expect(events('served')).toEqual([])
      expect(unheard).toEqual([])
    } finally {
      process.off('unhandledRejection', note)
    }
  })

  test('stops reading holds up nobody: the sale is recorded, and others are answered', async () => {
    await shop.close()
    shop = await Shop.open(
      async function* (question) {
        if (question !== 'Flood') yield question
        else for (let at = 0; at < 200; at += 1) yield `${'x'.repeat(100_000)} `
        return 'stop'
      },
      { maxTokensOut: 400 },
    )
    const { send } = await shop.payment(streamed('Flood'))
    const response = await send()
    const reader = response.body!.getReader()
    await reader.read()
    await Shop.until(() => events('served').length === 1)
    const other = await shop.payment(streamed('Hello'))
    expect(await Shop.read(await other.send())).toMatchObject({ text: 'Hello', isDone: true })
    await reader.cancel()
    await Shop.until(() => shop.market.node.working.size === 0)
    expect(events('served')).toHaveLength(2)
  })
})

describe('an engine that', () => {
  test('fails midway ends the stream with an error; the same payment is answered later', async () => {
    shop.says(async function* () {
      yield 'so '
      await sleep(5)
      throw new Error('secret: out of memory at 0xdead')
    })
    const { send, wallet } = await shop.payment(streamed('Talk'))
    const { error, isDone, all } = await Shop.read(await send())
    expect(error).toMatchObject({ code: 'engine-failed' })
    expect(isDone).toBe(false)
    expect(JSON.stringify(all)).not.toContain('secret')
    expect(events('served')).toEqual([])
    shop.says(parrot)
    expect(await Shop.read(await send())).toMatchObject({ text: 'Talk', isDone: true })
    expect(await shop.market.paid(wallet.address)).toHaveLength(1)
  })

  test('fails on a plain request is a 5xx, and nothing is paid', async () => {
    shop.says(async function* () {
      yield 'so '
      throw new Error('secret')
    })
    const { send, wallet } = await shop.payment(Shop.chat('Talk'))
    const response = await send()
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('secret')
    expect(await shop.market.paid(wallet.address)).toEqual([])
  })

  test('told one thing and answers another has failed', async () => {
    await shop.close()
    shop = await Shop.open(parrot)
    const { offer, sold } = shop
    const lying: typeof offer = {
      ...sold,
      engine: () => ({
        card: sold.card,
        answer: async (_, { onDelta } = {}) => {
          onDelta?.({ text: 'cheap words' })
          return {
            ...{ kind: 'answered', text: 'dear words', citations: [], finish: 'stop' },
            usage: { tokensIn: 1, tokensOut: 1 },
            meter: { computeMs: 1, meter: 'engine', basis: 'wall', device: 'cpu' },
          }
        },
      }),
    }
    const { node } = shop.market
    const offers = new Map([
      [Shop.model, { ...node.offers.get(Shop.model)!, engine: lying.engine!(node.library) }],
    ])
    const { send, headers } = await shop.payment(streamed('Talk'))
    const body = JSON.stringify(streamed('Talk'))
    const init = { method: 'POST', body, headers }
    const response = await App.create({ ...node, offers }).request('/v1/chat/completions', init)
    expect((await Shop.read(response)).error).toMatchObject({ code: 'engine-failed' })
    expect(await Shop.read(await send())).toMatchObject({ text: 'Talk', isDone: true })
  })
})

describe('a payment that was not answered', () => {
  async function unanswered() {
    const engine = Shop.gated(words(2))
    shop.says(engine.script)
    const bought = await shop.payment(streamed('Talk'))
    const leaving = new AbortController()
    await bought.send({ signal: leaving.signal })
    leaving.abort()
    await Shop.until(() => engine.isAborted() && shop.market.node.working.size === 0)
    return bought
  }

  test('is given back when its time is over, with the record that says so', async () => {
    const { send, wallet, amountAtoms, nonce } = await unanswered()
    await shop.market.pass(120)
    for (let times = 0; times < 2; times += 1) {
      const response = await send()
      expect(response.status).toBe(410)
      const { error, requite } = (await response.json()) as {
        error: { code: string }
        requite: { record: string; proof: object }
      }
      expect(error.code).toBe('payment-returned')
      const proof = Proof.decode(Json.encode(requite.proof))
      expect(Proof.verify(proof, requite.record).kind).toBe('verified')
      expect(Record.decode(requite.record).event).toMatchObject({
        type: 'returned',
        payment: { payer: wallet.address, nonce },
      })
    }
    expect(events('returned')).toHaveLength(1)
    expect(sales().change.get(wallet.address)!.availableAtoms).toBe(amountAtoms)
  })

  test('is told only what is on the disk of its being given back', async () => {
    const { send, wallet, nonce } = await unanswered()
    const { node } = shop.market
    const prepaid = sales().prepaid.get(Prepaid.key({ payer: wallet.address, nonce }))!
    const giving = Advance.giveBack(node, prepaid, Advance.late)
    expect(prepaid.status).toBe('returned')
    const response = await send()
    expect(response.status).toBe(410)
    await giving
  })

  test('is given back by whoever closes the books of the day', async () => {
    const { wallet, amountAtoms } = await unanswered()
    await Settlement.settleOpen(shop.market.node)
    expect(events('returned')).toEqual([])
    await shop.market.pass(120)
    await Settlement.settleOpen(shop.market.node)
    expect(events('returned')).toHaveLength(1)
    expect(sales().change.get(wallet.address)!.availableAtoms).toBe(amountAtoms)
  })

  test('is answered by the process that comes after one that died', async () => {
    const { headers, wallet } = await unanswered()
    const { node } = shop.market
    node.close()
    const { dir, name, wallet: own, chain, contracts, now, salt } = node
    const options = { dir, name, wallet: own, chain, contracts, now, salt, offers: [shop.offer] }
    const reborn = await Node.open(options)
    try {
      shop.says(parrot)
      await Settlement.resume(reborn)
      const body = JSON.stringify(streamed('Talk'))
      const init = { method: 'POST', body, headers }
      const response = await App.create(reborn).request('/v1/chat/completions', init)
      expect(await Shop.read(response)).toMatchObject({ text: 'Talk', isDone: true })
      expect(await shop.market.paid(wallet.address)).toHaveLength(1)
    } finally {
      reborn.close()
    }
  })

  test('buys nothing else', async () => {
    const { headers } = await unanswered()
    const response = await shop.ask(streamed('Other'), { headers })
    expect(response.status).toBe(409)
  })
})
