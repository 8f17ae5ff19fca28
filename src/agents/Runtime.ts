/**
 * @module Runtime: what an interpreter of pure machines needs of the world. The embedded runtime is one
 * process with its journal on disk; what must survive a crash is a record, never a snapshot in memory.
 */
import type { Clock } from '../kernel/Clock.ts'

/** The world, as effects see it. */
export type Runtime = {
  /** Milliseconds since 1970. */
  readonly now: Clock
  /** Waits; rejects when the runtime is closed, or at `signal`. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Carries out one named effect. A runtime that remembers results answers from memory instead. */
  step<T>(name: string, effect: () => Promise<T>): Promise<T>
  /** 32 random bytes as hex, for salts. */
  salt(): `0x${string}`
}

/** One process; effects simply run, because every effect here looks before it acts. */
export function embedded(options: {
  now: Clock
  salt: () => `0x${string}`
  signal?: AbortSignal
}): Runtime {
  return {
    now: options.now,
    salt: options.salt,
    step: (_name, effect) => effect(),
    sleep: (ms, signal) => sleep(ms, [options.signal, signal]),
  }
}

/** Waits until a time by this clock, however it is set meanwhile; rejects as `sleep` does. */
export async function sleepUntil(
  runtime: Runtime,
  untilMs: number,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    const leftMs = untilMs - runtime.now()
    if (leftMs <= 0) return
    await runtime.sleep(Math.min(leftMs, longestSleepMs), signal)
  }
}

/** A machine that slept, or whose clock was set, is noticed this soon; timers of Node end at 2^31 ms. */
const longestSleepMs = 60_000

function sleep(ms: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const given = signals.filter((signal) => signal !== undefined)
    for (const signal of given) signal.throwIfAborted()
    const close = () => {
      end()
      reject(given.find(({ aborted }) => aborted)?.reason)
    }
    const end = () => {
      clearTimeout(timer)
      for (const signal of given) signal.removeEventListener('abort', close)
    }
    const timer = setTimeout(() => {
      end()
      resolve()
    }, ms)
    for (const signal of given) signal.addEventListener('abort', close, { once: true })
  })
}
