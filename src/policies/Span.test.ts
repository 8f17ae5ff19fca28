import { describe, expect, test } from 'vitest'
import { utc } from '../../test/policies/Desk.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Span from './Span.ts'

test.each<[string, Span.Span]>([
  ['24h', { windowMs: 86_400_000 }],
  ['minute', { windowMs: 60_000 }],
  ['30d', { windowMs: 2_592_000_000 }],
  ['lifetime', { period: 'lifetime' }],
  ['calendar day in UTC', { period: 'calendar day in UTC' }],
  ['calendar week in America/Sao_Paulo', { period: 'calendar week in America/Sao_Paulo' }],
  ['calendar month in Europe/Berlin', { period: 'calendar month in Europe/Berlin' }],
  ['calendar year in Asia/Tokyo', { period: 'calendar year in Asia/Tokyo' }],
])('%s is read, written back and taken as JSON', (text, span) => {
  expect(Span.parse(text)).toEqual(span)
  expect(Span.format(span)).toBe(text)
  expect(Span.fromJson(JSON.parse(JSON.stringify(span)))).toEqual(span)
})

test.each([
  '',
  'day',
  '0h',
  '-1h',
  '1.5h',
  '367d',
  '٢٤h',
  'held',
  'calendar',
  'calendar day',
  'calendar day UTC',
  'calendar hour in UTC',
  'calendar day in',
  'calendar day in Mars/Base',
  'calendar day in UTC now',
  'lifetime lifetime',
  'Lifetime',
  'calendar Day in UTC',
  '24h 24h',
  '__proto__',
  'constructor',
])('%j is refused', (text) => {
  expect(() => Span.parse(text)).toThrow(InputError)
})

test.each<[string, Record<string, unknown>]>([
  ['neither', {}],
  ['both', { windowMs: 1_000, period: 'lifetime' }],
  ['half a second', { windowMs: 500 }],
  ['more than a year', { windowMs: 367 * 86_400_000 }],
  ['a window as text', { windowMs: '1000' }],
  ['no number', { windowMs: Number.NaN }],
  ['minus nothing', { windowMs: -0 }],
  ['a window in words', { period: '24h' }],
  ['what only meters know', { period: 'held' }],
  ['two blanks', { period: 'calendar  day in UTC' }],
  ['a number', { period: 24 }],
  ['null', { period: null }],
])('as JSON, %s is refused', (_, json) => {
  expect(() => Span.fromJson(json)).toThrow(InputError)
})

describe('a tally', () => {
  const add = (tally: Span.Tally, at: string, amount: bigint) => Span.add(tally, utc(at), amount)
  const used = (tally: Span.Tally, at: string) => Span.used(tally, utc(at))

  test('of a lifetime forgets nothing, ever', () => {
    const tally = Span.open({ period: 'lifetime' })
    add(tally, '2024-01-01T00:00', 2n)
    add(tally, '1970-01-01T00:00', 3n)
    expect(used(tally, '2024-01-01T00:00')).toBe(5n)
    expect(Span.used(tally, Number.MAX_SAFE_INTEGER)).toBe(5n)
  })

  test('of what is held counts no past', () => {
    const tally = Span.open(Span.held)
    add(tally, '2024-01-01T00:00', 2n)
    expect(used(tally, '2024-01-01T00:00')).toBe(0n)
  })

  test('of a month counts from its first to its last millisecond, across daylight saving', () => {
    const tally = Span.open({ period: 'calendar month in Europe/Berlin' })
    add(tally, '2024-02-29T22:59:59.999', 1n)
    expect(used(tally, '2024-02-29T22:59:59.999')).toBe(1n)
    expect(used(tally, '2024-02-29T23:00')).toBe(0n)
    add(tally, '2024-02-29T23:00', 2n)
    add(tally, '2024-03-31T21:59:59.999', 4n)
    expect(used(tally, '2024-03-31T21:59:59.999')).toBe(6n)
    expect(used(tally, '2024-03-31T22:00')).toBe(0n)
  })

  test('of a calendar says the same in whatever order it was added', () => {
    const uses = ['2024-03-30T12:00', '2024-03-31T12:00', '2024-03-31T13:00', '2024-03-29T12:00']
    for (const turn of [0, 1, 2, 3]) {
      const tally = Span.open({ period: 'calendar day in UTC' })
      for (const at of [...uses.slice(turn), ...uses.slice(0, turn)]) add(tally, at, 1n)
      expect(used(tally, '2024-03-31T23:59')).toBe(2n)
    }
  })

  test('of a calendar is not brought back by a use of an earlier period', () => {
    const tally = Span.open({ period: 'calendar day in UTC' })
    add(tally, '2024-03-31T12:00', 5n)
    add(tally, '2024-03-30T12:00', 7n)
    expect(used(tally, '2024-03-31T12:00')).toBe(5n)
    expect(used(tally, '2024-04-01T00:00')).toBe(0n)
  })
})
