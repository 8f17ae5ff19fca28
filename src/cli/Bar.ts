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

/** A bar on a screen; nothing is ever written where there is no terminal. */
export function on(screen: Screen, now: Clock): Bar {
  let begun: { readonly what: string; readonly atMs: number } | undefined
  let paintedMs = Number.NEGATIVE_INFINITY
  return {
    show(what, reached) {
      if (screen.isTTY !== true) return
      const nowMs = now()
      if (begun?.what !== what) begun = { what, atMs: nowMs }
      if (nowMs - paintedMs < everyMs) return
      paintedMs = nowMs
      screen.write(`\r\u001b[2K${line(what, { ...reached, elapsedMs: nowMs - begun.atMs })}`)
    },
    clear() {
      if (paintedMs !== Number.NEGATIVE_INFINITY) screen.write('\r\u001b[2K')
      paintedMs = Number.NEGATIVE_INFINITY
    },
  }
}

/** What it says: share, things done of all, how many a second, and how long it will still take. */
export function line(what: string, reached: Reached & { readonly elapsedMs: number }): string {
  const { done, total, unit, elapsedMs } = reached
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const filled = Math.floor(share * width)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`
  const rate = perSecond(done, elapsedMs)
  const left =
    rate === undefined ? '' : `  ${rate}/s  ${clock((total - done) / (done / elapsedMs))}`
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  return `${what} ${percent} ${bar} ${count(done)} of ${count(total)} ${unit}${left}`
}

/** How many a second, in words; undefined when it is too early to tell. */
export function perSecond(done: number, elapsedMs: number): string | undefined {
  return done === 0 || elapsedMs < 1 ? undefined : count(Math.round((1_000 * done) / elapsedMs))
}

function clock(ms: number): string {
  const seconds = Math.ceil(ms / 1_000)
  const two = (part: number) => String(part).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  const text = hours > 0 ? `${hours}:${two(minutes)}` : String(minutes)
  return `${text}:${two(seconds % 60)} left`
}

function count(whole: number): string {
  return whole.toLocaleString('en')
}
