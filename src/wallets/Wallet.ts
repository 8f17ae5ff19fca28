/**
 * @module Wallets: an address that can sign. The key stays in a closure: no property, JSON, inspection or
 * error of a wallet shows it. Anything with these three members is a wallet: a remote signer too.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { privateKeyToAccount } from 'viem/accounts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as TypedData from '../kernel/TypedData.ts'

/** An EIP-1559 transaction to be signed; amounts in wei. Without `to` it creates a contract. */
export type Transaction = {
  readonly chainId: number
  readonly nonce: number
  readonly to?: Hex.Hex
  readonly data?: Hex.Hex
  readonly valueWei?: bigint
  readonly gas: bigint
  readonly maxFeePerGasWei: bigint
  readonly maxPriorityFeePerGasWei: bigint
}

/** Who signs. */
export type Wallet = {
  /** Lower-case address. */
  readonly address: Hex.Hex
  /** EIP-712 signature, 65 bytes (r, s, v), the same for the same data (RFC 6979). */
  signTypedData(data: TypedData.TypedData): Promise<Hex.Hex>
  /** The signed transaction, serialised, ready to be sent. */
  signTransaction(transaction: Transaction): Promise<Hex.Hex>
}

/** The wallet of a private key of 32 bytes. The error of a malformed key does not repeat it. */
export function fromPrivateKey(privateKey: Hex.Hex): Wallet {
  if (!Hex.is(privateKey, 32) || !secp256k1.utils.isValidPrivateKey(privateKey.slice(2)))
    throw new InputError('expected a private key: 0x and 64 hex digits, not 0, below the order')
  const account = privateKeyToAccount(privateKey)
  return Object.freeze({
    address: account.address.toLowerCase() as Hex.Hex,
    async signTypedData(data: TypedData.TypedData) {
      return signDigest(TypedData.hash(data), privateKey)
    },
    signTransaction: (transaction: Transaction) =>
      account.signTransaction({
        type: 'eip1559',
        chainId: transaction.chainId,
        nonce: transaction.nonce,
        gas: transaction.gas,
        maxFeePerGas: transaction.maxFeePerGasWei,
        maxPriorityFeePerGas: transaction.maxPriorityFeePerGasWei,
        ...(transaction.to === undefined ? {} : { to: transaction.to }),
        ...(transaction.data === undefined ? {} : { data: transaction.data }),
        ...(transaction.valueWei === undefined ? {} : { value: transaction.valueWei }),
      }),
  })
}

/** A wallet of a fresh random key that nothing else holds. */
export function generate(): Wallet {
  return fromPrivateKey(Hex.encode(secp256k1.utils.randomPrivateKey()))
}

/**
 * True when `signature` is the address's own, of exactly this data. Only the one canonical form passes:
 * 65 bytes, v 27 or 28, s in the lower half (EIP-2). Anything malformed is false, never an error.
 */
export function verifyTypedData(options: {
  readonly address: Hex.Hex
  readonly data: TypedData.TypedData
  readonly signature: string
}): boolean {
  const { address, data, signature } = options
  if (!Hex.is(address, 20) || !Hex.is(signature, 65)) return false
  let digest: Hex.Hex
  try {
    digest = TypedData.hash(data)
  } catch (error) {
    if (error instanceof BaseError) return false
    throw error
  }
  return signer(digest, signature) === address.toLowerCase()
}

function signDigest(digest: Hex.Hex, privateKey: Hex.Hex): Hex.Hex {
  const signature = secp256k1.sign(digest.slice(2), privateKey.slice(2), { lowS: true })
  return `0x${signature.toCompactHex()}${(27 + signature.recovery).toString(16)}`
}

/** Who signed a digest of 32 bytes with 65 (r, s, v 27 or 28, s in the lower half); undefined if nobody. */
export function signer(digest: Hex.Hex, signature: Hex.Hex): Hex.Hex | undefined {
  const recovery = Number.parseInt(signature.slice(130), 16) - 27
  if (recovery !== 0 && recovery !== 1) return undefined
  try {
    const parsed = secp256k1.Signature.fromCompact(signature.slice(2, 130))
    if (parsed.hasHighS()) return undefined
    const point = parsed.addRecoveryBit(recovery).recoverPublicKey(digest.slice(2))
    return Hex.encode(Hash.keccak256(point.toRawBytes(false).subarray(1)).subarray(12))
  } catch {
    // r or s out of range, or no point on the curve: nobody's signature.
    return undefined
  }
}
