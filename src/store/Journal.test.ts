import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import * as readline from 'node:readline'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BaseError } from '../kernel/Errors.ts'
import * as Log from '../provenance/Log.ts'
import * as Proof from '../provenance/Proof.ts'
import * as Record from '../provenance/Record.ts'
import * as Journal from './Journal.ts'

type Noted = { readonly type: 'noted'; readonly text: string; readonly atoms?: string }

const origin = `0x${'11'.repeat(20)}`
const now = () => 1_700_000_000_000
let folder: string
let file: string
let open: Journal.Journal[] = []

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-'))
  file = path.join(folder, 'journal.db')
})
afterEach(() => {
  for (const journal of open) journal.close()
  open = []
  fs.rmSync(folder, { recursive: true, force: true })
})

function opened(options: Partial<Journal.Options> = {}): Journal.Journal<Noted> {
  const journal = Journal.open<Noted>({ file, origin, now, ...options })
  open.push(journal as Journal.Journal)
  return journal
}
function draft(id: string, text = id): Journal.Draft<Noted> {
  return { id, causes: [], event: { type: 'noted', text } }
}
function failure(work: () => unknown): BaseError {
  try {
    work()
  } catch (error) {
    return error as BaseError
  }
  throw new Error('expected a failure')
}
/** What the file says, past every guard of ours. */
function tamper(...statements: string[]): void {
  const database = new Database(file)
  for (const statement of statements) database.exec(statement)
  database.close()
}
const leaves = (appended: readonly Journal.Appended[]) => appended.map(({ record }) => record.leaf)

describe('appending', () => {
  test('records are numbered, linked, and read back as they were acknowledged', async () => {
    const journal = opened()
    const cause = { origin: `0x${'22'.repeat(20)}`, leaf: 7 }
    const first = await journal.append([draft('a'), { ...draft('b'), causes: [cause], atMs: 5 }])
    const second = await journal.append([{ ...draft('c'), causes: [{ origin, leaf: 1 }] }])
    expect(leaves([...first, ...second])).toEqual([0, 1, 2])
    expect(first[1]).toMatchObject({
      exists: false,
      record: { v: 1, origin, atMs: 5, id: 'b', causes: [cause], event: { text: 'b' } },
    })
    expect(first[0]!.record.atMs).toBe(now())
    const texts = [...journal.read()]
    expect(texts).toEqual([...first, ...second].map(({ text }) => text))
    expect(texts.map((text) => Record.decode(text))).toEqual(
      [...first, ...second].map(({ record }) => record),
    )
    expect([...journal.read(2)]).toEqual(texts.slice(2))
    expect([...journal.read(3)]).toEqual([])
    expect(Log.check(texts)).toMatchObject({ kind: 'verified', origin })
    expect(journal.size()).toBe(3)
  })

  test('every record has a proof under the root of all', async () => {
    const journal = opened()
    await journal.append(['a', 'b', 'c', 'd', 'e'].map((id) => draft(id)))
    const check = Log.check(journal.read())
    if (check.kind !== 'verified') throw new Error(check.because)
    for (const [leaf, text] of [...journal.read()].entries()) {
      const proof = journal.proof(leaf)
      expect(Proof.verify(proof, text)).toEqual({ kind: 'verified' })
      expect(Buffer.from(proof.root.slice(2), 'hex')).toEqual(Buffer.from(check.log.root()))
    }
    for (const leaf of [-1, 5, 0.5])
      expect(failure(() => journal.proof(leaf)).code).toBe('leaf-unknown')
    expect(failure(() => journal.read(-1)).code).toBe('leaf-unknown')
  })

  test('callers at the same time share one transaction, in the order they came', async () => {
    const flushes: Journal.Flush[] = []
    const journal = opened({ onFlush: (flush) => flushes.push(flush) })
    const ids = Array.from({ length: 500 }, (_, index) => `id-${index}`)
    const results = await Promise.all(ids.map((id) => journal.append([draft(id)])))
    expect(results.flatMap(leaves)).toEqual(ids.map((_, index) => index))
    expect(flushes).toEqual([{ callers: 500, records: 500 }])
    await journal.append([draft('later')])
    expect(flushes).toEqual([
      { callers: 500, records: 500 },
      { callers: 1, records: 1 },
    ])
  })

  test('callers that come to it later in the same turn join too', async () => {
    const flushes: Journal.Flush[] = []
    const journal = opened({ onFlush: (flush) => flushes.push(flush) })
    const late = async (steps: number) => {
      for (let step = 0; step < steps; step++) await undefined
      await journal.append([draft(`after ${steps}`)])
    }
    await Promise.all([0, 1, 10, 100].map(late))
    expect(flushes).toEqual([{ callers: 4, records: 4 }])
  })

  test('a caller that chains its records does so beside others that chain theirs', async () => {
    const flushes: Journal.Flush[] = []
    const journal = opened({ onFlush: (flush) => flushes.push(flush) })
    const chain = async (name: string) => {
      let causes: Record.Cause[] = []
      for (let step = 0; step < 20; step++) {
        const [appended] = await journal.append([{ ...draft(`${name}-${step}`), causes }])
        causes = [{ origin, leaf: appended!.record.leaf }]
      }
    }
    await Promise.all(Array.from({ length: 30 }, (_, index) => chain(`chain-${index}`)))
    expect(journal.size()).toBe(600)
    expect(flushes).toHaveLength(20)
    expect(Log.check(journal.read())).toMatchObject({ kind: 'verified' })
  })

  test('more than a transaction takes becomes several, and no batch is divided', async () => {
    const flushes: Journal.Flush[] = []
    const journal = opened({ onFlush: (flush) => flushes.push(flush) })
    const batch = (name: string, size: number) =>
      journal.append(Array.from({ length: size }, (_, index) => draft(`${name}-${index}`)))
    await Promise.all([batch('a', 3_000), batch('b', 2_000), batch('c', 2_000), batch('d', 5_000)])
    expect(flushes.map(({ records }) => records)).toEqual([3_000, 4_000, 5_000])
  })

  test('a draft is taken as it was, whatever its owner does to it before the flush', async () => {
    const journal = opened()
    const event = { type: 'noted' as const, text: 'before' }
    const pending = journal.append([{ id: 'a', causes: [], event }])
    event.text = 'after'
    expect((await pending)[0]!.record.event.text).toBe('before')
  })

  test('nothing is recorded by an empty batch', async () => {
    const flushes: Journal.Flush[] = []
    expect(await opened({ onFlush: (flush) => flushes.push(flush) }).append([])).toEqual([])
    expect(flushes).toEqual([])
  })
})

