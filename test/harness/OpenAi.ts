/**
 * @module A scripted OpenAI-compatible server on loopback: each request is answered as its script decides,
 * plain or as server-sent events, well or badly, and whether the client went away is remembered.
 */
import { once } from 'node:events'
import * as Http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as Engine from '../../src/models/Engine.ts'
import * as Terms from './Terms.ts'

/** Card of a model behind one. */
export const card: Engine.ModelCard = {
  ...Terms.card,
  ...{ model: 'sold', kind: 'generative', stdUsPerTokenOut: 10 },
  ...{ maxTokensIn: 100, maxTokensOut: 50 },
}

/** A request as it came, and what became of it. */
export type Asked = {
  /** From 0, in order of arrival. */
  readonly index: number
  readonly path: string
  readonly headers: Http.IncomingHttpHeaders
  /** The body as JSON; undefined if it is none. */
  readonly body: Body
  /** The client went away before it had the whole reply. */
  isGone: boolean
  /** Resolves when the exchange is over, whoever ended it. */
  readonly over: Promise<void>
}

/** What scripts look at, as in OpenAI's API. */
export type Body = {
  readonly model: string
  readonly messages: readonly {
    readonly role: string
    readonly content?: unknown
    readonly [key: string]: unknown
  }[]
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly tools?: readonly unknown[]
  readonly [key: string]: unknown
}

/** A call of a tool as a whole, or a piece of one, as in OpenAI's API. */
export type Call = {
  readonly index?: number
  readonly id?: string
  readonly type?: 'function'
  readonly function: { readonly name?: string; readonly arguments?: string }
}

/** A piece of an answer: text, or a delta as in OpenAI's API. */
export type Piece =
  | string
  | { readonly content?: string | null; readonly tool_calls?: readonly Call[] }

/** An answer in pieces, told plain or streamed as the request asks. */
export type Says = {
  readonly kind: 'says'
  readonly pieces: readonly Piece[]
  /** `tool_calls` if it calls any, else `stop`. */
  readonly finish?: string | null
  /** Before each piece, of a stream; once, before a plain answer. */
  readonly waitMs?: number
  /** After the last piece, of a stream: it ends well, says no more, or the connection breaks. */
  readonly ending?: 'whole' | 'stall' | 'break'
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number }
}

/** A reply byte by byte. */
export type Raw = {
  readonly kind: 'raw'
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly parts: readonly Part[] | AsyncIterable<string>
}

/** Bytes; a pause; silence until the client goes; a broken connection. */
export type Part = string | Uint8Array | { readonly waitMs: number } | 'STALL' | 'BREAK'

/** Decides what is answered. */
export type Script = (asked: Asked) => Says | Raw | Promise<Says | Raw>

/** An answer of text, or of pieces. */
export function says(
  pieces: Piece | readonly Piece[],
  more: Omit<Partial<Says>, 'kind'> = {},
): Says {
  return { kind: 'says', pieces: [pieces].flat() as readonly Piece[], ...more }
}

/** An answer that calls one tool. */
export function calls(name: string, value: unknown, { id = 'call_1' } = {}): Says {
  const called = { name, arguments: JSON.stringify(value) }
  return says({ tool_calls: [{ index: 0, id, type: 'function', function: called }] })
}

/** An error as OpenAI's API tells it. */
export function fails(status: number, message: string): Raw {
  const error = { message, type: 'scripted', code: null }
  const headers = { 'content-type': 'application/json' }
  return { kind: 'raw', status, headers, parts: [JSON.stringify({ error })] }
}

/** Server-sent events, each as given. */
export function events(data: readonly (string | object | Part)[]): Raw {
  const parts = data.map((each) => {
    if (each === 'STALL' || each === 'BREAK' || each instanceof Uint8Array) return each
    if (typeof each === 'object' && 'waitMs' in each) return each as Part
    return `data: ${typeof each === 'string' ? each : JSON.stringify(each)}\n\n`
  })
  return { kind: 'raw', headers: { 'content-type': 'text/event-stream' }, parts }
}

