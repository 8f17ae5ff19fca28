/**
 * @module Rolling windows: how much was used in the last so many milliseconds, as a ring of 64 buckets. A
 * bucket leaves only when all of it is outside the window, so against the exact window a ring may count
 * more but never less. What a ring says depends on what was added and on `now`, not on the order.
 */
import { assert } from '../kernel/Assert.ts'
import { InputError } from '../kernel/Errors.ts'

/** Buckets of a ring. One of them is the one being filled, so the window is spread over one fewer. */
export const bucketCount = 64

/**
 * A ring. `head` is the newest bucket, counted in `widthMs` since 1970; none before `tail` holds anything,
 * and from `tail` to `head` there are never more than {@link bucketCount}. `total` is the sum of all.
 */
export type Window = {
  readonly widthMs: number
  readonly buckets: bigint[]
  head: number
  tail: number
  total: bigint
}

/** An empty ring over `windowMs`. */
export function open(windowMs: number): Window {
  return {
    widthMs: Math.ceil(windowMs / (bucketCount - 1)),
    buckets: new Array<bigint>(bucketCount).fill(0n),
    head: 0,
    tail: 0,
    total: 0n,
  }
}

/** Counts `amount` at `atMs`; older than the ring reaches is dropped. Changes the ring. */
export function add(window: Window, atMs: number, amount: bigint): void {
  const bucket = Math.floor(atMs / window.widthMs)
  if (bucket > window.head) advance(window, bucket)
  if (window.head - bucket >= bucketCount) return
  if (bucket < window.tail) window.tail = bucket
  window.buckets[place(bucket)]! += amount
  window.total += amount
}

/** What is counted at `nowMs`, which is no earlier than anything added. Changes nothing. */
export function used(window: Window, nowMs: number): bigint {
  const bucket = Math.floor(nowMs / window.widthMs)
  return bucket - window.tail < bucketCount ? window.total : window.total - expired(window, bucket)
}

function advance(window: Window, bucket: number): void {
  window.total -= expired(window, bucket)
  const gone = lastGone(window, bucket)
  for (let index = window.tail; index <= gone; index++) window.buckets[place(index)] = 0n
  window.tail = gone < window.head ? Math.max(window.tail, gone + 1) : bucket
  window.head = bucket
  assert(window.total >= 0n, 'a window that holds no less than nothing')
}

/** Sum of the buckets that fall out when `bucket` becomes the head. */
function expired(window: Window, bucket: number): bigint {
  const gone = lastGone(window, bucket)
  let sum = 0n
  for (let index = window.tail; index <= gone; index++) sum += window.buckets[place(index)]!
  return sum
}

function lastGone({ head }: Window, bucket: number): number {
  return Math.min(head, bucket - bucketCount)
}

/** The remainder by a power of two: quicker than `%` on numbers beyond 32 bits, and the same. */
function place(bucket: number): number {
  return bucket & (bucketCount - 1)
}

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

const words: Readonly<Record<string, number>> = {
  second: secondMs,
  minute: minuteMs,
  hour: hourMs,
}
const units: Readonly<Record<string, number>> = { s: secondMs, m: minuteMs, h: hourMs, d: dayMs }

/** The longest window: a year. */
export const longestMs = 366 * dayMs

/** What a window is, in the words of every error. */
export const expected = 'a rolling window such as 24h, 30d or minute, from 1s to 366d'

/** How a window is written: `24h`, `90s`, `minute`. */
export type Text = `${number}${'s' | 'm' | 'h' | 'd'}` | 'second' | 'minute' | 'hour'

/** Milliseconds of `24h`, `90s`, `minute`. Throws `InputError` naming what was expected. */
export function parse(text: string): number {
  const windowMs = read(text)
  if (windowMs === undefined)
    throw new InputError(`expected ${expected}, got ${JSON.stringify(text)}`)
  return windowMs
}

/** Like {@link parse}, with `undefined` for what is no window. */
export function read(text: string): number | undefined {
  if (Object.hasOwn(words, text)) return words[text]
  const match = /^([1-9]\d{0,8})([smhd])$/.exec(text)
  if (match === null) return undefined
  const windowMs = Number(match[1]) * units[match[2]!]!
  return is(windowMs) ? windowMs : undefined
}

/** Whether a number is a window in milliseconds: whole seconds, from one to a year. */
export function is(windowMs: unknown): windowMs is number {
  return (
    typeof windowMs === 'number' &&
    Number.isSafeInteger(windowMs) &&
    windowMs >= secondMs &&
    windowMs <= longestMs &&
    windowMs % secondMs === 0
  )
}

/** The one way a window is written back: 60 s is `minute`, a day is `24h`, a week is `7d`. */
export function format(windowMs: number): string {
  for (const [word, ms] of Object.entries(words)) if (ms === windowMs) return word
  return duration(windowMs)
}

/** A length of time in the largest unit that divides it: `5m`, `24h`, `7d`. */
export function duration(windowMs: number): string {
  if (windowMs % dayMs === 0 && windowMs >= 7 * dayMs) return `${windowMs / dayMs}d`
  if (windowMs % hourMs === 0) return `${windowMs / hourMs}h`
  if (windowMs % minuteMs === 0) return `${windowMs / minuteMs}m`
  return `${windowMs / secondMs}s`
}

/** Whether something seen at `asOfMs` still counts at `nowMs`. What is of the future was not seen. */
export function isFresh(asOfMs: number, nowMs: number, withinMs: number): boolean {
  return asOfMs <= nowMs && nowMs - asOfMs <= withinMs
}

/** How long ago something was seen, in words. */
export function age(asOfMs: number, nowMs: number): string {
  const seconds = Math.round(Math.abs(nowMs - asOfMs) / 1_000)
  return asOfMs > nowMs ? `${seconds} s in the future` : `${seconds} s ago`
}
