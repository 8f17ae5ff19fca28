/** @module SHA-256 on Node: node:crypto, synchronous. Chosen by the import condition `#sha256`. */
import { hash } from 'node:crypto'

/** SHA-256 of bytes, 32 bytes: a plain `Uint8Array`, equal to what a browser gets. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const digest = hash('sha256', bytes, 'buffer')
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength)
}
