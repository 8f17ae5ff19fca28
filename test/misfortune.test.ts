/**
 * What a machine can do to a journal, and what people can mix up: a disk that is full, folders that may
 * not be written, clocks that go back, files of two nodes in one folder, a chain that is another. Each is
 * told in words that name what was expected, and nothing that was acknowledged is lost.
 */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Verification from '../src/cli/Verification.ts'
import type { BaseError } from '../src/kernel/Errors.ts'
import * as Log from '../src/provenance/Log.ts'
import * as Record from '../src/provenance/Record.ts'
import * as Files from '../src/store/Files.ts'
import * as Journal from '../src/store/Journal.ts'
import * as Closed from './harness/Closed.ts'
import * as Pair from './harness/Pair.ts'
import * as Story from './harness/Story.ts'

const mine = `0x${'11'.repeat(20)}`
const theirs = `0x${'22'.repeat(20)}`

let folder: string
let file: string
const open: Journal.Journal[] = []
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'misfortune-'))
  file = path.join(folder, 'journal.db')
})
afterEach(() => {
  for (const journal of open.splice(0)) journal.close()
  fs.rmSync(folder, { recursive: true, force: true })
})

function opened(origin = mine, at = file): Journal.Journal {
  const journal = Journal.open({ file: at, origin, now: () => 1_000 })
  open.push(journal)
  return journal
}
const draft = (id: string) => ({ id, causes: [], event: { type: 'noted', text: 'x'.repeat(500) } })
const drafts = (name: string, count: number) =>
  Array.from({ length: count }, (_, at) => draft(`${name}${at}`))
const ids = (journal: Pick<Journal.Journal, 'read'>) =>
  [...journal.read()].map((text) => Record.decode(text).id)
function failure(work: () => unknown): BaseError {
  try {
    work()
  } catch (error) {
    return error as BaseError
  }
  throw new Error('expected an error')
}
/** Root may write anywhere: it does this as nobody. */
async function asNobody<T>(work: () => T): Promise<Awaited<T>> {
  if (process.getuid?.() !== 0) return await work()
  process.seteuid!(65_534)
  try {
    return await work()
  } finally {
    process.seteuid!(0)
  }
}

describe('a disk that is full', () => {
  /** Appends until it is refused, in a process that may write files of so many blocks of 512 bytes. */
  function append(blocks: number) {
    const program = `
      import * as Journal from ${JSON.stringify(new URL('../src/store/Journal.ts', import.meta.url).href)}
      const [file, origin] = process.argv.slice(1)
      const told = (error) => ({ code: error.code, message: error.message, hint: error.hint, retry: error.retry })
      const said = { acknowledged: [] }
      const event = { type: 'noted', text: 'x'.repeat(2000) }
      try {
        const journal = Journal.open({ file, origin, now: Date.now })
        said.opened = journal.size()
        try {
          for (let at = 0; at < 5000; at++) {
            const [{ record }] = await journal.append([{ id: process.pid + '-' + at, causes: [], event }])
            said.acknowledged.push(record.id)
          }
        } catch (error) {
          said.failed = told(error)
          said.then = await journal.append([{ id: 'then', causes: [], event }]).catch(told)
        }
        journal.close()
      } catch (error) {
        said.failed = told(error)
      }
      process.stdout.write(JSON.stringify(said))`
    const node = ['--conditions=source', '--import=tsx', '--input-type=module', '--eval', program]
    const limited = ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, ...node]
    const { stdout, stderr } = spawnSync('sh', [...limited, file, mine], { encoding: 'utf8' })
    if (stdout === '') throw new Error(`expected an answer, got ${stderr}`)
    return JSON.parse(stdout) as {
      readonly opened?: number
      readonly acknowledged: readonly string[]
      readonly failed?: { code: string; message: string; hint: string; retry: string }
      readonly then?: { code: string; retry: string }
    }
  }

  test('ends the writing with a word about room, and every acknowledged record is there', async () => {
    const acknowledged: string[] = []
    for (const blocks of [600, 2_000, 1_200]) {
      const { failed, then, ...said } = append(blocks)
      expect(failed).toMatchObject({ code: 'journal-poisoned', retry: 'unknown' })
      expect(failed!.message).toContain(`the journal ${file} failed to reach the disk`)
      expect(failed!.hint).toMatch(/see that the disk has room/)
      expect(then).toMatchObject({ code: 'journal-poisoned', retry: 'safe' })
      expect(said.opened).toBeGreaterThanOrEqual(acknowledged.length)
      expect(said.acknowledged.length).toBeGreaterThan(5)
      acknowledged.push(...said.acknowledged)
    }
    const journal = opened()
    // What was refused may be there all the same, never instead.
    expect(ids(journal)).toEqual(expect.arrayContaining(acknowledged))
    expect(journal.size()).toBeLessThanOrEqual(acknowledged.length + 3)
    await journal.append([draft('room again')])
    expect(Log.check(journal.read())).toMatchObject({ kind: 'verified' })
  }, 30_000)

  test('lets no journal be opened that could not be written, and changes none', async () => {
    await opened().append(drafts('a', 20))
    open.pop()!.close()
    for (const blocks of [1, 20]) {
      const { failed, acknowledged } = append(blocks)
      expect(acknowledged).toEqual([])
      expect(failed!.code).toMatch(/^(lock-unusable|journal-unusable|journal-poisoned)$/)
      expect(failed!.message).toContain(file)
    }
    expect(ids(opened())).toEqual(drafts('a', 20).map(({ id }) => id))
  }, 30_000)
})

