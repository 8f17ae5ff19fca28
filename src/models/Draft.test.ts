import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import * as Chat from './Chat.ts'
import * as Draft from './Draft.ts'
import type * as Engine from './Engine.ts'

/** A draft, and what it told so far, joined. */
function open(maxTokens: number, countTokens = Tokenizer.count) {
  const told = { text: '', calls: [] as { id: string; name: string; arguments: string }[] }
  const onDelta = (delta: Engine.Delta) => {
    told.text += delta.text ?? ''
    for (const { index, ...piece } of delta.toolCalls ?? []) {
      told.calls[index] ??= { id: '', name: '', arguments: '' }
      const call = told.calls[index]!
      for (const key of ['id', 'name', 'arguments'] as const) call[key] += piece[key] ?? ''
    }
  }
  return { draft: Draft.open({ countTokens, maxTokens, onDelta }), told }
}

test('text is told as it comes and cut at the last token that is paid', () => {
  const { draft, told } = open(3)
  expect(draft.isEmpty).toBe(true)
  expect(draft.say('One two')).toBe(true)
  expect(told.text).toBe('One two')
  expect(draft.say(' three')).toBe(true)
  expect(draft.say('-four five')).toBe(false)
  expect(draft.say('six')).toBe(false)
  expect(told.text).toBe('One two three')
  expect(draft.isFull).toBe(true)
  expect(draft.end(false)).toEqual({ text: 'One two three', tokensOut: 3 })
})

test('exactly the limit is not over it', () => {
  const { draft } = open(2)
  expect(draft.say('One t')).toBe(true)
  expect(draft.say('wo ')).toBe(true)
  expect(draft.isFull).toBe(false)
  expect(draft.end(true)).toEqual({ text: 'One two ', tokensOut: 2 })
})

test('calls are put together by their keys, whatever comes between', () => {
  const { draft, told } = open(100)
  draft.say('Let me look.')
  draft.call({ key: 'b', id: 'b1', name: 'find', arguments: '{"q":' })
  draft.call({ key: 'a', arguments: '{}' })
  draft.call({ key: 'b', id: 'b2', name: 'find', arguments: '"x"}' })
  draft.call({ key: 'a', name: 'stop' })
  draft.call({ key: 'c', id: 'c1', name: 'none' })
  const toolCalls = [
    { id: 'b1', name: 'find', arguments: '{"q":"x"}' },
    { id: 'call_1', name: 'stop', arguments: '{}' },
    { id: 'c1', name: 'none', arguments: '{}' },
  ]
  expect(draft.end(true)).toMatchObject({ text: 'Let me look.', toolCalls })
  expect(told.calls).toEqual(toolCalls)
})

test.each<[string, Draft.CallPiece]>([
  ['no JSON', { key: 'a', name: 'find', arguments: '{"q":' }],
  ['no object', { key: 'a', name: 'find', arguments: '[1]' }],
  ['null', { key: 'a', name: 'find', arguments: 'null' }],
  ['half of a letter', { key: 'a', name: 'find', arguments: '{}\ud83d' }],
  ['no name', { key: 'a', id: 'a', arguments: '{}' }],
])('a call with %s is refused at the end, and kept as it is when cut short', (_, piece) => {
  const { draft } = open(100)
  draft.call(piece)
  expect(() => draft.end(true)).toThrow(
    expect.objectContaining({ code: 'upstream-tool-call-malformed' }),
  )
  const cut = open(100)
  cut.draft.call(piece)
  expect(cut.draft.end(false).toolCalls ?? []).toEqual(cut.told.calls)
})

test('calls without an end are refused', () => {
  const { draft } = open(1e6)
  const many = Array.from({ length: Draft.maxCalls + 1 }, (_, index) => `${index}`)
  expect(() => many.map((key) => draft.call({ key, name: 'x' }))).toThrow(/more than 128 calls/)
})

test('a call that does not fit is not begun', () => {
  const { draft, told } = open(10)
  draft.say('One')
  expect(draft.call({ key: 'a', id: 'a', name: 'find', arguments: '{}' })).toBe(false)
  expect(told.calls).toEqual([])
  expect(draft.end(true)).toEqual({ text: 'One', tokensOut: 1 })
})

type Piece = { readonly say: string } | Draft.CallPiece
const letters = fc.constantFrom(
  'a',
  'B',
  ' ',
  '\n',
  '"',
  '\\',
  '世',
  '😀',
  '\ud83d',
  '\ude00',
  '{',
  '1',
)
const text = fc.array(letters, { maxLength: 12 }).map((all) => all.join(''))
const piece: fc.Arbitrary<Piece> = fc.oneof(
  text.map((say) => ({ say })),
  fc.record({
    key: fc.constantFrom('a', 'b'),
    id: fc.option(text, { nil: undefined }),
    name: fc.option(text, { nil: undefined }),
    arguments: text,
  }),
)
const counters = [Tokenizer.count, (text: string) => new TextEncoder().encode(text).length]

test('whatever comes: what is told is what is answered, well-formed, and within the limit', () => {
  const random = [fc.array(piece, { maxLength: 12 }), fc.integer({ min: 1, max: 120 })] as const
  let [cut, whole] = [0, 0]
  fc.assert(
    fc.property(...random, fc.constantFrom(...counters), (pieces, maxTokens, countTokens) => {
      const { draft, told } = open(maxTokens, countTokens)
      for (const one of pieces) {
        const before = draft.isFull
        const goesOn = 'say' in one ? draft.say(one.say) : draft.call(one)
        expect(goesOn).toBe(!draft.isFull)
        expect(before && goesOn).toBe(false)
      }
      const { text, toolCalls = [], tokensOut } = draft.end(false)
      expect(told).toEqual({ text, calls: toolCalls })
      const output = Chat.outputText({ text, toolCalls })
      expect(output.isWellFormed()).toBe(true)
      expect(tokensOut).toBe(countTokens(output))
      expect(tokensOut).toBeLessThanOrEqual(maxTokens)
      const said = pieces.map((one) => ('say' in one ? one.say : '')).join('')
      expect(said.toWellFormed().startsWith(text)).toBe(true)
      if (draft.isFull) cut += 1
      else if (said !== '') whole += 1
    }),
    { numRuns: 2_000 },
  )
  expect(cut).toBeGreaterThan(100)
  expect(whole).toBeGreaterThan(100)
})

test('the longest answer is counted a few hundred times, not at each piece', () => {
  let counts = 0
  const countTokens = (text: string) => {
    counts += 1
    return Tokenizer.count(text)
  }
  const { draft } = open(20_000, countTokens)
  let pieces = 0
  while (draft.say(`word${pieces} `)) pieces += 1
  expect(pieces).toBe(20_000)
  expect(counts).toBeLessThan(600)
})
