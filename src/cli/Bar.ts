/**
 * @module Bar: how far a long job is, as one line that is painted over on a terminal, and nowhere else.
 */
import type { Clock } from '../kernel/Clock.ts'

/** How far a job is; `done` of `total` things called `unit`. */
export type Reached = { readonly done: number; readonly total: number; readonly unit: string }

/** A line on a terminal. */
export type Bar = {
  /** Paints it anew, ten times a second at most. */
  show(what: string, reached: Reached): void
  /** Takes it away. */
  clear(): void
}

/** Where it is painted. */
export type Screen = {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

const width = 24
const everyMs = 100
const windowMs = 3_000

/** A bar on a screen; nothing is ever written where there is no terminal. */
export function on(screen: Screen, now: Clock): Bar {
  let current: string | undefined
  /** What was reached when, of late: what is quick at first need not stay so. */
  let seen: { readonly done: number; readonly atMs: number }[] = []
  let paintedMs = Number.NEGATIVE_INFINITY
  return {
    show(what, reached) {
      if (screen.isTTY !== true) return
      const atMs = now()
      if (current === what && atMs - paintedMs < everyMs) return
      if (current !== what) seen = []
      current = what
      paintedMs = atMs
      seen = [...seen.filter((one) => atMs - one.atMs <= windowMs), { ...reached, atMs }]
      const perSecond = rateOf(reached.done - seen[0]!.done, atMs - seen[0]!.atMs)
      screen.write(`\r\u001b[2K${line(what, { ...reached, perSecond })}`)
    },
    clear() {
      if (current !== undefined) screen.write('\r\u001b[2K')
      current = undefined
    },
  }
}

/** What it says: share, things done of all, how many a second, and how long it will still take. */
export function line(what: string, reached: Reached & { readonly perSecond?: number | undefined }) {
  const { done, total, unit, perSecond } = reached
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.floor(share * width)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`
  const left =
    perSecond === undefined ? '' : `  ${count(perSecond)}/s  ${clock((total - done) / perSecond)}`
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  return `${what} ${percent} ${bar} ${count(done)} of ${count(total)} ${unit}${left}`
}

/** How many a second, whole; undefined when it is too early to tell. */
export function rateOf(done: number, elapsedMs: number): number | undefined {
  return done === 0 || elapsedMs < 1 ? undefined : Math.ceil((1_000 * done) / elapsedMs)
}

function clock(left: number): string {
  const seconds = Math.ceil(left)
  const two = (part: number) => String(part).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  const text = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes)
  return `${text}:${two(seconds % 60)} left`
}

/** A whole number as people write it. */
export function count(whole: number): string {
  return whole.toLocaleString('en')
}
