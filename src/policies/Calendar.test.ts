import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utc } from '../../test/policies/Desk.ts'
import * as Calendar from './Calendar.ts'

const zones = [...Intl.supportedValuesOf('timeZone'), 'UTC', 'GMT', 'EST', 'Etc/GMT-14', 'Zulu']
const hourMs = 3_600_000

describe('a period begins and ends where a clock on a wall there does', () => {
  test.each<[string, Calendar.Unit, string, string, string, string]>([
    [
      'a day of 23 hours',
      'day',
      'Europe/Berlin',
      '2024-03-31T10:00',
      '2024-03-30T23:00',
      '2024-03-31T22:00',
    ],
    [
      'a day of 25 hours',
      'day',
      'Europe/Berlin',
      '2024-10-27T10:00',
      '2024-10-26T22:00',
      '2024-10-27T23:00',
    ],
    [
      'an hour that is there twice, the first time',
      'day',
      'Europe/Berlin',
      '2024-10-27T00:30',
      '2024-10-26T22:00',
      '2024-10-27T23:00',
    ],
    [
      'an hour that is there twice, the second time',
      'day',
      'Europe/Berlin',
      '2024-10-27T01:30',
      '2024-10-26T22:00',
      '2024-10-27T23:00',
    ],
    [
      'a month an hour short',
      'month',
      'Europe/Berlin',
      '2024-03-15T00:00',
      '2024-02-29T23:00',
      '2024-03-31T22:00',
    ],
    [
      'a month an hour long',
      'month',
      'Europe/Berlin',
      '2024-10-01T00:00',
      '2024-09-30T22:00',
      '2024-10-31T23:00',
    ],
    [
      'a week with a change',
      'week',
      'Europe/Berlin',
      '2024-03-31T21:59:59.999',
      '2024-03-24T23:00',
      '2024-03-31T22:00',
    ],
    [
      'a day without a midnight',
      'day',
      'America/Sao_Paulo',
      '2018-11-04T12:00',
      '2018-11-04T03:00',
      '2018-11-05T02:00',
    ],
    [
      'the day before it',
      'day',
      'America/Sao_Paulo',
      '2018-11-04T02:59:59.999',
      '2018-11-03T03:00',
      '2018-11-04T03:00',
    ],
    [
      'a day whose last hour is there twice',
      'day',
      'America/Sao_Paulo',
      '2019-02-17T02:30',
      '2019-02-16T02:00',
      '2019-02-17T03:00',
    ],
    [
      'a day without a midnight',
      'day',
      'Africa/Cairo',
      '2023-04-27T22:00',
      '2023-04-27T22:00',
      '2023-04-28T21:00',
    ],
    [
      'a day whose last hour is there twice',
      'day',
      'Africa/Cairo',
      '2023-10-26T21:30',
      '2023-10-25T21:00',
      '2023-10-26T22:00',
    ],
    [
      'a day without a midnight',
      'day',
      'Asia/Beirut',
      '2022-03-26T22:00',
      '2022-03-26T22:00',
      '2022-03-27T21:00',
    ],
    [
      'a day whose last hour is there twice',
      'day',
      'Asia/Beirut',
      '2022-10-29T21:15',
      '2022-10-28T21:00',
      '2022-10-29T22:00',
    ],
    [
      'a month without its first midnight',
      'month',
      'Asia/Amman',
      '2022-04-01T10:00',
      '2022-03-31T21:00',
      '2022-04-30T21:00',
    ],
    [
      'a day that begins twice, at its first beginning',
      'day',
      'America/St_Johns',
      '2010-11-07T02:30',
      '2010-11-07T02:30',
      '2010-11-08T03:30',
    ],
    [
      'the day before again, which is over',
      'day',
      'America/St_Johns',
      '2010-11-07T02:45',
      '2010-11-07T02:30',
      '2010-11-08T03:30',
    ],
    [
      'the last minute before it',
      'day',
      'America/St_Johns',
      '2010-11-07T02:29:59.999',
      '2010-11-06T02:30',
      '2010-11-07T02:30',
    ],
    [
      'the day before one that never was',
      'day',
      'Pacific/Apia',
      '2011-12-30T09:59:59.999',
      '2011-12-29T10:00',
      '2011-12-30T10:00',
    ],
    [
      'the day after one that never was',
      'day',
      'Pacific/Apia',
      '2011-12-30T10:00',
      '2011-12-30T10:00',
      '2011-12-31T10:00',
    ],
    [
      'a week of six days',
      'week',
      'Pacific/Apia',
      '2011-12-30T00:00',
      '2011-12-26T10:00',
      '2012-01-01T10:00',
    ],
    [
      'a week across a year',
      'week',
      'UTC',
      '2025-01-01T00:00',
      '2024-12-30T00:00',
      '2025-01-06T00:00',
    ],
    [
      'a Sunday, the last day of its week',
      'week',
      'UTC',
      '2025-01-05T23:59:59.999',
      '2024-12-30T00:00',
      '2025-01-06T00:00',
    ],
    [
      'a Monday, the first day of its week',
      'week',
      'UTC',
      '2025-01-06T00:00',
      '2025-01-06T00:00',
      '2025-01-13T00:00',
    ],
    [
      'a leap year',
      'year',
      'UTC',
      '2024-12-31T23:59:59.999',
      '2024-01-01T00:00',
      '2025-01-01T00:00',
    ],
    [
      'a year that has begun there and not yet here',
      'year',
      'Asia/Tokyo',
      '2024-12-31T15:00',
      '2024-12-31T15:00',
      '2025-12-31T15:00',
    ],
    [
      'a year that ends there later than here',
      'year',
      'America/New_York',
      '2025-01-01T04:59:59.999',
      '2024-01-01T05:00',
      '2025-01-01T05:00',
    ],
    ['a leap day', 'month', 'UTC', '2024-02-29T12:00', '2024-02-01T00:00', '2024-03-01T00:00'],
  ])('%s: the %s in %s at %s', (_, unit, zone, at, start, end) => {
    expect(Calendar.period(unit, zone, utc(at))).toEqual({ startMs: utc(start), endMs: utc(end) })
  })
})

