/**
 * @module JournalFile: a journal's SQLite file: one table that takes new rows only, in order. While
 * a writer is at work it has a write-ahead log beside it, flushed on every commit; once closed it
 * is one file.
 */
import * as fs from 'node:fs'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Merkle from '../kernel/Merkle.ts'
import type * as Frontier from '../provenance/Frontier.ts'
import * as Log from '../provenance/Log.ts'
import * as Record from '../provenance/Record.ts'
import * as Sqlite from './Sqlite.ts'
import type * as Staging from './Staging.ts'

/** A row as it is in the file. */
type Row = Omit<Staging.Row, 'hash'>

/** `requ` in ASCII: tells a journal from any other SQLite file. */
const applicationId = 0x72657175
const version = 1

/** Word for word what the file's schema says, by name: with any other it is not a journal. */
const schema = [
  `CREATE TABLE records
  (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, record TEXT NOT NULL) STRICT`,
  `CREATE TRIGGER records_not_deleted BEFORE DELETE ON records
  BEGIN SELECT raise(ABORT, 'records are never deleted'); END`,
  `CREATE TRIGGER records_not_updated BEFORE UPDATE ON records
  BEGIN SELECT raise(ABORT, 'records are never updated'); END`,
  // INSERT OR REPLACE deletes without firing the trigger on deletes: it is refused here.
  `CREATE TRIGGER records_only_appended BEFORE INSERT ON records
  WHEN new.seq IS NOT (SELECT coalesce(max(seq), -1) + 1 FROM records)
    OR EXISTS (SELECT 1 FROM records WHERE id = new.id)
  BEGIN SELECT raise(ABORT, 'records are appended in order, each once'); END`,
]

/** Longer than a reader holds the file for a page, or a checkpoint takes. */
const busyMs = 5_000
/** What a close waits for readers; after it, the file stays as a crash would leave it: sound. */
const settleMs = 500
const maxRowsPerPage = 256
/** Of a new file: records of 2 kB leave less of a page empty, so that a flush writes less (measured). */
const pageBytes = 8_192
/** 32 MiB of write-ahead log at most, a little more in a flush. */
const pagesPerCheckpoint = 4_096
/** A call into the database costs as much as a row: rows go in by so many (measured: bench store). */
const rowsPerInsert = 32

/** Opens or makes the file for its writer: nothing is acknowledged that is not flushed. */
export function openForWriting(file: string): Sqlite.Sqlite {
  return named(file, () => {
    const sqlite = Sqlite.open(file, { busyMs })
    try {
      const isNew = isEmpty(sqlite)
      if (!isNew) expectSchema(sqlite, file)
      if (isNew) sqlite.exec(`PRAGMA page_size = ${pageBytes}`)
      sqlite.prepare('PRAGMA journal_mode = WAL')()
      sqlite.exec('PRAGMA synchronous = FULL')
      // Pages of the index are written into the file once for many flushes (measured: bench store).
      sqlite.prepare(`PRAGMA wal_autocheckpoint = ${pagesPerCheckpoint}`)()
      expectDurable(sqlite, file)
      if (isNew) create(sqlite)
      return sqlite
    } catch (error) {
      sqlite.close()
      throw error
    }
  })
}

/** Opens the file without ever changing it. */
export function openForReading(file: string): Sqlite.Sqlite {
  if (!fs.existsSync(file))
    throw new BaseError(`expected a journal at ${file}, found nothing`, {
      code: 'journal-missing',
      hint: 'a journal is made by the process that writes it: start that first',
      facts: { file },
    })
  return named(file, () => {
    const sqlite = Sqlite.open(file, { busyMs, readOnly: true })
    try {
      expectSchema(sqlite, file)
      return sqlite
    } catch (error) {
      sqlite.close()
      throw error
    }
  })
}

/**
 * What `work` finds where a crash, or a person, left a write-ahead log beside the file: both stay as they
 * are. Undefined where none was left, or there is no journal.
 */
export function look<Result>(
  file: string,
  work: (sqlite: Sqlite.Sqlite) => Result,
): Result | undefined {
  if (!fs.existsSync(`${file}-wal`) || !fs.existsSync(file)) return undefined
  const beside = named(file, () => Sqlite.beside(file, { busyMs }))
  try {
    const tables = beside.prepare("SELECT sql FROM beside.sqlite_master WHERE name = 'records'")
    return named(file, tables).length === 0 ? undefined : work(beside)
  } finally {
    beside.close()
  }
}

/** Where an earlier process had verified a journal to; what lies before is looked up when needed. */
export type Start = {
  readonly frontier: Frontier.Frontier
  readonly stored: Log.Stored
  /** Told why every record is verified all the same. */
  readonly onRefused: (because: string) => void
}

/**
 * Rebuilds the log from the file, verifying every record, or those from `start` on if the file leads
 * there. Throws `journal-malformed` naming the leaf.
 */
