/**
 * @module Contributions: what somebody gave to a datanet. The id of the artifact that earns is a hash of
 * what was given, by whom and where it stands, so the same gift has the same id on every node.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'

/** A document as its owner hands it in: the text stays outside, its hash stands for it. */
export type Document = {
  /** Where it is found, e.g. `zod/README.md`; forward slashes. */
  readonly path: string
  /** An account: an address in lower case, or a name such as `npm:zod`. */
  readonly owner: string
  /** SHA-256 of the text's UTF-8. */
  readonly docHash: Hex.Hex
  /** Size of the text in bytes of UTF-8. */
  readonly bytes?: number
}

/** A document with its place in the order of commitment. */
export type Contribution = Document & {
  /** Smaller = committed earlier, or earlier in the same (simultaneous) batch. */
  readonly seq: number
  /** Id of the artifact that earns. */
  readonly artifact: Hex.Hex
}

const longestOwner = 256
const longestPath = 4096

/** The document of a text. Throws `InputError` as {@link validate} does. */
export function document(source: { path: string; owner: string; text: string }): Document {
  const data = Hash.bytes(source.text)
  const { path, owner } = source
  return validate({
    path,
    owner,
    docHash: Hex.encode(Hash.sha256(data)),
    bytes: data.length,
  })
}

/** Returns the members of a document and no others. Throws `InputError` that names what was expected. */
export function validate(value: Document): Document {
  const { path, owner, docHash, bytes } = value
  if (typeof path !== 'string' || path.length === 0 || path.length > longestPath)
    throw new InputError(`expected a path of 1 to ${longestPath} characters, got ${show(path)}`)
  if (!path.isWellFormed()) throw new InputError('expected a path in well-formed UTF-16')
  if (!isAccount(owner))
    throw new InputError(
      `expected an owner: an address in lower case or a name such as npm:zod, got ${show(owner)}`,
    )
  if (!Hex.is(docHash, 32) || docHash !== docHash.toLowerCase())
    throw new InputError(`expected docHash as 32 bytes of lower-case hex, got ${show(docHash)}`)
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && bytes >= 0))
    throw new InputError(`expected bytes as an integer from 0, got ${show(bytes)}`)
  return { path, owner, docHash, ...(bytes === undefined ? {} : { bytes }) }
}

/** Id of the artifact: SHA-256 of canonical `{ datanet, docHash, kind: 'contribution', owner, path }`. */
export function artifact(datanet: string, given: Document): Hex.Hex {
  const { docHash, owner, path } = given
  return Hash.digest({ kind: 'contribution', datanet, docHash, owner, path })
}

/** A document at its place in a datanet's order. */
export function from(given: Document, options: { datanet: string; seq: number }): Contribution {
  return { seq: options.seq, ...given, artifact: artifact(options.datanet, given) }
}

/**
 * The commitment to one document: SHA-256 of canonical `{ docHash, owner, salt }`. Without the salt
 * (32 bytes) nobody can guess the document from it; the owner stands in it, so copying it gains nothing.
 */
export function leaf(given: Pick<Document, 'docHash' | 'owner'>, salt: Hex.Hex): Hex.Hex {
  return Hash.digest({ docHash: given.docHash, owner: given.owner, salt })
}

function isAccount(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > longestOwner) return false
  if (value.startsWith('0x')) return Hex.is(value, 20) && value === value.toLowerCase()
  return /^[a-z][a-z0-9-]*:[^\s\p{C}]+$/u.test(value)
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
