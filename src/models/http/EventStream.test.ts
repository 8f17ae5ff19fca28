import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as EventStream from './EventStream.ts'

async function* pieces(bytes: Uint8Array, sizes: readonly number[] = [bytes.length]) {
  let from = 0
  for (let turn = 0; from < bytes.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length]!)
    yield bytes.subarray(from, from + size)
    from += size
  }
}

async function read(text: string, sizes?: readonly number[], maxLength = 1_000) {
  const data: string[] = []
  const parts = pieces(new TextEncoder().encode(text), sizes)
  for await (const event of EventStream.events(parts, { maxLength })) data.push(event)
  return data
}

test.each([
  ['data: one\n\ndata: two\n\n', ['one', 'two']],
  ['data: one\r\n\r\ndata: two\r\rdata: three\n\n', ['one', 'two', 'three']],
  ['data:one\ndata: two\ndata\ndata:  three\n\n', ['one\ntwo\n\n three']],
  [': ping\n\nevent: x\nid: 5\nretry: 10\ndata: one\n\n\n\n', ['one']],
  ['data: [DONE]', ['[DONE]']],
  ['data: one\n', ['one']],
  ['data:\n\n', ['']],
  ['database: x\n\n', []],
  ['', []],
])('%j has the events %j', async (text, events) => {
  expect(await read(text)).toEqual(events)
})

test('where bytes are cut makes no difference, in the middle of a letter or a line break either', async () => {
  const line = fc.stringMatching(/^[a-zé世😀 :]{0,8}$/u)
  const ending = fc.constantFrom('\n', '\r\n', '\r')
  const event = fc.tuple(fc.array(line, { minLength: 1, maxLength: 3 }), ending)
  const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 5 }), sizes, async (all, sizes) => {
      const text = all
        .map(([data, end]) => `${data.map((each) => `data: ${each}${end}`).join('')}${end}`)
        .join('')
      expect(await read(text, sizes)).toEqual(all.map(([data]) => data.join('\n')))
    }),
  )
})

test.each([
  ['a line without an end', 'x'.repeat(101)],
  ['lines without an end', 'data: x\n'.repeat(15)],
  ['comments without an end', ': x\n'.repeat(40)],
])('%s is too large', async (_, text) => {
  await expect(read(text, [7], 100)).rejects.toMatchObject({ code: 'upstream-too-large' })
})
