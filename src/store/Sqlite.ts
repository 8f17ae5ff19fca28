/**
 * @module Sqlite: the one place that knows libsql. Every connection reads integers as bigint. A
 * prepared statement outlives `close()` in libsql, and with it its locks, until it is collected: so
 * a transaction is always ended by words, and nothing is read through a statement that is left half
 * way.
 */
import { pathToFileURL } from 'node:url'
import Database from 'libsql'

/** What SQLite gives back here. */
export type Value = bigint | string | null

/** A connection to one file. Each function throws `libsql`'s error; see {@link codeOf}. */
export type Sqlite = {
  /** Runs statements that return nothing. */
  exec(sql: string): void
  /** Prepares a statement once: rows as arrays, all of them at once. */
  prepare(sql: string): (...values: (bigint | string)[]) => Value[][]
  close(): void
}

/**
 * Opens a file of an absolute path; creates it unless `readOnly`. Waits `busyMs` for another's
 * lock.
 */
export function open(
  path: string,
  options: { readonly busyMs: number; readonly readOnly?: boolean },
): Sqlite {
  const database = new Database(options.readOnly ? `${pathToFileURL(path)}?mode=ro` : path)
  database.defaultSafeIntegers(true)
  const sqlite: Sqlite = {
    exec: (sql) => void database.exec(sql),
    prepare(sql) {
      const statement = database.prepare<(bigint | string)[]>(sql)
      if (statement.reader) {
        const rows = statement.raw()
        return (...values) => rows.all(...values) as Value[][]
      }
      return (...values) => {
        statement.run(...values)
        return []
      }
    },
    close: () => void database.close(),
  }
  wait(sqlite, options.busyMs)
  return sqlite
}

/**
 * Looks into a file from a connection of its own in memory, so that nothing is left open once it is closed:
 * each answer is copied out before it is read. Values are whole numbers; the schema's name is `beside`.
 */
export function beside(path: string, options: { readonly busyMs: number }): Sqlite {
  const sqlite = open(':memory:', options)
  const url = `${pathToFileURL(path)}?mode=ro`
  sqlite.exec(`ATTACH '${url.replaceAll("'", "''")}' AS beside`)
  return {
    exec: (sql) => sqlite.exec(sql),
    prepare:
      (sql) =>
      (...values) => {
        const given = [...values]
        const query = sql.replaceAll('?', () => String(BigInt(given.shift()!)))
        sqlite.exec(`DROP TABLE IF EXISTS main.found; CREATE TABLE main.found AS ${query}`)
        return sqlite.prepare('SELECT * FROM main.found')()
      },
    close() {
      sqlite.exec('DETACH beside')
      sqlite.close()
    },
  }
}

/** How long a statement waits for another's lock, from now on. */
export function wait(sqlite: Sqlite, busyMs: number): void {
  sqlite.exec(`PRAGMA busy_timeout = ${busyMs}`)
}

/** The first value of a query's first row. */
export function value(sqlite: Sqlite, sql: string): Value | undefined {
  return sqlite.prepare(sql)()[0]?.[0]
}

/** SQLite's name of an error, such as `SQLITE_BUSY`; `undefined` when it is not SQLite's. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string' && error.code.startsWith('SQLITE_'))
    return error.code
  return error.message.startsWith('ConnectionFailed') ? 'SQLITE_CANTOPEN' : undefined
}
