import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Window from './Window.ts'

type Use = { readonly atMs: number; readonly amount: bigint }

const widthOf = (windowMs: number) => Math.ceil(windowMs / 63)

/** Counts what lies in the same bucket as now, or in one of the 63 before. */
function bucketOracle(uses: readonly Use[], windowMs: number, nowMs: number): bigint {
  const bucket = (ms: number) => Math.floor(ms / widthOf(windowMs))
  return uses.reduce(
    (sum, { atMs, amount }) => (bucket(nowMs) - bucket(atMs) < 64 ? sum + amount : sum),
    0n,
  )
}

function exactOracle(uses: readonly Use[], windowMs: number, nowMs: number): bigint {
  return uses.reduce((sum, { atMs, amount }) => (nowMs - atMs <= windowMs ? sum + amount : sum), 0n)
}

const windows = fc.constantFrom(1_000, 7_000, 60_000, 86_400_000, Window.longestMs)
const gaps = fc.array(
  fc.record({ share: fc.integer({ min: 0, max: 1_500 }), amount: fc.bigInt({ min: 0n, max: 9n }) }),
  { minLength: 1, maxLength: 60 },
)

/** Uses in the order of time, gaps as thousandths of the window. */
function timeline(windowMs: number, steps: readonly { share: number; amount: bigint }[]): Use[] {
  let atMs = 1_700_000_000_000
  return steps.map(({ share, amount }) => {
    atMs += Math.floor((windowMs / 10_000) * share)
    return { atMs, amount }
  })
}

describe('a ring of buckets', () => {
  test('counts what the bucket oracle counts, and never less than the exact window', () => {
    let stricter = 0
    fc.assert(
      fc.property(windows, gaps, fc.nat(1_200), (windowMs, steps, wait) => {
        const uses = timeline(windowMs, steps)
        const ring = Window.open(windowMs)
        for (const [index, { atMs, amount }] of uses.entries()) {
          Window.add(ring, atMs, amount)
          const seen = uses.slice(0, index + 1)
          expect(Window.used(ring, atMs)).toBe(bucketOracle(seen, windowMs, atMs))
        }
        const nowMs = uses.at(-1)!.atMs + Math.floor((windowMs / 1_000) * wait)
        const used = Window.used(ring, nowMs)
        const exact = exactOracle(uses, windowMs, nowMs)
        expect(used).toBe(bucketOracle(uses, windowMs, nowMs))
        expect(used).toBeGreaterThanOrEqual(exact)
        if (used > exact) stricter++
      }),
      { numRuns: 400 },
    )
    expect(stricter).toBeGreaterThan(0)
  })

  test('says the same in whatever order uses were added', () => {
    fc.assert(
      fc.property(windows, gaps, fc.infiniteStream(fc.nat()), (windowMs, steps, keys) => {
        const uses = timeline(windowMs, steps)
        const shuffled = uses
          .map((use) => ({ use, key: keys.next().value! }))
          .sort((left, right) => left.key - right.key)
        const [ordered, mixed] = [Window.open(windowMs), Window.open(windowMs)]
        for (const { atMs, amount } of uses) Window.add(ordered, atMs, amount)
        for (const { use } of shuffled) Window.add(mixed, use.atMs, use.amount)
        const lastMs = uses.at(-1)!.atMs
        for (const nowMs of [lastMs, lastMs + windowMs / 2, lastMs + windowMs])
          expect(Window.used(mixed, nowMs)).toBe(Window.used(ordered, nowMs))
      }),
      { numRuns: 200 },
    )
  })

  test('counts a use until the whole window has passed, and frees it within one bucket more', () => {
    const windowMs = 86_400_000
    const ring = Window.open(windowMs)
    const atMs = 1_700_000_000_000
    Window.add(ring, atMs, 5n)
    expect(Window.used(ring, atMs + windowMs)).toBe(5n)
    expect(Window.used(ring, atMs + windowMs + 2 * widthOf(windowMs))).toBe(0n)
  })

  test('reading it changes nothing', () => {
    const ring = Window.open(1_000)
    Window.add(ring, 10_000, 5n)
    const before = structuredClone(ring)
    expect(Window.used(ring, 99_000)).toBe(0n)
    expect(ring).toEqual(before)
  })
})

describe('how windows are written', () => {
  test.each([
    ['second', 1_000],
    ['90s', 90_000],
    ['minute', 60_000],
    ['15m', 900_000],
    ['hour', 3_600_000],
    ['24h', 86_400_000],
    ['72h', 259_200_000],
    ['7d', 604_800_000],
    ['366d', 31_622_400_000],
  ])('%s is %d ms and back', (text, windowMs) => {
    expect(Window.parse(text)).toBe(windowMs)
    expect(Window.format(windowMs)).toBe(text)
  })

  test('two spellings of one length are one window', () => {
    expect(Window.format(Window.parse('1440m'))).toBe('24h')
    expect(Window.format(Window.parse('1d'))).toBe('24h')
    expect(Window.format(Window.parse('60s'))).toBe('minute')
  })

  test('every window in whole seconds reads back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Window.longestMs / 1_000 }), (seconds) => {
        expect(Window.parse(Window.format(seconds * 1_000))).toBe(seconds * 1_000)
      }),
    )
  })

  test.each([
    '',
    '0s',
    '24',
    'h',
    '-1h',
    '1.5h',
    '24 h',
    '367d',
    '999999999d',
    'day',
    'Minute',
    '1H',
  ])('%j is no window', (text) => {
    expect(() => Window.parse(text)).toThrow(InputError)
    expect(() => Window.parse(text)).toThrow('expected a rolling window such as 24h')
  })

  test.each([0, 999, 1_500, -1_000, Number.NaN, Window.longestMs + 1_000, '1000', null])(
    '%j is no number of a window',
    (value) => {
      expect(Window.is(value)).toBe(false)
    },
  )
})
