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

/** What came back. */
export type Reply = { readonly status: number; readonly headers: Headers; readonly body: Buffer }

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

/** Opens a relay; `delivered` hears of each reply that was handed over. */
export async function open(
  handler: Handler,
  delivered: (passing: Passing, reply: Reply) => void = () => undefined,
): Promise<Relay> {
  let upstream: string | undefined
  let open = 0
  let waiting: (() => void)[] = []
  const carry = async (passing: Passing): Promise<Reply> => {
    if (upstream === undefined) throw new Error('nobody is there')
    const { method, path, headers, body } = passing
    const response = await fetch(upstream + path, {
      method,
      headers,
      ...(method === 'GET' ? {} : { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(60_000),
    })
    const { status } = response
    return { status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) }
  }
  const server = createServer(async (request, response) => {
    open += 1
    try {
      const passing = await read(request)
      const reply = await handler(passing, () => carry(passing))
      if (reply === 'lost') response.destroy()
      else await write(response, reply).then((done) => done && delivered(passing, reply))
    } catch {
      response.destroy()
    } finally {
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
function write(response: ServerResponse, reply: Reply): Promise<boolean> {
  if (response.destroyed || response.socket?.destroyed !== false) return Promise.resolve(false)
  return new Promise((resolve) => {
    response.once('finish', () => resolve(true)).once('close', () => resolve(false))
    const headers = [...reply.headers].filter(([name]) => !ofTheHop.has(name))
    // Each connection carries one request: the next one meets a process that is there.
    response.writeHead(reply.status, { ...Object.fromEntries(headers), connection: 'close' })
    response.end(reply.body)
  })
}
