/**
 * @module Datanets: named, append-only sets of contributions. Commit first, reveal later; the order of
 * commitment is the order of priority, and the documents of one batch are simultaneous. Sequence numbers
 * are therefore given at commitment: who reveals late loses nothing, who reveals early gains nothing.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Contribution from './Contribution.ts'

/** One commitment to a batch of documents: what is published before any of them is shown. */
export type Commitment = {
  /** Merkle root over the leaves in order; also the batch's id. */
  readonly root: Hex.Hex
  readonly count: number
  /** The leaves, hiding as long as the salt is secret; with them a refusal can name the place. */
  readonly leaves?: readonly Hex.Hex[]
}

/** What opens a commitment. */
export type Opening = {
  readonly documents: readonly Contribution.Document[]
  /** 32 bytes. */
  readonly salt: Hex.Hex
}

/** A batch in the order of commitment. */
export type Batch = {
  readonly root: Hex.Hex
  readonly count: number
  readonly committedAtMs: number
  /** Genesis commons (licences, boilerplate): its texts belong to nobody. */
  readonly commons: boolean
  /** Its contributions have seq `firstSeq` … `firstSeq + count - 1`. */
  readonly firstSeq: number
  /** Empty until revealed. */
  readonly contributions: readonly Contribution.Contribution[]
}

/** All that a fold knows of a datanet. */
export type Datanet = { readonly name: string; readonly batches: readonly Batch[] }

/** Why a commitment or a reveal is not taken; ordered by precedence. */
export type Refusal = {
  readonly kind: 'refused'
  readonly code:
    | 'exists-with-different-count'
    | 'exists-with-different-documents'
    | 'not-committed'
    | 'count-differs'
    | 'leaves-differ-from-root'
    | 'leaf-differs'
    | 'root-differs'
    | 'artifact-twice'
  readonly because: string
  /** Place in the batch, where one can be named. */
  readonly at?: number
}

/** The write that a commitment or a reveal amounts to; `exists` = nothing to write. */
export type Change = {
  readonly kind: 'changed' | 'exists'
  readonly datanet: Datanet
  readonly batch: Batch
}

/** A datanet without contributions. */
export function empty(name: string): Datanet {
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name))
    throw new InputError(
      `expected a datanet's name of lower-case letters, digits and ._-, got ${JSON.stringify(name)}`,
    )
  return { name, batches: [] }
}

/**
 * The commitment to a batch of documents in the order given. Throws `InputError` for an empty batch, a
 * salt that is not 32 bytes, or a document that is not one.
 */
export function commit(
  documents: readonly Contribution.Document[],
  options: { salt: Hex.Hex },
): Commitment & { leaves: readonly Hex.Hex[] } {
  if (documents.length === 0)
    throw new InputError('expected at least one document in a batch, got none', {
      code: 'batch-empty',
    })
  if (!Hex.is(options.salt, 32)) throw new InputError('expected a salt of 32 bytes')
  const leaves = documents.map((one) => Contribution.leaf(Contribution.validate(one), options.salt))
  return { root: rootOf(leaves), count: leaves.length, leaves }
}

/** Opens a commitment, or says which document is not the one committed. */
export function reveal(
  opening: Opening,
  commitment: Commitment,
  place: { datanet: string; firstSeq: number },
): { readonly kind: 'revealed'; readonly contributions: Contribution.Contribution[] } | Refusal {
  const { documents, salt } = opening
  if (documents.length !== commitment.count)
    return refuse(
      'count-differs',
      `${commitment.count} documents were committed, ${documents.length} revealed`,
    )
  const opened = commit(documents, { salt })
  if (commitment.leaves !== undefined && rootOf(commitment.leaves) !== commitment.root)
    return refuse('leaves-differ-from-root', 'the leaves given are not those of the root')
  if (opened.root !== commitment.root) {
    const at = commitment.leaves?.findIndex((leaf, index) => leaf !== opened.leaves[index])
    if (at === undefined)
      return refuse('root-differs', 'the documents, owners or salt are not those committed')
    return refuse('leaf-differs', `document ${at} (${documents[at]!.path}) is not the one`, at)
  }
  const contributions = documents.map((one, index) =>
    Contribution.from(Contribution.validate(one), {
      datanet: place.datanet,
      seq: place.firstSeq + index,
    }),
  )
  const seen = new Set<string>()
  for (const [index, { artifact, path }] of contributions.entries()) {
    if (seen.has(artifact))
      return refuse('artifact-twice', `${path} stands twice in the batch`, index)
    seen.add(artifact)
  }
  return { kind: 'revealed', contributions }
}

