/** @module Hashes: SHA-256 for records and documents, keccak256 for whatever a chain must recompute. */

import { keccak_256 } from '@noble/hashes/sha3.js'
import { sha256 as sha256Bytes } from '#sha256'
import * as Hex from './Hex.ts'
import * as Json from './Json.ts'

const utf8 = new TextEncoder()

/** UTF-8 bytes of a text. */
export function bytes(text: string): Uint8Array {
  return utf8.encode(text)
}

/** SHA-256 of bytes or of a text's UTF-8, as 32 raw bytes. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return sha256Bytes(typeof data === 'string' ? bytes(data) : data)
}

/** keccak256 of bytes or of a text's UTF-8, as 32 raw bytes. */
export function keccak256(data: Uint8Array | string): Uint8Array {
  return keccak_256(typeof data === 'string' ? bytes(data) : data)
}

/** SHA-256 of the canonical JSON (RFC 8785) of a plain value, as hex: the name of everything recorded. */
export function digest(value: unknown): Hex.Hex {
  return Hex.encode(sha256(Json.encode(value)))
}

/** SHA-256 of a text's UTF-8, as hex. */
export function text(value: string): Hex.Hex {
  return Hex.encode(sha256(value))
}

/**
 * A salted commitment to a text that may later be erased: SHA-256 of canonical `{ salt, text }`.
 * Without the salt the text cannot be guessed from it.
 */
export function commitment(text: string, salt: Hex.Hex): Hex.Hex {
  return digest({ salt, text })
}