describe('idempotency', () => {
  test('the same again gives the earlier record: later, at once, in one batch', async () => {
    const journal = opened()
    const [first] = await journal.append([draft('a')])
    const [again] = await journal.append([{ ...draft('a'), atMs: 99 }])
    expect(again).toEqual({ ...first, exists: true })
    const at = await Promise.all([
      journal.append([draft('b'), draft('b')]),
      journal.append([draft('b'), draft('a'), draft('c')]),
    ])
    expect(at.map(leaves)).toEqual([
      [1, 1],
      [1, 0, 2],
    ])
    expect(at.map((batch) => batch.map(({ exists }) => exists))).toEqual([
      [false, true],
      [true, true, false],
    ])
    expect(journal.size()).toBe(3)
  })

  test('the order of members is not another event', async () => {
    const journal = opened()
    await journal.append([draft('a')])
    const event = { text: 'a', type: 'noted' as const }
    expect((await journal.append([{ id: 'a', causes: [], event }]))[0]!.exists).toBe(true)
  })

  test('the same again after opening anew gives the earlier record', async () => {
    const [first] = await opened().append([draft('a')])
    open.pop()!.close()
    expect((await opened().append([draft('a')]))[0]).toEqual({ ...first, exists: true })
  })

  test('other contents under an id are refused with their whole batch, and only that', async () => {
    const flushes: Journal.Flush[] = []
    const journal = opened({ onFlush: (flush) => flushes.push(flush) })
    await journal.append([draft('a')])
    const results = await Promise.allSettled([
      journal.append([draft('b')]),
      journal.append([draft('c'), draft('d'), draft('a', 'other')]),
      journal.append([{ ...draft('a'), causes: [{ origin, leaf: 0 }] }]),
      journal.append([draft('e'), draft('e', 'other')]),
      journal.append([draft('c', 'free again'), draft('f')]),
    ])
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect((results[1] as PromiseRejectedResult).reason).toMatchObject({
      code: 'exists-with-different-record',
      retry: 'never',
      facts: { id: 'a', leaf: 0 },
    })
    const ids = [...journal.read()].map((text) => Record.decode(text).id)
    expect(ids).toEqual(['a', 'b', 'c', 'f'])
    expect(Log.check(journal.read())).toMatchObject({ kind: 'verified' })
    expect(flushes.at(-1)).toEqual({ callers: 2, records: 3 })
  })
})

