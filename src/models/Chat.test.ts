import { expect, test } from 'vitest'
import * as Chat from './Chat.ts'

const call = { id: 'call_1', type: 'function', function: { name: 'find', arguments: '{"q":1}' } }

test('billed in are the texts of messages, calls, tools and format, each once, in order', () => {
  const body: Chat.Body = {
    messages: [
      { role: 'system', content: 'Be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is' },
          { type: 'image_url', image_url: { url: 'data:' } },
          { type: 'text', text: 'it?' },
        ],
      },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'found' },
    ],
    tools: [{ type: 'function', function: { name: 'find' } }],
    response_format: { type: 'json_object' },
  }
  expect(Chat.inputTexts(body)).toEqual([
    'Be brief',
    'What is\nit?',
    '',
    '[{"function":{"arguments":"{\\"q\\":1}","name":"find"},"id":"call_1","type":"function"}]',
    'found',
    '[{"function":{"name":"find"},"type":"function"}]',
    '{"type":"json_object"}',
  ])
})

test.each([
  ['absent', {}],
  ['null', { tools: null, response_format: null }],
  ['empty', { tools: [], response_format: { type: 'text' } }],
])('tools and format that are %s are not billed', (_, more) => {
  const messages = [{ role: 'assistant', content: 'Hi', tool_calls: [] }] as const
  expect(Chat.inputTexts({ messages, ...more })).toEqual(['Hi'])
})

test('the order of members does not change what is billed', () => {
  const messages = [{ role: 'user', content: 'Hi' }] as const
  const [one, other] = [[{ a: 1, b: { c: 2, d: 3 } }], [{ b: { d: 3, c: 2 }, a: 1 }]]
  expect(Chat.inputTexts({ messages, tools: one })).toEqual(
    Chat.inputTexts({ messages, tools: other }),
  )
})

test('the text of an answer is what it says, and a line with the tools it calls', () => {
  const calls = [{ id: 'call_1', name: 'find', arguments: '{"q":1}' }]
  const line = '[{"arguments":"{\\"q\\":1}","id":"call_1","name":"find"}]'
  expect(Chat.outputText({ text: 'Let me look.' })).toBe('Let me look.')
  expect(Chat.outputText({ text: 'Let me look.', toolCalls: [] })).toBe('Let me look.')
  expect(Chat.outputText({ text: 'Let me look.', toolCalls: calls })).toBe(`Let me look.\n${line}`)
  expect(Chat.outputText({ text: '', toolCalls: calls })).toBe(`\n${line}`)
})

test('what is not of a call is not committed to', () => {
  const call = { id: 'a', name: 'b', arguments: '{}', index: 0, extra: undefined }
  expect(Chat.outputText({ text: '', toolCalls: [call] })).toBe(
    '\n[{"arguments":"{}","id":"a","name":"b"}]',
  )
})

test('the text of a request is its messages, and what else of it is billed', () => {
  const messages = [{ role: 'user', content: 'Hi' }] as const
  const plain = '[{"content":"Hi","role":"user"}]'
  expect(Chat.promptText({ messages })).toBe(plain)
  const none = { tools: [], response_format: { type: 'text' } }
  expect(Chat.promptText({ messages, ...none })).toBe(plain)
  expect(Chat.promptText({ messages, tools: null, response_format: null })).toBe(plain)
  expect(Chat.promptText({ messages, tools: [1], response_format: { type: 'json_object' } })).toBe(
    `{"messages":${plain},"response_format":{"type":"json_object"},"tools":[1]}`,
  )
})
