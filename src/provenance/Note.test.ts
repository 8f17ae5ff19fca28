import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Hash from '../kernel/Hash.ts'
import * as Note from './Note.ts'

const spki = Buffer.from('302a300506032b6570032100', 'hex')
const check: Note.Verify = ({ publicKey, message, signature }) => {
  const der = Buffer.concat([spki, publicKey])
  return verify(
    null,
    message,
    createPublicKey({ key: der, format: 'der', type: 'spki' }),
    signature,
  )
}

function signer(name: string, type: Note.Key['type'] = Note.types.ed25519): Note.Signer {
  const pair = generateKeyPairSync('ed25519')
  const publicKey = new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' })).slice(
    -32,
  )
  return { name, type, publicKey, sign: (bytes) => sign(null, bytes, pair.privateKey) }
}

// The example of Go's golang.org/x/mod/sumdb/note, the format's first implementation.
const peter = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const advice = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`

describe('a note of another implementation', () => {
  test('is read, verified under its key, and written back byte for byte', () => {
    const key = Note.decodeKey(peter)
    expect(Note.keyId(key)).toBe(0xc74f20a3)
    expect(Note.encodeKey(key)).toBe(peter)
    const note = Note.decode(advice)
    expect(note.text).toMatch(/problem is\.\n$/)
    expect(Note.verify(note, { keys: [key], verify: check })).toEqual({
      kind: 'verified',
      by: [{ key }],
    })
    expect(Note.encode(note)).toBe(advice)
  })

  test('does not verify with one character of its text changed', () => {
    const keys = [Note.decodeKey(peter)]
    for (let at = 0; at < advice.indexOf('\n\n'); at++) {
      if (advice[at] === '\n') continue
      const other = advice[at] === 'x' ? 'y' : 'x'
      const note = Note.decode(advice.slice(0, at) + other + advice.slice(at + 1))
      expect(Note.verify(note, { keys, verify: check })).toMatchObject({ kind: 'failed' })
    }
  })
})

describe('signatures', () => {
  const text = 'one line\n\nand another\n'
  const [one, two] = [signer('a.example/one'), signer('a.example/two')]
  const witness = signer('w.example', Note.types.cosignature)

  test('of known keys must hold, of strangers say nothing', () => {
    const note = Note.decode(
      Note.encode({
        text,
        signatures: [Note.sign(text, one), Note.sign(text, witness, 1_700_000_000)],
      }),
    )
    expect(note.text).toBe(text)
    expect(Note.verify(note, { keys: [one, witness], verify: check })).toEqual({
      kind: 'verified',
      by: [{ key: one }, { key: witness, atSec: 1_700_000_000 }],
    })
    expect(Note.verify(note, { keys: [two], verify: check })).toEqual({
      kind: 'failed',
      because: 'no signature of a.example/two',
    })
    expect(Note.verify(note, { keys: [], verify: check }).kind).toBe('failed')
    // Of the same name, with another key: a stranger.
    expect(Note.verify(note, { keys: [signer(one.name)], verify: check }).kind).toBe('failed')
  })

  test('one that does not hold spoils the note, whatever else holds', () => {
    const bad = { ...Note.sign(text, two), bytes: Note.sign('other\n', two).bytes }
    const note = { text, signatures: [Note.sign(text, one), bad] }
    expect(Note.verify(note, { keys: [one, two], verify: check })).toEqual({
      kind: 'failed',
      because: 'the signature of a.example/two does not hold',
    })
    expect(Note.verify(note, { keys: [one], verify: check }).kind).toBe('verified')
  })

  test('a cosignature holds for its own time alone, and not as a signature', () => {
    const cosigned = Note.sign(text, witness, 1_700_000_000)
    const later = { ...cosigned, bytes: cosigned.bytes.slice() }
    later.bytes[7]! += 1
    for (const signature of [later, { ...cosigned, bytes: cosigned.bytes.slice(8) }])
      expect(
        Note.verify({ text, signatures: [signature] }, { keys: [witness], verify: check }).kind,
      ).toBe('failed')
    const message = Hash.bytes(`cosignature/v1\ntime 1700000000\n${text}`)
    const signature = cosigned.bytes.slice(8)
    expect(check({ publicKey: witness.publicKey, message, signature })).toBe(true)
    expect(() => Note.sign(text, witness)).toThrow(/whole seconds/)
  })

  test('a key has another id as a witness than as a signer', () => {
    expect(Note.keyId(one)).not.toBe(Note.keyId({ ...one, type: Note.types.cosignature }))
  })
})

describe('malformed', () => {
  const line = advice.split('\n').at(-2)!
  const cases: [string, string][] = [
    ['nothing', ''],
    ['no blank line', `text\n${line}\n`],
    ['no signature', 'text\n\n'],
    ['no newline at the end', advice.slice(0, -1)],
    ['a tab in the text', `te\txt\n\n${line}\n`],
    ['a carriage return', `text\r\n\n${line}\n`],
    ['a hyphen for the dash', `text\n\n-${line.slice(1)}\n`],
    ['two spaces', `text\n\n${line.replace(' P', '  P')}\n`],
    ['a plus in the name', `text\n\n${line.replace('Peter', 'Pet+r')}\n`],
    ['base64 without padding', `text\n\n${line.slice(0, -1)}\n`],
    ['base64 with other last bits', `text\n\n${line.slice(0, -2)}N=\n`],
    ['a key id alone', 'text\n\n— a x08gow==\n'],
    ['something after the signature', `text\n\n${line} more\n`],
    ['too many signatures', `text\n\n${`${line}\n`.repeat(65)}`],
  ]
  test.each(cases)('%s', (_, written) => {
    expect(() => Note.decode(written)).toThrow(expect.objectContaining({ code: 'note-malformed' }))
  })

  test('sixteen signatures are read', () => {
    expect(Note.decode(`text\n\n${`${line}\n`.repeat(16)}`).signatures).toHaveLength(16)
  })

  test.each([peter.replace('c74f20a3', 'c74f20a4'), peter.slice(1), peter.slice(0, -4), 'a+b', ''])(
    'a key that is none: %s',
    (text) => {
      expect(() => Note.decodeKey(text)).toThrow(/expected/)
    },
  )

  test('10,000 random edits: read back the same, or refused with words', () => {
    let refused = 0
    fc.assert(
      fc.property(fc.nat(advice.length), fc.string({ maxLength: 3 }), (at, put) => {
        const edited = advice.slice(0, at) + put + advice.slice(at + 1)
        try {
          expect(Note.encode(Note.decode(edited))).toBe(edited)
        } catch (error) {
          expect(error).toMatchObject({ code: 'note-malformed' })
          refused += 1
        }
      }),
      { numRuns: 10_000 },
    )
    expect(refused).toBeGreaterThan(1_000)
  })
})
