import { AIMessage } from '@langchain/core/messages'
import { createAgent, fakeModel } from 'langchain'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as Verify from '../../examples/support/Verify.ts'
import * as Market from '../../test/harness/Market.ts'
import * as Policy from '../policies/Policy.ts'
import type * as Buyer from './Buyer.ts'
import { ChatRequite } from './langchain/ChatRequite.ts'
import { paid } from './langchain/Paid.ts'
import { payable } from './langchain/Payable.ts'
import type { State } from './langchain/State.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

/** A policy of these sentences alone: payees are the whole budget's to name. */
function bare(...rules: readonly string[]): Policy.Policy {
  const text = [
    'policy: scout',
    `asset: ${market.contracts.asset.id}`,
    'rules:',
    ...rules.map((rule) => `  - ${rule}`),
  ]
  return Policy.parse(text.join('\n'), { file: 'scout.yaml', assets: [market.contracts.asset] })
}

const call = (step: number) => Market.call(market, { step, question: `High water ${step}?` })
const used = ({ status }: Pick<Buyer.Buyer, 'status'>) =>
  status().map(({ rule, meter }) => [rule, meter.used, meter.held])

describe('a slice of a buyer', () => {
  test('buys with the same wallet, held by both policies', async () => {
    const { buyer, wallet } = await market.agent()
    const scout = buyer.slice({ name: 'scout', policy: bare('cap 0.5 USDC per 24h') })
    const outcome = await scout.buy(call(0))
    expect(outcome.state).toBe('captured')
    const paidAtoms = String(outcome.paidAtoms)
    expect(used(scout)).toEqual([
      ['cap 0.5 USDC per 24h', paidAtoms, '0'],
      ['cap 1 USDC per 24h', paidAtoms, '0'],
    ])
    expect(used(buyer)).toEqual([['cap 1 USDC per 24h', paidAtoms, '0']])
    expect(scout.spentAtoms()).toBe(outcome.paidAtoms)
    expect(await market.paid(wallet.address)).toEqual([outcome.paidAtoms])
  })

  test.each([
    ['its own', 'cap 0.0001 USDC per payment', 'cap 1 USDC per 24h'],
    ['the whole budget’s', 'cap 9 USDC per payment', 'cap 0.0001 USDC per payment'],
  ])(
    '%s sentence denies: nothing is signed, the other sees nothing of it',
    async (_, own, whole) => {
      const { buyer, wallet } = await market.agent({ rules: [whole] })
      const scout = buyer.slice({ name: 'scout', policy: bare(own) })
      const outcome = await scout.buy(call(0))
      expect(outcome).toMatchObject({ state: 'refused', verdict: 'deny' })
      expect(await market.paid(wallet.address)).toEqual([])
      expect(buyer.spentAtoms()).toBe(0n)
    },
  )

  test('never more than its cap, whatever is asked side by side; the others go on', async () => {
    const { buyer } = await market.agent()
    const scout = buyer.slice({ name: 'scout', policy: bare('at most 2 payments per 24h') })
    const outcomes = await Promise.all([0, 1, 2, 3, 4].map((step) => scout.buy(call(step))))
    expect(outcomes.filter(({ state }) => state === 'captured')).toHaveLength(2)
    const other = buyer.slice({ name: 'other', policy: bare('at most 2 payments per 24h') })
    expect((await other.buy({ ...call(9), run: 'other' })).state).toBe('captured')
    expect((await buyer.buy(call(10))).state).toBe('captured')
  })

  test('of a slice: all three levels hold', async () => {
    const { buyer } = await market.agent()
    const scout = buyer.slice({ name: 'scout', policy: bare('cap 0.5 USDC per 24h') })
    const inner = scout.slice({ name: 'inner', policy: bare('at most 1 payment per 24h') })
    expect(inner.name).toBe('scout/inner')
    expect((await inner.buy(call(0))).state).toBe('captured')
    expect(await inner.buy(call(1))).toMatchObject({ state: 'refused', verdict: 'deny' })
    expect(scout.spentAtoms()).toBe(inner.spentAtoms())
    expect((await scout.buy(call(2))).state).toBe('captured')
  })

  test('what it used is remembered over a restart, and the log verifies', async () => {
    const { buyer, wallet, dir } = await market.agent()
    const cut = { name: 'scout', policy: bare('at most 1 payment per 24h') }
    expect((await buyer.slice(cut).buy(call(0))).state).toBe('captured')
    await buyer.close()
    const again = await market.agent({ wallet, dir })
    const scout = again.buyer.slice(cut)
    expect(used(scout)[0]).toEqual(['at most 1 payment per 24h', '1', '0'])
    expect(await scout.buy(call(1))).toMatchObject({ verdict: 'deny' })
    await again.buyer.close()
    const { records, failures } = Verify.folders(dir)
    expect(records).toBeGreaterThan(5)
    expect(failures).toBe(0)
  })

  test('a review in it is gone on with in it', async () => {
    const { buyer } = await market.agent()
    const rules = ['at most 3 payments per 24h', 'approve above 0.0001 USDC by lead']
    const scout = buyer.slice({ name: 'scout', policy: bare(...rules) })
    const other = buyer.slice({ name: 'other', policy: bare('at most 3 payments per 24h') })
    const waiting = await scout.buy(call(0))
    expect(waiting).toMatchObject({ code: 'needs-approval' })
    const { purchase } = waiting
    await expect(other.approve(purchase, { by: 'lead' })).rejects.toMatchObject({
      code: 'not-under-review',
    })
    await expect(scout.approve(purchase, { by: 'nobody' })).rejects.toThrow(/whom the policy names/)
    expect((await scout.approve(purchase, { by: 'lead' })).state).toBe('captured')
    expect(used(scout)[0]).toEqual(['at most 3 payments per 24h', '1', '0'])
  })

  test('knows no way back to the whole', async () => {
    const { buyer } = await market.agent({ fundAtoms: 0n })
    const scout = buyer.slice({ name: 'scout', policy: bare('at most 1 payment per 24h') })
    for (const door of ['freeze', 'thaw', 'decline', 'close', 'finish'])
      expect(scout).not.toHaveProperty(door)
    expect(() => scout.slice({ name: 'a/b', policy: bare('at most 1 payment per 24h') })).toThrow(
      /without a slash/,
    )
  })
})

