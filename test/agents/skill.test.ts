import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type * as Start from '../../examples/support/Market.ts'
import * as Verify from '../../examples/support/Verify.ts'
import type { Outcome } from '../../src/agents/Buyer.ts'
import * as Skill from '../../src/server/Skill.ts'
import * as Market from '../harness/Market.ts'

const priceAtoms = 7_000n
let market: Market.Market
let broker: Start.Served
let analyst: Start.Served

beforeAll(async () => {
  market = await Market.open()
  broker = await market.another({
    documents: [],
    offers: [
      Skill.offer({
        ...{ name: 'shout', description: 'What you say, louder', priceAtoms },
        run({ input, say }) {
          const [first, ...rest] = input.toUpperCase().split(' ')
          say(`${first}`)
          return `${[first, ...rest].join(' ')}!`
        },
      }),
      Skill.offer({
        ...{ name: 'broken', description: 'Fails', priceAtoms },
        run: () => {
          throw new Error('secret of the seller')
        },
      }),
    ],
  })
  // An agent that sells what it made of what it bought.
  const { buyer } = await market.agent({ payees: [broker.contracts.till] })
  analyst = await market.another({
    documents: [],
    offers: [
      Skill.offer({
        ...{ name: 'opinion', description: 'Shouted twice', priceAtoms: 3n * priceAtoms },
        async run({ input }) {
          const bought = await buyer.buy(ask(broker, 'shout', input, buyer.run()))
          const { answered, receiptHash } = bought.delivered!
          return { text: `${answered.output} ${answered.output}`, consumed: [receiptHash] }
        },
      }),
    ],
  })
}, 60_000)
afterAll(() => market.close())

function ask(seller: Start.Served, model: string, content: string, run = 'run', stream = false) {
  const body = { model, messages: [{ role: 'user', content }], ...(stream ? { stream } : {}) }
  return { baseUrl: seller.baseUrl, model, body, run, step: 0 }
}
const open = () =>
  market.agent({ payees: [broker, analyst].map(({ contracts }) => contracts.till) })
const output = ({ delivered }: Outcome) => delivered?.answered.output

describe('a skill', () => {
  test('is bought like a model, at its price to the atom', async () => {
    const { buyer } = await open()
    const bought = await buyer.buy(ask(broker, 'shout', 'buy low'))
    expect(output(bought)).toBe('BUY LOW!')
    const { money, stdUs } = bought.delivered!.receipt
    expect(money).toMatchObject({ chargedAtoms: '7000', paidAtoms: '7000', changeAtoms: '0' })
    expect([money.feeNano, money.influenceNano, stdUs]).toEqual(['0', '0', '1000000'])
  })

  test('tells what it has while it goes on', async () => {
    const { buyer } = await open()
    const heard: string[] = []
    const onDelta = ({ text }: { text?: string }) => heard.push(text ?? '')
    const call = ask(broker, 'shout', 'sell high now', 'run', true)
    const bought = await buyer.buy({ ...call, onDelta })
    expect(output(bought)).toBe('SELL HIGH NOW!')
    expect(heard.join('')).toBe('SELL HIGH NOW!')
    expect(heard[0]).not.toBe('')
  })

  test('of an agent that bought for it names what it bought', async () => {
    const { buyer } = await open()
    const bought = await buyer.buy(ask(analyst, 'opinion', 'hold'))
    expect(output(bought)).toBe('HOLD! HOLD!')
    const { consumed, money } = bought.delivered!.receipt
    expect(money.chargedAtoms).toBe('21000')
    const sold = broker.node.books.state.sales.sales
    expect(consumed.map((hash) => sold.get(hash)!.receipt.money.chargedAtoms)).toEqual(['7000'])
    await buyer.close()
    const folders = [broker, analyst].map(({ node }) => node.dir)
    expect(Verify.folders(buyer.dir, ...folders)).toMatchObject({ failures: 0 })
  })

  test('that fails is not paid, and keeps its secrets', async () => {
    const { buyer, wallet } = await open()
    const call = ask(broker, 'broken', 'x')
    const pending = buyer.buy(call)
    await expect.poll(() => buyer.status()[0]!.meter.held).not.toBe('0')
    await market.pass(120)
    const ended = await pending
    expect(ended.state).toBe('expired')
    expect(ended.because).not.toContain('secret')
    expect(ended.paidAtoms).toBe(0n)
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('costs something', () => {
    const free = { name: 'free', description: '', priceAtoms: 0n, run: () => '' }
    expect(() => Skill.offer(free)).toThrow('at least 1 atom')
  })
})