export function fold(
  sqlite: Sqlite.Sqlite,
  options: { readonly file: string; readonly origin: string; readonly start?: Start | undefined },
): Log.Log {
  const { file, origin, start } = options
  const because = start && unfit(sqlite, { file, frontier: start.frontier })
  if (because !== undefined) start!.onRefused(because)
  const isFit = start !== undefined && because === undefined
  const log = isFit ? Log.resume(start.frontier, start.stored) : Log.create()
  for (const row of rows(() => sqlite, { file, fromLeaf: log.size() })) {
    const leaf = log.size()
    try {
      const record = Log.extend(log, { text: row.text })
      if (record.origin !== origin) throw another(file, { origin, found: record.origin })
      if (row.leaf !== leaf || row.id !== record.id)
        throw new InputError(
          `expected row ${leaf} of ${record.id}, got row ${row.leaf} of ${row.id}`,
        )
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      throw malformed(file, { because: error.message, leaf, cause: error })
    }
  }
  return log
}

/** Each record names the hash of the one before: who has the last has them all. */
function unfit(
  sqlite: Sqlite.Sqlite,
  { file, frontier }: { readonly file: string; readonly frontier: Frontier.Frontier },
): string | undefined {
  const { size, last } = frontier
  const found = sizeOf(sqlite, file)
  if (found < size) return `the journal has ${found} records, not ${size}`
  if (last === undefined) return undefined
  const [row] = page(sqlite, { file, from: size - 1, until: size })
  if (row !== undefined && Merkle.equal(Record.hash(String(row[2])), last)) return undefined
  return `record ${size - 1} of the journal is another`
}

/** Texts from a leaf on, as many as there are when it is called. */
export function read(
  opened: () => Sqlite.Sqlite,
  options: { readonly file: string; readonly fromLeaf: number },
): Iterable<string> {
  const { fromLeaf } = options
  if (!Number.isSafeInteger(fromLeaf) || fromLeaf < 0)
    throw new InputError(`expected a leaf to read from, got ${fromLeaf}`, { code: 'leaf-unknown' })
  const size = sizeOf(opened(), options.file)
  return {
    *[Symbol.iterator]() {
      for (const row of rows(opened, { ...options, size })) yield row.text
    },
  }
}

/** The writer's two statements. */
export function statements(sqlite: Sqlite.Sqlite): {
  /** Which of these ids are recorded, and the text of each. */
  find(ids: readonly string[]): ReadonlyMap<string, string>
  /**
   * Writes rows in one transaction, which `commit` commits. What it throws says nothing of the
   * outcome.
   */
  insert(rows: readonly Row[], commit: (run: () => void) => void): void
} {
  // One question for all: a call into the database costs more than its answer (measured: tenfold).
  const find = sqlite.prepare(
    'SELECT id, record FROM records WHERE id IN (SELECT value FROM json_each(?))',
  )
  const insertOne = sqlite.prepare(insertOf(1))
  const insertMany = sqlite.prepare(insertOf(rowsPerInsert))
  return {
    find: (ids) => new Map(find(JSON.stringify(ids)) as [string, string][]),
    insert(rows, commit) {
      sqlite.exec('BEGIN IMMEDIATE')
      try {
        const whole = rows.length - (rows.length % rowsPerInsert)
        for (let at = 0; at < whole; at += rowsPerInsert)
          insertMany(...rows.slice(at, at + rowsPerInsert).flatMap(values))
        for (const row of rows.slice(whole)) insertOne(...values(row))
        commit(() => sqlite.exec('COMMIT'))
      } catch (error) {
        rollback(sqlite)
        throw error
      }
    },
  }
}

function insertOf(rows: number): string {
  return `INSERT INTO records (seq, id, record) VALUES ${Array(rows).fill('(?, ?, ?)').join()}`
}

function values({ leaf, id, text }: Row): (bigint | string)[] {
  return [BigInt(leaf), id, text]
}

/**
 * Folds the write-ahead log into the file and removes it. A reader at work may keep it: that is
 * sound.
 */
export function settle(sqlite: Sqlite.Sqlite): void {
  Sqlite.wait(sqlite, settleMs)
  try {
    sqlite.prepare('PRAGMA wal_checkpoint(TRUNCATE)')()
    sqlite.prepare('PRAGMA journal_mode = DELETE')()
  } catch (error) {
    if (Sqlite.codeOf(error) !== 'SQLITE_BUSY') throw error
  }
}

function isEmpty(sqlite: Sqlite.Sqlite): boolean {
  const tables = Sqlite.value(sqlite, 'SELECT count(*) FROM sqlite_master')
  return tables === 0n && Sqlite.value(sqlite, 'PRAGMA application_id') === 0n
}

function create(sqlite: Sqlite.Sqlite): void {
  sqlite.exec('BEGIN IMMEDIATE')
  for (const statement of schema) sqlite.exec(statement)
  sqlite.exec(`PRAGMA application_id = ${applicationId}`)
  sqlite.exec(`PRAGMA user_version = ${version}`)
  sqlite.exec('COMMIT')
}

