/**
 * @module Versions: one Merkle root (RFC 6962) over the revealed contributions of a datanet, leaf =
 * canonical `{ committedAtMs, docHash, owner, seq }` by seq. Receipts cite the root; a proof shows one
 * contribution under it.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Merkle from '../kernel/Merkle.ts'
import type * as Datanet from './Datanet.ts'

/** What one leaf states. */
export type Entry = {
  readonly seq: number
  readonly docHash: Hex.Hex
  readonly owner: string
  readonly committedAtMs: number
}

/** A datanet as it stood: what receipts cite and what is anchored on chain. */
export type Version = { readonly datanet: string; readonly size: number; readonly root: Hex.Hex }

/** One contribution and its audit path, nearest sibling first. */
export type Proof = {
  readonly entry: Entry
  readonly index: number
  readonly size: number
  readonly path: readonly Hex.Hex[]
}

/** The leaves of a datanet, by seq. A batch that was not revealed has none. */
export function entries(datanet: Datanet.Datanet): Entry[] {
  return datanet.batches.flatMap(({ committedAtMs, contributions }) =>
    contributions.map(({ seq, docHash, owner }) => ({ seq, docHash, owner, committedAtMs })),
  )
}

/** The version of a datanet as it stands. */
export function of(datanet: Datanet.Datanet): Version {
  const leaves = entries(datanet).map(leafOf)
  return { datanet: datanet.name, size: leaves.length, root: Hex.encode(Merkle.root(leaves)) }
}

/** The proof that contribution `seq` stands in the version. Throws `InputError` if it does not. */
export function inclusion(datanet: Datanet.Datanet, seq: number): Proof {
  const all = entries(datanet)
  const index = all.findIndex((entry) => entry.seq === seq)
  if (index === -1)
    throw new InputError(`expected the seq of a revealed contribution, got ${seq}`, {
      code: 'contribution-unknown',
    })
  const path = Merkle.inclusion(all.map(leafOf), index).map(Hex.encode)
  return { entry: all[index]!, index, size: all.length, path }
}

/** Whether a proof holds under a root; false for whatever is malformed. */
export function verify(proof: Proof, root: Hex.Hex): boolean {
  if (!Hex.is(root, 32) || !proof.path.every((hash) => Hex.is(hash, 32))) return false
  const { seq, docHash, owner, committedAtMs } = proof.entry
  if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(committedAtMs)) return false
  if (!Hex.is(docHash, 32) || typeof owner !== 'string' || !owner.isWellFormed()) return false
  return Merkle.verifyInclusion(
    {
      leafHash: leafOf(proof.entry),
      index: proof.index,
      size: proof.size,
      path: proof.path.map(Hex.decode),
    },
    Hex.decode(root),
  )
}

function leafOf({ seq, docHash, owner, committedAtMs }: Entry): Uint8Array {
  return Merkle.leaf(Hash.bytes(Json.encode({ seq, docHash, owner, committedAtMs })))
}
