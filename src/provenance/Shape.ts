/**
 * @module Shape: reading untrusted JSON in this room. Says what was expected and, safely, what
 * came.
 */
import { InputError } from '../kernel/Errors.ts'
import type * as Hex from '../kernel/Hex.ts'

/** A non-negative safe integer: a leaf, a size, milliseconds. */
export function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Lower-case hex of 32 bytes: one spelling for one hash. */
export function isHash(value: unknown): value is Hex.Hex {
  return typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)
}

/** An object with no other members than `members`. Throws `InputError` with `code`. */
export function object(
  value: unknown,
  options: { readonly what: string; readonly members?: readonly string[]; readonly code: string },
): { readonly [key: string]: unknown } {
  const { what, members, code } = options
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(code, `${what} as an object`, value)
  if (members === undefined) return value as { readonly [key: string]: unknown }
  for (const key of Object.keys(value))
    if (!members.includes(key)) throw refuse(code, `only ${members.join(', ')} in ${what}`, key)
  return value as { readonly [key: string]: unknown }
}

/** The `InputError` of a member that is not as expected. */
export function refuse(code: string, expected: string, got: unknown): InputError {
  return new InputError(`expected ${expected}, got ${show(got)}`, { code })
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  if (value === undefined) return 'nothing'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
