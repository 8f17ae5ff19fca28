/**
 * @module Supervisor: starts this program again as a node or an agent, waits until it is ready, and ends
 * it. A child ends by itself when its parent is gone, however the parent ended.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { BaseError, problem } from '../kernel/Errors.ts'
import * as Print from './Print.ts'

/** A supervised process. */
export type Child = {
  /** What it said when it was ready. */
  readonly ready: unknown
  readonly pid: number
  /** Resolves when it has ended; with the exit code. */
  readonly ended: Promise<number>
  /** Asks it to close its books and end; resolves when it has. */
  stop(): Promise<void>
}

type Message = { readonly ready?: unknown; readonly problem?: ReturnType<typeof problem> }

const readyMs = 120_000
const stopMs = 15_000

/** Starts `requite <role> …` and waits until it is ready. Throws what the child could not do. */
export async function start(role: 'node' | 'agent', flags: readonly string[]): Promise<Child> {
  const main = fileURLToPath(
    new URL(import.meta.url.endsWith('.ts') ? 'main.ts' : 'main.js', import.meta.url),
  )
  const child = fork(main, [role, ...flags], { stdio: ['ignore', 2, 2, 'ipc'] })
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
  const ready = await Promise.race([
    report(child),
    ended.then((code) => {
      throw new BaseError(`the ${role} ended with code ${code} before it was ready`, {
        code: 'child-failed',
      })
    }),
  ]).catch((error) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    ready,
    pid: child.pid!,
    ended,
    async stop() {
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
      await ended
      clearTimeout(timer)
    },
  }
}

function report(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new BaseError('a process was not ready in time', { code: 'child-slow' })),
      readyMs,
    )
    child.once('message', (message: Message) => {
      clearTimeout(timer)
      if (message.problem === undefined) return resolve(message.ready)
      const { title, code, hint, retry } = message.problem
      reject(new BaseError(title, { code, retry, ...(hint === undefined ? {} : { hint }) }))
    })
    child.once('exit', () => clearTimeout(timer))
  })
}

/** Ends a process whose books are no longer to be trusted: what is durable is folded anew at the next start. */
export function die(error: unknown): void {
  Print.failure(error)
  process.exit(1)
}

/**
 * The child's side: opens something, says that it is ready, and closes it when told, when interrupted, or
 * when the parent is gone.
 */
export async function run<T extends { close(): Promise<void> }>(
  open: () => Promise<T>,
  describe: (opened: T) => unknown,
): Promise<void> {
  // Heard from the start: a parent may be gone before this process is ready.
  const stopped = new Promise<void>((resolve) => {
    if (process.send !== undefined && !process.connected) resolve()
    process.once('disconnect', resolve)
    process.once('SIGTERM', resolve)
    // A terminal's Ctrl-C reaches the whole group: a supervised child waits for its parent.
    process.on('SIGINT', () => (process.send === undefined ? resolve() : undefined))
  })
  let opened: T
  try {
    opened = await open()
  } catch (error) {
    if (process.send === undefined) throw error
    if (process.connected)
      await new Promise((resolve) => process.send!({ problem: problem(error) }, resolve))
    process.exit(1)
  }
  if (process.connected) process.send!({ ready: describe(opened) })
  await stopped
  await opened.close()
  process.exit(0)
}
