/**
 * @module EIP-712 typed data: the digest that wallets sign and contracts recompute. Only the types that
 * this package signs: `string`, `bytes`, `bytesN`, `address`, `bool`, `uintN`; a struct is flat.
 */
import { InputError } from './Errors.ts'
import * as Hash from './Hash.ts'
import * as Hex from './Hex.ts'

/** A member of a struct. */
export type Field = { readonly name: string; readonly type: string }

/** What a signature is bound to. */
export type Domain = {
  readonly name: string
  readonly version: string
  readonly chainId: number
  readonly verifyingContract?: Hex.Hex
}

/** One flat struct to be signed. Amounts as bigint. */
export type TypedData = {
  readonly domain: Domain
  readonly primaryType: string
  readonly types: Readonly<Record<string, readonly Field[]>>
  readonly message: Readonly<Record<string, unknown>>
}

/** The 32-byte digest of EIP-712: keccak256(0x1901 ‖ domain separator ‖ struct hash). */
export function hash(data: TypedData): Hex.Hex {
  const fields = data.types[data.primaryType]
  if (fields === undefined)
    throw new InputError(`expected the fields of ${data.primaryType} in types`)
  const { verifyingContract } = data.domain
  const domain = struct(
    'EIP712Domain',
    [
      { name: 'name', type: 'string' },
      { name: 'version', type: 'string' },
      { name: 'chainId', type: 'uint256' },
      ...(verifyingContract === undefined ? [] : [{ name: 'verifyingContract', type: 'address' }]),
    ],
    { ...data.domain, chainId: BigInt(data.domain.chainId) },
  )
  const message = struct(data.primaryType, fields, data.message)
  const bytes = new Uint8Array(66)
  bytes.set([0x19, 0x01])
  bytes.set(domain, 2)
  bytes.set(message, 34)
  return Hex.encode(Hash.keccak256(bytes))
}

function struct(
  type: string,
  fields: readonly Field[],
  message: Readonly<Record<string, unknown>>,
) {
  const encoded = `${type}(${fields.map((field) => `${field.type} ${field.name}`).join(',')})`
  const bytes = new Uint8Array(32 * (fields.length + 1))
  bytes.set(Hash.keccak256(encoded))
  for (const [index, field] of fields.entries())
    bytes.set(member(field, message[field.name]), 32 * (index + 1))
  return Hash.keccak256(bytes)
}

function member({ name, type }: Field, value: unknown): Uint8Array {
  if (type === 'string' && typeof value === 'string') return Hash.keccak256(value)
  if (type === 'bytes' && typeof value === 'string') return Hash.keccak256(Hex.decode(value))
  if (type === 'bool' && typeof value === 'boolean') return Hex.decode(Hex.word(value ? 1n : 0n))
  if (type === 'address' && Hex.is(value, 20)) return Hex.decode(Hex.word(BigInt(value)))
  const [, base, size] = /^(bytes|uint)([1-9]\d{0,2})$/.exec(type) ?? []
  if (base === 'bytes' && Number(size) <= 32 && Hex.is(value, Number(size))) {
    const word = new Uint8Array(32)
    word.set(Hex.decode(value))
    return word
  }
  if (base === 'uint' && isUint(value, Number(size))) return Hex.decode(Hex.word(value))
  throw new InputError(`expected ${type} for ${name}, got ${typeof value} ${String(value)}`)
}

function isUint(value: unknown, bits: number): value is bigint {
  if (bits % 8 !== 0 || bits > 256) return false
  return typeof value === 'bigint' && value >= 0n && value >> BigInt(bits) === 0n
}
