/**
 * @module HTTP engine: any OpenAI-compatible endpoint as an engine (vLLM, SGLang, llama-server, Ollama, a
 * vendor's). What it says is counted by the card's tokeniser and stopped at the limit; its own counts are
 * never billed. It is not trusted: whatever it sends is bounded, checked, and a named failure if it is no
 * answer. The key stands in no error; connections are closed as soon as nobody waits for them.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Context from './Context.ts'
import * as Engine from './Engine.ts'
import * as Completion from './http/Completion.ts'
import * as EventStream from './http/EventStream.ts'
import * as Remote from './Remote.ts'
import { upstreamError } from './UpstreamError.ts'
import type * as Watch from './Watch.ts'

/** Where the model is and how it is sold. */
export type Options = Remote.Options & {
  /** e.g. `http://127.0.0.1:11434/v1`; requests go to `chat/completions` under it. */
  readonly baseURL: string
  /** As the endpoint names it. */
  readonly model: string
  /** Sent as a bearer token. */
  readonly key?: string | undefined
  /** More headers; as secret as the key. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Whether it is asked to stream, which lets it be stopped at the limit; true unless given. */
  readonly streams?: boolean | undefined
  /** What the endpoint calls its limit on tokens; `max_tokens` unless given. */
  readonly limitName?: 'max_tokens' | 'max_completion_tokens' | undefined
  /** Its own tokens for so many of the card's, so that it ends by itself: twice as many unless given. */
  readonly ownTokens?: ((maxTokensOut: number) => number) | undefined
  readonly fetch?: typeof fetch | undefined
}

/** Opens an engine; asks nothing yet. Throws `InputError` for an address or key that cannot be sent. */
export function open(options: Options): Engine.Engine {
  const url = urlOf(options.baseURL)
  const headers = headersOf(options)
  return Remote.engine(options, async function* (asked) {
    yield* read(await send(url, { ...options, headers, ...asked }), asked.watch)
  })
}

type Asking = Omit<Options, 'headers'> & Remote.Asked & { readonly headers: Headers }

/** Sends the request; the response once it is one of an answer. Throws `UpstreamError`. */
async function send(url: URL, asking: Asking): Promise<Response> {
  const { headers, watch, fetch: over = fetch } = asking
  const body = JSON.stringify(bodyOf(asking))
  const { signal } = watch
  const facts = { host: url.host }
  // A redirect would carry the question, and maybe the key, to somebody else.
  const sent = over(url, { method: 'POST', headers, body, signal, redirect: 'manual' })
  const response = await sent.catch((error: unknown) => {
    const cause = causeOf(error)
    throw upstreamError('upstream-unreachable', `nobody answers at ${url.host}`, {
      ...facts,
      cause,
    })
  })
  const { status } = response
  if (status >= 200 && status < 300 && response.body !== null) return response
  const more = { ...facts, status, ...(await errorCode(response, watch)) }
  if (status === 429 || status === 503)
    throw upstreamError('upstream-busy', `the model is busy: HTTP ${status}`, more)
  if (status >= 500)
    throw upstreamError('upstream-failed', `the model failed: HTTP ${status}`, more)
  throw upstreamError('upstream-refused', `the model's endpoint said HTTP ${status}`, more)
}

function bodyOf({ request, model, maxTokensOut, ...options }: Asking): object {
  const { streams = true, limitName = 'max_tokens', ownTokens = twice } = options
  const asked = Object.entries(Engine.settings(request)).filter(([, value]) => value !== null)
  return {
    model,
    messages: Context.lay(request).map(messageOf),
    ...Object.fromEntries(asked),
    [limitName]: ownTokens(maxTokensOut),
    stream: streams,
  }
}

function twice(maxTokensOut: number): number {
  return Math.min(2 * maxTokensOut, Number.MAX_SAFE_INTEGER)
}

/** A message with the members that an endpoint knows; few know `developer`, which says the same. */
function messageOf({ role, content, name, tool_calls, tool_call_id }: Engine.Message): object {
  const told = role === 'developer' ? 'system' : role
  const calls = tool_calls === undefined || tool_calls.length === 0 ? {} : { tool_calls }
  const named = { ...(name === undefined ? {} : { name }) }
  return {
    ...{ role: told, content: content ?? null, ...named, ...calls },
    ...(tool_call_id === undefined ? {} : { tool_call_id }),
  }
}

/** What an endpoint says, chunk by chunk or at once: what it sends decides, not what was asked. */
async function* read(response: Response, watch: Watch.Watch): AsyncGenerator<Remote.Said> {
  const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  const bytes = bytesOf(response, watch)
  if (type === 'text/event-stream') {
    for await (const data of EventStream.events(bytes, { maxLength: watch.limits.maxBytes })) {
      if (data === '[DONE]') return
      yield Completion.read(data, 'delta')
    }
    return
  }
  if (type !== 'application/json')
    throw upstreamError('upstream-malformed', 'expected JSON or server-sent events', {
      ...(/^[\w.+-]{1,40}\/[\w.+-]{1,40}$/.test(type) ? { contentType: type } : {}),
    })
  const said = Completion.read(await text(bytes), 'message')
  yield { ...said, finish: said.finish ?? 'stop' }
}

function bytesOf(response: Response, watch: Watch.Watch) {
  return watch.read(response.body!, {
    sizeOf: ({ length }) => length,
    failed: () => upstreamError('upstream-cut', 'the connection broke in the middle of the answer'),
  })
}

async function text(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

/** The code in an error, if it has one that may be repeated. */
async function errorCode(response: Response, watch: Watch.Watch): Promise<object> {
  try {
    const { error } = JSON.parse(await text(bytesOf(response, watch))) as { error: unknown }
    return Completion.codeOf(error)
  } catch {
    return {}
  }
}

/** The system's code for a connection that failed, and nothing that the request held. */
function causeOf(error: unknown): string {
  const code = ((error as Error).cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code) ? code : 'unknown'
}

function urlOf(baseURL: string): URL {
  const url = URL.canParse(baseURL) ? new URL(baseURL) : undefined
  // What is wrong with it is not repeated: it may hold a password.
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw new InputError('expected baseURL as an http or https address without a user')
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  return url
}

function headersOf({ key, headers = {} }: Options): Headers {
  const all = {
    'content-type': 'application/json',
    accept: 'text/event-stream, application/json',
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...headers,
  }
  for (const [name, value] of Object.entries(all))
    if (!/^[\w-]+$/.test(name) || !/^[\x20-\x7e]*$/.test(value))
      throw new InputError('expected a key and headers of printable ASCII')
  return new Headers(all)
}
