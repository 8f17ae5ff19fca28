/**
 * @module Spans: over which time a meter counts. Rolling, `24h`; a calendar's, `calendar month in
 * Europe/Berlin`; all time, `lifetime`; or none, where only what is held counts.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Calendar from './Calendar.ts'
import * as Sentence from './Sentence.ts'
import * as Untrusted from './Untrusted.ts'
import * as Window from './Window.ts'

/** As plain JSON: milliseconds of a rolling window, or a period in words. */
export type Span = { readonly windowMs: number } | { readonly period: string }

/** How a span is written: `24h`, `calendar day in UTC`, `lifetime`. */
export type Text = Window.Text | `calendar ${Calendar.Unit} in ${string}` | 'lifetime'

/** What a meter counts that counts no time: only what is held. */
export const held: Span = Object.freeze({ period: 'held' })

const expected = `${Window.expected}, "calendar month in Europe/Berlin" or "lifetime"`

/** Reads a span's words. Throws `Mistake`. */
export function read(cursor: Sentence.Cursor): Span {
  if (Sentence.maybe(cursor, 'lifetime')) return { period: 'lifetime' }
  if (Sentence.maybe(cursor, 'calendar')) {
    const unit = Sentence.word(cursor, ...Calendar.units)
    Sentence.word(cursor, 'in')
    return { period: `calendar ${unit} in ${Sentence.zone(cursor)}` }
  }
  const windowMs = Window.read(cursor.tokens[cursor.at]?.text ?? '')
  if (windowMs === undefined)
    throw new Sentence.Mistake(cursor, expected, ['24h', 'minute', 'lifetime', 'calendar'])
  cursor.at++
  return { windowMs }
}

/** Reads a span as text. Throws `InputError`. */
export function parse(text: string): Span {
  const cursor = Sentence.open(text)
  const span = read(cursor)
  Sentence.end(cursor)
  return span
}

/** The words of a span; {@link parse} reads them back. */
export function format(span: Span): string {
  return 'windowMs' in span ? Window.format(span.windowMs) : span.period
}

/** A span out of untrusted JSON with `windowMs` or `period`. Throws `InputError`. */
export function fromJson(json: Readonly<Record<string, unknown>>): Span {
  const { windowMs, period } = json
  if ((windowMs === undefined) === (period === undefined))
    throw new InputError('expected windowMs or period, and one of them')
  if (period === undefined) {
    if (Window.is(windowMs)) return { windowMs }
    const got = Untrusted.show(windowMs)
    throw new InputError(`expected windowMs as ${Window.expected}, got ${got}`)
  }
  const span = typeof period === 'string' ? parse(period) : undefined
  if (span === undefined || 'windowMs' in span || span.period !== period)
    throw new InputError(`expected period as ${expected}, got ${Untrusted.show(period)}`)
  return span
}

/** A sum that is not spread over buckets: of the newest period, or of all time. */
type Total = {
  readonly span: { readonly period: string }
  startMs: number
  endMs: number
  total: bigint
}

/** What was captured, as one span sees it. What it says does not depend on the order of adding. */
export type Tally = Window.Window | Total

/** A tally of nothing yet. */
export function open(span: Span): Tally {
  if ('windowMs' in span) return Window.open(span.windowMs)
  return { span: { period: span.period }, startMs: 0, endMs: 0, total: 0n }
}

/** Counts `amount` at `atMs`. Changes the tally. */
export function add(tally: Tally, atMs: number, amount: bigint): void {
  if ('buckets' in tally) {
    Window.add(tally, atMs, amount)
    return
  }
  // Only the newest period is kept: a clock that goes back frees nothing and brings nothing back.
  if (atMs >= tally.endMs) {
    const { startMs, endMs } = bounds(tally.span.period, atMs)
    Object.assign(tally, { startMs, endMs, total: 0n })
  }
  if (atMs >= tally.startMs) tally.total += amount
}

/** What counts at `nowMs`, which is no earlier than anything added. Changes nothing. */
export function used(tally: Tally, nowMs: number): bigint {
  if ('buckets' in tally) return Window.used(tally, nowMs)
  return nowMs < tally.endMs ? tally.total : 0n
}

function bounds(period: string, atMs: number): Calendar.Period {
  if (period === 'lifetime') return { startMs: 0, endMs: Number.POSITIVE_INFINITY }
  // What was captured is held no more.
  if (period === 'held') return { startMs: Number.MAX_SAFE_INTEGER, endMs: atMs + 1 }
  const [, unit, , zone] = period.split(' ')
  return Calendar.period(unit as Calendar.Unit, zone!, atMs)
}
