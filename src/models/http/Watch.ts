/**
 * @module Watches over a request to a model elsewhere: it may be silent for so long, last for so long, send
 * so many bytes; and the caller may end it. Whatever ends it first closes the connection and is remembered.
 */
import { upstreamError } from '../UpstreamError.ts'

/** How much a model elsewhere is given. */
export type Limits = {
  /** Until its first byte: a model may have to be loaded, and reads the whole question. */
  readonly firstByteMs: number
  /** Between two bytes. */
  readonly silenceMs: number
  readonly totalMs: number
  readonly maxBytes: number
}

/** Two minutes to the first byte, one between two, ten in all, 16 MiB. */
export const limits: Limits = {
  firstByteMs: 120_000,
  silenceMs: 60_000,
  totalMs: 600_000,
  maxBytes: 16 * 1024 * 1024,
}

/** What ended a request before the model did. */
export type End = 'caller' | 'silence' | 'duration'

/** A request that is being watched. */
export type Watch = {
  /** Aborted as soon as there is a reason to. */
  readonly signal: AbortSignal
  readonly ended: End | undefined
  /** Bytes as they come. Throws `UpstreamError` (`upstream-too-large`, `upstream-cut`). */
  bytes(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined>
  /** The answer is there: what still comes is read for a moment, so that the connection can be kept. */
  hurry(): void
  /** Closes the connection, if it is still open, and stops watching. */
  close(): void
}

const momentMs = 250

/** Begins to watch. */
export function open(options: {
  readonly limits: Limits
  readonly caller?: AbortSignal | undefined
}): Watch {
  const { limits, caller } = options
  const controller = new AbortController()
  let ended: End | undefined
  const end = (by: End) => {
    ended ??= by
    controller.abort()
  }
  const onAbort = () => end('caller')
  caller?.addEventListener('abort', onAbort, { once: true })
  let total = setTimeout(() => end('duration'), limits.totalMs)
  const waited = (ms: number) => setTimeout(() => end('silence'), ms)
  let silence = waited(limits.firstByteMs)
  return {
    signal: controller.signal,
    get ended() {
      return ended
    },
    async *bytes(body) {
      let count = 0
      try {
        for await (const part of body) {
          if (count > 0) silence.refresh()
          else {
            clearTimeout(silence)
            silence = waited(limits.silenceMs)
          }
          count += part.length
          if (count > limits.maxBytes) break
          yield part
        }
      } catch {
        throw upstreamError('upstream-cut', 'the connection broke in the middle of the answer')
      }
      if (count > limits.maxBytes)
        throw upstreamError('upstream-too-large', `expected at most ${limits.maxBytes} bytes`)
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