describe('bad drafts are refused, and hurt nobody else', () => {
  const bad: [string, unknown, RegExp][] = [
    ['a bigint', { ...draft('x'), event: { type: 'noted', atoms: 5n } }, /plain JSON value/],
    ['not a number', { ...draft('x'), event: { type: 'noted', n: Number.NaN } }, /finite number/],
    ['a date', { ...draft('x'), event: { type: 'noted', at: new Date(0) } }, /plain JSON value/],
    ['no type', { ...draft('x'), event: {} }, /event.type as a name, got nothing/],
    ['no causes', { ...draft('x'), causes: undefined }, /causes as a list/],
    ['a cause to come', { ...draft('x'), causes: [{ origin, leaf: 9 }] }, /comes before leaf/],
    ['no id', { ...draft('x'), id: undefined }, /id of a draft/],
    ['a NUL in an id', draft('x\u0000y'), /id of a draft/],
    ['a long id', draft('x'.repeat(257)), /id of a draft/],
    ['half a millisecond', { ...draft('x'), atMs: 0.5 }, /milliseconds since 1970/],
    ['too much', draft('x', 'x'.repeat(2 ** 24)), /at most 16777216 characters/],
  ]
  test.each(bad)('%s', async (_, given, message) => {
    const journal = opened()
    const [refused, other] = await Promise.allSettled([
      journal.append([draft('before'), given as Journal.Draft<Noted>]),
      journal.append([draft('other')]),
    ])
    expect(refused).toMatchObject({ status: 'rejected', reason: { name: 'InputError' } })
    expect((refused as PromiseRejectedResult).reason.message).toMatch(message)
    expect(other.status).toBe('fulfilled')
    expect([...journal.read()].map((text) => Record.decode(text).id)).toEqual(['other'])
  })

  test('amounts beyond 2⁵³ come back atom for atom', async () => {
    const journal = opened()
    const atoms = (2n ** 200n + 1n).toString()
    await journal.append([{ id: 'a', causes: [], event: { type: 'noted', text: '', atoms } }])
    journal.close()
    const [text] = [...opened().read()]
    expect(BigInt(Record.decode<Noted>(text!).event.atoms!)).toBe(2n ** 200n + 1n)
  })
})

describe('closing', () => {
  test('what waits is written, one self-contained file is left, nothing goes on', async () => {
    const journal = opened()
    await journal.append([draft('a')])
    const pending = journal.append([draft('b')])
    const iterator = journal.read()[Symbol.iterator]()
    journal.close()
    journal.close()
    expect(leaves(await pending)).toEqual([1])
    expect(fs.readdirSync(folder).sort()).toEqual(['journal.db', 'journal.db.lock'])
    const copy = path.join(folder, 'copy.db')
    fs.copyFileSync(file, copy)
    const reader = Journal.reader(copy)
    expect(reader.size()).toBe(2)
    reader.close()
    for (const use of [() => journal.read(), () => journal.size(), () => journal.proof(0)])
      expect(failure(use).code).toBe('journal-closed')
    expect(failure(() => iterator.next()).code).toBe('journal-closed')
    await expect(journal.append([draft('c')])).rejects.toMatchObject({ code: 'journal-closed' })
    for (const use of [() => reader.read(), () => reader.size()])
      expect(failure(use).code).toBe('journal-closed')
  })

  test('opening and closing without a word changes no record', async () => {
    await opened().append([draft('a')])
    open.pop()!.close()
    const records = () => {
      const reader = Journal.reader(file)
      const texts = [...reader.read()]
      reader.close()
      return texts
    }
    const before = records()
    opened().close()
    expect(records()).toEqual(before)
  })
})

