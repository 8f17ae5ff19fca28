/**
 * @module Canonical JSON (RFC 8785): one text for one value, so that a hash names it. Plain data only;
 * a bigint, `undefined` inside an array, or a number that is not finite is a bug of the caller, refused.
 */
import { InputError } from './Errors.ts'

/** What canonical JSON can hold. */
export type Value =
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | { readonly [key: string]: Value | undefined }

/** The canonical text of a plain value. Members that are `undefined` are left out. */
export function encode(value: unknown): string {
  const arranged = arrange(value, 0)
  if (arranged === odd) return write(value, '$', 0)
  // Its own text is made in one piece: pieces would cost more to collect than to make (measured).
  const text = JSON.stringify(arranged)
  // A lone surrogate is written as an escape, which nothing else is but a text that speaks of one.
  return text.includes('\\ud') ? write(value, '$', 0) : text
}

const maxDepth = 64

/** What `JSON.stringify` may not write in canonical form: {@link write} does, or says what is wrong. */
const odd = Symbol('odd')

/** The same value with the keys of its objects in order: itself where they are, copies where not. */
function arrange(value: unknown, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : odd
  if (typeof value !== 'object' || depth > maxDepth) return odd
  return Array.isArray(value) ? arrangeItems(value, depth) : arrangeMembers(value, depth)
}

function arrangeItems(items: readonly unknown[], depth: number): unknown {
  let copy: unknown[] | undefined
  for (let index = 0; index < items.length; index++) {
    const item = arrange(items[index], depth + 1)
    if (item === odd) return odd
    if (item === items[index]) continue
    copy ??= [...items]
    copy[index] = item
  }
  return copy ?? items
}

function arrangeMembers(value: object, depth: number): unknown {
  if (!isPlain(value)) return odd
  const members = value as Record<string, unknown>
  const keys = Object.keys(value)
  let isSame = true
  for (let index = 0; index < keys.length; index++) {
    const key = keys[index]!
    // Keys that look like numbers keep an order of their own in an object, and this one is no member.
    if (isDigit(key.charCodeAt(0)) || key === '__proto__') return odd
    if (index > 0 && key < keys[index - 1]!) isSame = false
  }
  if (!isSame) keys.sort()
  let copy: Record<string, unknown> | undefined = isSame ? undefined : {}
  for (const key of keys) {
    const before = members[key]
    const member = before === undefined ? undefined : arrange(before, depth + 1)
    if (member === odd) return odd
    if (member !== before) copy ??= { ...members }
    if (copy !== undefined) copy[key] = member
  }
  return copy ?? value
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

function write(value: unknown, path: string, depth: number): string {
  if (depth > maxDepth) throw refuse(path, `at most ${maxDepth} levels`, 'more')
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refuse(path, 'a finite number', String(value))
    return JSON.stringify(value)
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw refuse(path, 'well-formed UTF-16', 'a lone surrogate')
    return JSON.stringify(value)
  }
  if (Array.isArray(value))
    return `[${Array.from(value, (item, index) => write(item, `${path}[${index}]`, depth + 1)).join(',')}]`
  if (typeof value === 'object' && isPlain(value)) {
    const members: string[] = []
    for (const key of Object.keys(value).sort()) {
      const member = (value as Record<string, unknown>)[key]
      if (member === undefined) continue
      if (!key.isWellFormed()) throw refuse(path, 'well-formed keys', 'a lone surrogate')
      members.push(`${JSON.stringify(key)}:${write(member, `${path}.${key}`, depth + 1)}`)
    }
    return `{${members.join(',')}}`
  }
  throw refuse(path, 'a plain JSON value', typeof value)
}

/**
 * A value as plain JSON data: bigints become decimal strings, members that are `undefined` go. What has a
 * `toJSON` is what that gives, as everywhere.
 */
export function plain(value: unknown): Value {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    const { toJSON } = value as { readonly toJSON?: unknown }
    if (typeof toJSON === 'function') return plain(toJSON.call(value))
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return Object.fromEntries(members.map(([key, member]) => [key, plain(member)]))
  }
  return value as Value
}

/** {@link plain} of an object, as its members. */
export function members(value: object): { [key: string]: Value } {
  return plain(value) as { [key: string]: Value }
}

/** Parses JSON text. Throws `InputError` that names `what`. */
export function parse(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InputError(`expected ${what} as JSON: ${(cause as Error).message}`, { cause })
  }
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function refuse(path: string, expected: string, got: string): InputError {
  return new InputError(`expected ${expected} at ${path}, got ${got}`, {
    code: 'json-not-canonical',
  })
}
