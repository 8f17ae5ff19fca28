/** Books that are opened again: from what was kept where it fits, from every record where it does not. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Snapshot from '../src/economy/Snapshot.ts'
import type { BaseError } from '../src/kernel/Errors.ts'
import * as Hash from '../src/kernel/Hash.ts'
import * as Hex from '../src/kernel/Hex.ts'
import * as Checkpoint from '../src/provenance/Checkpoint.ts'
import * as Frontier from '../src/provenance/Frontier.ts'
import * as Log from '../src/provenance/Log.ts'
import * as Books from '../src/store/Books.ts'
import * as CodeDigest from '../src/store/CodeDigest.ts'
import * as Journal from '../src/store/Journal.ts'
import * as Keeper from '../src/store/Keeper.ts'
import * as Snapshots from '../src/store/Snapshots.ts'
import * as Tiles from '../src/store/Tiles.ts'
import * as NoteKey from '../src/wallets/NoteKey.ts'
import * as Long from './harness/Long.ts'

const signer = NoteKey.fromSeed(Hash.sha256('seed'), { name: Checkpoint.originOf(Long.seller) })
let folder: string
let file: string
let notes: string[]
let nowMs = 1_700_000_000_000
const open = new Set<Books.Books>()

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'books-'))
  file = path.join(folder, 'journal.db')
  notes = []
})
afterEach(() => {
  for (const books of open) books.close()
  open.clear()
  fs.rmSync(folder, { recursive: true, force: true })
})

function opened(options: Partial<Books.Options> = {}): Books.Books {
  const onNote = (text: string) => void notes.push(text)
  const now = () => nowMs
  const books = Books.open({ file, origin: Long.seller, now, onNote, ...options })
  open.add(books)
  return books
}
function close(books: Books.Books): void {
  books.close()
  open.delete(books)
}
/** A seller's log of so many orders, kept and closed. */
async function sold(orders: number, options: Partial<Books.Options> = {}): Promise<number> {
  const books = opened(options)
  const writer = Long.writer(books)
  if (books.size() === 0) Long.openSeller(writer)
  const first = books.size()
  for (let at = 0; at < orders; at++) {
    Long.sell(writer, first + at)
    if (at % 10 === 9) Long.closeEpoch(writer)
    nowMs += 1_000
  }
  await writer.settle()
  const size = books.size()
  close(books)
  return size
}
function bytes(books: Books.Books): string {
  return Hash.text(
    Snapshot.encode(books.state)
      .map((section) => `${section.name} ${Hash.text(Hex.encode(section.bytes))}`)
      .join('\n'),
  )
}
/** The state of the journal with nothing kept beside it. */
function foldedAnew(): string {
  const copy = fs.mkdtempSync(path.join(folder, 'copy-'))
  fs.copyFileSync(file, path.join(copy, 'journal.db'))
  const books = opened({ file: path.join(copy, 'journal.db') })
  const state = bytes(books)
  close(books)
  return state
}
function failure(work: () => unknown): BaseError {
  try {
    work()
  } catch (error) {
    return error as BaseError
  }
  throw new Error('expected a failure')
}
/** Changes rows past every guard, and puts the guards back. */
function tamper(statement: string): void {
  const database = new Database(file)
  const rows = database.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all()
  const triggers = rows as { name: string; sql: string }[]
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`)
  database.exec(statement)
  for (const { sql } of triggers) database.exec(sql)
  database.close()
}

describe('what was kept', () => {
  test('is taken up, and the log goes on as if it had never been closed', async () => {
    await sold(25)
    await sold(12)
    const size = await sold(3)
    const books = opened()
    expect(notes).toEqual([])
    expect(books.size()).toBe(size)
    expect(bytes(books)).toBe(foldedAnew())
    for (let leaf = 0; leaf < size; leaf += 7) {
      const proof = books.proof(leaf)
      expect(proof.size).toBe(size)
    }
    expect(Log.check(texts())).toMatchObject({ kind: 'verified' })
  })

  test('covers all but what came since: a crash loses nothing', async () => {
    const size = await sold(10)
    const kept = fs.readFileSync(Keeper.snapshotFile(file))
    const more = await sold(15)
    // As a crash before the second close would leave it: the tiles are ahead of the state.
    fs.writeFileSync(Keeper.snapshotFile(file), kept)
    const books = opened()
    expect(notes).toEqual([])
    expect(more).toBeGreaterThan(size)
    expect(books.size()).toBe(more)
    expect(bytes(books)).toBe(foldedAnew())
  })

  test('lets anyone prove what stands in the log, from the folder of hashes alone', async () => {
    const size = await sold(100, { signer })
    const shown = path.join(folder, 'shown')
    fs.cpSync(Keeper.logFolder(file), shown, { recursive: true })
    const note = fs.readFileSync(path.join(shown, 'checkpoint'), 'utf8')
    const verdict = Checkpoint.open(note, { log: signer, verify: NoteKey.verify })
    if (verdict.kind !== 'verified') throw new Error(verdict.because)
    const view = Tiles.open(shown, verdict.checkpoint)
    const books = opened({ signer })
    for (let leaf = 0; leaf < size; leaf += 11)
      expect(view.inclusion(leaf).map(Hex.encode)).toEqual(books.proof(leaf).path)
  })
})

function texts(): string[] {
  const reader = Journal.reader(file)
  const all = [...reader.read()]
  reader.close()
  return all
}

describe('what was kept and does not fit is named, and the journal folded', () => {
  test('whatever byte is changed in it', async () => {
    await sold(6)
    const expected = foldedAnew()
    const sound = fs.readFileSync(Keeper.snapshotFile(file))
    const head = sound.indexOf(10, sound.indexOf(10) + 1)
    const places = Array.from({ length: 60 }, (_, at) =>
      at < 25 ? Math.floor((head * at) / 25) : Math.floor((sound.length * (at - 25)) / 35),
    )
    let named = 0
    for (const at of places) {
      fs.writeFileSync(Keeper.snapshotFile(file), sound.with(at, sound[at]! ^ 32))
      notes = []
      const books = opened()
      expect(bytes(books)).toBe(expected)
      named += notes.length
      for (const note of notes) expect(note).toContain(`${file}.snapshot is not used`)
      close(books)
    }
    // Bytes between sections are nobody's, and remembered answers are made anew without a word.
    expect(named).toBeGreaterThan(30)
    for (const cut of [0, 1, 90, head, Math.floor(sound.length / 2), sound.length - 200]) {
      fs.writeFileSync(Keeper.snapshotFile(file), sound.subarray(0, cut))
      notes = []
      const books = opened()
      expect([cut, bytes(books)]).toEqual([cut, expected])
      expect(notes).toHaveLength(1)
      close(books)
    }
  })

  test('a journal put back from an older copy', async () => {
    await sold(3)
    const older = fs.readFileSync(file)
    await sold(3)
    fs.writeFileSync(file, older)
    const books = opened()
    expect(notes).toEqual([expect.stringMatching(/the journal has 13 records, not 22/)])
    expect(bytes(books)).toBe(foldedAnew())
  })

  test('a journal of the same owner with another history', async () => {
    await sold(3)
    const kept = fs.readFileSync(Keeper.snapshotFile(file))
    fs.rmSync(file)
    fs.rmSync(Keeper.snapshotFile(file))
    nowMs += 12_345
    await sold(4)
    fs.writeFileSync(Keeper.snapshotFile(file), kept)
    const books = opened()
    expect(notes).toEqual([expect.stringMatching(/record 12 of the journal is another/)])
    expect(bytes(books)).toBe(foldedAnew())
  })

  test('a state folded by other code, or of another owner', async () => {
    await sold(3)
    const [code, origin] = [CodeDigest.ofFold()!, Long.seller]
    const kept = Snapshots.read(Keeper.snapshotFile(file), { code, origin })
    if (kept.kind !== 'found') throw new Error(kept.kind)
    const sections = [{ name: 'economy', bytes: kept.section('economy')! }]
    const { frontier, atMs } = kept
    const write = (of: { code: Hex.Hex; origin: Hex.Hex }) =>
      Snapshots.write(Keeper.snapshotFile(file), { ...of, frontier, atMs, sections })
    write({ code: Hash.text('other code'), origin })
    close(opened())
    write({ code, origin: Long.buyer })
    close(opened())
    // Sound by its hashes, but of no state.
    write({ code, origin })
    close(opened())
    expect(notes).toEqual([
      expect.stringMatching(/a snapshot by this version of the code/),
      expect.stringMatching(/expected a snapshot of 0x5e/),
      expect.stringMatching(/expected a section selling/),
    ])
    const last = opened()
    expect(notes).toHaveLength(3)
    expect(bytes(last)).toBe(foldedAnew())
  })

  test('a state that somebody else made up: the key of the log did not seal it', async () => {
    await sold(4, { signer })
    const of = { code: CodeDigest.ofFold()!, origin: Long.seller }
    const kept = Snapshots.read(Keeper.snapshotFile(file), { ...of, signer })
    if (kept.kind !== 'found') throw new Error('expected it')
    const sections = ['economy', 'selling', 'sales', 'quotes', 'payments', 'receipts', 'published']
      .concat('leaves', 'datanet', 'artifacts', 'claims', 'outputs', 'buying', 'purchases')
      .concat('entries', 'words')
      .map((name) => ({ name, bytes: kept.section(name)! }))
    const richer = Buffer.from(
      Buffer.from(sections[1]!.bytes).toString().replace('"of":"1', '"of":"9'),
    )
    expect(richer.equals(Buffer.from(sections[1]!.bytes))).toBe(false)
    const forged = sections.with(1, { name: 'selling', bytes: new Uint8Array(richer) })
    const stranger = NoteKey.fromSeed(Hash.sha256('stranger'), { name: signer.name })
    for (const by of [undefined, stranger]) {
      const { frontier, atMs } = kept
      Snapshots.write(Keeper.snapshotFile(file), {
        ...of,
        signer: by,
        frontier,
        atMs,
        sections: forged,
      })
      const books = opened({ signer })
      expect(notes.at(-1)).toMatch(/expected the seal of this log’s key/)
      expect(bytes(books)).toBe(foldedAnew())
      close(books)
    }
  })

  test('code is told apart by what its files say, tests aside', () => {
    const source = path.join(folder, 'src')
    for (const room of ['kernel', 'policies', 'attribution', 'datanets', 'market', 'royalties'])
      fs.mkdirSync(path.join(source, room), { recursive: true })
    for (const room of ['provenance', 'economy']) fs.mkdirSync(path.join(source, room))
    const one = path.join(source, 'economy', 'Sales.ts')
    fs.writeFileSync(one, 'a')
    const before = CodeDigest.digest(source)
    fs.writeFileSync(path.join(source, 'economy', 'Sales.test.ts'), 'x')
    expect(CodeDigest.digest(source)).toBe(before)
    fs.writeFileSync(one, 'b')
    expect(CodeDigest.digest(source)).not.toBe(before)
    expect(CodeDigest.digest(path.join(folder, 'none'))).toBe(undefined)
    expect(CodeDigest.ofFold()).toMatch(/^0x[0-9a-f]{64}$/)
  })
})

describe('who alters the journal', () => {
  test('before what was kept is found when the record is looked at, and by a check of all', async () => {
    await sold(5)
    tamper(`UPDATE records SET record = replace(record, '"in":60', '"in":61') WHERE seq = 5`)
    const books = opened()
    const [sale] = [...books.state.sales.sales.values()]
    expect(failure(() => sale!.receipt)).toMatchObject({
      code: 'journal-malformed',
      facts: { leaf: 5 },
    })
    close(books)
    expect(Log.check(texts())).toMatchObject({ kind: 'failed', leaf: 6 })
  })

  test('and writes it anew is stopped by the checkpoint its own key signed', async () => {
    const size = await sold(5, { signer })
    fs.rmSync(file)
    fs.rmSync(Keeper.snapshotFile(file))
    nowMs += 77
    await sold(9)
    expect(failure(() => opened({ signer }))).toMatchObject({
      code: 'journal-rewritten',
      message: expect.stringMatching(new RegExp(`first ${size} records of the journal`)),
    })
    fs.rmSync(file)
    fs.rmSync(Keeper.snapshotFile(file))
    await sold(1)
    expect(failure(() => opened({ signer }))).toMatchObject({
      code: 'journal-rewritten',
      message: expect.stringMatching(/ends after 7 records, and \d+ were signed for/),
    })
    // The journal is free: nothing holds its lock.
    expect(opened().size()).toBe(7)
  })

  test('a damaged checkpoint is named, and written anew with the next records', async () => {
    await sold(2, { signer })
    const checkpoint = path.join(Keeper.logFolder(file), 'checkpoint')
    const sound = fs.readFileSync(checkpoint, 'utf8')
    for (const bad of [
      '',
      'x',
      sound.replace(/\n\d+\n/, '\n99\n'),
      sound.replace('requite', 'other'),
    ]) {
      notes = []
      fs.writeFileSync(checkpoint, bad)
      close(opened({ signer }))
      expect(notes).toEqual([expect.stringContaining('checkpoint is not used')])
    }
    await sold(1, { signer })
    notes = []
    close(opened({ signer }))
    expect(notes).toEqual([])
  })
})

describe('a world that misbehaves', () => {
  test('a full disk: what was recorded stays, what was not is told, and it goes on later', async () => {
    const size = await sold(4)
    let isFull = false
    const commit = (run: () => void) => {
      if (isFull)
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
      run()
    }
    const poisoned: unknown[] = []
    const books = opened({ commit, onPoisoned: (error) => poisoned.push(error) })
    isFull = true
    const event = {
      type: 'quoted',
      quote: Long.quote(books.state.sales, { at: 9, nowMs }),
      signature,
    }
    await expect(books.record([{ event } as Books.Entry])).rejects.toMatchObject({
      code: 'journal-poisoned',
      message: expect.stringContaining('no space left on device'),
      retry: 'unknown',
    })
    expect(poisoned).toHaveLength(1)
    await expect(books.record([{ event } as Books.Entry])).rejects.toMatchObject({
      code: 'journal-poisoned',
    })
    close(books)
    const again = opened()
    expect(again.size()).toBe(size)
    expect(notes).toEqual([])
    expect(bytes(again)).toBe(foldedAnew())
    await again.record([{ event } as Books.Entry])
    expect(again.size()).toBe(size + 1)
  })

  test('no room for what would be kept: told, and the books close all the same', async () => {
    await sold(2)
    const before = fs.readFileSync(Keeper.snapshotFile(file))
    fs.rmSync(Keeper.logFolder(file), { recursive: true })
    fs.writeFileSync(Keeper.logFolder(file), 'in the way')
    const size = await sold(2)
    expect(notes).toEqual([
      expect.stringMatching(/was not kept: cannot write .*check|was not kept/),
    ])
    expect(fs.readFileSync(Keeper.snapshotFile(file)).equals(before)).toBe(true)
    fs.rmSync(Keeper.logFolder(file))
    notes = []
    const books = opened()
    expect(notes).toEqual([])
    expect(books.size()).toBe(size)
    expect(bytes(books)).toBe(foldedAnew())
    // Tiles that are gone are made anew from the journal as they are asked for.
    expect(books.proof(3).path.length).toBeGreaterThan(2)
  })

  test('a clock that goes back: time in the log does not', async () => {
    const before = nowMs
    await sold(3)
    const last = texts().length - 1
    nowMs = before - 86_400_000
    const books = opened()
    expect(notes).toEqual([])
    expect(books.now()).toBe(JSON.parse(texts()[last]!).atMs)
    const writer = Long.writer(books)
    Long.sell(writer, 500)
    await writer.settle()
    const times = texts().map((text) => JSON.parse(text).atMs as number)
    expect(times).toEqual([...times].sort((left, right) => left - right))
    nowMs = before + 60_000
  })

  test('the journal of another node: refused by name, though what was kept is of this one', async () => {
    await sold(3)
    const other = path.join(folder, 'other')
    fs.mkdirSync(other)
    const theirs = opened({ file: path.join(other, 'journal.db'), origin: Long.buyer })
    const writer = Long.writer(theirs)
    Long.openBuyer(writer)
    for (let at = 0; at < 20; at++) Long.buy(writer, at)
    await writer.settle()
    close(theirs)
    const mine = fs.readFileSync(file)
    fs.copyFileSync(path.join(other, 'journal.db'), file)
    expect(failure(() => opened())).toMatchObject({
      code: 'journal-of-another-origin',
      facts: { origin: Long.seller, found: Long.buyer },
    })
    for (const ending of ['', '-wal', '-shm']) fs.rmSync(`${file}${ending}`, { force: true })
    fs.writeFileSync(file, mine)
    notes = []
    const books = opened()
    expect(notes).toEqual([])
    expect(bytes(books)).toBe(foldedAnew())
  })

  test('a folder that may not be written: said at once, with its path', () => {
    const closed = path.join(folder, 'closed')
    fs.mkdirSync(closed, { mode: 0o555 })
    const asNobody = <T>(work: () => T): T => {
      if (process.getuid!() !== 0) return work()
      fs.chmodSync(folder, 0o755)
      process.seteuid!(65_534)
      try {
        return work()
      } finally {
        process.seteuid!(0)
      }
    }
    const error = asNobody(() => failure(() => opened({ file: path.join(closed, 'journal.db') })))
    expect(error).toMatchObject({ code: 'lock-unusable', facts: { file: expect.any(String) } })
    expect(error.message).toContain(closed)
    expect(error.hint).toMatch(/check its folder/)
    expect(fs.readdirSync(closed)).toEqual([])
  })
})

const signature = `0x${'11'.repeat(65)}` as const

test('a frontier in a kept state leads to its root', () => {
  expect(Hex.encode(Frontier.root(Frontier.empty))).toBe(Hash.text(''))
})