describe('a folder that may not be written', () => {
  test('takes no file, says which and what to check, and leaves nothing behind', async () => {
    fs.chmodSync(folder, 0o555)
    const target = path.join(folder, 'note.txt')
    const error = await asNobody(() => failure(() => Files.writeAtomic(target, 'text')))
    expect(error).toMatchObject({ code: 'file-unwritable', retry: 'safe', facts: { file: target } })
    expect(error.hint).toMatch(/who may write into its folder, and that the disk has room/)
    expect(fs.readdirSync(folder)).toEqual([])
    fs.chmodSync(folder, 0o755)
  })

  test('is verified all the same, and nothing is remembered of it', async () => {
    const pair = await Story.tell({ short: true })
    const root = path.join(folder, 'home')
    await Closed.write(root, pair)
    readableByAll(folder)
    const key = path.join(folder, 'verify.key')
    const result = await asNobody(() =>
      Verification.resume(root, Closed.agent, { key, now: () => 0 }),
    )
    expect(result).toMatchObject({ failures: [], manifest: 'verified' })
    expect(result.judged).toBe(pair.seller.texts.length + pair.buyer.texts.length)
    expect(result.notes).toEqual([expect.stringMatching(/^what was verified is not remembered: /)])
    expect(fs.readdirSync(root).sort()).toEqual(['agents', 'manifest.json', 'node'])
    for (const each of [folder, root]) fs.chmodSync(each, 0o755)
  })

  function readableByAll(at: string): void {
    const isFolder = fs.statSync(at).isDirectory()
    if (isFolder) for (const name of fs.readdirSync(at)) readableByAll(path.join(at, name))
    fs.chmodSync(at, isFolder ? 0o555 : 0o444)
  }
})

describe('a clock that went back', () => {
  test('while the journal was written is told by verification, with the record and by how much', async () => {
    const pair = Pair.open()
    Pair.pass(pair, -60_000)
    Pair.register(pair, [{ path: 'a.md', owner: 'npm:a', text: 'A text of its own.' }])
    const root = path.join(folder, 'home')
    await Closed.write(root, pair)
    const { failures } = Verification.run(root, Closed.agent)
    expect(failures).toContainEqual({
      file: 'node/journal.db',
      check: 'clock',
      because: 'leaf 2 (committed): 59000 ms before its time',
    })
  })

  test('loses no record: all are there, in order, and the chain of hashes holds', async () => {
    let nowMs = 0
    const journal = Journal.open({ file, origin: mine, now: () => nowMs })
    open.push(journal)
    const times = { a: 5_000, b: 1_000, c: 9_000, d: 2_000 }
    for (const [id, atMs] of Object.entries(times)) {
      nowMs = atMs
      await journal.append([draft(id)])
    }
    expect(ids(journal)).toEqual(['a', 'b', 'c', 'd'])
    expect(Log.check(journal.read())).toMatchObject({ kind: 'verified' })
  })
})

