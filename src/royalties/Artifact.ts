/**
 * @module Artifacts: whatever can earn, with its owners. What an artifact earned is split among its
 * owners exactly, in nano-atoms, in an order that does not depend on how the owners were listed.
 */
import { assert } from '../kernel/Assert.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import * as Account from './Account.ts'

/** What can earn (ECONOMICS.md, "Who earns"). */
export const kinds = [
  'contribution',
  'prompt',
  'strategy',
  'optimisation',
  'feedback',
  'model',
  'adapter',
  'output',
] as const

/** One of {@link kinds}. */
export type Kind = (typeof kinds)[number]

/** An account's part of what the artifact keeps. */
export type Owner = { readonly account: Account.Account; readonly sharePpb: Share.Share }

/** The part of the artifact's earnings that it passes on to another artifact. */
export type Parent = { readonly artifact: Hex.Hex; readonly sharePpb: Share.Share }

/** A content-hashed node of the lineage graph. */
export type Artifact = {
  /** 32-byte content hash. */
  readonly id: Hex.Hex
  readonly kind: Kind
  /** One entry per account, each above 0, summing to the whole. */
  readonly owners: readonly Owner[]
  /** One entry per artifact, each above 0, summing to at most the whole. */
  readonly parents: readonly Parent[]
  /** Of a model or adapter: standard work that its own training added, in stdUs. Not stated is none. */
  readonly addedStdUs?: bigint
}

/** An owner's part of a sum, in nano-atoms. */
export type Part = { readonly account: Account.Account; readonly nano: bigint }

/** An artifact with one owner and no parents. */
export function owned(id: Hex.Hex, kind: Kind, account: Account.Account): Artifact {
  return validate({ id, kind, owners: [{ account, sharePpb: Share.whole }], parents: [] })
}

/** Returns the artifact. Throws `InputError` unless id, kind, owners and parents are as their types say. */
export function validate(artifact: Artifact): Artifact {
  if (!Hex.is(artifact.id, 32) || artifact.id !== artifact.id.toLowerCase())
    throw refuse('a 32-byte lower-case id', artifact.id)
  if (!kinds.includes(artifact.kind)) throw refuse(`a kind of ${kinds.join(', ')}`, artifact.kind)
  for (const { account } of artifact.owners)
    if (!Account.is(account)) throw refuse('owners that are accounts', account)
  for (const { artifact: parent } of artifact.parents)
    if (!Hex.is(parent, 32) || parent === artifact.id)
      throw refuse('parents that are other artifacts', parent)
  const owned = sum(artifact.owners.map(({ account, sharePpb }) => [account, sharePpb]))
  if (owned !== Share.whole) throw refuse('owners whose shares sum to the whole', `${owned} ppb`)
  const passed = sum(artifact.parents.map(({ artifact, sharePpb }) => [artifact, sharePpb]))
  if (passed > Share.whole) throw refuse('parents whose shares sum to at most the whole', passed)
  const { kind, addedStdUs } = artifact
  if (addedStdUs === undefined) return artifact
  if (typeof addedStdUs !== 'bigint' || addedStdUs < 0n)
    throw refuse('added work that is not negative', addedStdUs)
  if (kind !== 'model' && kind !== 'adapter') throw refuse('added work of a model or adapter', kind)
  return artifact
}

/**
 * What an artifact without parents earned, split among its owners as {@link divide} does. One with
 * parents is refused with `InputError`, since its earnings are not the owners' alone: see `Cascade`.
 */
export function settle(artifact: Artifact, nano: bigint): Part[] {
  if (artifact.parents.length > 0)
    throw new InputError(`expected an artifact without parents, got ${artifact.id}`, {
      code: 'artifact-has-parents',
      hint: 'lineage is settled once per epoch, over the sums: Cascade.pass',
    })
  return divide(artifact, nano)
}

/**
 * Splits what an artifact keeps among its owners by largest remainder, ties by account, sorted by
 * account; parts sum to `nano` exactly.
 */
export function divide(artifact: Pick<Artifact, 'owners'>, nano: bigint): Part[] {
  const owners = [...artifact.owners].sort((a, b) => (a.account < b.account ? -1 : 1))
  const parts = Money.split(
    nano,
    owners.map(({ sharePpb }) => sharePpb),
  )
  assert(parts.length === owners.length, 'a part for each owner')
  return owners.map(({ account }, index) => ({ account, nano: parts[index]! }))
}

function sum(entries: readonly (readonly [string, bigint])[]): bigint {
  const seen = new Set<string>()
  let total = 0n
  for (const [id, sharePpb] of entries) {
    if (typeof sharePpb !== 'bigint' || sharePpb <= 0n)
      throw refuse(`a share above 0 for ${id}`, sharePpb)
    if (seen.has(id)) throw refuse(`one entry for ${id}`, 'two')
    seen.add(id)
    total += sharePpb
  }
  return total
}

function refuse(expected: string, got: unknown): InputError {
  return new InputError(`expected ${expected}, got ${String(got)}`, { code: 'artifact-malformed' })
}
