/**
 * @module Checkpoints: the signed head of a log as a file (`checkpoint`, beside its tiles). What was signed
 * once binds: a journal that no longer leads there was rewritten, and is not written on.
 */
import * as path from 'node:path'
import { BaseError } from '../kernel/Errors.ts'
import * as Checkpoint from '../provenance/Checkpoint.ts'
import * as Log from '../provenance/Log.ts'
import type * as Note from '../provenance/Note.ts'
import * as Files from './Files.ts'

/** What was found of a signed head. */
export type Found =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly checkpoint: Checkpoint.Checkpoint; readonly note: string }
  | { readonly kind: 'refused'; readonly because: string }

/** Where the signed head lies in a log's folder. */
export function fileOf(folder: string): string {
  return path.join(folder, 'checkpoint')
}

/** Signs the head of a log as it stands and keeps it, whole or not at all; the signed note. */
export function write(folder: string, log: Log.View, signer: Note.Signer): string {
  const note = Checkpoint.sign(Checkpoint.of(log, { origin: signer.name }), signer)
  Files.writeAtomic(fileOf(folder), note)
  return note
}

/** Reads the head that `signer` signed. What others signed, or nobody, is refused. */
export function read(folder: string, signer: Note.Signer): Found {
  const note = Files.readText(fileOf(folder))
  if (note === undefined) return { kind: 'none' }
  // Ed25519 signs the same text the same way, so whoever can sign can also verify.
  const verify: Note.Verify = ({ message, signature }) =>
    signer.sign(message).every((byte, at) => byte === signature[at])
  const verdict = Checkpoint.open(note, { log: signer, verify })
  if (verdict.kind === 'failed') return { kind: 'refused', because: verdict.because }
  return { kind: 'found', checkpoint: verdict.checkpoint, note }
}

/**
 * Throws `journal-rewritten` unless a log begins with a checkpoint that was signed before: to go on would
 * be to sign two histories.
 */
export function expect(log: Log.View, held: Checkpoint.Checkpoint, file: string): void {
  if (Log.agrees(Checkpoint.held(held), log)) return
  const shorter = log.size() < held.size
  throw new BaseError(
    shorter
      ? `the journal ${file} ends after ${log.size()} records, and ${held.size} were signed for`
      : `the first ${held.size} records of the journal ${file} are not those that were signed for`,
    {
      code: 'journal-rewritten',
      hint: 'put back the whole folder from a copy; who holds an earlier checkpoint can tell which',
      facts: { file, size: log.size(), signedSize: held.size, signedRoot: held.root },
    },
  )
}
