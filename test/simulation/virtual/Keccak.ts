/** @module The real keccak256, remembered by its input: type names and domains are hashed over and over. */
import { keccak_256 as real } from '@noble/hashes/sha3.js'

const known = new Map<string, Uint8Array>()
/** Few enough to stay in the processor's caches. */
const most = 4_096

/** As the real one; each caller gets bytes of its own. */
export function keccak_256(data: Uint8Array): Uint8Array {
  const key = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1')
  let hash = known.get(key)
  if (hash === undefined) {
    if (known.size >= most) known.clear()
    hash = real(data)
    known.set(key, hash)
  }
  return hash.slice()
}
