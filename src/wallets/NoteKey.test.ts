import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Note from '../provenance/Note.ts'
import * as NoteKey from './NoteKey.ts'
import * as Wallet from './Wallet.ts'

const wallet = Wallet.fromPrivateKey(Hash.text('a wallet'))
const message = Hash.bytes('a text\n')

test('RFC 8032 § 7.1: the public key and the signature of test vectors 1 and 3', () => {
  const vectors = [
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ] as const
  for (const [seed, publicKey, text, signature] of vectors) {
    const signer = NoteKey.fromSeed(Hex.decode(`0x${seed}`), { name: 'rfc.example' })
    const bytes = Hex.decode(`0x${text}`)
    expect(Hex.encode(signer.publicKey)).toBe(`0x${publicKey}`)
    expect(Hex.encode(signer.sign(bytes))).toBe(`0x${signature}`)
    expect(
      NoteKey.verify({
        publicKey: signer.publicKey,
        message: bytes,
        signature: signer.sign(bytes),
      }),
    ).toBe(true)
  }
})

test('a wallet has one key for its log, named as the log is; another wallet has another', async () => {
  const [one, again] = [await NoteKey.of(wallet), await NoteKey.of(wallet)]
  expect(one.name).toBe(`requite/${wallet.address}`)
  expect(Note.encodeKey(one)).toBe(Note.encodeKey(again))
  expect(Note.encodeKey(await NoteKey.of(Wallet.generate()))).not.toBe(Note.encodeKey(one))
  const { publicKey } = one
  const signature = again.sign(message)
  expect(NoteKey.verify({ publicKey, message, signature })).toBe(true)
  expect(NoteKey.verify({ publicKey, message: Hash.bytes('a text'), signature })).toBe(false)
})

test('neither the seed nor the signature it comes from shows', async () => {
  const signer = await NoteKey.of(wallet)
  expect(Object.keys(signer).sort()).toEqual(['name', 'publicKey', 'sign', 'type'])
  expect(inspect(signer, { depth: 9, showHidden: true })).not.toMatch(/PrivateKey|seed|secret/i)
})

test('a wallet that signs the same text differently has no key', async () => {
  let count = 0
  const unstable: Wallet.Wallet = {
    ...wallet,
    signTypedData: async () => `0x${String(count++).padStart(130, '0')}`,
  }
  await expect(NoteKey.of(unstable)).rejects.toMatchObject({ code: 'note-key-unstable' })
})

test('what is no key and no signature does not hold, and throws nothing', () => {
  const { publicKey, sign } = NoteKey.fromSeed(new Uint8Array(32), { name: 'a' })
  const signature = sign(message)
  expect(NoteKey.verify({ publicKey: publicKey.slice(1), message, signature })).toBe(false)
  expect(NoteKey.verify({ publicKey, message, signature: signature.slice(1) })).toBe(false)
  expect(NoteKey.verify({ publicKey: new Uint8Array(32).fill(255), message, signature })).toBe(
    false,
  )
  expect(NoteKey.verify({ publicKey, message, signature: new Uint8Array(64) })).toBe(false)
})
