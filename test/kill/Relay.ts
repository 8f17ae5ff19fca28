/**
 * @module A relay on loopback between two processes: it sees each request before and after, and may kill,
 * lose or delay at either moment. What it has taken on is carried to its end even if who asked is dead.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request on its way. */
export type Passing = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What came back; what is told while it is made comes in parts. */
export type Reply = {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer | AsyncIterable<Uint8Array>
}

/** Who hears of what passes. */
export type Listener = {
  /** A reply was handed over. */
  readonly delivered?: (passing: Passing, reply: Reply) => void
  /** A part of one was, before its end. */
  readonly told?: (passing: Passing, part: string) => void
  /** Nothing more comes of it. */
  readonly over?: (passing: Passing) => void
}

/** Lets a request through by `pass`; `lost` breaks the connection of who asked. */
export type Handler = (passing: Passing, pass: () => Promise<Reply>) => Promise<Reply | 'lost'>

/** A running relay. */
export type Relay = {
  readonly url: string
  /** Where to; undefined: nobody is there. */
  lead(to: string | undefined): void
  /** Resolves when nothing is on its way any more. */
  idle(): Promise<void>
  close(): Promise<void>
}

/** Opens a relay. */
export async function open(handler: Handler, listener: Listener = {}): Promise<Relay> {
  let upstream: string | undefined
  let open = 0
  let waiting: (() => void)[] = []
  const carry = async (passing: Passing, dropped: AbortSignal): Promise<Reply> => {
    if (upstream === undefined) throw new Error('nobody is there')
    const { method, path, headers, body } = passing
    const response = await fetch(upstream + path, {
      method,
      headers,
      ...(method === 'GET' ? {} : { body }),
      redirect: 'manual',
      signal: AbortSignal.any([dropped, AbortSignal.timeout(60_000)]),
    })
    const { status } = response
    const isTold = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    const parts = response.body as unknown as AsyncIterable<Uint8Array>
    const given = isTold ? parts : Buffer.from(await response.arrayBuffer())
    return { status, headers: response.headers, body: given }
  }
  const server = createServer(async (request, response) => {
    open += 1
    const dropping = new AbortController()
    let passing: Passing | undefined
    try {
      const taken = await read(request)
      passing = taken
      const reply = await handler(taken, () => carry(taken, dropping.signal))
      const tell = (part: string) => listener.told?.(taken, part)
      if (reply === 'lost') response.destroy()
      else if (await write(response, reply, tell)) listener.delivered?.(taken, reply)
    } catch {
      response.destroy()
    } finally {
      // Whoever tells an answer hears that nobody listens.
      dropping.abort()
      if (passing !== undefined) listener.over?.(passing)
      open -= 1
      if (open === 0) for (const each of waiting.splice(0)) each()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lead(to) {
      upstream = to
    },
    idle: () =>
      new Promise((resolve) => {
        if (open === 0) resolve()
        else waiting = [...waiting, resolve]
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Headers of a hop, which end at it; and those that the next hop writes itself. */
const ofTheHop = new Set([
  ...['connection', 'host', 'content-length', 'transfer-encoding', 'keep-alive'],
  ...['content-encoding', 'accept-encoding', 'expect'],
])

async function read(request: IncomingMessage): Promise<Passing> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !ofTheHop.has(name)),
  ) as Record<string, string>
  const { method = 'GET', url: path = '/' } = request
  return { method, path, headers, body: Buffer.concat(chunks).toString('utf8') }
}

/** True when the reply left this process before who asked was gone. */
async function write(
  response: ServerResponse,
  reply: Reply,
  tell: (part: string) => void,
): Promise<boolean> {
  const isGone = () => response.destroyed || response.socket?.destroyed !== false
  if (isGone()) return false
  const headers = [...reply.headers].filter(([name]) => !ofTheHop.has(name))
  const done = new Promise<boolean>((resolve) => {
    response.once('finish', () => resolve(true)).once('close', () => resolve(false))
  })
  // Each connection carries one request: the next one meets a process that is there.
  response.writeHead(reply.status, { ...Object.fromEntries(headers), connection: 'close' })
  if (Buffer.isBuffer(reply.body)) response.end(reply.body)
  else {
    for await (const part of reply.body) {
      if (isGone()) return false
      response.write(part)
      tell(Buffer.from(part).toString())
    }
    response.end()
  }
  return done
}
