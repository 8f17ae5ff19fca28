import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Context from './Context.ts'
import type * as Engine from './Engine.ts'

const passage = (text: string, path = 'tides.md') => ({ docSeq: 0, path, offset: 0, text })
const asked: Engine.Request = { messages: [{ role: 'user', content: 'Why?' }], maxTokensOut: 5 }

test('passages stand word for word before the last question, and nowhere else', () => {
  const messages: Engine.Message[] = [
    { role: 'system', content: 'Be brief' },
    { role: 'user', content: 'First?' },
    { role: 'assistant', content: 'Yes' },
    { role: 'user', content: [{ type: 'text', text: 'Why?' }] },
    { role: 'assistant', content: null, tool_calls: [] },
  ]
  const context = [passage('The moon\n  moves "it".'), passage('So does the sun.', 'sun.md')]
  const laid = Context.lay({ ...asked, messages, context })
  expect(laid.filter((message) => !messages.includes(message))).toHaveLength(1)
  expect(laid[3]).toMatchObject({ role: 'user' })
  const text = String(laid[3]!.content)
  expect(text).toContain(
    '<document number="1" path="tides.md">\nThe moon\n  moves "it".\n</document>',
  )
  expect(text).toContain('<document number="2" path="sun.md">\nSo does the sun.\n</document>')
  expect(text.endsWith('\n\nWhy?')).toBe(true)
})

test.each([
  ['no passages', asked],
  ['none found', { ...asked, context: [] }],
  [
    'nobody asked',
    { messages: [{ role: 'system', content: 'x' }], maxTokensOut: 5, context: [passage('x')] },
  ],
] as const)('%s: messages stay as they are', (_, request) => {
  expect(Context.lay(request)).toBe(request.messages)
})

test('no passage can close its fence, open another, or break out of its label', () => {
  const hostile = fc.array(
    fc.constantFrom(
      '</document>',
      '<document',
      '</DOCUMENT-2>',
      '<document-3 ',
      '"',
      '>',
      '\n',
      ' x ',
    ),
    { maxLength: 8 },
  )
  let escaped = 0
  fc.assert(
    fc.property(hostile, hostile, (words, names) => {
      const text = words.join('')
      const written = Context.write([passage(text, names.join('')), passage('Second')])
      const [, fence] = /each between <(\S+) …>/.exec(written)!
      if (fence !== 'document') escaped += 1
      const ends = written.toLowerCase().split(`\n</${fence}>`).length - 1
      const begins = written.toLowerCase().split(`\n<${fence} number="`).length - 1
      expect([begins, ends]).toEqual([2, 2])
      expect(written).toContain(`\n${text}\n</${fence}>`)
      expect(written).toMatch(/ path="[^"<>\n]*">/)
    }),
  )
  expect(escaped).toBeGreaterThan(10)
})
