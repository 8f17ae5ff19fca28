/** @module SHA-256 on Node: node:crypto, synchronous. Chosen by the import condition `#sha256`. */
import { hash } from 'node:crypto'

/** SHA-256 of bytes, 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer')
}
