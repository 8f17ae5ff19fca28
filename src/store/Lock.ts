/**
 * @module Lock: one holder of a file at a time, across processes. The operating system frees it
 * when its holder ends, however it ends: it is SQLite's lock on a small file beside, held by an
 * open transaction. The file stays when the lock is free (removing it would let two hold it at
 * once) and says who held it.
 *
 * No process may open and close that file by other means while it holds the lock: POSIX would free
 * it.
 */
import { hostname } from 'node:os'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Sqlite from './Sqlite.ts'

/** Who holds a lock. */
export type Holder = { readonly pid: number; readonly host: string; readonly sinceMs: number }

/** A lock that was taken, or who holds it instead (`undefined`: it did not say). */
export type Lock =
  | { readonly kind: 'taken'; release(): void }
  | { readonly kind: 'held'; readonly by: Holder | undefined }

/**
 * Takes the lock of an absolute path or says at once who holds it. Throws `BaseError`
 * (`lock-unusable`) when the lock's file cannot be made or read.
 */
export function take(path: string, options: { readonly now: Clock }): Lock {
  const me: Holder = { pid: process.pid, host: hostname(), sinceMs: Math.trunc(options.now()) }
  let sqlite: Sqlite.Sqlite | undefined
  try {
    sqlite = Sqlite.open(path, { busyMs: 0 })
    const lock = hold(sqlite, me)
    if (lock.kind === 'held') sqlite.close()
    return lock
  } catch (cause) {
    sqlite?.close()
    throw new BaseError(`cannot lock ${path}: ${(cause as Error).message}`, {
      code: 'lock-unusable',
      hint: 'check its folder; a damaged lock file may be deleted while no process runs',
      facts: { file: path },
      cause,
    })
  }
}

/**
 * Others can read who holds the lock only once that is committed; so: write, commit, take again.
 */
function hold(sqlite: Sqlite.Sqlite, me: Holder): Lock {
  for (;;) {
    if (!begin(sqlite)) return { kind: 'held', by: holder(sqlite) }
    const last = holder(sqlite)
    if (last?.pid === me.pid && last.host === me.host && last.sinceMs === me.sinceMs)
      return {
        kind: 'taken',
        release() {
          sqlite.exec('ROLLBACK')
          sqlite.close()
        },
      }
    Sqlite.wait(sqlite, patienceMs)
    sqlite.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER, host TEXT, since_ms INTEGER)')
    sqlite.exec('DELETE FROM holder')
    sqlite.prepare('INSERT INTO holder VALUES (?, ?, ?)')(
      BigInt(me.pid),
      me.host,
      BigInt(me.sinceMs),
    )
    sqlite.exec('COMMIT')
  }
}

/** Longer than another needs to read one row. */
const patienceMs = 2_000

function begin(sqlite: Sqlite.Sqlite): boolean {
  Sqlite.wait(sqlite, 0)
  try {
    sqlite.exec('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    if (Sqlite.codeOf(error) === 'SQLITE_BUSY') return false
    throw error
  }
}

function holder(sqlite: Sqlite.Sqlite): Holder | undefined {
  Sqlite.wait(sqlite, patienceMs)
  const known = Sqlite.value(sqlite, "SELECT count(*) FROM sqlite_master WHERE name = 'holder'")
  if (known !== 1n) return undefined
  const [row] = sqlite.prepare('SELECT pid, host, since_ms FROM holder')()
  if (row === undefined) return undefined
  return { pid: Number(row[0]), host: String(row[1]), sinceMs: Number(row[2]) }
}
