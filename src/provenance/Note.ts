/**
 * @module Note: a text that keys have signed (c2sp.org/signed-note). Its text means nothing until a
 * known key's signature holds. The curve comes in as an argument: this floor knows no keys.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Base64 from './Base64.ts'

/** Signature types of the format: Ed25519 over the text, and a witness's timed cosignature. */
export const types = { ed25519: 1, cosignature: 4 } as const

/** Who is known to sign: a name, a type and the 32 bytes of an Ed25519 public key (RFC 8032). */
export type Key = {
  /** Without spaces or `+`; best an address such as `example.com/log`. */
  readonly name: string
  readonly type: (typeof types)[keyof typeof types]
  readonly publicKey: Uint8Array
}

/** A key and the means to sign with it: Ed25519, 64 bytes. */
export type Signer = Key & { readonly sign: (message: Uint8Array) => Uint8Array }

/** Whether `signature` is the Ed25519 signature of `message` under a public key. */
export type Verify = (of: {
  readonly publicKey: Uint8Array
  readonly message: Uint8Array
  readonly signature: Uint8Array
}) => boolean

/** One line below a note. */
export type Signature = {
  readonly name: string
  readonly keyId: number
  readonly bytes: Uint8Array
}

/** A text, ending in a newline, and the signatures below it. */
export type Note = { readonly text: string; readonly signatures: readonly Signature[] }

/** Whose signatures hold; or why the note must be refused. */
export type Verdict =
  | { readonly kind: 'verified'; readonly by: readonly By[] }
  | { readonly kind: 'failed'; readonly because: string }

/** A key whose signature holds; a cosigner says when it looked. */
export type By = { readonly key: Key; readonly atSec?: number }

const code = 'note-malformed'
const dash = '— '
const maxSignatures = 64
const maxLength = 1 << 20

/** The number by which a key is told from others of its name: four bytes of a hash. */
export function keyId({ name, type, publicKey }: Key): number {
  const head = Hash.bytes(`${name}\n`)
  const bytes = new Uint8Array([...head, type, ...publicKey])
  return new DataView(Hash.sha256(bytes).slice(0, 4).buffer).getUint32(0)
}

/** A key as people hand it on: `<name>+<id>+<base64 of type and key>`. */
export function encodeKey(key: Key): string {
  const material = Base64.encode(new Uint8Array([key.type, ...key.publicKey]))
  return `${key.name}+${keyId(key).toString(16).padStart(8, '0')}+${material}`
}

/** Reads what {@link encodeKey} wrote. Throws `InputError`. */
export function decodeKey(text: string): Key {
  const [name = '', id = '', ...rest] = text.split('+')
  const bytes = Base64.decode(rest.join('+'))
  const type = bytes?.[0]
  if (
    !isName(name) ||
    bytes?.length !== 33 ||
    (type !== types.ed25519 && type !== types.cosignature)
  )
    throw refuse('a key as <name>+<id>+<base64 of an Ed25519 key>', text)
  const key = { name, type, publicKey: bytes.slice(1) }
  if (encodeKey(key) !== text) throw refuse(`the key id ${keyId(key).toString(16)}`, id)
  return key
}

/** A signed note as it is written. Throws `InputError` for what would be read back otherwise. */
export function encode({ text, signatures }: Note): string {
  const lines = signatures.map(({ name, keyId, bytes }) => {
    const all = new Uint8Array(4 + bytes.length)
    new DataView(all.buffer).setUint32(0, keyId)
    all.set(bytes, 4)
    return `${dash}${name} ${Base64.encode(all)}\n`
  })
  const written = `${text}\n${lines.join('')}`
  decode(written)
  return written
}

