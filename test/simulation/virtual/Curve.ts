/**
 * @module Signatures that cost a hash instead of a curve: r names the key, s is a keyed hash of the digest.
 * Whoever lacks the key cannot make one, and one of other data does not verify: all that is asked of them.
 */
import { createHash } from 'node:crypto'
import { secp256k1 as real } from '@noble/curves/secp256k1.js'

const points = new Map<string, { readonly key: string; readonly bytes: Uint8Array }>()

function tag(key: string): string {
  return createHash('sha256').update(`key ${key}`).digest('hex')
}

function seal(key: string, digest: string): string {
  return `00${createHash('sha256').update(`${key} ${digest}`).digest('hex').slice(2)}`
}

/** As much of the curve as wallets use. */
export const secp256k1 = {
  utils: {
    isValidPrivateKey(key: string) {
      points.set(tag(key), { key, bytes: real.getPublicKey(key, false) })
      return true
    },
  },
  sign: (digest: string, key: string) => ({
    toCompactHex: () => `${tag(key)}${seal(key, digest)}`,
    recovery: 0,
  }),
  Signature: {
    fromCompact: (signature: string) => ({
      hasHighS: () => false,
      addRecoveryBit: () => ({
        recoverPublicKey(digest: string) {
          const point = points.get(signature.slice(0, 64))
          if (point === undefined || seal(point.key, digest) !== signature.slice(64))
            throw new Error('nobody’s signature')
          return { toRawBytes: () => point.bytes }
        },
      }),
    }),
  },
}