test('a sub-agent inside a paying tool spends its slice, and no more', async () => {
  const { buyer, wallet } = await market.agent()
  const scout = buyer.slice({ name: 'scout', policy: bare('at most 1 payment per 24h') })
  const chat = new ChatRequite({ buyer: scout, baseURL: market.baseUrl, model: Market.model })
  const sub = createAgent({ model: chat, tools: [], middleware: [payable(scout)] })
  const research = paid<{ what: string }>(
    buyer,
    async ({ what }) => {
      const result = await sub.invoke({ messages: [{ role: 'user', content: what }] })
      return JSON.stringify((result as State).requite)
    },
    {
      ...{ name: 'research', description: 'Asks.', mostAtoms: 50_000n },
      schema: z.object({ what: z.string() }),
    },
  )
  const asked = ['one', 'two'].map((id) => ({
    ...{ name: 'research', id, args: { what: `When does high water come? ${id}` } },
  }))
  const model = fakeModel()
    .respond(new AIMessage({ content: '', tool_calls: [asked[0]!] }))
    .respond(new AIMessage({ content: '', tool_calls: [asked[1]!] }))
    .respond(new AIMessage('Done.'))
  const agent = createAgent({ model, tools: [research], middleware: [payable(buyer)] })
  const result = await agent.invoke({ messages: [{ role: 'user', content: 'Go.' }] })
  const told = result.messages.filter(({ type }) => type === 'tool').map(({ text }) => text)
  expect(JSON.parse(told[0]!)).toMatchObject({ step: 0 })
  expect(JSON.parse(told[1]!).stopped).toMatchObject({ code: 'budget-exhausted' })
  expect(await market.paid(wallet.address)).toHaveLength(1)
})