/** Takes a commitment to the end of the order. Twice is `exists`. */
export function committed(
  datanet: Datanet,
  event: { commitment: Commitment; committedAtMs: number; commons?: boolean },
): Change | Refusal {
  const { root, count } = event.commitment
  const known = find(datanet, root)
  if (known !== undefined && known.count !== count)
    return refuse(
      'exists-with-different-count',
      `${root} was committed with ${known.count} documents, not ${count}`,
    )
  if (known !== undefined) return { kind: 'exists', datanet, batch: known }
  if (!Number.isSafeInteger(count) || count < 1)
    throw new InputError(`expected a count of at least 1, got ${count}`)
  if (!Hex.is(root, 32)) throw new InputError(`expected a root of 32 bytes, got ${root}`)
  const { committedAtMs } = event
  if (!Number.isSafeInteger(committedAtMs) || committedAtMs < 0)
    throw new InputError(`expected committedAtMs as an integer from 0, got ${committedAtMs}`)
  const batch: Batch = {
    root,
    count,
    committedAtMs,
    commons: event.commons ?? false,
    firstSeq: nextSeq(datanet),
    contributions: [],
  }
  return { kind: 'changed', datanet: { ...datanet, batches: [...datanet.batches, batch] }, batch }
}

/** Takes the documents of a batch that was committed. The same documents twice is `exists`. */
export function revealed(
  datanet: Datanet,
  event: { root: Hex.Hex; opening: Opening; leaves?: readonly Hex.Hex[] },
): Change | Refusal {
  const known = find(datanet, event.root)
  if (known === undefined)
    return refuse('not-committed', `no batch with root ${event.root} was committed`)
  const { root, count, firstSeq } = known
  const commitment = { root, count, ...(event.leaves ? { leaves: event.leaves } : {}) }
  const opened = reveal(event.opening, commitment, { datanet: datanet.name, firstSeq })
  if (opened.kind === 'refused') return opened
  if (known.contributions.length > 0) {
    const at = known.contributions.findIndex(
      ({ artifact }, index) => artifact !== opened.contributions[index]!.artifact,
    )
    if (at === -1) return { kind: 'exists', datanet, batch: known }
    return refuse('exists-with-different-documents', `document ${at} has another path`, at)
  }
  const batch = { ...known, contributions: opened.contributions }
  const batches = datanet.batches.map((one) => (one === known ? batch : one))
  return { kind: 'changed', datanet: { ...datanet, batches }, batch }
}

/** The seq that the next commitment begins with. */
export function nextSeq(datanet: Datanet): number {
  const last = datanet.batches.at(-1)
  return last === undefined ? 0 : last.firstSeq + last.count
}

/** All revealed contributions, by seq. */
export function contributions(datanet: Datanet): Contribution.Contribution[] {
  return datanet.batches.flatMap((batch) => batch.contributions)
}

/** The batch that a seq belongs to, revealed or not. */
export function batchOf(datanet: Datanet, seq: number): Batch | undefined {
  let [low, high] = [0, datanet.batches.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const batch = datanet.batches[middle]!
    if (seq < batch.firstSeq) high = middle
    else if (seq >= batch.firstSeq + batch.count) low = middle + 1
    else return batch
  }
  return undefined
}

/** The contribution with a seq, if it is revealed. */
export function contribution(datanet: Datanet, seq: number): Contribution.Contribution | undefined {
  const batch = batchOf(datanet, seq)
  return batch?.contributions[seq - batch.firstSeq]
}

/**
 * Who registered a document first: its contributions in the earliest batch that holds it. In a commons
 * batch, or under two or more owners of one batch, it is commons and belongs to nobody.
 */
export function earliest(
  datanet: Datanet,
  docHash: Hex.Hex,
): { contributions: readonly Contribution.Contribution[]; commons: boolean } | undefined {
  for (const batch of datanet.batches) {
    const found = batch.contributions.filter((one) => one.docHash === docHash)
    if (found.length === 0) continue
    const shared = found.some((one) => one.owner !== found[0]!.owner)
    return { contributions: found, commons: batch.commons || shared }
  }
  return undefined
}

/** Documents registered more than once, the earliest first: shown, never dropped. */
export function duplicates(
  datanet: Datanet,
): { docHash: Hex.Hex; contributions: readonly Contribution.Contribution[] }[] {
  const byHash = new Map<Hex.Hex, Contribution.Contribution[]>()
  for (const one of contributions(datanet)) {
    const group = byHash.get(one.docHash)
    if (group === undefined) byHash.set(one.docHash, [one])
    else group.push(one)
  }
  return [...byHash]
    .filter(([, group]) => group.length > 1)
    .map(([docHash, group]) => ({ docHash, contributions: group }))
}

function find(datanet: Datanet, root: Hex.Hex): Batch | undefined {
  return datanet.batches.find((batch) => batch.root === root)
}

function rootOf(leaves: readonly Hex.Hex[]): Hex.Hex {
  return Hex.encode(Merkle.root(leaves.map((leaf) => Merkle.leaf(Hex.decode(leaf)))))
}

function refuse(code: Refusal['code'], because: string, at?: number): Refusal {
  return { kind: 'refused', code, because, ...(at === undefined ? {} : { at }) }
}
