import fc from 'fast-check'
import { hashTypedData } from 'viem'
import { describe, expect, test } from 'vitest'
import { InputError } from './Errors.ts'
import * as Hex from './Hex.ts'
import * as TypedData from './TypedData.ts'

const bytesOf = (size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map(Hex.encode)

/** A member's type with values of it. */
const member = fc.oneof(
  fc.constant({ type: 'string', values: fc.string({ unit: 'grapheme' }) as fc.Arbitrary<unknown> }),
  fc.constant({ type: 'bytes', values: fc.uint8Array({ maxLength: 80 }).map(Hex.encode) }),
  fc.constant({ type: 'bool', values: fc.boolean() }),
  fc.constant({ type: 'address', values: bytesOf(20) }),
  fc.integer({ min: 1, max: 32 }).map((size) => ({ type: `bytes${size}`, values: bytesOf(size) })),
  fc.integer({ min: 1, max: 32 }).map((size) => ({
    type: `uint${8 * size}`,
    values: fc.bigInt(0n, 2n ** BigInt(8 * size) - 1n),
  })),
)

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,12}$/)
const domain = fc.record(
  {
    name: fc.string({ unit: 'grapheme' }),
    version: fc.string({ minLength: 1 }),
    chainId: fc.integer({ min: 1, max: 2 ** 48 }),
    verifyingContract: bytesOf(20),
  },
  { requiredKeys: ['name', 'version', 'chainId'] },
) as fc.Arbitrary<TypedData.Domain>

const typed: fc.Arbitrary<TypedData.TypedData> = fc
  .tuple(
    word.map((name) => `S${name}`),
    domain,
    fc.uniqueArray(fc.tuple(word, member), {
      minLength: 1,
      maxLength: 8,
      selector: ([name]) => name,
    }),
  )
  .chain(([primaryType, domain, members]) =>
    fc
      .record(Object.fromEntries(members.map(([name, { values }]) => [name, values])))
      .map((message) => ({
        domain,
        primaryType,
        types: { [primaryType]: members.map(([name, { type }]) => ({ name, type })) },
        message: { ...message },
      })),
  )

test('agrees with viem on every flat struct', () => {
  let members = 0
  fc.assert(
    fc.property(typed, (data) => {
      members += data.types[data.primaryType]!.length
      expect(TypedData.hash(data)).toBe(hashTypedData(data as Parameters<typeof hashTypedData>[0]))
    }),
    { numRuns: 300 },
  )
  expect(members).toBeGreaterThan(300)
})

const transfer: TypedData.TypedData = {
  domain: {
    name: 'USD Coin',
    version: '2',
    chainId: 8453,
    verifyingContract: '0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  },
  primaryType: 'TransferWithAuthorization',
  types: {
    TransferWithAuthorization: [
      { name: 'from', type: 'address' },
      { name: 'to', type: 'address' },
      { name: 'value', type: 'uint256' },
      { name: 'validAfter', type: 'uint256' },
      { name: 'validBefore', type: 'uint256' },
      { name: 'nonce', type: 'bytes32' },
    ],
  },
  message: {
    from: `0x${'11'.repeat(20)}`,
    to: `0x${'22'.repeat(20)}`,
    value: 100n,
    validAfter: 0n,
    validBefore: 1_900_000_000n,
    nonce: `0x${'33'.repeat(32)}`,
  },
}

describe('an EIP-3009 authorization', () => {
  const hash = TypedData.hash(transfer)

  test('is hashed as wallets hash it', () => {
    expect(hash).toBe(hashTypedData(transfer as Parameters<typeof hashTypedData>[0]))
  })

  test('every member and every part of the domain is bound', () => {
    const changed: TypedData.TypedData[] = [
      ...Object.keys(transfer.message).map((name) => {
        const value = transfer.message[name]
        const other = typeof value === 'bigint' ? value + 1n : `${String(value).slice(0, -1)}f`
        return { ...transfer, message: { ...transfer.message, [name]: other } }
      }),
      ...[{ name: 'US Coin' }, { version: '1' }, { chainId: 1 }].map((part) => ({
        ...transfer,
        domain: { ...transfer.domain, ...part },
      })),
      { ...transfer, domain: { name: 'USD Coin', version: '2', chainId: 8453 } },
    ]
    expect(changed).toHaveLength(10)
    expect(new Set([hash, ...changed.map(TypedData.hash)]).size).toBe(11)
  })
})

describe('what cannot be signed is refused, and the member named', () => {
  test.each([
    ['uint256', 100],
    ['uint256', '100'],
    ['uint256', -1n],
    ['uint256', 2n ** 256n],
    ['uint8', 256n],
    ['uint7', 1n],
    ['uint264', 1n],
    ['uint0', 0n],
    ['int256', 1n],
    ['bytes32', '0xab'],
    ['bytes33', `0x${'ab'.repeat(33)}`],
    ['bytes0', '0x'],
    ['bytes', '0xa'],
    ['address', '0xab'],
    ['address', 5n],
    ['bool', 1],
    ['bool', 'true'],
    ['string', 5],
    ['string', undefined],
    ['uint256[]', []],
    ['Person', {}],
  ])('%s: %s', (type, value) => {
    const data = {
      ...transfer,
      primaryType: 'Odd',
      types: { Odd: [{ name: 'part', type }] },
      message: { part: value },
    }
    expect(() => TypedData.hash(data)).toThrow(InputError)
    expect(() => TypedData.hash(data)).toThrow(
      type === 'bytes' ? 'whole bytes' : `${type} for part`,
    )
  })

  test('a primary type without fields', () => {
    expect(() => TypedData.hash({ ...transfer, primaryType: 'Permit' })).toThrow(
      'expected the fields of Permit',
    )
  })
})
