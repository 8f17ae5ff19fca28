/**
 * @module Staging: turns drafts into the records they will be, before anything is written:
 * numbered, linked, each id once. One caller's drafts are taken together or not at all, and one's
 * no is not another's.
 */
import type { Clock } from '../kernel/Clock.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Log from '../provenance/Log.ts'
import * as Record from '../provenance/Record.ts'

/** What is to be recorded. Amounts as decimal strings: a bigint is refused. */
export type Draft<E extends Record.Event = Record.Event> = {
  /** Idempotency key: unique in the journal. */
  readonly id: string
  readonly causes: readonly Record.Cause[]
  readonly event: E
  /** Milliseconds since 1970; the clock's when left out. */
  readonly atMs?: number
}

/** A record that is on the disk. */
export type Appended<E extends Record.Event = Record.Event> = {
  readonly record: Record.Record<E>
  /** Its canonical text. */
  readonly text: string
  /** It had been recorded before, under the same id with the same event and causes. */
  readonly exists: boolean
}

/** A draft as it was when it came: later changes by its owner change nothing. */
export type Prepared = {
  readonly draft: Draft & { readonly atMs: number }
  /** What must be the same when the id comes again. */
  readonly contents: string
}

/** A record to be written. */
export type Row = { readonly leaf: number; readonly id: string; readonly text: string }

/** What became of one caller's drafts. */
export type Added =
  | { readonly kind: 'staged'; readonly appended: readonly Appended[] }
  | { readonly kind: 'refused'; readonly error: BaseError }

/** The records of one transaction, as they gather. */
export type Staging = {
  readonly rows: readonly Row[]
  add(drafts: readonly Prepared[]): Added
}

/** Evidence and receipts are far below it; a database refuses a text only when it is too late. */
const maxLength = 2 ** 24

/** Copies a draft through its canonical text. Throws `InputError` when it has none, or a bad id. */
export function prepare(draft: Draft, now: Clock): Prepared {
  if (!Record.isId(draft.id))
    throw new InputError('expected the id of a draft as 1 to 256 printable characters')
  const contents = contentsOf(draft)
  if (contents.length > maxLength)
    throw new InputError(`expected at most ${maxLength} characters, got ${contents.length}`, {
      code: 'record-too-large',
      hint: 'put the text into a document, and its hash into the record',
      facts: { id: draft.id },
    })
  const { causes, event } = JSON.parse(contents) as Pick<Draft, 'causes' | 'event'>
  return { draft: { id: draft.id, atMs: draft.atMs ?? now(), causes, event }, contents }
}

/**
 * Staging onto the end of `log`. `recorded`: which of the ids to come have a text there already.
 */
export function create(options: {
  readonly log: Log.Log
  readonly origin: string
  readonly recorded: ReadonlyMap<string, string>
}): Staging {
  const { log, origin, recorded } = options
  const rows: Row[] = []
  const staged = new Map<string, Prior>()
  let previous = Log.previous(log)

  const prior = (id: string) => staged.get(id) ?? read(recorded.get(id))

  const addOne = ({ draft, contents }: Prepared): Appended => {
    const known = prior(draft.id)
    if (known !== undefined) {
      if (known.contents !== contents) throw conflict(known.appended.record)
      return { ...known.appended, exists: true }
    }
    const leaf = log.size() + rows.length
    const record: Record.Record = { v: 1, leaf, origin, previous, ...draft }
    const text = Record.encode(record)
    const appended = { record, text, exists: false }
    previous = Hex.encode(Record.hash(text))
    rows.push({ leaf, id: draft.id, text })
    staged.set(draft.id, { contents, appended })
    return appended
  }

  return {
    rows,
    add(drafts) {
      const [length, link] = [rows.length, previous]
      try {
        return { kind: 'staged', appended: drafts.map(addOne) }
      } catch (error) {
        if (!(error instanceof BaseError)) throw error
        for (const { id } of rows.splice(length)) staged.delete(id)
        previous = link
        return { kind: 'refused', error }
      }
    },
  }
}

type Prior = { readonly contents: string; readonly appended: Appended }

function read(text: string | undefined): Prior | undefined {
  if (text === undefined) return undefined
  const record = Record.decode(text)
  return { contents: contentsOf(record), appended: { record, text, exists: true } }
}

function contentsOf({ causes, event }: Pick<Draft, 'causes' | 'event'>): string {
  return Json.encode({ causes, event })
}

function conflict(earlier: Record.Record): BaseError {
  return new BaseError(
    `expected what record ${earlier.leaf} says under the id ${earlier.id}, got other contents`,
    {
      code: 'exists-with-different-record',
      hint: 'an id names one event for ever: a new event needs an id of its own',
      facts: { id: earlier.id, leaf: earlier.leaf },
    },
  )
}
