/**
 * @module Watches over a request to a model elsewhere: it may be silent for so long, last for so long, say
 * so much; and the caller may end it. Whatever ends it first closes the connection and is remembered.
 */
import { upstreamError } from './UpstreamError.ts'

/** How much a model elsewhere is given. */
export type Limits = {
  /** Until its first word: a model may have to be loaded, and reads the whole question. */
  readonly firstMs: number
  /** Between two words. */
  readonly silenceMs: number
  readonly totalMs: number
  /** Of what it sends; characters of what a model says that sends no bytes. */
  readonly maxBytes: number
}

/** Two minutes to the first word, one between two, ten in all, 16 MiB. */
export const limits: Limits = {
  firstMs: 120_000,
  silenceMs: 60_000,
  totalMs: 600_000,
  maxBytes: 16 * 1024 * 1024,
}

/** What ended a request before the model did. */
export type End = 'caller' | 'silence' | 'duration'

/** A request that is being watched. */
export type Watch = {
  readonly limits: Limits
  /** Aborted as soon as there is a reason to. */
  readonly signal: AbortSignal
  readonly ended: End | undefined
  /** Waits for as long as there is no reason not to, then rejects. */
  wait<T>(promise: Promise<T>): Promise<T>
  /**
   * Parts as they come, each of `sizeOf` bytes. Throws `UpstreamError` (`upstream-too-large`), what
   * `failed` makes of an error while reading, and anything once there is a reason to stop.
   */
  read<T>(
    parts: AsyncIterable<T>,
    options: { readonly sizeOf: (part: T) => number; readonly failed: (error: unknown) => Error },
  ): AsyncGenerator<T, void, undefined>
  /** The answer is there: what still comes is read for a moment, so that the connection can be kept. */
  hurry(): void
  /** Closes the connection, if it is still open, and stops watching. */
  close(): void
}

const momentMs = 250

/** Begins to watch. */
export function open(limits: Limits, caller: AbortSignal | undefined): Watch {
  const controller = new AbortController()
  const { signal } = controller
  let ended: End | undefined
  const end = (by: End) => {
    ended ??= by
    controller.abort()
  }
  const onAbort = () => end('caller')
  caller?.addEventListener('abort', onAbort, { once: true })
  let total = setTimeout(() => end('duration'), limits.totalMs)
  let silence = setTimeout(() => end('silence'), limits.firstMs)
  let hasBegun = false
  // Not everything that takes a signal heeds it.
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  stopped.catch(() => {})
  const heard = () => {
    if (hasBegun) {
      silence.refresh()
      return
    }
    hasBegun = true
    clearTimeout(silence)
    silence = setTimeout(() => end('silence'), limits.silenceMs)
  }
  const wait = <T>(promise: Promise<T>) => Promise.race([promise, stopped])
  return {
    ...{ limits, signal, wait },
    get ended() {
      return ended
    },
    async *read(parts, { sizeOf, failed }) {
      const iterator = parts[Symbol.asyncIterator]()
      let size = 0
      try {
        for (;;) {
          const next = await wait(iterator.next()).catch((error: unknown) => {
            throw failed(error)
          })
          if (next.done === true) return
          heard()
          size += sizeOf(next.value)
          if (size > limits.maxBytes)
            throw upstreamError('upstream-too-large', `expected at most ${limits.maxBytes} bytes`)
          yield next.value
        }
      } finally {
        // Not waited for: what does not heed the signal may never return.
        iterator.return?.(undefined)?.catch(() => {})
      }
    },
    hurry() {
      clearTimeout(total)
      total = setTimeout(() => end('duration'), momentMs)
    },
    close() {
      clearTimeout(total)
      clearTimeout(silence)
      caller?.removeEventListener('abort', onAbort)
      controller.abort()
    },
  }
}
