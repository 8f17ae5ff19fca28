/**
 * @module What a buyer of a streamed answer waits for before its first word: round trips to the chain and
 * flushes to the disk, one after another. Counted, since a machine's speed says nothing of them.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import * as App from '../src/server/App.ts'
import * as Shop from './clients/Shop.ts'

/** Something that was waited for: when it began and ended, counted in beginnings and ends. */
type Wait = { readonly what: string; readonly from: number; to: number }

let shop: Shop.Shop
let waits: Wait[] = []
let turn = 0

function begin(what: string): () => void {
  turn += 1
  const wait: Wait = { what, from: turn, to: Number.POSITIVE_INFINITY }
  waits.push(wait)
  return () => {
    turn += 1
    wait.to = turn
  }
}

/** The most of them that were waited for one after another. */
function inARow(all: readonly Wait[]): number {
  let last = 0
  let count = 0
  for (const { from, to } of all.toSorted((left, right) => left.to - right.to)) {
    if (from < last) continue
    last = to
    count += 1
  }
  return count
}

const real = globalThis.fetch

/** Requests to the chain are counted; a transaction counts as handed over once it is in its block. */
async function counted(input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> {
  const url = input instanceof Request ? input.url : String(input)
  const body = input instanceof Request ? await input.clone().text() : init?.body
  const method = typeof body === 'string' ? (JSON.parse(body) as { method?: string }).method : ''
  if (!method?.startsWith('eth_')) return real(input, init)
  const end = begin(method)
  const response = await real(input, init)
  if (method === 'eth_sendRawTransaction') {
    const { result } = (await response.clone().json()) as { result: string }
    for (let mined: unknown = null; mined === null; ) {
      const ask = { jsonrpc: '2.0', id: 1, method: 'eth_getTransactionReceipt', params: [result] }
      const headers = { 'content-type': 'application/json' }
      const asked = await real(url, { method: 'POST', headers, body: JSON.stringify(ask) })
      mined = ((await asked.json()) as { result: unknown }).result
    }
  }
  end()
  return response
}

beforeEach(async () => {
  vi.spyOn(globalThis, 'fetch').mockImplementation(counted)
  shop = await Shop.open(async function* (question) {
    yield* question.split(/(?<= )/)
    return 'stop'
  })
  const { books } = shop.market.node
  const { record } = books
  vi.spyOn(books, 'record').mockImplementation(async (entries, options) => {
    const end = begin(entries.map(({ event }) => event.type).join(' '))
    return record(entries, options).finally(end)
  })
})
afterEach(async () => {
  await shop.close()
  vi.restoreAllMocks()
})

/** Buys a streamed answer: what was over before its first word, and what was not. */
async function bought(question: string) {
  const body = Shop.chat(question, { stream: true })
  const { headers } = await shop.payment(body)
  waits = []
  const init = { method: 'POST', body: JSON.stringify(body), headers }
  const response = await App.create(shop.market.node).request('/v1/chat/completions', init)
  let before: readonly Wait[] | undefined
  for await (const event of Shop.events(response))
    if (event !== '[DONE]' && event.choices?.[0]?.delta.content)
      before ??= waits.filter(({ to }) => to <= turn)
  return { before: before!, after: waits.filter((wait) => !before!.includes(wait)) }
}

test('three round trips and one flush, one after another', async () => {
  // The first sale learns what stays: code of the token, the next nonce.
  await bought('so that all is warm')
  // What holds for a moment only is asked for anew.
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 60_000)
  const { before, after } = await bought('one two three')
  expect(inARow(before)).toBe(4)
  expect(before.map(({ what }) => what).toSorted()).toEqual([
    'accepted',
    'eth_estimateGas',
    'eth_getBlockByNumber',
    'eth_getBlockByNumber',
    'eth_getCode',
    'eth_getTransactionReceipt',
    'eth_maxPriorityFeePerGas',
    'eth_sendRawTransaction',
  ])
  expect(after.map(({ what }) => what)).toEqual(['funded', 'served'])
})

test('nothing is sent to the chain before the disk has what was accepted', async () => {
  const { before } = await bought('one two three')
  const accepted = before.find(({ what }) => what === 'accepted')!
  const sent = before.find(({ what }) => what === 'eth_sendRawTransaction')!
  expect(sent.from).toBeGreaterThan(accepted.to)
})
