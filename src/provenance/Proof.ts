/**
 * @module Proof: that a record stands in a log (RFC 6962 § 2.1.1). It shows the record under a
 * root; that the root is the log owner's is for whoever knows the root to say.
 */
import { BaseError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Merkle from '../kernel/Merkle.ts'
import type * as Log from './Log.ts'
import * as Record from './Record.ts'
import * as Shape from './Shape.ts'

/** Inclusion of record `leaf` among the first `size` records of a log. */
export type Proof = {
  readonly origin: string
  readonly leaf: number
  readonly size: number
  /** Root of the first `size` records, 32 bytes. */
  readonly root: Hex.Hex
  /** Siblings of 32 bytes, nearest first. */
  readonly path: readonly Hex.Hex[]
}

/** Whether a proof holds, and if not, why. */
export type Verdict =
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed'; readonly because: string }

const code = 'proof-malformed'
const members = ['leaf', 'origin', 'path', 'root', 'size']
/** Trees of safe-integer size are no deeper. */
const maxPathLength = 53

/** The proof of a record in a log of `origin`, among the first `size` records or all. */
export function of(
  log: Log.Log,
  options: { readonly origin: string; readonly leaf: number; readonly size?: number },
): Proof {
  const { origin, leaf, size = log.size() } = options
  return {
    origin,
    leaf,
    size,
    root: Hex.encode(log.root(size)),
    path: log.inclusion(leaf, size).map(Hex.encode),
  }
}

/** Canonical JSON of a proof. Throws `InputError` unless it is well formed. */
export function encode(proof: Proof): string {
  return Json.encode(validate(proof))
}

/** Reads a proof's text. Throws `InputError` (`proof-malformed`) naming what was expected. */
export function decode(text: string): Proof {
  const proof = validate(Json.parse(text, 'a proof'))
  if (Json.encode(proof) !== text) throw Shape.refuse(code, 'a proof in canonical JSON', text)
  return proof
}

/**
 * Whether a proof shows that the record of this text stands where it says, under the proof's root.
 */
export function verify(proof: Proof, text: string): Verdict {
  try {
    validate(proof)
    const record = Record.decode(text)
    if (record.origin !== proof.origin) return failed(`the record is of ${record.origin}`)
    if (record.leaf !== proof.leaf) return failed(`the record is leaf ${record.leaf}`)
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    return failed(error.message)
  }
  const holds = Merkle.verifyInclusion(
    {
      leafHash: Record.hash(text),
      index: proof.leaf,
      size: proof.size,
      path: proof.path.map(Hex.decode),
    },
    Hex.decode(proof.root),
  )
  return holds ? { kind: 'verified' } : failed('the path does not lead from the record to the root')
}

function validate(value: unknown): Proof {
  const { origin, leaf, size, root, path } = Shape.object(value, { what: 'a proof', members, code })
  if (!Record.isOrigin(origin)) throw Shape.refuse(code, 'origin as a lower-case address', origin)
  if (!Shape.isIndex(size)) throw Shape.refuse(code, 'size as a number of records', size)
  if (!Shape.isIndex(leaf) || leaf >= size)
    throw Shape.refuse(code, `leaf as an index below the size ${size}`, leaf)
  if (!Shape.isHash(root)) throw Shape.refuse(code, 'root as a lower-case hash of 32 bytes', root)
  if (!Array.isArray(path) || path.length > maxPathLength || !path.every(Shape.isHash))
    throw Shape.refuse(code, `path as at most ${maxPathLength} lower-case hashes of 32 bytes`, path)
  return value as Proof
}

function failed(because: string): Verdict {
  return { kind: 'failed', because }
}
