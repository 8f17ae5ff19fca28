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
  /** Its index in the log. */
  readonly leaf: number
  /** Its canonical text. */
  readonly text: string
  /** It had been recorded before, under the same id with the same event and causes. */
  readonly exists: boolean
}

/** A draft as it was when it came: later changes by its owner change nothing. */
export type Prepared = {
  readonly id: string
  readonly atMs: number
  /** What must be the same when the id comes again. */
  readonly contents: Record.Contents
}

/** A record to be written, and its leaf hash. */
export type Row = {
  readonly leaf: number
  readonly id: string
  readonly text: string
  readonly hash: Uint8Array
}

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
  const contents = Record.contents(draft)
  const { length } = contents.text
  if (length > maxLength)
    throw new InputError(`expected at most ${maxLength} characters, got ${length}`, {
      code: 'record-too-large',
      hint: 'put the text into a document, and its hash into the record',
      facts: { id: draft.id },
    })
  return { id: draft.id, atMs: draft.atMs ?? now(), contents }
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
  const staged = new Map<string, Appended>()
  let previous = Log.previous(log)

  const prior = (id: string) => read(staged.get(id)?.text ?? recorded.get(id))

  const addOne = ({ id, atMs, contents }: Prepared): Appended => {
    const known = prior(id)
    if (known !== undefined) {
      if (known.contents !== contents.text) throw conflict(known.appended.record)
      return appendedOf(known.appended, { exists: true })
    }
    const leaf = log.size() + rows.length
    const text = Record.compose({ leaf, origin, atMs, previous, id }, contents)
    const hash = Record.hash(text)
    const appended = appendedOf({ leaf, text }, { exists: false })
    previous = Hex.encode(hash)
    rows.push({ leaf, id, text, hash })
    staged.set(id, appended)
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

/** What most callers want is the leaf: the record itself is read when it is asked for. */
function appendedOf(
  { leaf, text }: Pick<Appended, 'leaf' | 'text'>,
  { exists }: Pick<Appended, 'exists'>,
): Appended {
  let record: Record.Record | undefined
  return {
    leaf,
    text,
    exists,
    get record() {
      record ??= JSON.parse(text) as Record.Record
      return record
    },
  }
}

function read(text: string | undefined): Prior | undefined {
  if (text === undefined) return undefined
  const { causes, event, leaf } = Record.decode(text)
  const contents = Json.encode({ causes, event })
  return { contents, appended: appendedOf({ leaf, text }, { exists: true }) }
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
