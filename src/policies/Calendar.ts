/**
 * @module Calendars: days, weeks, months and years as a clock on a wall shows them in a time zone, daylight
 * saving included. Zones and their changes are those of the platform's time-zone data.
 */
import { Temporal } from 'temporal-polyfill'

/** What a calendar divides time into; weeks begin on Monday. */
export const units = ['day', 'week', 'month', 'year'] as const

/** One of {@link units}. */
export type Unit = (typeof units)[number]

/** A stretch of time in milliseconds since 1970; the end is not part of it. */
export type Period = { readonly startMs: number; readonly endMs: number }

/** The longest name of a zone. */
const longestZone = 64
const minuteMs = 60_000

/** Whether a text names a time zone, as `Europe/Berlin` or `UTC` do. */
export function isZone(text: string): boolean {
  // An offset such as +01:00 is a zone to some platforms only.
  if (!/^[A-Za-z][A-Za-z0-9_+\-/]*$/.test(text) || text.length > longestZone) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}

/** The period a moment is in: a day that begins twice or not at all begins at its first moment. */
export function period(unit: Unit, zone: string, atMs: number): Period {
  const found = around(unit, zone, Temporal.Instant.fromEpochMilliseconds(atMs))
  // Where clocks go back over midnight the new day has begun already.
  return atMs < found.endMs
    ? found
    : around(unit, zone, Temporal.Instant.fromEpochMilliseconds(found.endMs))
}

function around(unit: Unit, zone: string, instant: Temporal.Instant): Period {
  const today = instant.toZonedDateTimeISO(zone).toPlainDate()
  const first = {
    day: () => today,
    week: () => today.subtract({ days: today.dayOfWeek - 1 }),
    month: () => today.with({ day: 1 }),
    year: () => today.with({ month: 1, day: 1 }),
  }[unit]()
  const start = (date: Temporal.PlainDate) => date.toZonedDateTime(zone).epochMilliseconds
  return { startMs: start(first), endMs: start(first.add({ [`${unit}s`]: 1 })) }
}

/** Minutes since midnight that a clock shows, and until when it runs on without a change. */
type Reading = { readonly offsetMs: number; readonly fromMs: number; readonly untilMs: number }

/** A clock on a wall of a zone: minutes since midnight, 0 to 1,439. Reads the zone once between changes. */
export function clock(zone: string): (atMs: number) => number {
  let reading: Reading = { offsetMs: 0, fromMs: 1, untilMs: 0 }
  return (atMs) => {
    if (atMs < reading.fromMs || atMs >= reading.untilMs) reading = read(zone, atMs)
    const minutes = Math.floor((atMs + reading.offsetMs) / minuteMs)
    return ((minutes % 1440) + 1440) % 1440
  }
}

function read(zone: string, atMs: number): Reading {
  const now = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone)
  const change = now.getTimeZoneTransition('next')
  return {
    offsetMs: now.offsetNanoseconds / 1_000_000,
    fromMs: atMs,
    untilMs: change?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
  }
}
