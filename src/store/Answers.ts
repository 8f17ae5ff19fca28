/**
 * @module Answers: the texts behind the commitments of a receipt, kept beside the journal so that they can
 * be shown and replayed, and erased without breaking a proof. One file a receipt, named by its hash.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { BaseError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Fields from '../market/Fields.schema.ts'
import * as Files from './Files.ts'

/** The texts of one inference and the salts of their commitments. */
export type Answer = {
  /** Canonical JSON of the request's messages. */
  readonly prompt: string
  readonly promptSalt: Hex
  readonly output: string
  readonly outputSalt: Hex
  /** Why it ended; absent: of itself. */
  readonly finish?: 'length' | 'tool_calls' | undefined
  /** UTF-16 offset in `output` of the line with the tools it calls; absent: it calls none. */
  readonly callsAt?: number | undefined
}

const answer = z.strictObject({
  prompt: z.string(),
  promptSalt: Fields.hash,
  output: z.string(),
  outputSalt: Fields.hash,
  finish: z.enum(['length', 'tool_calls']).optional(),
  callsAt: Fields.count.optional(),
})

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
  Files.ensureFolder(join(dir, 'answers'))
  Files.writeAtomic(file(dir, receiptHash), Json.encode(answer), { mode: 0o600 })
}

/** An answer, or that its file is gone. */
export type Found =
  | { readonly kind: 'found'; readonly answer: Answer }
  | { readonly kind: 'erased' }

/** Reads an answer as it stands. Throws naming the file where it is no answer at all. */
export function read(dir: string, receiptHash: Hex): Found {
  const path = file(dir, receiptHash)
  const text = Files.readText(path)
  if (text === undefined) return { kind: 'erased' }
  const parsed = answer.safeParse(Json.parse(text, path))
  if (parsed.success && Json.encode(parsed.data) === text)
    return { kind: 'found', answer: parsed.data }
  throw altered(path)
}

/** Reads an answer that a receipt commits to. Throws naming the file where it is another text. */
export function get(dir: string, receiptHash: Hex, expected: Commitments): Found {
  const found = read(dir, receiptHash)
  if (found.kind === 'erased') return found
  const { promptCommitment, outputCommitment } = commit(found.answer)
  if (
    promptCommitment !== expected.promptCommitment ||
    outputCommitment !== expected.outputCommitment
  )
    throw altered(file(dir, receiptHash))
  return found
}

function altered(path: string): BaseError {
  return new BaseError(`${path} is not the text its receipt commits to`, {
    code: 'answer-altered',
    hint: 'restore the file from a copy, or delete it: the receipt then verifies as erased',
    facts: { file: path },
  })
}

function file(dir: string, receiptHash: Hex): string {
  return join(dir, 'answers', `${receiptHash.slice(2)}.json`)
}
