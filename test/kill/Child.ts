/**
 * @module Child processes that are told one errand, say what they do in lines of JSON, and are killed. The
 * next ones load their modules while the last one works: what is measured is dying, not loading.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

/** What a child said. */
export type Line = { readonly [key: string]: unknown }

/** A running child. */
export type Child = {
  readonly pid: number
  readonly lines: readonly Line[]
  /** The first line with this key, said already or within `withinMs`; undefined when there is none. */
  says(key: string, withinMs: number): Promise<Line | undefined>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** Cuts the line: the child ends by itself, at once. */
  end(): Promise<void>
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>
  readonly isGone: () => boolean
  stderr(): string
}

/** Children of one program, the next one always ready. */
export type Nursery = {
  /** A child that was told its errand. */
  send(errand: unknown): Child
  /** Kills whatever is left. */
  close(): Promise<void>
}

/** Children of a program's file; `ready`: how many wait beside those at work. */
export function nursery(program: string, ready = 1): Nursery {
  const waiting: ReturnType<typeof launch>[] = []
  const sent = new Set<Child>()
  const fill = () => {
    while (waiting.length < ready) waiting.push(launch(program))
  }
  fill()
  return {
    send(errand) {
      const { child, tell } = waiting.shift() ?? launch(program)
      fill()
      tell(errand)
      sent.add(child)
      void child.ended.then(() => sent.delete(child))
      return child
    },
    async close() {
      const left = [...waiting.splice(0).map(({ child }) => child), ...sent]
      await Promise.all(left.map((child) => child.kill()))
    },
  }
}

type Process = ChildProcessByStdio<Writable, Readable, Readable>

function launch(program: string): { readonly child: Child; tell(errand: unknown): void } {
  const process_: Process = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'pipe'] })
  process_.stdin.on('error', () => undefined)
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const each of [...waiting]) each()
  }
  let stderr = ''
  process_.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('utf8')).slice(-8_192)
  })
  let rest = ''
  process_.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString('utf8')).split('\n')
    rest = parts.pop()!
    for (const part of parts) lines.push(JSON.parse(part) as Line)
    wake()
  })
  let gone = false
  const ended = new Promise<number | string>((resolve) => {
    process_.once('close', (code, signal) => {
      gone = true
      resolve(code ?? signal ?? 'unknown')
      wake()
    })
  })
  const child: Child = {
    pid: process_.pid!,
    lines,
    ended,
    isGone: () => gone,
    stderr: () => stderr,
    says: (key, withinMs) =>
      new Promise((resolve) => {
        const look = () => {
          const found = lines.find((line) => key in line)
          if (found === undefined && !gone) return
          settle(found)
        }
        const settle = (found: Line | undefined) => {
          clearTimeout(timer)
          waiting.delete(look)
          resolve(found)
        }
        const timer = setTimeout(settle, withinMs, undefined)
        waiting.add(look)
        look()
      }),
    async kill() {
      process_.kill('SIGKILL')
      await ended
    },
    async end() {
      process_.stdin.end()
      await ended
    },
  }
  return { child, tell: (errand) => process_.stdin.write(`${JSON.stringify(errand)}\n`) }
}
