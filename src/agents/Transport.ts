/**
 * @module Transport: HTTP with a stranger. Every answer is bounded in bytes and in time, no redirect is
 * followed, and what goes wrong has a name.
 */
import { BaseError, InputError } from '../kernel/Errors.ts'

/** Most bytes of an answer. */
export const maxBytes = 8 * 1024 * 1024

/** How long a stranger may take, and how long it may be silent in the middle of an answer. */
export const timeoutMs = 60_000

/** How an answer is bounded. */
export type Limits = {
  readonly maxBytes?: number
  /** Until it begins, and between two of its parts. */
  readonly stallMs?: number
  /** All of it. */
  readonly mostMs?: number
}

/** An answer whose head is there; its parts are bounded, and end with it. */
export type Reply = {
  readonly status: number
  readonly headers: Headers
  /** Throws `answer-too-large`, `aborted`, `seller-unreachable`. */
  readonly parts: AsyncGenerator<Uint8Array, void, undefined>
  /** Nothing more of it is wanted: the connection closes. */
  readonly close: () => void
}

/** Sends a request. Throws `seller-unreachable`, `aborted`. */
export async function send(url: string, init: RequestInit, limits: Limits = {}): Promise<Reply> {
  const { stallMs = timeoutMs, mostMs = timeoutMs } = limits
  const closing = new AbortController()
  const caller = init.signal ?? undefined
  const watch = setTimeout(() => closing.abort(silence), stallMs)
  const end = setTimeout(() => closing.abort(silence), mostMs)
  const close = () => {
    clearTimeout(watch)
    clearTimeout(end)
    closing.abort(silence)
  }
  const failure = (cause: unknown) => failed(url, cause, caller)
  try {
    const signal = caller === undefined ? closing.signal : AbortSignal.any([caller, closing.signal])
    const response = await fetch(url, { ...init, signal, redirect: 'error' })
    const parts = read(response, { ...limits, watch, failure, close })
    return { status: response.status, headers: response.headers, parts, close }
  } catch (cause) {
    close()
    throw failure(cause)
  }
}

const silence = new Error('silence')

type Reading = Limits & {
  readonly watch: NodeJS.Timeout
  readonly failure: (cause: unknown) => BaseError
  readonly close: () => void
}

async function* read(
  response: Response,
  { maxBytes: limit = maxBytes, watch, failure, close }: Reading,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0
  try {
    for await (const part of response.body ?? []) {
      watch.refresh()
      size += part.length
      if (size > limit)
        throw new InputError(`expected an answer of at most ${limit} bytes`, {
          code: 'answer-too-large',
        })
      yield part
    }
  } catch (cause) {
    throw failure(cause)
  } finally {
    close()
  }
}

/** All of an answer. Throws as its parts do. */
export async function bytes({ parts }: Pick<Reply, 'parts'>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const part of parts) all.push(part)
  return new Uint8Array(Buffer.concat(all))
}

/** All of an answer as JSON; undefined where it is none. Throws as its parts do. */
export async function json(reply: Pick<Reply, 'parts'>): Promise<unknown> {
  const text = new TextDecoder().decode(await bytes(reply))
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a seller's error says, shortened. */
export function message(body: unknown): string | undefined {
  const error = (body as { error?: { message?: unknown } } | null | undefined)?.error
  return typeof error?.message === 'string' ? error.message.slice(0, 300) : undefined
}

function failed(url: string, cause: unknown, caller: AbortSignal | undefined): BaseError {
  if (cause instanceof BaseError) return cause
  if (caller?.aborted === true)
    return new BaseError('the caller cancelled the purchase', { code: 'aborted', retry: 'safe' })
  return new BaseError(`the seller at ${new URL(url).origin} did not answer`, {
    code: 'seller-unreachable',
    hint: 'is its node running? `npm start` starts one here',
    retry: 'unknown',
    cause,
  })
}
