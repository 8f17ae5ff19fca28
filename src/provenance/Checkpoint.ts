/**
 * @module Checkpoint: a log's size and root, signed by its owner (c2sp.org/tlog-checkpoint). Whoever
 * holds one can tell for ever after whether the log was rewritten, even by the holder of its key.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
import { name } from '../kernel/Name.ts'
import * as Base64 from './Base64.ts'
import type * as Log from './Log.ts'
import * as Note from './Note.ts'

/** The head of a log. */
export type Checkpoint = {
  /** Names the log; its key bears the same name. */
  readonly origin: string
  readonly size: number
  /** Root of the first `size` records, 32 bytes. */
  readonly root: Hex.Hex
  /** Further lines, signed but not understood here. */
  readonly extensions?: readonly string[]
}

/** Proof that a checkpoint's log is the beginning of a later one's: hashes of 32 bytes. */
export type Consistency = { readonly from: number; readonly path: readonly Hex.Hex[] }

/** A checkpoint that a known key signed, and all the known keys that did; or why it is refused. */
export type Verdict =
  | {
      readonly kind: 'verified'
      readonly checkpoint: Checkpoint
      readonly by: readonly Note.By[]
    }
  | { readonly kind: 'failed'; readonly because: string }

const code = 'checkpoint-malformed'

/** What the log of an address is called in its checkpoints, and its key in its signatures. */
export function originOf(address: string): string {
  return `${name}/${address}`
}

/** The head of a log as it stands, or as it stood at a former `size`. */
export function of(
  log: Log.View,
  options: { readonly origin: string; readonly size?: number },
): Checkpoint {
  const { origin, size = log.size() } = options
  return { origin, size, root: Hex.encode(log.root(size)) }
}

/** The text of a checkpoint: what is signed. Throws `InputError` unless it is well formed. */
export function encode({ origin, size, root, extensions = [] }: Checkpoint): string {
  const text = [origin, String(size), Base64.encode(Hex.decode(root)), ...extensions, ''].join('\n')
  decode(text)
  return text
}

/** Reads a checkpoint's text. Throws `InputError` (`checkpoint-malformed`). */
export function decode(text: string): Checkpoint {
  const [origin = '', decimal = '', base64 = '', ...rest] = text.split('\n')
  if (rest.pop() !== '') throw refuse('at least three lines, each with its newline', text)
  if (origin === '') throw refuse('a first line that names the log', text)
  const size = Number(decimal)
  if (!/^(0|[1-9]\d*)$/.test(decimal) || !Number.isSafeInteger(size))
    throw refuse('the number of records as the second line', decimal)
  const root = Base64.decode(base64)
  if (root?.length !== 32) throw refuse('a root of 32 bytes in base64 as the third line', base64)
  if (rest.some((line) => line === '')) throw refuse('no empty line', text)
  return {
    origin,
    size,
    root: Hex.encode(root),
    ...(rest.length === 0 ? {} : { extensions: rest }),
  }
}

/** A checkpoint signed by the log's own key: the signed note as it is handed out. */
export function sign(checkpoint: Checkpoint, signer: Note.Signer): string {
  const text = encode(checkpoint)
  return Note.encode({ text, signatures: [Note.sign(text, signer)] })
}

/** Adds a witness's line to a signed checkpoint. Throws `InputError`. */
export function cosign(written: string, line: string): string {
  const note = Note.decode(written)
  return Note.encode({ ...note, signatures: [...note.signatures, Note.decodeSignature(line)] })
}

/**
 * Reads a signed checkpoint and verifies it: the log's own key must have signed; `witnesses` that are
 * known must hold if they are there, and at least `quorum` of them must be there.
 */
export function open(
  written: string,
  options: {
    readonly log: Note.Key
    readonly verify: Note.Verify
    readonly witnesses?: readonly Note.Key[]
    readonly quorum?: number
  },
): Verdict {
  const { log, verify, witnesses = [], quorum = 0 } = options
  try {
    const note = Note.decode(written)
    const verdict = Note.verify(note, { keys: [log, ...witnesses], verify })
    if (verdict.kind === 'failed') return verdict
    const checkpoint = decode(note.text)
    if (!verdict.by.some(({ key }) => key === log)) return failed(`no signature of ${log.name}`)
    if (checkpoint.origin !== log.name)
      return failed(`expected the log ${log.name}, got ${checkpoint.origin}`)
    const seen = new Set(verdict.by.map(({ key }) => key))
    const count = witnesses.filter((key) => seen.has(key)).length
    if (count < quorum) return failed(`expected ${quorum} witnesses, got ${count}`)
    return { kind: 'verified', checkpoint, by: verdict.by }
  } catch (error) {
    if (error instanceof InputError) return failed(error.message)
    throw error
  }
}

/** The proof that a former size of a log is its beginning. */
export function consistency(log: Log.View, from: number, size = log.size()): Consistency {
  return { from, path: from === 0 ? [] : log.consistency(from, size).map(Hex.encode) }
}

/** Whether a later checkpoint goes on from an earlier one, by proof. */
export function follows(
  later: Checkpoint,
  earlier: Pick<Checkpoint, 'origin' | 'size' | 'root'>,
  path: readonly Hex.Hex[],
): boolean {
  if (later.origin !== earlier.origin || !path.every((hash) => Hex.is(hash, 32))) return false
  return Merkle.verifyConsistency(
    { from: earlier.size, size: later.size, path: path.map(Hex.decode) },
    { fromRoot: Hex.decode(earlier.root), root: Hex.decode(later.root) },
  )
}

/** What {@link Log.check} compares a log with. */
export function held({ size, root }: Checkpoint): Log.Held {
  return { size, root: Hex.decode(root) }
}

function failed(because: string): Verdict {
  return { kind: 'failed', because }
}

function refuse(expected: string, got: string): InputError {
  const shown = JSON.stringify(got.length > 100 ? `${got.slice(0, 100)}…` : got)
  return new InputError(`expected ${expected}, got ${shown}`, { code })
}
