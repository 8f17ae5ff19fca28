/**
 * @module Note keys: the Ed25519 key with which a log's owner signs its checkpoints. It follows from the
 * wallet: the seed is HKDF of the wallet's signature of one fixed text, which RFC 6979 makes the same
 * every time. So there is no further secret to keep or to lose, and a remote signer will do.
 */
import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto'
import { BaseError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import { name } from '../kernel/Name.ts'
import type { TypedData } from '../kernel/TypedData.ts'
import * as Checkpoint from '../provenance/Checkpoint.ts'
import * as Note from '../provenance/Note.ts'
import type { Wallet } from './Wallet.ts'

/** Never to be signed for anybody, and sent nowhere: who has the signature has the key. */
const secretText: TypedData = {
  domain: { name, version: '1', chainId: 0 },
  primaryType: 'NoteKey',
  types: { NoteKey: [{ name: 'purpose', type: 'string' }] },
  message: { purpose: 'derives the key that signs the checkpoints of this log' },
}

const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * The key of a wallet's own log, named as the log is. Throws `note-key-unstable` for a wallet that
 * does not sign the same text the same way: its key would be another after each start.
 */
export async function of(wallet: Wallet): Promise<Note.Signer> {
  const signature = await wallet.signTypedData(secretText)
  if (signature !== (await wallet.signTypedData(secretText)))
    throw new BaseError(`the wallet ${wallet.address} signs the same text in different ways`, {
      code: 'note-key-unstable',
      hint: 'use a signer with deterministic signatures (RFC 6979)',
    })
  const secret = Buffer.from(Hex.decode(signature)).subarray(0, 64)
  const seed = hkdfSync('sha256', secret, Buffer.alloc(0), `${name}/note-key`, 32)
  return fromSeed(new Uint8Array(seed), { name: Checkpoint.originOf(wallet.address) })
}

/** The key of a seed of 32 bytes: a log's, or a witness's with type `cosignature`. */
export function fromSeed(
  seed: Uint8Array,
  options: { readonly name: string; readonly type?: Note.Key['type'] },
): Note.Signer {
  const der = Buffer.concat([pkcs8Head, seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = raw(createPublicKey(key))
  const { name, type = Note.types.ed25519 } = options
  return Object.freeze({
    name,
    type,
    publicKey,
    sign: (message: Uint8Array) => new Uint8Array(signBytes(null, message, key)),
  })
}

/** Whether an Ed25519 signature holds. Malformed keys and signatures do not. */
export const verify: Note.Verify = ({ publicKey, message, signature }) => {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  const der = Buffer.concat([spkiHead, publicKey])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  return verifyBytes(null, message, key, signature)
}

function raw(key: KeyObject): Uint8Array {
  const { buffer, byteOffset, length } = key.export({ format: 'der', type: 'spki' })
  return new Uint8Array(buffer, byteOffset + length - 32, 32).slice()
}
