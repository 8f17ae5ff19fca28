/** The scripted OpenAI-compatible server of the tests is one that OpenAI's own client understands. */
import OpenAIClient from 'openai'
import { afterEach, expect, test } from 'vitest'
import * as OpenAi from './harness/OpenAi.ts'

let server: OpenAi.OpenAi | undefined
afterEach(() => server?.close())

async function client(script: OpenAi.Script) {
  server = await OpenAi.open(script)
  return new OpenAIClient({ baseURL: server.baseURL, apiKey: 'none', maxRetries: 0 })
}
const ask = { model: 'scripted', messages: [{ role: 'user' as const, content: 'Hi' }] }
const find = { type: 'function' as const, function: { name: 'find' } }

test('an answer in pieces is told whole, or streamed piece by piece', async () => {
  const openai = await client(() => OpenAi.says(['Hel', 'lo']))
  const plain = await openai.chat.completions.create(ask)
  expect(plain.choices[0]).toMatchObject({ message: { content: 'Hello' }, finish_reason: 'stop' })
  const pieces: string[] = []
  const more = { stream: true, stream_options: { include_usage: true } } as const
  for await (const { choices, usage } of await openai.chat.completions.create({ ...ask, ...more }))
    pieces.push(choices[0]?.delta.content ?? (usage ? 'counted' : 'end'))
  expect(pieces).toEqual(['', 'Hel', 'lo', 'end', 'counted'])
  expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(['scripted'])
})

test('tools are called, streamed or not, as the script says of the request', async () => {
  const openai = await client(({ body }) =>
    body.tools === undefined ? OpenAi.says('No tools.') : OpenAi.calls('find', { for: 'x' }),
  )
  const called = { name: 'find', arguments: '{"for":"x"}' }
  const plain = await openai.chat.completions.create({ ...ask, tools: [find] })
  expect(plain.choices[0]).toMatchObject({
    message: { content: null, tool_calls: [{ id: 'call_1', function: called }] },
    finish_reason: 'tool_calls',
  })
  const streamed = openai.chat.completions.stream({ ...ask, tools: [find] })
  expect((await streamed.finalMessage()).tool_calls).toMatchObject([{ function: called }])
})

test('whether the client went away is remembered', async () => {
  const openai = await client(() => OpenAi.says(['one', 'two'], { ending: 'stall' }))
  const stream = await openai.chat.completions.create({ ...ask, stream: true })
  for await (const { choices } of stream) if (choices[0]?.delta.content === 'two') break
  await server!.asked[0]!.over
  expect(server!.asked[0]!.isGone).toBe(true)
})

test('errors, broken connections and any bytes at all', async () => {
  const openai = await client(({ index }) =>
    index === 0 ? OpenAi.fails(500, 'broken') : OpenAi.says('half', { ending: 'break' }),
  )
  await expect(openai.chat.completions.create(ask)).rejects.toMatchObject({ status: 500 })
  const stream = await openai.chat.completions.create({ ...ask, stream: true })
  await expect(async () => {
    for await (const _ of stream);
  }).rejects.toThrow()
  expect(server!.asked.map(({ isGone }) => isGone)).toEqual([false, true])
})
