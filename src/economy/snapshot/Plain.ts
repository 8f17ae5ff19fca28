/**
 * @module Plain: values of the fold as JSON text and back: besides plain data bigints, maps and sets, in
 * order. For what is small; what grows with the log goes into tables.
 */

import * as Hash from '../../kernel/Hash.ts'
import { parse as parseJson } from '../../kernel/Json.ts'

/** UTF-8 of a value's text. Members that are `undefined` are left out. */
export function encode(value: unknown): Uint8Array {
  return Hash.bytes(JSON.stringify(mark(value)))
}

/** The value again. Throws `InputError` for what is no JSON. */
export function decode(bytes: Uint8Array): unknown {
  return unmark(parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes), 'a snapshot'))
}

/** Objects of one member `$` stand for what JSON does not have. */
function mark(value: unknown): unknown {
  if (typeof value === 'bigint') return { $: 'n', of: value.toString() }
  if (value instanceof Set) return { $: 's', of: [...value].map(mark) }
  if (value instanceof Map) return { $: 'm', of: [...value].flat().map(mark) }
  if (Array.isArray(value)) return value.map(mark)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const plain = Object.fromEntries(members.map(([key, member]) => [key, mark(member)]))
  return '$' in value ? { $: 'o', of: plain } : plain
}

function unmark(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unmark)
  if (typeof value !== 'object' || value === null) return value
  const { $: kind, of } = value as { $?: string; of?: unknown }
  if (kind === 'n') return BigInt(of as string)
  if (kind === 's') return new Set((of as unknown[]).map(unmark))
  if (kind === 'm') {
    const list = (of as unknown[]).map(unmark)
    const pairs = Array.from({ length: list.length / 2 }, (_, at) => list.slice(2 * at, 2 * at + 2))
    return new Map(pairs as [unknown, unknown][])
  }
  return members((kind === 'o' ? of : value) as object)
}

function members(value: object): unknown {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, unmark(member)]))
}
