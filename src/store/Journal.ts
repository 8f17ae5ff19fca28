/**
 * @module Journal: the records of one log, durable, in one SQLite file. Append-only; one writer; a
 * record is acknowledged once it is on the disk. Callers that append at the same time share one
 * flush. After a failed flush the writer answers nothing more: the process ends, opens again and
 * folds what is there.
 *
 * The six functions of {@link Journal} are all that anybody knows of the database behind it.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { assert } from '../kernel/Assert.ts'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type * as Log from '../provenance/Log.ts'
import * as Proof from '../provenance/Proof.ts'
import * as Record from '../provenance/Record.ts'
import * as JournalFile from './JournalFile.ts'
import * as Lock from './Lock.ts'
import type * as Sqlite from './Sqlite.ts'
import * as Staging from './Staging.ts'

export type { Appended, Draft } from './Staging.ts'

/** The writer of a journal. */
export type Journal<E extends Record.Event = Record.Event> = {
  /**
   * Records all drafts or none, in order and without others between, and resolves when they are on
   * the disk. Rejects with `exists-with-different-record`, `InputError` (a draft that cannot be a
   * record), `journal-poisoned` (`retry` says whether it may have been recorded) or
   * `journal-closed`.
   */
  append(drafts: readonly Staging.Draft<E>[]): Promise<readonly Staging.Appended<E>[]>
  /** Canonical texts from a leaf on, as many as there are now. */
  read(fromLeaf?: number): Iterable<string>
  /** Number of records. */
  size(): number
  /** That a record is among all there are now. Throws `InputError` when there is no such leaf. */
  proof(leaf: number): Proof.Proof
  /** The log's hashes: of what is on the disk, growing with it. */
  view(): Log.View
  /**
   * Records what is waiting, leaves one self-contained file and frees the journal for another
   * writer.
   */
  close(): void
}

/** A look at a journal that may have a writer at work: see {@link reader}. */
export type Reader = Pick<Journal, 'read' | 'size' | 'close'>

/** One flush: callers that shared it and records it wrote. */
export type Flush = { readonly callers: number; readonly records: number }

/** How a journal is opened. */
export type Options = {
  readonly file: string
  /** Lower-case address of the log's owner. */
  readonly origin: string
  readonly now: Clock
  /** Where an earlier process had verified it to: only what came since is verified. */
  readonly start?: JournalFile.Start | undefined
  /** Told of each transaction after it is durable. */
  readonly onFlush?: (flush: Flush) => void
  /**
   * The seam for faults: commits a transaction. A simulator throws before or after it calls
   * `commit`.
   */
  readonly commit?: (commit: () => void) => void
}

/**
 * Opens the journal of `origin` as its one writer, making the file if there is none, and verifies
 * every record, or those since `start`. Throws `BaseError`: `journal-in-use` (says by whom), `journal-malformed` (says from
 * which leaf), `journal-of-another-origin`, `journal-folder-missing`, `journal-not-durable`,
 * `journal-unusable`.
 */
