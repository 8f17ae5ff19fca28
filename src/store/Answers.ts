/**
 * @module Answers: the texts behind the commitments of a receipt, kept beside the journal so that they can
 * be shown and replayed, and erased without breaking a proof. One file a receipt, named by its hash.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BaseError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Files from './Files.ts'

/** The texts of one inference and the salts of their commitments. */
export type Answer = {
  /** Canonical JSON of the request's messages. */
  readonly prompt: string
  readonly promptSalt: Hex
  readonly output: string
  readonly outputSalt: Hex
}

/** What a receipt commits to. */
export type Commitments = { readonly promptCommitment: Hex; readonly outputCommitment: Hex }

/** The commitments of an answer's texts. */
export function commit(answer: Answer): Commitments {
  return {
    promptCommitment: Hash.commitment(answer.prompt, answer.promptSalt),
    outputCommitment: Hash.commitment(answer.output, answer.outputSalt),
  }
}

/** Keeps an answer durably; call before the record that commits to it. */
export function put(dir: string, receiptHash: Hex, answer: Answer): void {
  mkdirSync(join(dir, 'answers'), { recursive: true, mode: 0o700 })
  Files.writeAtomic(file(dir, receiptHash), Json.encode(answer), { mode: 0o600 })
}

/** Reads an answer; `erased` where its file is gone. Throws naming the file where it was altered. */
export function get(
  dir: string,
  receiptHash: Hex,
  expected: Commitments,
): { readonly kind: 'found'; readonly answer: Answer } | { readonly kind: 'erased' } {
  const path = file(dir, receiptHash)
  if (!existsSync(path)) return { kind: 'erased' }
  const answer = Json.parse(readFileSync(path, 'utf8'), path) as Answer
  try {
    const found = commit(answer)
    if (
      found.promptCommitment === expected.promptCommitment &&
      found.outputCommitment === expected.outputCommitment
    )
      return { kind: 'found', answer }
  } catch {
    // A malformed file commits to nothing: the same finding as an altered one.
  }
  throw new BaseError(`${path} is not the text its receipt commits to`, {
    code: 'answer-altered',
    hint: 'restore the file from a copy, or delete it: the receipt then verifies as erased',
    facts: { file: path },
  })
}

function file(dir: string, receiptHash: Hex): string {
  return join(dir, 'answers', `${receiptHash.slice(2)}.json`)
}
