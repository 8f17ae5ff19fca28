import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../../test/harness/Market.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Agent from './Agent.ts'
import type * as Buyer from './Buyer.ts'
import { ChatRequite } from './langchain/ChatRequite.ts'
import * as Refusal from './Refusal.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

const model = () => ({ baseUrl: market.baseUrl, model: Market.model })

describe('an agent', () => {
  test('asks, pays, and shows what it cost and why', async () => {
    const { buyer, wallet } = await market.agent()
    const desk = Agent.create({ name: 'desk', buyer, model: model() })
    const run = await desk.ask('When does high water come?')
    expect(run.answer).toContain('about fifty minutes later each day')
    expect(run.outcome.state).toBe('captured')
    expect(run.receipts).toHaveLength(1)
    const [{ hash, receipt, signature }] = run.receipts as [Agent.Run['receipts'][number]]
    expect(Receipt.hash(receipt)).toBe(hash)
    expect(Receipt.parse({ receipt, signature }).receipt.payer).toBe(wallet.address)
    expect(run.spentAtoms).toBe(BigInt(receipt.money.paidAtoms))
    expect(await market.paid(wallet.address)).toEqual([run.spentAtoms])
    expect(run.decisions.map(({ rule }) => rule)).toEqual([
      `allow payees ${market.contracts.till}`,
      'cap 1 USDC per 24h',
    ])
  })

  test('asks as often as it is told: each run is a purchase of its own', async () => {
    const { buyer, wallet } = await market.agent()
    const desk = Agent.create({ name: 'desk', buyer, model: model() })
    const one = await desk.ask('When does high water come?')
    const two = await desk.ask('When does high water come?')
    expect(two.id).not.toBe(one.id)
    expect(await market.paid(wallet.address)).toEqual([one.spentAtoms, two.spentAtoms])
  })

  test('that is denied has an outcome with reasons, not an exception', async () => {
    const { buyer, wallet } = await market.agent({ rules: ['cap 0.0001 USDC per payment'] })
    const run = await Agent.create({ name: 'desk', buyer, model: model() }).ask('When?')
    expect(run).toMatchObject({ answer: undefined, spentAtoms: 0n, receipts: [] })
    expect(run.outcome).toMatchObject({ state: 'refused', verdict: 'deny' })
    expect(run.decisions.map(({ outcome }) => outcome)).toEqual(['allow', 'deny'])
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('keeps to its most tokens, and takes a LangChain model for one', async () => {
    const { buyer } = await market.agent()
    const chat = new ChatRequite({
      ...{ buyer, baseURL: `${market.baseUrl}/`, model: Market.model, maxTokens: 20 },
    })
    const run = await Agent.create({ name: 'desk', buyer, model: chat }).ask('When is high water?')
    expect(run.answer).not.toBe('')
    expect(run.receipts[0]!.receipt.tokens.out).toBeLessThanOrEqual(20)
  })

  test('stops at its caller’s signal before anything is signed', async () => {
    const { buyer } = await market.agent({ fundAtoms: 0n })
    const desk = Agent.create({ name: 'desk', buyer, model: model() })
    const run = await desk.ask('When?', { signal: AbortSignal.abort() })
    expect(run.outcome).toMatchObject({ state: 'refused', code: 'aborted' })
  })
})

describe('a purchase that brought no answer, as a failure', () => {
  const purchase = `0x${'1'.repeat(64)}` as const
  const outcome = (more: Partial<Buyer.Outcome>): Buyer.Outcome => ({
    ...{ purchase, state: 'refused', states: ['refused'], reasons: [], paidAtoms: 0n },
    ...more,
  })
  test.each<[string, Partial<Buyer.Outcome>, string, string]>([
    ['denied', { verdict: 'deny', because: 'cap' }, 'denied: cap', 'never'],
    ['needs-approval', { verdict: 'review', because: 'ops' }, 'needs approval: ops', 'never'],
    ['refused', { because: 'quote expired', code: 'quote-refused' }, 'not bought: q', 'safe'],
    ['refused', { verdict: 'allow', because: 'aborted' }, 'not bought: aborted', 'safe'],
    ['expired', { state: 'expired', verdict: 'allow' }, 'never paid: expired', 'safe'],
    ['disputed', { state: 'disputed', paidAtoms: 7n }, 'paid and disputed: disputed', 'never'],
  ])('%s', (code, given, message, retry) => {
    const error = new Refusal.PurchaseRefused(outcome(given))
    expect(error).toMatchObject({ name: 'PurchaseRefused', code, retry, facts: { purchase } })
    expect(error.message).toContain(message)
    expect(error.hint).toBeDefined()
    expect(error.facts).toMatchObject({
      paidAtoms: String(given.paidAtoms ?? 0n),
      reason: given.code ?? code,
    })
  })

  test('is never made of one that did', () => {
    expect(() => new Refusal.PurchaseRefused(outcome({ state: 'captured' }))).toThrow('bug')
  })
})
