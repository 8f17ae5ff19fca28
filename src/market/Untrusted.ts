/** @module What strangers hand in: read by its schema, or refused with the path and what was expected. */
import type { z } from 'zod'
import { InputError } from '../kernel/Errors.ts'

/** What is read: in words, with an article; what its top is called; the code of the refusal. */
export type What = { readonly what: string; readonly top: string; readonly code: string }

/** A value of the schema. Throws `InputError` naming the first thing that is wrong. */
export function read<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  { what, top, code }: What,
): z.infer<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const place = issue.path.join('.') || top
  throw new InputError(`expected ${what}: ${place}: ${issue.message}`, { code })
}