/** Opens a server on a free port. `close` breaks what is still open and waits until it is gone. */
export async function open(script: Script, { models = ['scripted'] } = {}) {
  const asked: Asked[] = []
  const server = Http.createServer((request, response) => {
    void exchange(request, response).catch(() => response.destroy())
  })
  async function exchange(request: Http.IncomingMessage, response: Http.ServerResponse) {
    const path = request.url ?? '/'
    const text = await read(request)
    if (request.method === 'GET' && path.endsWith('/models')) {
      const data = models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'test' }))
      json(response, { object: 'list', data })
      return
    }
    const over = once(response, 'close').then(() => {
      one.isGone = !response.writableFinished
    })
    const one: Asked = {
      ...{ index: asked.length, path, headers: request.headers, body: parse(text) },
      ...{ isGone: false, over },
    }
    asked.push(one)
    const reply = await script(one)
    if (reply.kind === 'raw') await tellRaw(response, reply)
    else if (one.body?.stream === true) await tellRaw(response, streamed(reply, one))
    else await tellPlain(response, reply, one)
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    /** Requests for completions, in order of arrival. */
    asked: asked as readonly Asked[],
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** A running server. */
export type OpenAi = Awaited<ReturnType<typeof open>>

async function read(request: Http.IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

function parse(text: string): Body {
  try {
    return JSON.parse(text) as Body
  } catch {
    return undefined as unknown as Body
  }
}

function json(response: Http.ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

async function tellRaw(response: Http.ServerResponse, { status = 200, headers, parts }: Raw) {
  response.writeHead(status, headers)
  response.flushHeaders()
  for await (const part of parts) {
    if (response.destroyed) return
    if (part === 'BREAK') return void response.destroy()
    if (part === 'STALL') return void (await once(response, 'close'))
    if (typeof part === 'object' && 'waitMs' in part) await sleep(part.waitMs)
    // Called back when it is sent, or never can be.
    else await new Promise((resolve) => response.write(part, resolve))
  }
  response.end()
}

function streamed(reply: Says, { body }: Asked): Raw {
  const { pieces, waitMs = 0, ending = 'whole', usage = counted } = reply
  const chunk = (choices: readonly object[], more: object = {}) => ({
    ...{ id: 'chatcmpl-scripted', object: 'chat.completion.chunk', created: 0 },
    ...{ model: body.model, choices, ...more },
  })
  const choice = (delta: object, finish: string | null = null) =>
    chunk([{ index: 0, delta, finish_reason: finish }])
  const told = pieces.flatMap((piece) => [
    ...(waitMs === 0 ? [] : [{ waitMs }]),
    choice(typeof piece === 'string' ? { content: piece } : piece),
  ])
  const begin = choice({ role: 'assistant', content: '' })
  if (ending !== 'whole') return events([begin, ...told, ending === 'stall' ? 'STALL' : 'BREAK'])
  const wantsUsage = body.stream_options?.include_usage === true
  return events([
    begin,
    ...told,
    choice({}, finishOf(reply)),
    ...(wantsUsage ? [chunk([], { usage: totals(usage) })] : []),
    '[DONE]',
  ])
}

async function tellPlain(response: Http.ServerResponse, reply: Says, { body }: Asked) {
  const { pieces, waitMs = 0, ending = 'whole', usage = counted } = reply
  if (waitMs > 0) await sleep(waitMs)
  if (ending === 'break') return void response.destroy()
  if (ending === 'stall') return void (await once(response, 'close'))
  const deltas = pieces.map((piece) => (typeof piece === 'string' ? { content: piece } : piece))
  const text = deltas.map(({ content }) => content ?? '').join('')
  const called = joined(deltas.flatMap((delta) => ('tool_calls' in delta ? delta.tool_calls! : [])))
  const message = {
    ...{ role: 'assistant', content: text === '' && called.length > 0 ? null : text },
    ...(called.length === 0 ? {} : { tool_calls: called }),
  }
  json(response, {
    ...{ id: 'chatcmpl-scripted', object: 'chat.completion', created: 0, model: body.model },
    choices: [{ index: 0, message, finish_reason: finishOf(reply) }],
    usage: totals(usage),
  })
}

const counted = { prompt_tokens: 1, completion_tokens: 1 }

function totals(usage: NonNullable<Says['usage']>) {
  return { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens }
}

function finishOf({ pieces, finish }: Says): string | null {
  if (finish !== undefined) return finish
  const isCalling = pieces.some((piece) => typeof piece === 'object' && piece.tool_calls)
  return isCalling ? 'tool_calls' : 'stop'
}

/** Pieces of calls, joined by their index. */
function joined(pieces: readonly Call[]): Call[] {
  const whole: Call[] = []
  for (const { index = 0, id, function: piece } of pieces) {
    const before = whole[index]
    whole[index] = {
      ...{ id: before?.id ?? id ?? `call_${index}`, type: 'function' },
      function: {
        name: `${before?.function.name ?? ''}${piece.name ?? ''}`,
        arguments: `${before?.function.arguments ?? ''}${piece.arguments ?? ''}`,
      },
    }
  }
  return whole
}
