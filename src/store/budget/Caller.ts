/** @module Asking a budget's writer from another process: numbered commands over one connection. */
import * as net from 'node:net'
import { BaseError, type problem } from '../../kernel/Errors.ts'
import type * as Address from './Address.ts'
import * as Command from './Command.schema.ts'
import * as Frames from './Frames.ts'

/**
 * What became of a command. `lost`: the connection broke, and whether it was carried out is not known.
 * `silent`: no answer in time.
 */
export type Reply =
  | { readonly kind: 'answered'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly error: BaseError }
  | { readonly kind: 'lost' }
  | { readonly kind: 'silent' }

/** A connection to a writer. */
export type Caller = {
  ask(command: unknown, withinMs: number): Promise<Reply>
  isLost(): boolean
  /** Ends the connection; what waits is lost. */
  close(): Promise<void>
}

/** Open holds come in pages: no answer is longer. */
const mostBytes = 16 * 1024 * 1024

/** What a writer that works says of itself at once; one that is stopped is asked again later. */
const mostHelloMs = 2_000

/**
 * Connects and greets; undefined when no writer is there. Throws `budget-unreachable` when this user may
 * not ask it, or what the writer has against this caller.
 */
export async function connect(
  address: Address.Address,
  withinMs: number,
): Promise<Caller | undefined> {
  const { kind } = address
  const to = kind === 'socket' ? { path: address.path } : { port: address.port, host: '127.0.0.1' }
  const stream = net.connect(to)
  let failed: NodeJS.ErrnoException | undefined
  stream.on('error', (error) => {
    failed = error
    stream.destroy()
  })
  stream.setTimeout(Math.min(withinMs, mostHelloMs), () => stream.destroy())
  const token = kind === 'loopback' ? { token: address.token } : {}
  stream.write(Frames.write({ v: 1, ...token }))
  const { caller, greeting } = callerOn(stream)
  const reply = await greeting
  stream.setTimeout(0)
  if (reply.kind === 'answered') return caller
  // Not this budget's door: a port may have been taken by another since.
  if (reply.kind === 'failed' && reply.error.code !== 'unauthorised') throw reply.error
  if (failed?.code !== 'EACCES' && failed?.code !== 'EPERM') return undefined
  throw new BaseError(`may not ask the budget's writer: ${failed.message}`, {
    code: 'budget-unreachable',
    hint: 'a budget belongs to one user of the machine: run as that user',
    retry: 'safe',
    cause: failed,
  })
}

/** The greeting is answered first, by what comes without a number. */
const greetingSeq = -1

function callerOn(stream: net.Socket): {
  readonly caller: Caller
  readonly greeting: Promise<Reply>
} {
  const waiting = new Map<number, (reply: Reply) => void>()
  const greeting = new Promise<Reply>((resolve) => waiting.set(greetingSeq, resolve))
  let next = 0
  const lose = (reply: Reply) => {
    const left = [...waiting.values()]
    waiting.clear()
    for (const settle of left) settle(reply)
  }
  const take = (message: unknown) => {
    const { v, seq, problem, result } = Command.readAnswer(message)
    const reply: Reply =
      problem === undefined
        ? { kind: 'answered', result }
        : { kind: 'failed', error: failure(problem) }
    if (seq === undefined && v === undefined) return lose(reply)
    waiting.get(seq ?? greetingSeq)?.(reply)
    waiting.delete(seq ?? greetingSeq)
  }
  const read = Frames.reader({ mostBytes, take, refuse: () => void stream.destroy() })
  stream.on('data', (chunk) => {
    try {
      read(chunk)
    } catch {
      // An answer that cannot be understood: asked again, it may be.
      stream.destroy()
    }
  })
  stream.once('end', () => stream.destroy())
  stream.once('close', () => lose({ kind: 'lost' }))
  const caller: Caller = {
    ask(command, withinMs) {
      if (stream.destroyed) return Promise.resolve({ kind: 'lost' })
      return new Promise((resolve) => {
        const own = next++
        const timer = setTimeout(() => {
          waiting.delete(own)
          resolve({ kind: 'silent' })
        }, withinMs)
        waiting.set(own, (reply) => {
          clearTimeout(timer)
          resolve(reply)
        })
        stream.write(Frames.write({ seq: own, command }))
      })
    },
    isLost: () => stream.destroyed,
    async close() {
      if (stream.closed) return
      const closed = new Promise((resolve) => stream.once('close', resolve))
      stream.destroy()
      await closed
    },
  }
  return { caller, greeting }
}

function failure(told: Partial<ReturnType<typeof problem>>): BaseError {
  const { code = 'internal', title = 'no reason', hint, retry = 'unknown', facts } = told
  return new BaseError(title, {
    ...{ code, retry },
    ...(hint === undefined ? {} : { hint }),
    ...(facts === undefined ? {} : { facts }),
  })
}
