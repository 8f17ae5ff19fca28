/**
 * @module The door of a budget's writer: where everybody else asks. What comes in is hostile until it has
 * been read: bounded lines, bounded work in flight, bounded patience; one bad line ends its connection.
 */
import * as crypto from 'node:crypto'
import * as fs from 'node:fs'
import * as net from 'node:net'
import { BaseError, problem } from '../../kernel/Errors.ts'
import * as Json from '../../kernel/Json.ts'
import * as Address from './Address.ts'
import * as Command from './Command.schema.ts'
import * as Frames from './Frames.ts'

/** A door that is open. */
export type Door = {
  /** Takes nothing more in, gives the answers that are due, and ends every connection. */
  close(): Promise<void>
}

/** Carries a command out. */
export type Ask = (command: unknown) => Promise<Json.Value>

/** How a door is opened. */
export type Options = {
  readonly dir: string
  readonly ask: Ask
  /** Whether nothing is answered any more: then a connection is ended rather than an error told. */
  readonly hasFailed: () => boolean
}

/** The longest command: a policy of 256 rules with thousands of payees fits. */
const mostBytes = 512 * 1024
const mostConnections = 1_024
/** Commands of one connection that wait at the same time; the rest waits in its socket. */
const mostInFlight = 1_024
/** Answers that wait because nobody reads them. */
const mostUnreadBytes = 16 * 1024 * 1024
const helloMs = 10_000
const farewellMs = 1_000

/** Opens the door; only for who holds the budget's lock. Throws `budget-door-unusable`. */
export async function open(options: Options): Promise<Door> {
  const { dir } = options
  const connections = new Set<Connection>()
  const socket = Address.socketOf(dir)
  const token = socket === undefined ? crypto.randomBytes(32).toString('hex') : undefined
  const server = net.createServer((stream) => {
    const connection = serve(stream, { ...options, token })
    connections.add(connection)
    stream.once('close', () => connections.delete(connection))
  })
  server.maxConnections = mostConnections
  try {
    Address.makeFolder(dir)
    Address.clear(dir)
    const listening = socket === undefined ? { port: 0, host: '127.0.0.1' } : { path: socket }
    await listen(server, listening)
    // Nobody else could have entered the folder in between.
    if (socket !== undefined) fs.chmodSync(socket, 0o600)
    else {
      const { port } = server.address() as net.AddressInfo
      Address.writeLoopback(dir, { port, token: token! })
    }
  } catch (cause) {
    server.close()
    throw unusable(dir, cause)
  }
  return {
    async close() {
      // Who comes from now on is to find the next writer.
      Address.clear(dir)
      const closed = new Promise((resolve) => server.close(resolve))
      await Promise.all([...connections].map((connection) => connection.end()))
      await closed
    },
  }
}

type Connection = { end(): Promise<void> }

function serve(
  stream: net.Socket,
  options: Options & { readonly token: string | undefined },
): Connection {
  const { ask, hasFailed, token } = options
  const waiting = new Set<Promise<void>>()
  let state: 'new' | 'open' | 'ending' = 'new'
  stream.setTimeout(helloMs, () => stream.destroy())
  // A connection that breaks has nobody to tell.
  stream.on('error', () => stream.destroy())

  const send = (message: object) => {
    if (!stream.writable) return
    stream.write(Frames.write(message))
    if (stream.writableLength > mostUnreadBytes) stream.destroy()
  }
  const refuse = (error: unknown) => {
    state = 'ending'
    send({ problem: Json.plain(problem(error)) })
    stream.setTimeout(farewellMs)
    stream.destroySoon()
  }
  const answer = async ({ seq, command }: { seq: number; command?: unknown }) => {
    try {
      send({ seq, result: await ask(command) })
    } catch (error) {
      if (hasFailed()) stream.destroy()
      else send({ seq, problem: Json.plain(problem(error)) })
    }
  }
  const take = (message: unknown) => {
    if (state === 'ending') return
    try {
      if (state === 'new') {
        greet(Command.readHello(message), token)
        stream.setTimeout(0)
        state = 'open'
        send({ v: 1 })
        return
      }
      const answering = answer(Command.readFrame(message)).then(() => {
        waiting.delete(answering)
        if (waiting.size < mostInFlight) stream.resume()
      })
      waiting.add(answering)
      if (waiting.size >= mostInFlight) stream.pause()
    } catch (error) {
      refuse(error)
    }
  }
  const read = Frames.reader({
    mostBytes,
    take,
    refuse: ({ because }) => refuse(malformed(because)),
  })
  stream.on('data', read)
  return {
    async end() {
      state = 'ending'
      await Promise.all(waiting)
      if (stream.destroyed) return
      const gone = new Promise((resolve) => stream.once('close', resolve))
      const timer = setTimeout(() => stream.destroy(), farewellMs)
      stream.destroySoon()
      await gone
      clearTimeout(timer)
    },
  }
}

function greet(hello: { readonly token?: string | undefined }, token: string | undefined): void {
  if (token === undefined) return
  const [given, wanted] = [Buffer.from(hello.token ?? ''), Buffer.from(token)]
  if (given.length === wanted.length && crypto.timingSafeEqual(given, wanted)) return
  throw new BaseError('expected the token of this budget', { code: 'unauthorised' })
}

function listen(server: net.Server, options: net.ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options, resolve)
  })
}

function malformed(because: string): BaseError {
  return new BaseError(because, { code: 'budget-message-malformed' })
}

function unusable(dir: string, cause: unknown): BaseError {
  return new BaseError(`cannot listen for the budget in ${dir}: ${(cause as Error).message}`, {
    code: 'budget-door-unusable',
    hint: 'check that the folder can be written by this user, on a local disk',
    facts: { dir },
    cause,
  })
}
