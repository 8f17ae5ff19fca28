/** @module Hex: `0x`-prefixed lower-case bytes, the form in which hashes, addresses and signatures travel. */
import { InputError } from './Errors.ts'

/** `0x` and an even number of hex digits. */
export type Hex = `0x${string}`

const digits = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0))
const ascii = new TextDecoder('latin1')

/** Bytes as lower-case hex. */
export function encode(bytes: Uint8Array): Hex {
  const text = new Uint8Array(2 + 2 * bytes.length)
  text[0] = 48
  text[1] = 120
  for (let index = 0; index < bytes.length; index++) {
    text[2 + 2 * index] = digits[bytes[index]! >> 4]!
    text[3 + 2 * index] = digits[bytes[index]! & 15]!
  }
  return ascii.decode(text) as Hex
}

/** Hex as bytes. Throws `InputError` naming what was expected. */
export function decode(hex: string): Uint8Array {
  if (hex.length % 2 !== 0 || !/^0x[0-9a-fA-F]*$/.test(hex))
    throw new InputError(`expected 0x-prefixed hex of whole bytes, got ${show(hex)}`)
  const bytes = new Uint8Array((hex.length - 2) / 2)
  for (let index = 0; index < bytes.length; index++)
    bytes[index] = Number.parseInt(hex.slice(2 + 2 * index, 4 + 2 * index), 16)
  return bytes
}

/** True when `value` is hex of exactly `size` bytes. */
export function is(value: unknown, size: number): value is Hex {
  return (
    typeof value === 'string' &&
    value.length === 2 + 2 * size &&
    value.startsWith('0x') &&
    /^[0-9a-fA-F]*$/.test(value.slice(2))
  )
}

/** A 32-byte big-endian word of a non-negative integer. */
export function word(value: bigint): Hex {
  if (value < 0n || value >> 256n !== 0n)
    throw new InputError(`expected an integer of at most 256 bits, got ${value}`)
  return `0x${value.toString(16).padStart(64, '0')}`
}

function show(value: string): string {
  return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
}
