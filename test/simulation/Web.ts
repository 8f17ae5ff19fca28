/**
 * @module Requests and responses between buyers and seller: as much of the platform's as is used here, whole
 * texts instead of streams.
 */

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

/** A text with headers. */
class Message {
  readonly headers: LightHeaders
  readonly body: string | null
  readonly bodyUsed = false
  constructor(
    body: unknown,
    headers: Iterable<[string, string]> | Readonly<Record<string, string>> | undefined,
  ) {
    if (body != null && typeof body !== 'string') throw new Error('expected a text for a body')
    this.body = body ?? null
    this.headers = new LightHeaders(headers)
  }
  async text(): Promise<string> {
    return this.body ?? ''
  }
  async json(): Promise<unknown> {
    return JSON.parse(this.body ?? '')
  }
  async arrayBuffer(): Promise<ArrayBufferLike> {
    return new TextEncoder().encode(this.body ?? '').buffer
  }
}

/** A request, with the length of its body, as every client tells it. */
class LightRequest extends Message {
  readonly url: string
  readonly method: string
  constructor(url: string, { method = 'GET', headers, body }: RequestInit = {}) {
    super(body, headers as Record<string, string> | undefined)
    this.url = url
    this.method = method
    if (this.body !== null) this.headers.set('content-length', `${Buffer.byteLength(this.body)}`)
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

/** Puts these in the place of the platform's, for the whole process. */
export function install(): void {
  Object.assign(globalThis, {
    Headers: LightHeaders,
    Request: LightRequest,
    Response: LightResponse,
  })
}
