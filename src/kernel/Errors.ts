/**
 * @module Failures: the world misbehaved. Each has a stable `code`, the `facts`, a `hint` that says what
 * to do, and `retry`, which says whether trying again is safe (`unknown` = look before you pay twice).
 */

/** Whether the same call may be made again. `unknown`: look at the chain or the journal first. */
export type Retry = 'safe' | 'never' | 'unknown'

/** Plain facts that a program can read; amounts as decimal strings. */
export type Facts = Readonly<Record<string, unknown>>

/** What every failure carries. */
export type Options = {
  /** Stable, kebab-case, one per kind of failure: documented in `docs/errors.md`. */
  readonly code: string
  readonly hint?: string
  readonly retry?: Retry
  readonly facts?: Facts
  readonly cause?: unknown
}

/** Base of every failure this package throws. */
export class BaseError extends Error {
  override name = 'RequiteError'
  readonly code: string
  readonly hint: string | undefined
  readonly retry: Retry
  readonly facts: Facts

  constructor(message: string, options: Options) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.hint = options.hint
    this.retry = options.retry ?? 'never'
    this.facts = options.facts ?? {}
  }
}

/** Bad input: names what was expected and what came instead. Never retried unchanged. */
export class InputError extends BaseError {
  override name = 'InputError'

  constructor(message: string, options: Partial<Options> = {}) {
    super(message, { ...options, code: options.code ?? 'bad-input', retry: 'never' })
  }
}

/** An error as RFC 9457 problem details: what an HTTP client or `--json` sees. */
export function problem(error: unknown): {
  code: string
  title: string
  hint?: string
  retry: Retry
  facts?: Facts
} {
  if (error instanceof BaseError) {
    return {
      code: error.code,
      title: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      retry: error.retry,
      ...(Object.keys(error.facts).length === 0 ? {} : { facts: error.facts }),
    }
  }
  return {
    code: 'internal',
    title: error instanceof Error ? error.message : String(error),
    retry: 'unknown',
  }
}
