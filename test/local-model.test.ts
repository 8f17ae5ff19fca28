/** How models on this machine are looked for; `npm run bench -- local-model` asks one, where there is one. */
import { expect, test } from 'vitest'
import * as LocalModel from './harness/LocalModel.ts'
import * as OpenAi from './harness/OpenAi.ts'

test.each([
  [undefined, 'http://127.0.0.1:11434/v1'],
  ['', 'http://127.0.0.1:11434/v1'],
  ['0.0.0.0', 'http://127.0.0.1:11434/v1'],
  ['models.example', 'http://models.example:11434/v1'],
  ['127.0.0.1:9', 'http://127.0.0.1:9/v1'],
  ['https://models.example', 'https://models.example/v1'],
  ['http://models.example:81/', 'http://models.example:81/v1'],
])('OLLAMA_HOST=%s is looked for at %s', (OLLAMA_HOST, baseURL) => {
  const [ollama, llama] = LocalModel.places({ OLLAMA_HOST })
  expect(ollama).toEqual({ name: 'Ollama', baseURL })
  expect(llama).toEqual({ name: 'llama-server', baseURL: 'http://127.0.0.1:8080/v1' })
})

test('where there is none it says where it looked, and what it found there', async () => {
  const gone = await OpenAi.open(() => OpenAi.says('x'))
  await gone.close()
  const empty = await OpenAi.open(() => OpenAi.says('x'), { models: [] })
  const all = [
    { name: 'One', baseURL: gone.baseURL },
    { name: 'Other', baseURL: empty.baseURL },
  ]
  expect(await LocalModel.find(all)).toEqual({
    kind: 'none',
    looked: [
      `One at ${gone.baseURL}: ECONNREFUSED`,
      `Other at ${empty.baseURL}: it lists no model`,
    ],
  })
  const there = await OpenAi.open(() => OpenAi.says('x'), { models: ['tiny'] })
  const place = { name: 'Third', baseURL: there.baseURL }
  expect(await LocalModel.find([...all, place])).toEqual({ kind: 'found', place, models: ['tiny'] })
  await Promise.all([empty.close(), there.close()])
})