/** Reads a signed note; nothing of it is verified. Throws `InputError` (`note-malformed`). */
export function decode(written: string): Note {
  if (written.length > maxLength) throw refuse(`at most ${maxLength} characters`, 'more')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids just these.
  if (!written.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(written))
    throw refuse('text without control characters', written)
  const end = written.lastIndexOf('\n\n')
  if (end === -1 || !written.endsWith('\n'))
    throw refuse('a text, a blank line, signatures', written)
  const lines = written
    .slice(end + 2)
    .split('\n')
    .slice(0, -1)
  if (lines.length === 0 || lines.length > maxSignatures)
    throw refuse(`1 to ${maxSignatures} signatures`, String(lines.length))
  return { text: written.slice(0, end + 1), signatures: lines.map(decodeSignature) }
}

/** Reads one line below a note, without its newline. Throws `InputError`. */
export function decodeSignature(line: string): Signature {
  const [name = '', base64 = '', ...more] = line.slice(dash.length).split(' ')
  const bytes = Base64.decode(base64)
  if (!line.startsWith(dash) || more.length > 0 || !isName(name) || bytes === undefined)
    throw refuse('a signature as — <name> <base64>', line)
  if (bytes.length < 5) throw refuse('a key id and a signature', line)
  return { name, keyId: new DataView(bytes.buffer).getUint32(0), bytes: bytes.slice(4) }
}

/** Signs a text. A cosigner says when, in whole seconds since 1970. */
export function sign(text: string, signer: Signer, atSec?: number): Signature {
  const { name } = signer
  if (signer.type === types.ed25519)
    return { name, keyId: keyId(signer), bytes: signer.sign(Hash.bytes(text)) }
  if (!Number.isSafeInteger(atSec) || atSec! < 0)
    throw refuse('the time of a cosignature in whole seconds', String(atSec))
  const bytes = new Uint8Array(72)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(atSec!))
  bytes.set(signer.sign(cosigned(text, atSec!)), 8)
  return { name, keyId: keyId(signer), bytes }
}

/**
 * Whose signatures hold among `keys`. Signatures of others say nothing; one of a known key that does
 * not hold spoils the note, and so does it when none is of a known key.
 */
export function verify(
  note: Note,
  options: { readonly keys: readonly Key[]; readonly verify: Verify },
): Verdict {
  const by: By[] = []
  for (const signature of note.signatures) {
    const key = options.keys.find(
      (one) => one.name === signature.name && keyId(one) === signature.keyId,
    )
    if (key === undefined) continue
    const signed = read(note.text, key, signature.bytes)
    if (signed === undefined || !options.verify({ publicKey: key.publicKey, ...signed.of }))
      return { kind: 'failed', because: `the signature of ${key.name} does not hold` }
    by.push({ key, ...(signed.atSec === undefined ? {} : { atSec: signed.atSec }) })
  }
  if (by.length > 0) return { kind: 'verified', by }
  const names = options.keys.map(({ name }) => name).join(', ')
  return { kind: 'failed', because: `no signature of ${names || 'a known key'}` }
}

/** What a signature signs. */
function read(text: string, key: Key, bytes: Uint8Array) {
  if (key.type === types.ed25519)
    return bytes.length === 64
      ? { of: { message: Hash.bytes(text), signature: bytes }, atSec: undefined }
      : undefined
  if (bytes.length !== 72) return undefined
  const atSec = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0))
  if (!Number.isSafeInteger(atSec)) return undefined
  return { of: { message: cosigned(text, atSec), signature: bytes.slice(8) }, atSec }
}

/** What a cosigner signs (c2sp.org/tlog-cosignature, Ed25519). */
function cosigned(text: string, atSec: number): Uint8Array {
  return Hash.bytes(`cosignature/v1\ntime ${atSec}\n${text}`)
}

/** Whether a text can name a key: no spaces of any kind, no `+`. */
export function isName(name: string): boolean {
  return /^[^\s\p{Z}\p{Cc}+]+$/u.test(name) && name.isWellFormed()
}

function refuse(expected: string, got: string): InputError {
  const shown = JSON.stringify(got.length > 100 ? `${got.slice(0, 100)}…` : got)
  return new InputError(`expected ${expected}, got ${shown}`, { code })
}
