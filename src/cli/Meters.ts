/**
 * @module Meters as an operator reads them: a bar of what is used and what is held, what is left, and when
 * the next of it frees.
 */
import type * as Asset from '../kernel/Asset.ts'
import * as Money from '../kernel/Money.ts'
import * as Judgement from '../policies/Judgement.ts'
import type * as Meter from '../policies/Meter.ts'
import type * as Policy from '../policies/Policy.ts'
import type * as Span from '../policies/Span.ts'
import type * as Usage from '../policies/Usage.ts'
import * as Window from '../policies/Window.ts'

/** One meter. Amounts in the meter's unit. */
export type Row = {
  readonly rule: string
  /** For whom it counts by itself; empty if for all. */
  readonly subject: string
  readonly unit: Meter.Unit
  readonly used: bigint
  readonly held: bigint
  readonly limit: bigint
  /** When the next of what is used leaves the meter, and how much; absent if nothing ever does. */
  readonly frees?: { readonly atMs: number; readonly amount: bigint }
}

/** Every meter of a policy, in the order of its rules. Reviews that nobody answered in time hold nothing. */
export function rows(usage: Usage.Usage, policy: Policy.Policy, nowMs: number): readonly Row[] {
  return Judgement.meters({ usage, policy }, nowMs).map(
    ({ rule, meter, subject, used, held, limit, tally }) => {
      const next = used === 0n || tally === undefined ? undefined : frees(tally, nowMs)
      const about = { rule, subject, unit: meter.unit, used, held, limit }
      return next === undefined ? about : { ...about, frees: next }
    },
  )
}

/** The oldest bucket that still counts leaves first; a calendar's period leaves as a whole. */
function frees(tally: Span.Tally, nowMs: number): Row['frees'] {
  if (!('buckets' in tally))
    return tally.endMs >= Number.MAX_SAFE_INTEGER
      ? undefined
      : { atMs: tally.endMs, amount: tally.total }
  const { widthMs, buckets, head, tail } = tally
  const oldest = Math.max(tail, Math.floor(nowMs / widthMs) - Window.bucketCount + 1)
  for (let bucket = oldest; bucket <= head; bucket++) {
    const amount = buckets[bucket & (Window.bucketCount - 1)]!
    if (amount !== 0n) return { atMs: (bucket + Window.bucketCount) * widthMs, amount }
  }
  return undefined
}

const width = 24n

/** `█` used, `▒` held, `░` left. What is above nothing shows, and what is not full does not look full. */
export function bar({ used, held, limit }: Pick<Row, 'used' | 'held' | 'limit'>): string {
  const reaches = (amount: bigint, cell: number) =>
    amount * width >= limit * BigInt(cell + 1) && amount > 0n
  const cells = Array.from({ length: Number(width) }, (_, cell) => {
    if (reaches(used, cell)) return '█'
    return reaches(used + held, cell) ? '▒' : '░'
  })
  if (used > 0n) cells[0] = '█'
  const next = cells.indexOf('░')
  if (held > 0n && !cells.includes('▒') && next >= 0) cells[next] = '▒'
  return cells.join('')
}

/** An amount in a meter's unit, without the unit. */
export function amount(unit: Meter.Unit, value: bigint, asset: Asset.Asset): string {
  if (unit === 'payments') return value.toString()
  return Money.decimal(value, unit === 'atoms' ? asset.decimals : 3)
}

/** A meter as two lines. */
export function format(row: Row, asset: Asset.Asset, nowMs: number): string {
  const { rule, subject, unit, used, held, limit } = row
  const show = (value: bigint) => amount(unit, value, asset)
  const units = { atoms: asset.symbol, payments: limit === 1n ? 'payment' : 'payments' }
  const left = used + held < limit ? limit - used - held : 0n
  const next =
    row.frees === undefined
      ? ''
      : `; ${show(row.frees.amount)} frees ${when(row.frees.atMs, nowMs)}`
  const said = `${show(used)} used, ${show(held)} held, ${show(left)} left of ${show(limit)} ${unit === 'device-ms' ? 's' : units[unit]}${next}`
  return `${rule}${subject === '' ? '' : ` · ${subject}`}\n  ${bar(row)} ${said}`
}

/** A moment as a distance from now and as a time: `in 2 h 5 min (2026-03-29 01:00 UTC)`. */
export function when(atMs: number, nowMs: number): string {
  const minutes = Math.max(0, Math.ceil((atMs - nowMs) / 60_000))
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24]
  const parts = [
    days > 0 ? `${days} d` : '',
    hours > 0 ? `${hours} h` : '',
    days === 0 && minutes % 60 > 0 ? `${minutes % 60} min` : '',
  ].filter((part) => part !== '')
  return `in ${parts.length === 0 ? 'less than a minute' : parts.join(' ')} (${time(atMs)})`
}

/** A moment to the minute, in UTC. */
export function time(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
