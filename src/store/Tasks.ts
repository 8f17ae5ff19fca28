/**
 * @module Tasks: what an agent was asked and what its work has done so far, one file a run beside the
 * journal, which carries a salted digest only. Erasable: no fold reads it, and a run whose task was
 * erased can only end.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Fields from '../market/Fields.schema.ts'
import * as Files from './Files.ts'

const task = z.strictObject({
  v: z.literal(1),
  run: Fields.label,
  question: z.string(),
  salt: Fields.hash,
  /** Asked again and again: the time between. */
  everyMs: z.int().min(1).optional(),
  /** What the steps of the work brought, by name. */
  steps: z.record(z.string(), z.unknown()),
  answer: z.string().optional(),
})

/** One run's task. */
export type Task = z.infer<typeof task>

/** What the journal says of a task: salted, so that a short question cannot be guessed from it. */
export function digest({ question, salt }: Pick<Task, 'question' | 'salt'>): Hex {
  return Hash.commitment(question, salt)
}

/** Keeps a task durably; call before the record that names its digest. */
export function put(dir: string, given: Task): void {
  Files.ensureFolder(join(dir, 'tasks'))
  Files.writeAtomic(file(dir, given.run), Json.encode(Json.plain(given)), { mode: 0o600 })
}

/** The task of a run; undefined when it was erased. Throws `InputError` for a file that is none. */
export function get(dir: string, run: string): Task | undefined {
  const path = file(dir, run)
  const text = Files.readText(path)
  if (text === undefined) return undefined
  const parsed = task.safeParse(Json.parse(text, path))
  if (parsed.success && parsed.data.run === run) return parsed.data
  const because = parsed.success ? `run ${parsed.data.run}` : parsed.error.issues[0]!.message
  throw new InputError(`expected the task of run ${run} in ${path}: ${because}`)
}

function file(dir: string, run: string): string {
  return join(dir, 'tasks', `${Hash.text(run).slice(2)}.json`)
}
