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
  return quick(value, 0) ?? write(value, '$', 0)
}

const maxDepth = 64

/**
 * What {@link write} gives, a third of its time (measured: `npm run bench -- provenance`); undefined for
 * what may have to be refused: `write` then knows where.
 */
function quick(value: unknown, depth: number): string | undefined {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return Number.isFinite(value) ? `${value}` : undefined
  if (value === null || typeof value === 'boolean') return `${value}`
  if (typeof value !== 'object' || depth > maxDepth) return undefined
  let text = ''
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item = quick(value[index], depth + 1)
      if (item === undefined) return undefined
      text += index === 0 ? item : `,${item}`
    }
    return `[${text}]`
  }
  if (!isPlain(value)) return undefined
  for (const key of sorted(Object.keys(value))) {
    const member = (value as Record<string, unknown>)[key]
    if (member === undefined) continue
    const [name, item] = [quote(key), quick(member, depth + 1)]
    if (name === undefined || item === undefined) return undefined
    text += text === '' ? `${name}:${item}` : `,${name}:${item}`
  }
  return `{${text}}`
}

/** Keys mostly come in order: to see that costs less than to sort. */
function sorted(keys: string[]): string[] {
  for (let index = 1; index < keys.length; index++)
    if (keys[index - 1]! > keys[index]!) return keys.sort()
  return keys
}

/** A string as JSON; undefined when it is not well formed. */
function quote(text: string): string | undefined {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    // Control characters, quotation marks, backslashes, and all that is not ASCII.
    if (code < 32 || code > 126 || code === 34 || code === 92)
      return text.isWellFormed() ? JSON.stringify(text) : undefined
  }
  return `"${text}"`
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

/** A value as plain JSON data: bigints become decimal strings, members that are `undefined` go. */
export function plain(value: unknown): Value {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined)
    return Object.fromEntries(members.map(([key, member]) => [key, plain(member)]))
  }
  return value as Value
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