function expectSchema(sqlite: Sqlite.Sqlite, file: string): void {
  const found = sqlite.prepare('SELECT sql FROM sqlite_master WHERE sql NOT NULL ORDER BY name')()
  if (
    Sqlite.value(sqlite, 'PRAGMA application_id') !== BigInt(applicationId) ||
    Sqlite.value(sqlite, 'PRAGMA user_version') !== BigInt(version) ||
    found.length !== schema.length ||
    found.some(([sql], index) => sql !== schema[index])
  )
    throw malformed(file, { because: 'another schema than a journal of version 1 has' })
}

/**
 * Asked back rather than trusted: a file system may decline, and so may another build of SQLite.
 */
function expectDurable(sqlite: Sqlite.Sqlite, file: string): void {
  const mode = Sqlite.value(sqlite, 'PRAGMA journal_mode')
  const synchronous = Sqlite.value(sqlite, 'PRAGMA synchronous')
  if (mode === 'wal' && synchronous === 2n) return
  throw new BaseError(
    `expected a write-ahead log flushed on every commit for ${file}, got ${mode}, ${synchronous}`,
    {
      code: 'journal-not-durable',
      hint: 'keep the journal on a local disk: network folders cannot promise what was flushed',
      facts: { file, journalMode: mode, synchronous: String(synchronous) },
    },
  )
}

function* rows(
  opened: () => Sqlite.Sqlite,
  options: { readonly file: string; readonly fromLeaf: number; readonly size?: number },
): Generator<Row> {
  const { file, fromLeaf } = options
  const size = options.size ?? sizeOf(opened(), file)
  // Pages grow from one row: who takes only the first record does not pay for the rest.
  let wanted = 1
  for (let leaf = fromLeaf; leaf < size; wanted = Math.min(maxRowsPerPage, 4 * wanted)) {
    const until = Math.min(size, leaf + wanted)
    for (const [seq, id, text] of page(opened(), { file, from: leaf, until }))
      yield { leaf: Number(seq), id: String(id), text: String(text) }
    leaf = until
  }
}

function page(
  sqlite: Sqlite.Sqlite,
  options: { readonly file: string; readonly from: number; readonly until: number },
): Sqlite.Value[][] {
  const { file, from, until } = options
  const query = 'SELECT seq, id, record FROM records WHERE seq >= ? AND seq < ? ORDER BY seq'
  return named(file, () => sqlite.prepare(query)(BigInt(from), BigInt(until)), from)
}

/** Number of records. */
export function sizeOf(sqlite: Sqlite.Sqlite, file: string): number {
  const query = 'SELECT coalesce(max(seq), -1) + 1 FROM records'
  return named(file, () => Number(Sqlite.value(sqlite, query)))
}

function rollback(sqlite: Sqlite.Sqlite): void {
  try {
    sqlite.exec('ROLLBACK')
  } catch {
    // Nothing to undo: the transaction was committed, or SQLite had rolled it back itself.
  }
}

/** Runs `work`; what SQLite throws comes back as a failure that names the file. */
function named<Result>(file: string, work: () => Result, leaf?: number): Result {
  try {
    return work()
  } catch (cause) {
    const code = Sqlite.codeOf(cause)
    if (code === undefined) throw cause
    const because = (cause as Error).message
    if (code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT'))
      throw malformed(file, { because, cause, ...(leaf === undefined ? {} : { leaf }) })
    throw new BaseError(`cannot use the journal ${file}: ${because}`, {
      code: 'journal-unusable',
      hint: 'check that the file and its folder can be written, and that the disk has room',
      facts: { file, sqlite: code },
      cause,
    })
  }
}

function malformed(
  file: string,
  options: { readonly because: string; readonly leaf?: number; readonly cause?: unknown },
): BaseError {
  const { because, leaf, cause } = options
  const where = leaf === undefined ? '' : ` at leaf ${leaf}`
  return new BaseError(`the journal ${file} is damaged${where}: ${because}`, {
    code: 'journal-malformed',
    hint:
      stray(file) ??
      'keep this file as it is for whoever looks into it, and put back a copy that verifies',
    facts: { file, ...(leaf === undefined ? {} : { leaf }) },
    cause,
  })
}

function another(file: string, of: { readonly origin: string; readonly found: string }): BaseError {
  return new BaseError(`expected ${file} to be the journal of ${of.origin}, got ${of.found}’s`, {
    code: 'journal-of-another-origin',
    hint: stray(file) ?? 'open it with the key that wrote it, or start a journal in another folder',
    facts: { file, ...of },
  })
}

/** A write-ahead log belongs to the file it was written beside, and says nothing of which that was. */
function stray(file: string): string | undefined {
  if (!fs.existsSync(`${file}-wal`)) return undefined
  return `if ${file}-wal came from another folder, take it away: ${file} itself is as it was. Otherwise keep both, and put back copies that verify`
}
