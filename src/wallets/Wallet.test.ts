import { inspect } from 'node:util'
import fc from 'fast-check'
import { hashTypedData, parseTransaction, recoverTransactionAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import type { Hex } from '../kernel/Hex.ts'
import * as TypedData from '../kernel/TypedData.ts'
import * as Wallet from './Wallet.ts'

const key = `0x${'c0ffee'.repeat(10)}abcd` as Hex
const data: TypedData.TypedData = {
  domain: {
    name: 'USD Coin',
    version: '2',
    chainId: 31337,
    verifyingContract: '0x5fbdb2315678afecb367f032d93f642f64180aa3',
  },
  primaryType: 'Sample',
  types: {
    Sample: [
      { name: 'to', type: 'address' },
      { name: 'value', type: 'uint256' },
      { name: 'nonce', type: 'bytes32' },
      { name: 'note', type: 'string' },
    ],
  },
  message: {
    to: '0x70997970c51812dc3a010c7d01b50e0d17dc79c8',
    value: 10n ** 30n,
    nonce: `0x${'11'.repeat(32)}`,
    note: 'grüße',
  },
}
const curveOrder = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

describe('signing', () => {
  test('agrees with viem in digest and signature, and is deterministic', async () => {
    const wallet = Wallet.fromPrivateKey(key)
    const account = privateKeyToAccount(key)
    expect(wallet.address).toBe(account.address.toLowerCase())
    expect(TypedData.hash(data)).toBe(hashTypedData(data as never))
    const signature = await wallet.signTypedData(data)
    expect(signature).toBe(await account.signTypedData(data as never))
    expect(await wallet.signTypedData(data)).toBe(signature)
  })

  test('signs EIP-1559 transactions, contract creation included', async () => {
    const wallet = Wallet.fromPrivateKey(key)
    const common = { chainId: 31337, nonce: 7, gas: 21_000n }
    const fees = { maxFeePerGasWei: 9n, maxPriorityFeePerGasWei: 1n }
    const plain = await wallet.signTransaction({ ...common, ...fees, to: wallet.address })
    const created = await wallet.signTransaction({ ...common, ...fees, data: '0x6001' })
    expect(parseTransaction(plain)).toMatchObject({ ...common, to: wallet.address })
    expect(parseTransaction(created).to).toBeUndefined()
    for (const serializedTransaction of [plain, created])
      expect(
        (
          await recoverTransactionAddress({
            serializedTransaction: serializedTransaction as `0x02${string}`,
          })
        ).toLowerCase(),
      ).toBe(wallet.address)
  })

  test('two generated wallets differ', () => {
    expect(Wallet.generate().address).not.toBe(Wallet.generate().address)
  })
})

describe('verification', () => {
  const wallet = Wallet.fromPrivateKey(key)

  test('accepts its own signature, in either case of hex', async () => {
    const signature = await wallet.signTypedData(data)
    const { address } = wallet
    expect(Wallet.verifyTypedData({ address, data, signature })).toBe(true)
    const upper = `0x${signature.slice(2).toUpperCase()}`
    expect(Wallet.verifyTypedData({ address, data, signature: upper })).toBe(true)
  })

  test('refuses every single flipped bit', async () => {
    const signature = await wallet.signTypedData(data)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65 * 8 - 1 }), (bit) => {
        const bytes = Buffer.from(signature.slice(2), 'hex')
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        const flipped = `0x${bytes.toString('hex')}`
        return !Wallet.verifyTypedData({ address: wallet.address, data, signature: flipped })
      }),
      { numRuns: 60 },
    )
  })

  test('refuses other data, other addresses and every malformed input without throwing', async () => {
    const signature = await wallet.signTypedData(data)
    const { address } = wallet
    const other = Wallet.generate().address
    const altered = { ...data, message: { ...data.message, value: 1n } }
    const zero = `0x${'00'.repeat(65)}`
    const broken = { ...data, message: {} }
    expect(Wallet.verifyTypedData({ address: other, data, signature })).toBe(false)
    expect(Wallet.verifyTypedData({ address, data: altered, signature })).toBe(false)
    expect(Wallet.verifyTypedData({ address, data: broken, signature })).toBe(false)
    expect(Wallet.verifyTypedData({ address: '0x12', data, signature })).toBe(false)
    for (const malformed of ['', '0x', 'nonsense', zero, signature.slice(0, -2), `${signature}00`])
      expect(Wallet.verifyTypedData({ address, data, signature: malformed })).toBe(false)
  })

  test('refuses the malleable twin: the same signature with s in the upper half', async () => {
    const signature = await wallet.signTypedData(data)
    const s = curveOrder - BigInt(`0x${signature.slice(66, 130)}`)
    const v = signature.endsWith('1b') ? '1c' : '1b'
    const twin = `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}`
    expect(Wallet.verifyTypedData({ address: wallet.address, data, signature: twin })).toBe(false)
  })
})

describe('the key', () => {
  test('is in no JSON, inspection, property or error', () => {
    const wallet = Wallet.fromPrivateKey(key)
    const shown = [
      JSON.stringify(wallet),
      inspect(wallet, { depth: 10, showHidden: true, getters: true }),
      String(wallet),
      ...Reflect.ownKeys(wallet).map((name) => inspect(Reflect.get(wallet, name))),
    ].join('\n')
    expect(shown).toContain(wallet.address)
    expect(shown.toLowerCase()).not.toContain('c0ffee')
  })

  test.each([
    ['too short', '0xc0ffee'],
    ['without 0x', 'c0ffee'.repeat(11)],
    ['zero', `0x${'00'.repeat(32)}`],
    ['the curve order', `0x${curveOrder.toString(16)}`],
    ['not hex', `0x${'zz'.repeat(32)}`],
  ])('malformed (%s) is refused and not repeated', (_, malformed) => {
    const act = () => Wallet.fromPrivateKey(malformed as Hex)
    expect(act).toThrow(/expected a private key/)
    try {
      act()
    } catch (error) {
      expect(inspect(error)).not.toContain(malformed.slice(2, 10).repeat(2))
    }
  })
})
