/**
 * @module Runtime: what an interpreter of pure machines needs of the world. The embedded runtime is one
 * process with its journal on disk; what must survive a crash is a record, never a snapshot in memory.
 */
import type { Clock } from '../kernel/Clock.ts'

/** The world, as effects see it. */
export type Runtime = {
  /** Milliseconds since 1970. */
  readonly now: Clock
  /** Waits; rejects when the runtime is closed. */
  sleep(ms: number): Promise<void>
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
    sleep: (ms) =>
      new Promise((resolve, reject) => {
        const { signal } = options
        signal?.throwIfAborted()
        const close = () => {
          clearTimeout(timer)
          reject(signal?.reason)
        }
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', close)
          resolve()
        }, ms)
        signal?.addEventListener('abort', close, { once: true })
      }),
  }
}