test('periods contain their moment and tile time without gaps or overlaps, in every zone', () => {
  const met = new Map<string, number>()
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom(...Calendar.units),
      fc.integer({ min: 0, max: utc('2060-01-01T00:00') }),
      (zone, unit, atMs) => {
        const { startMs, endMs } = Calendar.period(unit, zone, atMs)
        expect(startMs).toBeLessThanOrEqual(atMs)
        expect(endMs).toBeGreaterThan(atMs)
        for (const withinMs of [startMs, endMs - 1])
          if (withinMs >= 0)
            expect(Calendar.period(unit, zone, withinMs)).toEqual({ startMs, endMs })
        expect(Calendar.period(unit, zone, endMs).startMs).toBe(endMs)
        met.set(zone, (met.get(zone) ?? 0) + 1)
        met.set(unit, (met.get(unit) ?? 0) + 1)
      },
    ),
    { numRuns: 8_000, seed: 4 },
  )
  for (const unit of Calendar.units) expect(met.get(unit)).toBeGreaterThan(1_000)
  expect(zones.filter((zone) => met.has(zone)).length).toBe(zones.length)
})

test('hour by hour through every change of a year, days follow one another', () => {
  const [changing, year] = [
    ['Europe/Berlin', 'America/St_Johns', 'Africa/Cairo', 'Asia/Gaza'],
    2010,
  ]
  for (const zone of changing) {
    let last = Calendar.period('day', zone, Date.UTC(year, 0, 1))
    let days = 1
    for (let atMs = last.startMs; atMs < Date.UTC(year + 1, 0, 2); atMs += hourMs / 4) {
      const found = Calendar.period('day', zone, atMs)
      if (found.startMs === last.startMs) continue
      expect(found.startMs).toBe(last.endMs)
      last = found
      days++
    }
    expect(days).toBeGreaterThanOrEqual(365)
    expect(days).toBeLessThanOrEqual(368)
  }
})

test('a clock shows the minutes that the platform shows, asked in whatever order', () => {
  const clocks = new Map(zones.map((zone) => [zone, Calendar.clock(zone)]))
  let asked = 0
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.integer({ min: 0, max: utc('2037-01-01T00:00') }),
      fc.array(fc.integer({ min: -2 * hourMs, max: 200 * 24 * hourMs }), { maxLength: 4 }),
      (zone, atMs, steps) => {
        const clock = clocks.get(zone)!
        const shown = new Intl.DateTimeFormat('en-GB', {
          ...{ timeZone: zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
        })
        for (const step of [0, ...steps]) {
          const momentMs = Math.max(0, atMs + step)
          const [hours, minutes] = shown.format(momentMs).split(':').map(Number)
          expect(clock(momentMs)).toBe(60 * hours! + minutes!)
          asked++
        }
      },
    ),
    { numRuns: 3_000, seed: 5 },
  )
  expect(asked).toBeGreaterThan(6_000)
})

test('a clock jumps where daylight saving begins, and repeats an hour where it ends', () => {
  const clock = Calendar.clock('Europe/Berlin')
  const minutes = (...moments: string[]) => moments.map((at) => clock(utc(at)))
  expect(minutes('2024-03-31T00:59', '2024-03-31T01:00')).toEqual([119, 180])
  expect(minutes('2024-10-27T00:59', '2024-10-27T01:00', '2024-10-27T00:00')).toEqual([
    179, 120, 120,
  ])
})

test.each([
  '',
  'Mars/Base',
  '+01:00',
  'UTC+1',
  'Europe/Berlin ',
  'Europe/Bérlin',
  'Еurope/Berlin',
  '__proto__',
  'constructor',
  'x'.repeat(65),
  '2024',
])('%j is no time zone', (text) => {
  expect(Calendar.isZone(text)).toBe(false)
})

test('a week begins on Monday and ends with Sunday', () => {
  const week = { startMs: utc('2024-12-30T00:00'), endMs: utc('2025-01-06T00:00') }
  for (const day of ['2024-12-30', '2025-01-01', '2025-01-05'])
    expect(Calendar.period('week', 'UTC', utc(`${day}T12:00`))).toEqual(week)
})