describe('one writer', () => {
  test('a second is told at once by whom the journal is in use, under any name of it', () => {
    opened()
    const links = [path.join(folder, 'folder'), path.join(folder, 'other.db')] as const
    fs.symlinkSync(folder, links[0])
    fs.symlinkSync(file, links[1])
    for (const name of [file, path.join(links[0], 'journal.db'), links[1]]) {
      const startMs = performance.now()
      const error = failure(() => Journal.open({ file: name, origin, now }))
      expect(error).toMatchObject({
        code: 'journal-in-use',
        retry: 'safe',
        facts: { pid: process.pid, host: os.hostname(), sinceMs: now() },
      })
      expect(error.message).toContain(`in use by process ${process.pid}`)
      expect(error.hint).toMatch(/stop it/)
      expect(performance.now() - startMs).toBeLessThan(1_000)
    }
  })

  test('a failed opening leaves the journal free', async () => {
    await opened().append([draft('a')])
    open.pop()!.close()
    for (let attempt = 0; attempt < 3; attempt++)
      expect(failure(() => opened({ origin: `0x${'33'.repeat(20)}` })).code).toBe(
        'journal-of-another-origin',
      )
    expect(opened().size()).toBe(1)
  })
})

describe('reading beside the writer', () => {
  test('a reader sees a record once it is acknowledged, never part of a batch', async () => {
    const journal = opened()
    await journal.append([draft('a')])
    const reader = Journal.reader(file)
    try {
      expect(reader.size()).toBe(1)
      const seen = reader.read()
      await journal.append(Array.from({ length: 700 }, (_, index) => draft(`b-${index}`)))
      expect([...seen]).toHaveLength(1)
      expect(reader.size()).toBe(701)
      expect([...reader.read()]).toEqual([...journal.read()])
      expect([...reader.read(699)]).toEqual([...journal.read(699)])
    } finally {
      reader.close()
    }
  })

  test('a reader that stays keeps neither this writer from closing nor the next out', async () => {
    const journal = opened()
    await journal.append([draft('a')])
    const reader = Journal.reader(file)
    expect(reader.size()).toBe(1)
    journal.close()
    const next = opened()
    await next.append([draft('b')])
    expect([...reader.read()]).toEqual([...next.read()])
    reader.close()
    next.close()
  })

  test('a reader makes nothing and changes nothing', async () => {
    expect(failure(() => Journal.reader(file)).code).toBe('journal-missing')
    expect(fs.readdirSync(folder)).toEqual([])
    await opened().append([draft('a')])
    open.pop()!.close()
    const before = fs.readFileSync(file)
    const reader = Journal.reader(file)
    expect([...reader.read()]).toHaveLength(1)
    reader.close()
    expect(fs.readFileSync(file).equals(before)).toBe(true)
    expect(fs.readdirSync(folder).sort()).toEqual(['journal.db', 'journal.db.lock'])
  })
})

describe('a failed flush poisons the writer', () => {
  const rejected = { code: 'journal-poisoned', hint: expect.stringContaining('start it again') }

  test('on the real file: SQLite refuses the row', async () => {
    const journal = opened()
    await journal.append([draft('a')])
    tamper(`CREATE TRIGGER full BEFORE INSERT ON records
      BEGIN SELECT raise(ABORT, 'disk full'); END`)
    const [one, two] = await Promise.allSettled([
      journal.append([draft('b')]),
      journal.append([draft('c')]),
    ])
    for (const result of [one, two])
      expect(result).toMatchObject({ reason: { ...rejected, retry: 'unknown' } })
    expect((one as PromiseRejectedResult).reason.message).toContain('disk full')
    await expect(journal.append([draft('d')])).rejects.toMatchObject({ ...rejected, retry: 'safe' })
    for (const use of [() => journal.read(), () => journal.size(), () => journal.proof(0)])
      expect(failure(use)).toMatchObject(rejected)
    tamper('DROP TRIGGER full')
    journal.close()
    const next = opened()
    expect([...next.read()].map((text) => Record.decode(text).id)).toEqual(['a'])
    expect((await next.append([draft('b')]))[0]!.exists).toBe(false)
  })

  test.each([
    ['before the commit', false],
    ['after the commit', true],
  ])('%s: opened anew, the file says which it was', async (_, landed) => {
    let faulty = false
    const commit = (run: () => void) => {
      if (!faulty || landed) run()
      if (faulty) throw new Error('fsync: input/output error')
    }
    const flushes: Journal.Flush[] = []
    const journal = opened({ commit, onFlush: (flush) => flushes.push(flush) })
    await journal.append([draft('a')])
    faulty = true
    const waiting = journal.append(Array.from({ length: 4_000 }, (_, index) => draft(`b-${index}`)))
    const behind = journal.append(Array.from({ length: 200 }, (_, index) => draft(`c-${index}`)))
    await expect(waiting).rejects.toMatchObject({ ...rejected, retry: 'unknown' })
    await expect(behind).rejects.toMatchObject({ ...rejected, retry: 'safe' })
    expect(flushes).toHaveLength(1)
    journal.close()
    const next = opened()
    expect(next.size()).toBe(landed ? 4_001 : 1)
    expect((await next.append([draft('b-0')]))[0]!.exists).toBe(landed)
  })
})