export function open<E extends Record.Event = Record.Event>(options: Options): Journal<E> {
  if (!Record.isOrigin(options.origin))
    throw new InputError(`expected origin as a lower-case address, got ${String(options.origin)}`)
  const file = resolve(options.file)
  const lock = takeLock(file, options.now)
  try {
    // Looked at before anything may write: SQLite would fold in a log of another file that lies beside.
    const { origin, start } = options
    const known = JournalFile.look(file, (found) =>
      JournalFile.fold(found, { file, origin, start }),
    )
    const sqlite = JournalFile.openForWriting(file)
    try {
      const log = known ?? JournalFile.fold(sqlite, { file, origin, start })
      assert(log.size() === JournalFile.sizeOf(sqlite, file), 'one writer of a journal')
      return writer({ ...options, file, sqlite, log, lock }) as unknown as Journal<E>
    } catch (error) {
      sqlite.close()
      throw error
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * Opens a journal for reading only, while its writer runs or not; the file is not changed. Records
 * are not verified: that is the reader's errand. Throws `BaseError`: `journal-missing`,
 * `journal-malformed`, `journal-unusable`.
 */
export function reader(file: string): Reader {
  const resolved = path.resolve(file)
  const sqlite = JournalFile.openForReading(resolved)
  let open = true
  const opened = () => {
    if (!open) throw closed(resolved)
    return sqlite
  }
  return {
    read: (fromLeaf = 0) => JournalFile.read(opened, { file: resolved, fromLeaf }),
    size: () => JournalFile.sizeOf(opened(), resolved),
    close() {
      if (open) sqlite.close()
      open = false
    },
  }
}

/** What one caller waits for. */
type Caller = {
  readonly drafts: readonly Staging.Prepared[]
  resolve(appended: readonly Staging.Appended[]): void
  reject(error: unknown): void
}

type Writer = Options & {
  readonly sqlite: Sqlite.Sqlite
  readonly log: Log.Log
  readonly lock: { release(): void }
}

function writer(options: Writer): Journal {
  const { file, origin, now, sqlite, log, lock } = options
  const write = createWrite(options)
  let state: 'open' | 'closed' | { readonly cause: unknown } = 'open'

  const opened = () => {
    if (state === 'closed') throw closed(file)
    if (state !== 'open') throw poisoned(file, { cause: state.cause, retry: 'safe' })
    return sqlite
  }
  const queue = createQueue((callers) => {
    try {
      opened()
    } catch (error) {
      for (const caller of callers) caller.reject(error)
      return
    }
    const failure = write(callers)
    if (failure !== undefined) state = failure
  })

  return {
    async append(drafts) {
      opened()
      const prepared = drafts.map((draft) => Staging.prepare(draft, now))
      if (prepared.length === 0) return []
      return new Promise((resolve, reject) => queue.add({ drafts: prepared, resolve, reject }))
    },
    read(fromLeaf = 0) {
      opened()
      return JournalFile.read(opened, { file, fromLeaf })
    },
    size() {
      opened()
      return log.size()
    },
    proof(leaf) {
      opened()
      if (Number.isSafeInteger(leaf) && leaf >= 0 && leaf < log.size())
        return Proof.of(log, { origin, leaf })
      throw new InputError(`expected a leaf below ${log.size()}, got ${leaf}`, {
        code: 'leaf-unknown',
      })
    },
    view() {
      opened()
      return log
    },
    close() {
      if (state === 'closed') return
      try {
        queue.drain()
        // What failed is left as it is: whoever opens next lets SQLite recover it.
        if (state === 'open') JournalFile.settle(sqlite)
      } finally {
        state = 'closed'
        sqlite.close()
        lock.release()
      }
    },
  }
}

/** One transaction for a group of callers: each gets its answer, after the commit. */
function createWrite(
  options: Writer,
): (callers: readonly Caller[]) => { cause: unknown } | undefined {
  const { file, origin, sqlite, log, onFlush, commit = (run) => run() } = options
  const database = JournalFile.statements(sqlite)
  return (callers) => {
    const answers: (() => void)[] = []
    let staging: Staging.Staging
    try {
      const ids = callers.flatMap(({ drafts }) => drafts.map(({ id }) => id))
      staging = Staging.create({ log, origin, recorded: database.find(ids) })
      for (const { drafts, resolve, reject } of callers) {
        const added = staging.add(drafts)
        if (added.kind === 'refused') reject(added.error)
        else answers.push(() => resolve(added.appended))
      }
      if (staging.rows.length > 0) database.insert(staging.rows, commit)
    } catch (cause) {
      for (const { reject } of callers) reject(poisoned(file, { cause, retry: 'unknown' }))
      return { cause }
    }
    for (const { hash } of staging.rows) log.append(hash)
    for (const answer of answers) answer()
    if (staging.rows.length > 0)
      onFlush?.({ callers: answers.length, records: staging.rows.length })
    return undefined
  }
}

/**
 * Callers beyond this many records wait for the next transaction, so that no flush stalls the
 * process.
 */
const recordsPerFlush = 4_096

/** Collects callers and hands them on in groups, in the order they came. */
function createQueue(flush: (callers: readonly Caller[]) => void): {
  add(caller: Caller): void
  /** Hands on all that wait, at once. */
  drain(): void
} {
  const waiting: Caller[] = []
  let scheduled = false
  const schedule = () => {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    // Not a microtask: all that this turn of the event loop has to record joins the same flush.
    setImmediate(() => {
      scheduled = false
      if (waiting.length > 0) flush(takeGroup(waiting))
      schedule()
    })
  }
  return {
    add(caller) {
      waiting.push(caller)
      schedule()
    },
    drain() {
      while (waiting.length > 0) flush(takeGroup(waiting))
    },
  }
}

/** As many waiting callers as one flush takes: whole batches only, and at least one. */
function takeGroup(waiting: Caller[]): readonly Caller[] {
  let records = 0
  const end = waiting.findIndex(({ drafts }, index) => {
    records += drafts.length
    return records > recordsPerFlush && index > 0
  })
  return waiting.splice(0, end === -1 ? waiting.length : end)
}

/** One path for one file, whatever links lead to it: the lock goes by it. */
function resolve(file: string): string {
  if (fs.existsSync(file)) return fs.realpathSync(file)
  const folder = path.dirname(path.resolve(file))
  if (fs.existsSync(folder)) return path.join(fs.realpathSync(folder), path.basename(file))
  throw new BaseError(`expected a folder for the journal ${file}, found nothing at ${folder}`, {
    code: 'journal-folder-missing',
    hint: `make ${folder} first, readable by its owner only`,
    facts: { file },
  })
}

function takeLock(file: string, now: Clock): { release(): void } {
  const lock = Lock.take(`${file}.lock`, { now })
  if (lock.kind === 'taken') return lock
  const { by } = lock
  const who = by
    ? `process ${by.pid} on ${by.host} since ${new Date(by.sinceMs).toISOString()}`
    : 'another process'
  throw new BaseError(`the journal ${file} is in use by ${who}`, {
    code: 'journal-in-use',
    hint: 'ask that process, or stop it and try again: a journal has one writer',
    retry: 'safe',
    facts: { file, ...by },
  })
}

function poisoned(
  file: string,
  options: { readonly cause: unknown; readonly retry: 'safe' | 'unknown' },
): BaseError {
  const { cause, retry } = options
  const why = cause instanceof Error ? cause.message : String(cause)
  return new BaseError(`the journal ${file} failed to reach the disk: ${why}`, {
    code: 'journal-poisoned',
    hint: 'see that the disk has room; end this process and start it again: it then folds what is there',
    retry,
    facts: { file },
    cause,
  })
}

function closed(file: string): BaseError {
  return new BaseError(`the journal ${file} is closed`, {
    code: 'journal-closed',
    hint: 'open it again',
    facts: { file },
  })
}
