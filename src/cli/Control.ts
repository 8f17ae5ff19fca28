/**
 * @module Control: how commands talk to a running process of this machine. Loopback only, a token in a
 * file that only its owner can read, one JSON call and one JSON answer.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { BaseError, InputError, problem } from '../kernel/Errors.ts'
import * as Json from '../kernel/Json.ts'
import * as Files from '../store/Files.ts'

/** What a process does when told; arguments and answers are plain JSON. */
export type Handlers = Readonly<Record<string, (argument: unknown) => Promise<unknown>>>

const maxBytes = 1024 * 1024

/** Listens for calls and leaves the address and token in the folder; `close` takes them away. */
export async function serve(
  folder: string,
  handlers: Handlers,
): Promise<{ close(): Promise<void> }> {
  const token = randomBytes(32).toString('hex')
  const server = createServer((request, response) => {
    void answer(request, token, handlers).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body)
    })
  })
  await listen(server)
  const { port } = server.address() as AddressInfo
  const file = join(folder, 'control.json')
  Files.writeAtomic(file, Json.encode({ port, token, pid: process.pid }), { mode: 0o600 })
  return {
    async close() {
      rmSync(file, { force: true })
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Calls a running process. Throws `not-running`, or what the process answered. */
export async function call(folder: string, name: string, argument: unknown = {}): Promise<unknown> {
  const address = find(folder)
  if (address === undefined) throw notRunning(folder)
  let response: Response
  try {
    response = await fetch(`http://127.0.0.1:${address.port}/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${address.token}` },
      body: JSON.stringify(argument),
    })
  } catch {
    throw notRunning(folder)
  }
  const body = (await response.json()) as { result?: unknown; problem?: ReturnType<typeof problem> }
  if (body.problem === undefined) return body.result
  const { code, title, hint, retry, facts } = body.problem
  throw new BaseError(title, {
    ...{ code, retry },
    ...(hint === undefined ? {} : { hint }),
    ...(facts === undefined ? {} : { facts }),
  })
}

/** Whether a process says that it runs in this folder; it may have been killed since. */
export function find(folder: string): { port: number; token: string; pid: number } | undefined {
  const file = join(folder, 'control.json')
  if (!existsSync(file)) return undefined
  const value = Json.parse(readFileSync(file, 'utf8'), file) as {
    port: number
    token: string
    pid: number
  }
  try {
    process.kill(value.pid, 0)
    return value
  } catch {
    return undefined
  }
}

function notRunning(folder: string): BaseError {
  return new BaseError(`nothing runs in ${folder}`, {
    code: 'not-running',
    hint: '`npm start` runs it; leave that terminal open and try again in another',
    retry: 'safe',
  })
}

async function answer(request: IncomingMessage, token: string, handlers: Handlers) {
  const given = Buffer.from(request.headers.authorization ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    return { status: 401, body: '{"problem":{"code":"unauthorised","title":"no","retry":"never"}}' }
  const name = (request.url ?? '/').slice(1)
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
  try {
    if (handler === undefined) throw new InputError(`no such call: ${name}`)
    const result = await handler(Json.parse(await body(request), 'a call'))
    return { status: 200, body: JSON.stringify({ result: Json.plain(result) ?? null }) }
  } catch (error) {
    return { status: 400, body: JSON.stringify({ problem: Json.plain(problem(error)) }) }
  }
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new InputError(`expected a call of at most ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
}