describe('the file itself', () => {
  test('takes new rows only, in order, whoever writes', async () => {
    await opened().append([draft('a'), draft('b')])
    open.pop()!.close()
    const refused: [string, RegExp][] = [
      [`UPDATE records SET record = '{}' WHERE seq = 1`, /never updated/],
      ['DELETE FROM records', /never deleted/],
      [`INSERT OR REPLACE INTO records VALUES (1, 'b', '{}')`, /in order, each once/],
      [`INSERT OR REPLACE INTO records VALUES (2, 'a', '{}')`, /in order, each once/],
      [`INSERT INTO records VALUES (5, 'c', '{}')`, /in order, each once/],
      [`INSERT INTO records VALUES (2, 'c', 5.5), (3, 'd', x'00')`, /cannot store BLOB/],
    ]
    for (const [statement, message] of refused) expect(() => tamper(statement)).toThrow(message)
    expect(opened().size()).toBe(2)
  })

  const unlocked = ['DROP TRIGGER records_not_updated', 'DROP TRIGGER records_not_deleted']
  const relocked = () => {
    const database = new Database(path.join(folder, 'sound.db'))
    const rows = database.prepare('SELECT sql FROM sqlite_master WHERE name LIKE ?')
    const statements = (rows.all('records_not%') as { sql: string }[]).map(({ sql }) => sql)
    database.close()
    return statements
  }
  const damage: [string, string, number, RegExp][] = [
    [
      'edited',
      `UPDATE records SET record = replace(record, 'b"', 'B"') WHERE seq = 1`,
      1,
      /row 1 of B, got row 1 of b/,
    ],
    [
      'edited but for the id',
      `UPDATE records SET record = replace(record, '"text":"b"', '"text":"B"')
      WHERE seq = 1`,
      2,
      /a link to/,
    ],
    ['cut', `UPDATE records SET record = substr(record, 1, 50) WHERE seq = 2`, 2, /as JSON/],
    ['renamed', `UPDATE records SET id = 'z' WHERE seq = 1`, 1, /row 1 of b, got row 1 of z/],
    ['dropped', 'DELETE FROM records WHERE seq = 1', 1, /leaf 1, got leaf 2/],
    ['moved', 'UPDATE records SET seq = 9 WHERE seq = 2', 2, /row 2 of c, got row 9/],
    ['beheaded', 'DELETE FROM records WHERE seq = 0', 0, /leaf 0, got leaf 1/],
  ]
  test.each(damage)('%s: opening names the file and the leaf', async (_, edit, leaf, message) => {
    await opened().append([draft('a'), draft('b'), draft('c')])
    open.pop()!.close()
    fs.copyFileSync(file, path.join(folder, 'sound.db'))
    tamper(...unlocked, edit, ...relocked())
    const error = failure(() => Journal.open({ file, origin, now }))
    expect(error).toMatchObject({ code: 'journal-malformed', facts: { file, leaf } })
    expect(error.message).toContain(file)
    expect(error.message).toMatch(message)
  })

  test('a schema with its guards removed is no journal', async () => {
    await opened().append([draft('a')])
    open.pop()!.close()
    tamper(unlocked[0]!)
    for (const use of [() => Journal.open({ file, origin, now }), () => Journal.reader(file)])
      expect(failure(use)).toMatchObject({ code: 'journal-malformed', facts: { file } })
  })

  test('what is no journal is named and left alone', () => {
    fs.writeFileSync(file, 'hello '.repeat(1_000))
    const foreign = path.join(folder, 'foreign.db')
    const database = new Database(foreign)
    database.exec('CREATE TABLE theirs (x)')
    database.close()
    for (const name of [file, foreign]) {
      const before = fs.readFileSync(name)
      for (const use of [
        () => Journal.open({ file: name, origin, now }),
        () => Journal.reader(name),
      ])
        expect(failure(use)).toMatchObject({ code: 'journal-malformed', facts: { file: name } })
      expect(fs.readFileSync(name).equals(before)).toBe(true)
    }
    expect(failure(() => Journal.open({ file: folder, origin, now })).code).toBe('journal-unusable')
  })

  test('a journal in no folder, of nobody, or of another owner is refused', async () => {
    const none = path.join(folder, 'none', 'journal.db')
    expect(failure(() => Journal.open({ file: none, origin, now }))).toMatchObject({
      code: 'journal-folder-missing',
      hint: expect.stringContaining(path.join(folder, 'none')),
    })
    expect(failure(() => opened({ origin: 'me' })).message).toMatch(/lower-case address, got me/)
    await opened().append([draft('a')])
    open.pop()!.close()
    const other = `0x${'33'.repeat(20)}`
    expect(failure(() => opened({ origin: other }))).toMatchObject({
      code: 'journal-of-another-origin',
      facts: { origin: other, found: origin },
    })
  })

  test('its name may hold what a URI would read as something else', async () => {
    const odd = path.join(folder, 'a b?mode=rw#%41.db')
    await opened({ file: odd }).append([draft('a')])
    const reader = Journal.reader(odd)
    expect(reader.size()).toBe(1)
    reader.close()
    expect(fs.existsSync(odd)).toBe(true)
  })
})

