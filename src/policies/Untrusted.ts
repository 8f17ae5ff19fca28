/** @module Untrusted JSON, read strictly: every key known, every value of the kind it should be. */
import { InputError } from '../kernel/Errors.ts'

/** An untrusted value as a record with these keys and no others; `optional` may be left out. */
export function record(
  value: unknown,
  what: string,
  keys: readonly string[],
  optional: readonly string[] = [],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InputError(`expected ${what} as an object, got ${show(value)}`)
  for (const key of keys)
    if (!Object.hasOwn(value, key)) throw new InputError(`expected ${what} with "${key}"`)
  for (const key of Object.keys(value))
    if (!keys.includes(key) && !optional.includes(key))
      throw new InputError(
        `expected ${what} with ${[...keys, ...optional].join(', ')} only, got ${show(key)}`,
      )
  return value as Readonly<Record<string, unknown>>
}

/** An untrusted value as one of some words. */
export function oneOf<const Word extends string>(
  value: unknown,
  what: string,
  words: readonly Word[],
): Word {
  const found = words.find((word) => word === value)
  if (found === undefined)
    throw new InputError(`expected ${what} as ${words.join(' or ')}, got ${show(value)}`)
  return found
}

/** An untrusted value as a list of distinct strings, at least one, each accepted by `refuse`. */
export function strings(
  value: unknown,
  what: string,
  refuse: (item: string) => string | undefined,
): readonly string[] {
  if (!Array.isArray(value) || value.length === 0)
    throw new InputError(`expected ${what} as a list of at least one, got ${show(value)}`)
  for (const item of value) {
    if (typeof item !== 'string') throw new InputError(`expected ${what} as strings`)
    const expected = item === '' || /[\s,]/.test(item) ? 'no blank and no comma' : refuse(item)
    if (expected !== undefined)
      throw new InputError(`expected ${expected} in ${what}, got ${show(item)}`)
  }
  if (new Set(value).size !== value.length) throw new InputError(`expected each of ${what} once`)
  return [...value] as string[]
}

/** What came instead, for eyes, in a few characters. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
