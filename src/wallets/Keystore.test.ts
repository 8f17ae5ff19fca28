import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Hex } from '../kernel/Hex.ts'
import * as Keystore from './Keystore.ts'
import * as Wallet from './Wallet.ts'

/** The two test vectors of the Web3 Secret Storage definition. */
const secret = '0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d'
const scryptVector = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
    ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
    kdf: 'scrypt',
    kdfparams: {
      dklen: 32,
      n: 262144,
      r: 1,
      p: 8,
      salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19',
    },
    mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
}
const pbkdf2Vector = {
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: {
      c: 262144,
      dklen: 32,
      prf: 'hmac-sha256',
      salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
    },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keystore-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the format', () => {
  test.each([
    ['scrypt', scryptVector],
    ['PBKDF2', pbkdf2Vector],
  ])('opens the known-answer file of the definition: %s', async (_, vector) => {
    const text = JSON.stringify(vector)
    expect(await Keystore.decode({ text, password: 'testpassword' })).toBe(secret)
  })

  test('opens what it wrote, and writes version 3 with scrypt of n 262144, r 8', async () => {
    const text = await Keystore.encode({ privateKey: secret, password: 'pässword' })
    expect(await Keystore.decode({ text, password: 'pässword' })).toBe(secret)
    const file = JSON.parse(text)
    expect(file).toMatchObject({ version: 3, crypto: { kdf: 'scrypt', cipher: 'aes-128-ctr' } })
    expect(file.crypto.kdfparams).toMatchObject({ n: 262144, r: 8, p: 1, dklen: 32 })
    expect(text).not.toContain(secret.slice(2))
  })

  test('another password or one altered digit is refused, the secret not shown', async () => {
    const text = await Keystore.encode({ privateKey: secret, password: 'right', cost: 'light' })
    const file = JSON.parse(text)
    const digit = file.crypto.ciphertext[0] === '0' ? '1' : '0'
    const altered = JSON.stringify({
      ...file,
      crypto: { ...file.crypto, ciphertext: digit + file.crypto.ciphertext.slice(1) },
    })
    for (const attempt of [
      { text, password: 'wrong' },
      { text: altered, password: 'right' },
    ]) {
      const error = await Keystore.decode(attempt).catch((error: unknown) => error)
      expect(error).toMatchObject({ code: 'password-wrong' })
      expect(inspect(error)).not.toContain(secret.slice(2))
    }
  })

  test.each([
    ['not JSON', 'nonsense'],
    ['another version', JSON.stringify({ ...scryptVector, version: 1 })],
    ['no crypto', JSON.stringify({ version: 3 })],
    ['a list', '[]'],
    ['a hostile cost', hostile({ n: 2 ** 30 })],
    ['a cost not a power of two', hostile({ n: 1000 })],
    ['parameters of another derivation', hostile({ n: undefined, c: 10, prf: 'hmac-sha256' })],
  ])('malformed: %s', async (_, text) => {
    await expect(Keystore.decode({ text, password: 'x' })).rejects.toThrow(
      /expected .*key file|deriv/,
    )
  })
})

describe('the file', () => {
  test('is created once, 0600, and gives the same wallet again', async () => {
    const file = join(folder, 'deep', 'agent.json')
    const first = await Keystore.open({ file, create: true, localChain: true })
    const again = await Keystore.open({ file, create: true, localChain: true })
    expect(again.address).toBe(first.address)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(join(folder, 'deep'))).toEqual(['agent.json'])
    expect(JSON.parse(await readFile(file, 'utf8')).address).toBe(first.address.slice(2))
  })

  test('ten that create at once get one and the same wallet', async () => {
    const file = join(folder, 'race.json')
    const wallets = await Promise.all(
      Array.from({ length: 10 }, () => Keystore.open({ file, create: true, localChain: true })),
    )
    expect(new Set(wallets.map((wallet) => wallet.address)).size).toBe(1)
  })

  test('without a password there is a wallet on a local chain only', async () => {
    const file = join(folder, 'real.json')
    await expect(Keystore.open({ file, create: true })).rejects.toMatchObject({
      code: 'password-needed',
    })
    const wallet = await Keystore.open({ file, create: true, password: 'given' })
    expect(JSON.parse(await readFile(file, 'utf8')).crypto.kdfparams.n).toBe(262144)
    expect((await Keystore.open({ file, password: 'given' })).address).toBe(wallet.address)
  })

  test('missing, exposed or foreign files are refused by name', async () => {
    const file = join(folder, 'exposed.json')
    await expect(Keystore.open({ file, localChain: true })).rejects.toMatchObject({
      code: 'key-file-missing',
    })
    const privateKey = secret as Hex
    await writeFile(file, await Keystore.encode({ privateKey, password: '', cost: 'light' }))
    await chmod(file, 0o644)
    await expect(Keystore.open({ file, localChain: true })).rejects.toMatchObject({
      code: 'key-file-exposed',
    })
    await chmod(file, 0o600)
    const wallet = await Keystore.open({ file, localChain: true })
    expect(wallet.address).toBe(Wallet.fromPrivateKey(privateKey).address)
  })
})

function hostile(kdfparams: Record<string, unknown>): string {
  const { crypto } = scryptVector
  const altered = { ...crypto, kdfparams: { ...crypto.kdfparams, ...kdfparams } }
  return JSON.stringify({ ...scryptVector, crypto: altered })
}
