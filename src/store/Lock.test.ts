import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BaseError } from '../kernel/Errors.ts'
import * as Lock from './Lock.ts'

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'lock-'))
})
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true })
})

const now = () => 1_700_000_000_000
const file = () => path.join(folder, 'x.lock')

test('one holds, the next is told who, and takes it once it is free: any number of times', () => {
  for (let round = 0; round < 5; round++) {
    const first = Lock.take(file(), { now })
    const second = Lock.take(file(), { now })
    expect(second).toEqual({
      kind: 'held',
      by: { pid: process.pid, host: os.hostname(), sinceMs: now() },
    })
    expect(Lock.take(file(), { now }).kind).toBe('held')
    if (first.kind !== 'taken') throw new Error('expected the lock to be free')
    first.release()
  }
})

test('the same moment and process is not the same holder', () => {
  const first = Lock.take(file(), { now })
  expect(first.kind).toBe('taken')
  expect(Lock.take(file(), { now }).kind).toBe('held')
  if (first.kind === 'taken') first.release()
})

test('a file that is no lock, and a folder that is not there, are named', () => {
  fs.writeFileSync(file(), 'not a lock '.repeat(100))
  for (const bad of [file(), path.join(folder, 'none', 'x.lock')]) {
    let error: BaseError | undefined
    try {
      Lock.take(bad, { now })
    } catch (thrown) {
      error = thrown as BaseError
    }
    expect(error).toMatchObject({ code: 'lock-unusable', facts: { file: bad } })
    expect(error?.message).toContain(bad)
  }
})

test('a holder killed without warning frees it at once', async () => {
  const program = `
    import * as Lock from ${JSON.stringify(new URL('./Lock.ts', import.meta.url).href)}
    const lock = Lock.take(process.argv[1], { now: Date.now })
    console.log(lock.kind)
    setInterval(() => lock, 1000)`
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--import=tsx', '--input-type=module', '--eval', program, file()],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    const [line] = await once(child.stdout, 'data')
    expect(String(line).trim()).toBe('taken')
    expect(Lock.take(file(), { now })).toMatchObject({ kind: 'held', by: { pid: child.pid } })
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const lock = Lock.take(file(), { now })
  expect(lock.kind).toBe('taken')
  if (lock.kind === 'taken') lock.release()
})