describe('journals of two nodes in one folder', () => {
  test('the write-ahead log of another beside mine: named, and mine is as it was', async () => {
    await opened().append(drafts('a', 100))
    open.pop()!.close()
    const before = fs.readFileSync(file)
    const other = path.join(folder, 'other.db')
    const running = opened(theirs, other)
    for (let at = 0; at < 20; at++) await running.append([draft(`b${at}`)])
    fs.copyFileSync(`${other}-wal`, `${file}-wal`)
    const program = `
      import * as Journal from ${JSON.stringify(new URL('../src/store/Journal.ts', import.meta.url).href)}
      const [file, origin] = process.argv.slice(1)
      try {
        Journal.open({ file, origin, now: Date.now })
      } catch (error) {
        process.stdout.write(JSON.stringify({ code: error.code, message: error.message, hint: error.hint }))
      }
      // What is left open is closed once it is collected: that must not write either.
      for (let turn = 0; turn < 3; turn++) {
        globalThis.gc()
        await new Promise((resolve) => setTimeout(resolve, 20))
      }`
    const node = ['--expose-gc', '--conditions=source', '--import=tsx', '--input-type=module']
    const { stdout } = spawnSync(process.execPath, [...node, '--eval', program, file, mine], {
      encoding: 'utf8',
    })
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'journal-of-another-origin',
      message: `expected ${fs.realpathSync(file)} to be the journal of ${mine}, got ${theirs}’s`,
      hint: expect.stringContaining('-wal came from another folder, take it away'),
    })
    expect(fs.readFileSync(file).equals(before)).toBe(true)
    for (const ending of ['-wal', '-shm']) fs.rmSync(file + ending, { force: true })
    expect(ids(opened())).toEqual(drafts('a', 100).map(({ id }) => id))
  })

  test.each([
    ['linked as if it were mine', true, 'journal-of-another-origin', /journal of 0x1{40}, got 0x2/],
    ['as it stood in theirs', false, 'journal-malformed', /damaged at leaf 3: expected a link to/],
  ])(
    'a record of another among mine, %s: named, and the rest can be read',
    async (_, linked, code, message) => {
      const appended = await opened().append(drafts('a', 3))
      open.pop()!.close()
      const other = path.join(folder, 'other.db')
      const [, , , stranger] = await opened(theirs, other).append(drafts('b', 4))
      const { text } = appended.at(-1)!
      const previous = linked ? Log.previous(logOf(appended)) : stranger!.record.previous
      const record = Record.encode({ ...stranger!.record, previous })
      const database = new Database(file)
      database.prepare('INSERT INTO records VALUES (3, ?, ?)').run(stranger!.record.id, record)
      database.close()
      const error = failure(() => opened())
      expect(error.code).toBe(code)
      expect(error.message).toMatch(message)
      const reader = Journal.reader(file)
      expect([...reader.read()].slice(0, 3).at(-1)).toBe(text)
      reader.close()
    },
  )

  function logOf(appended: readonly Journal.Appended[]): Log.Log {
    const log = Log.create()
    for (const { text } of appended) log.append(Record.hash(text))
    return log
  }

  test('the whole journal of another in a home that was verified before: told whose was expected', async () => {
    const pair = await Story.tell({ short: true })
    const root = path.join(folder, 'home')
    const options = { key: path.join(folder, 'verify.key'), now: () => 0 }
    const home = await Closed.write(root, pair)
    expect((await Verification.resume(root, Closed.agent, options)).failures).toEqual([])
    await opened(theirs, path.join(folder, 'other.db')).append(drafts('b', 3))
    open.pop()!.close()
    fs.copyFileSync(path.join(folder, 'other.db'), path.join(home.node, 'journal.db'))
    const { failures } = await Verification.resume(root, Closed.agent, options)
    expect(failures).toContainEqual({
      file: 'node/journal.db',
      check: 'verified before',
      because: `expected the log of ${pair.seller.wallet.address} that was verified before, got ${theirs}’s`,
    })
    expect(failures).toContainEqual(
      expect.objectContaining({ file: 'node/journal.db', check: 'manifest' }),
    )
  })
})
