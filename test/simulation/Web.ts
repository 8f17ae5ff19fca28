/**
 * @module Requests and responses between buyers and seller: as much of the platform's as is used here. Texts
 * are whole; what a seller tells while it is made comes in parts.
 */
import { setMaxListeners } from 'node:events'

/** Names in lower case, values as they are. */
class LightHeaders extends Map<string, string> {
  constructor(from?: Iterable<[string, string]> | Readonly<Record<string, string>>) {
    super()
    const entries = from instanceof Map ? from : Object.entries(from ?? {})
    for (const [name, value] of entries) this.set(name, value)
  }
  override get(name: string): string | undefined {
    return super.get(name.toLowerCase())
  }
  override has(name: string): boolean {
    return super.has(name.toLowerCase())
  }
  override set(name: string, value: string): this {
    return super.set(name.toLowerCase(), value)
  }
  override delete(name: string): boolean {
    return super.delete(name.toLowerCase())
  }
  append(name: string, value: string): void {
    const before = this.get(name)
    this.set(name, before === undefined ? value : `${before}, ${value}`)
  }
}

/** What makes a body. */
type Source = {
  pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void>
  cancel(): void
}

/** A body that is made while it is read, a part at a time. */
export class Parts {
  readonly #source: Source
  readonly #made: Uint8Array[] = []
  #end: { readonly error?: unknown } | undefined
  constructor(source: Source) {
    this.#source = source
  }
  /** The next part; undefined at the end. Throws what its maker failed with. */
  async read(): Promise<Uint8Array | undefined> {
    const controller = {
      enqueue: (part: Uint8Array) => void this.#made.push(part),
      close: () => {
        this.#end ??= {}
      },
      error: (error: unknown) => {
        this.#end ??= { error }
      },
    } as ReadableStreamDefaultController<Uint8Array>
    while (this.#made.length === 0 && this.#end === undefined) await this.#source.pull(controller)
    if (this.#end?.error !== undefined) throw this.#end.error
    return this.#made.shift()
  }
  /** Nobody reads it any more. */
  cancel(): void {
    if (this.#end !== undefined) return
    this.#end = {}
    this.#source.cancel()
  }
}

/** A body with headers. */
class Message {
  readonly headers: LightHeaders
  readonly body: string | Parts | null
  readonly bodyUsed = false
  constructor(
    body: unknown,
    headers: Iterable<[string, string]> | Readonly<Record<string, string>> | undefined,
  ) {
    if (body != null && typeof body !== 'string' && !(body instanceof Parts))
      throw new Error('expected a text or parts for a body')
    this.body = body ?? null
    this.headers = new LightHeaders(headers)
  }
  async text(): Promise<string> {
    if (this.body instanceof Parts) throw new Error('expected a whole text')
    return this.body ?? ''
  }
  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }
  async arrayBuffer(): Promise<ArrayBufferLike> {
    return new TextEncoder().encode(await this.text()).buffer
  }
}

/** A request, with the length of its body, as every client tells it. */
class LightRequest extends Message {
  readonly url: string
  readonly method: string
  /** Aborted when who asked is gone; made when somebody listens. */
  #gone: AbortController | undefined
  constructor(url: string, { method = 'GET', headers, body }: RequestInit = {}) {
    super(body, headers as Record<string, string> | undefined)
    this.url = url
    this.method = method
    if (typeof this.body === 'string')
      this.headers.set('content-length', `${Buffer.byteLength(this.body)}`)
  }
  get signal(): AbortSignal {
    this.#gone ??= new AbortController()
    return this.#gone.signal
  }
  /** Who asked is gone. */
  leave(): void {
    this.#gone?.abort()
  }
}

/** A response. */
class LightResponse extends Message {
  readonly status: number
  constructor(body?: unknown, init: ResponseInit = {}) {
    super(body, init.headers as Record<string, string> | undefined)
    this.status = init.status ?? 200
  }
}

/** Timers that never ring: here who is silent fails at once, and nobody waits for the wall's clock. */
const timer = { ref: () => timer, unref: () => timer, refresh: () => timer, hasRef: () => false }

/** One signal of several. */
function any(signals: Iterable<AbortSignal>): AbortSignal {
  const all = [...signals]
  if (all.length === 1) return all[0]!
  const joined = new AbortController()
  for (const each of all) {
    const abort = () => joined.abort(each.reason)
    if (each.aborted) abort()
    else setMaxListeners(0, each)
    each.addEventListener('abort', abort, { once: true })
  }
  return joined.signal
}

/** Puts these in the place of the platform's, for the whole process. */
export function install(): void {
  Object.assign(globalThis, {
    Headers: LightHeaders,
    Request: LightRequest,
    Response: LightResponse,
    ReadableStream: Parts,
    setTimeout: () => timer,
    clearTimeout: () => undefined,
  })
  const never = new AbortController().signal
  Object.assign(AbortSignal, { timeout: () => never, any })
}
