/**
 * @module Keeper: opens a journal with the state that follows from it, and keeps that state, the log's
 * tiles and its signed checkpoint beside the journal, so that the next opening need not fold it all. What
 * is kept binds nothing: whatever does not fit the journal is named and left, and the journal folded.
 */
import * as path from 'node:path'
import * as Economy from '../economy/Economy.ts'
import * as Snapshot from '../economy/Snapshot.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Record from '../provenance/Record.ts'
import type { Options } from './Books.ts'
import * as Checkpoints from './Checkpoints.ts'
import * as CodeDigest from './CodeDigest.ts'
import * as Journal from './Journal.ts'
import * as Snapshots from './Snapshots.ts'
import * as Tiles from './Tiles.ts'

/** A journal, the state of its records, and the means to keep it. */
export type Keeper = {
  readonly journal: Journal.Journal
  readonly economy: Economy.Economy
  /** Time of the last record. */
  readonly atMs: number
  /** Keeps the state as it stands, if it grew. What cannot be written is told, not thrown. */
  keep(atMs: number): void
  /** Keeps it when enough came since: an eighth more, and no less than a few thousand records. */
  keepWhenDue(atMs: number): void
}

/** Few enough to fold in a second or two. */
const minRecords = 8_192

/** The folder that may be handed to anyone: hashes and signatures, no words. */
export function logFolder(file: string): string {
  return path.join(path.dirname(file), 'log')
}

/** The file of the state that was kept last. */
export function snapshotFile(file: string): string {
  return `${file}.snapshot`
}

/** Opens a journal and what was kept of it. Throws as `Books.open` does. */
export function open(options: Options): Keeper {
  const { file, origin, signer, onNote } = options
  const code = CodeDigest.ofFold()
  const kept =
    code === undefined
      ? ({ kind: 'none' } as const)
      : Snapshots.read(snapshotFile(file), { origin, code, signer })
  if (kept.kind === 'refused') onNote?.(ignored(file, kept.because))
  const opened = (kept.kind === 'found' && resume(options, kept)) || begin(options)
  const { journal, economy, atMs } = opened
  try {
    if (signer !== undefined) hold(journal, { file, signer, onNote })
  } catch (error) {
    journal.close()
    throw error
  }
  return { journal, economy, atMs, ...keeping(options, { ...opened, code }) }
}

type Opened = {
  readonly journal: Journal.Journal
  readonly economy: Economy.Economy
  readonly atMs: number
  /** How many records the kept state and tiles cover. */
  readonly size: number
}

/** Goes on from what was kept; undefined when it does not fit the journal. */
function resume(options: Options, kept: Snapshots.Found): Opened | undefined {
  const { file, onNote } = options
  const { frontier } = kept
  let because: string | undefined
  const start = {
    frontier,
    stored: Tiles.stored(logFolder(file), {
      frontier,
      texts: (from, until) => first(journal.read(from), until - from),
    }),
    onRefused(reason: string) {
      because = reason
    },
  }
  const journal: Journal.Journal = Journal.open({ ...options, start })
  try {
    if (because === undefined) {
      const text = (leaf: number) => verified(journal, leaf, file)
      const economy = Snapshot.decode({ section: kept.section, text })
      const { size } = frontier
      return { journal, economy, atMs: fold(economy, journal, { file, ...kept, size }), size }
    }
  } catch (error) {
    journal.close()
    if (!(error instanceof InputError)) throw error
    because = error.message
  }
  onNote?.(ignored(file, because))
  journal.close()
  return undefined
}

/** Folds every record. */
function begin(options: Options): Opened {
  const journal = Journal.open(options)
  try {
    const economy = Economy.empty()
    const atMs = fold(economy, journal, { file: options.file, size: 0, atMs: 0 })
    return { journal, economy, atMs, size: 0 }
  } catch (error) {
    journal.close()
    throw error
  }
}

function fold(
  economy: Economy.Economy,
  journal: Journal.Journal,
  from: { readonly file: string; readonly size: number; readonly atMs: number },
): number {
  let { size: leaf, atMs } = from
  for (const text of journal.read(leaf)) {
    const record = Record.decode(text)
    const fault = Economy.apply(economy, record)
    if (fault !== undefined)
      throw new BaseError(`${from.file}: record ${leaf} cannot follow: ${fault}`, {
        code: 'journal-inconsistent',
        hint: 'run `requite verify`; restore the folder from a copy',
      })
    atMs = record.atMs
    leaf += 1
  }
  return atMs
}

/** A record that was verified by an earlier process: looked at again before anything follows from it. */
function verified(journal: Journal.Journal, leaf: number, file: string): string {
  const [text] = first(journal.read(leaf), 1)
  if (text !== undefined && Merkle.equal(Record.hash(text), journal.view().leafHash(leaf)))
    return text
  throw new BaseError(`the journal ${file} is damaged at leaf ${leaf}: the record is another`, {
    code: 'journal-malformed',
    hint: 'keep this file as it is for whoever looks into it, and put back a copy that verifies',
    facts: { file, leaf },
  })
}

/** What this log's key signed last must still be the beginning of the log. */
function hold(
  journal: Journal.Journal,
  options: Pick<Options, 'file' | 'onNote'> & { readonly signer: NonNullable<Options['signer']> },
): void {
  const { file, signer, onNote } = options
  const signed = Checkpoints.read(logFolder(file), signer)
  if (signed.kind === 'found') Checkpoints.expect(journal.view(), signed.checkpoint, file)
  if (signed.kind === 'refused')
    onNote?.(`${Checkpoints.fileOf(logFolder(file))} is not used: ${signed.because}`)
}

function keeping(
  options: Options,
  opened: Opened & { readonly code: Snapshots.Of['code'] | undefined },
) {
  const { file, origin, signer, onNote } = options
  const { journal, economy, code } = opened
  let shownSize = opened.size
  let keptSize = opened.size
  const keep = (atMs: number) => {
    const size = journal.size()
    if (size === shownSize) return
    try {
      const view = journal.view()
      const folder = logFolder(file)
      Tiles.write(folder, view, { from: shownSize })
      // The checkpoint before the state: who finds the state finds what was signed for it.
      if (signer !== undefined) Checkpoints.write(folder, view, signer)
      shownSize = size
      // A few records are folded sooner than a long state is written.
      if (code === undefined || size - keptSize < Math.floor(keptSize / 1_024)) return
      const [sections, frontier] = [Snapshot.encode(economy), view.frontier()]
      Snapshots.write(snapshotFile(file), { origin, code, signer, frontier, atMs, sections })
      keptSize = size
    } catch (error) {
      if (!(error instanceof BaseError)) throw error
      onNote?.(`the state of ${file} was not kept: ${error.message}`)
      shownSize = size
      keptSize = size
    }
  }
  return {
    keep,
    keepWhenDue(atMs: number) {
      if (journal.size() - keptSize >= Math.max(minRecords, keptSize / 8)) keep(atMs)
    },
  }
}

function* first<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count
  if (left === 0) return
  for (const item of items) {
    yield item
    left -= 1
    if (left === 0) return
  }
}

function ignored(file: string, because: string): string {
  return `${snapshotFile(file)} is not used, ${file} is folded anew: ${because}`
}
