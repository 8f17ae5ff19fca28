import { AIMessage } from '@langchain/core/messages'
import { FakeListChatModel } from '@langchain/core/utils/testing'
import { tool } from 'langchain'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import * as Market from '../../../test/harness/Market.ts'
import * as Agent from '../Agent.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

/** A model that calls a tool once, then says what it brought. */
function calling() {
  const model = new FakeListChatModel({ responses: [''] })
  const asked: number[] = []
  return Object.assign(model, {
    asked,
    bindTools: () => model,
    async _generate(messages: { readonly text: string }[]) {
      asked.push(messages.length)
      const last = messages.at(-1)!
      const calls = [{ name: 'tides', args: {}, id: 'call-1', type: 'tool_call' as const }]
      const isFirst = messages.length === 1
      const message = new AIMessage({
        content: isFirst ? '' : `it said: ${last.text}`,
        ...(isFirst && { tool_calls: calls }),
      })
      return { generations: [{ text: '', message }] }
    },
  })
}

test('an agent with tools is a loop: the model calls them, and its last words are the answer', async () => {
  const { buyer } = await market.agent({ fundAtoms: 0n })
  let called = 0
  const tides = tool(() => `high water ${++called}`, {
    name: 'tides',
    description: 't',
    schema: z.object({}),
  })
  const model = calling()
  const desk = Agent.create({ name: 'desk', buyer, model, tools: [tides] })
  const run = await desk.ask('When?')
  expect(run).toMatchObject({ state: 'done', answer: 'it said: high water 1', spentAtoms: 0n })
  expect(model.asked).toEqual([1, 3])
})

test('what a tool brought is a step: gone through again, it is not called again', async () => {
  const { buyer, wallet, dir } = await market.agent({ fundAtoms: 0n })
  let called = 0
  const tides = tool(() => `high water ${++called}`, {
    name: 'tides',
    description: 't',
    schema: z.object({}),
  })
  let dies = true
  const model = calling()
  const answer = model._generate
  model._generate = async (messages) => {
    if (messages.length > 1 && dies) await new Promise(() => undefined)
    return answer(messages)
  }
  const desk = Agent.create({ name: 'desk', buyer, model, tools: [tides] })
  void desk.ask('When?').catch(() => undefined)
  await expect.poll(() => called).toBe(1)
  const [{ id }] = desk.runs() as [Agent.Standing]
  await new Promise((resolve) => setTimeout(resolve, 50))
  await buyer.close()
  dies = false
  const again = await market.agent({ wallet, dir })
  const back = Agent.create({ name: 'desk', buyer: again.buyer, model, tools: [tides] })
  expect(back.open()).toBe(1)
  expect((await back.ended(id)).answer).toBe('it said: high water 1')
  expect(called).toBe(1)
})

test('a model that is sold is asked through the loop too', async () => {
  const { buyer, wallet } = await market.agent()
  const model = { baseUrl: market.baseUrl, model: Market.model }
  const tides = tool(() => 'x', { name: 'tides', description: 't', schema: z.object({}) })
  const desk = Agent.create({ name: 'desk', buyer, model, tools: [tides] })
  await expect(desk.ask('When?')).rejects.toThrow()
  expect(desk.runs()).toMatchObject([{ state: 'failed' }])
  expect(await market.paid(wallet.address)).toEqual([])
})