test('killed while SQLite was changing the file itself, a writer is followed by the next', async () => {
  const journal = opened()
  await journal.append([draft('a')])
  journal.close()
  // What a kill leaves in the middle of it: pages half written, and beside them what they were before.
  const killed = path.join(folder, 'killed.db')
  const database = new Database(file)
  database.exec('PRAGMA cache_size = 1')
  database.exec('BEGIN')
  database.exec('CREATE TABLE half (text TEXT)')
  for (let row = 0; row < 50; row++)
    database.exec(`INSERT INTO half VALUES ('${'x'.repeat(9_000)}')`)
  fs.copyFileSync(file, killed)
  fs.copyFileSync(`${file}-journal`, `${killed}-journal`)
  database.exec('ROLLBACK')
  database.close()
  expect(fs.statSync(killed).size).toBeGreaterThan(fs.statSync(file).size)
  const next = opened({ file: killed })
  expect(leaves(await next.append([draft('b')]))).toEqual([1])
  expect([...next.read()]).toHaveLength(2)
})

test('killed at any moment, the writer loses no record that it acknowledged', async () => {
  const program = `
    import { writeSync } from 'node:fs'
    import * as Journal from ${JSON.stringify(new URL('./Journal.ts', import.meta.url).href)}
    const [file, origin, run] = process.argv.slice(1)
    const journal = Journal.open({ file, origin, now: Date.now })
    // A full pipe may say "again" where it used to wait.
    const say = (line) => {
      for (;;)
        try {
          return writeSync(1, line)
        } catch (error) {
          if (error.code !== 'EAGAIN') throw error
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
        }
    }
    const writer = async (name) => {
      for (let step = 0; ; step++) {
        const ids = [run + name + step + 'a', run + name + step + 'b']
        const event = { type: 'noted', text: 'x'.repeat(200) }
        const appended = await journal.append(ids.map((id) => ({ id, causes: [], event })))
        for (const { record } of appended) say(record.leaf + ' ' + record.id + '\\n')
      }
    }
    for (let index = 0; index < 10; index++) writer('-' + index + '-')`
  const acknowledged = new Map<number, string>()
  const runs = [400, 1_111, 2_500]
  for (const [run, lines] of runs.entries()) {
    const child = spawn(
      process.execPath,
      ['--conditions=source', '--import=tsx', '--input-type=module', '--eval', program].concat(
        file,
        origin,
        `run${run}`,
      ),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let count = 0
    for await (const line of readline.createInterface({ input: child.stdout })) {
      count += 1
      const [leaf, id] = line.split(' ') as [string, string]
      acknowledged.set(Number(leaf), id)
      if (count === 1)
        expect(failure(() => Journal.open({ file, origin, now }))).toMatchObject({
          code: 'journal-in-use',
          facts: { pid: child.pid },
        })
      if (count === lines) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
    expect(count).toBeGreaterThanOrEqual(lines)

    const journal = opened()
    const ids = [...journal.read()].map((text) => Record.decode(text).id)
    for (const [leaf, id] of acknowledged) expect(ids[leaf]).toBe(id)
    // Batches are whole: a last one may be there without its acknowledgement.
    for (let leaf = 0; leaf < ids.length; leaf += 2)
      expect(ids[leaf + 1]).toBe(ids[leaf]!.replace(/a$/, 'b'))
    journal.close()
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(4_011)
})
