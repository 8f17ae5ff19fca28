/** @module Those who race, in threads or processes of their own: told their share, killed, replaced. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import * as Bundle from '../harness/Bundle.ts'
import type * as Terms from './Terms.ts'

/** One who races; `race` resolves to `undefined` when it was killed meanwhile. */
export type Member = {
  readonly pid: number | undefined
  race(errand: Terms.Errand): Promise<Terms.Told | undefined>
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
  close(): Promise<void>
}

/** Makes racers of a kind. */
export type Recruit = () => Member

/** Compiles the racer's program into `folder`. */
export async function prepare(folder: string): Promise<Record<'threads' | 'processes', Recruit>> {
  await Bundle.make([new URL('./Racer.ts', import.meta.url)], folder)
  const program = join(folder, 'Racer.mjs')
  return { threads: () => thread(program), processes: () => process_(program) }
}

type Message = { readonly told?: Terms.Told; readonly failed?: string }

function thread(program: string): Member {
  const worker = new Worker(program, { argv: ['--racer'] })
  return {
    pid: undefined,
    async race(errand) {
      const said = once(worker, 'message')
      worker.postMessage(errand)
      return told((await said)[0] as Message)
    },
    signal: () => undefined,
    async close() {
      await worker.terminate()
    },
  }
}

function process_(program: string): Member {
  const child: ChildProcess = fork(program, ['--racer'], { execArgv: [], serialization: 'json' })
  const gone = once(child, 'exit')
  // A message to one that was just killed has nobody to fail before.
  child.on('error', () => undefined)
  return {
    pid: child.pid,
    race(errand) {
      const said = new Promise<Message | undefined>((resolve) => {
        const settle = (message?: Message) => {
          child.off('message', hear).off('exit', leave)
          resolve(message)
        }
        const hear = (message: unknown) => settle(message as Message)
        const leave = () => settle()
        child.on('message', hear).on('exit', leave)
      })
      if (child.connected) child.send(errand)
      return said.then((message) => message && told(message))
    },
    signal: (name) => void child.kill(name),
    async close() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

function told({ told, failed }: Message): Terms.Told {
  if (told === undefined) throw new Error(`a racer failed: ${failed}`)
  return told
}
