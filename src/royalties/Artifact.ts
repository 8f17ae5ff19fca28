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
  /** Minimum pass-on: what its licence demands that each child passes on to it. Not stated is nothing. */
  readonly minimumPpb?: Share.Share
}

/** An owner's part of a sum, in nano-atoms. */
export type Part = { readonly account: Account.Account; readonly nano: bigint }

/** An artifact with one owner and no parents. */
export function owned(id: Hex.Hex, kind: Kind, account: Account.Account): Artifact {
  return validate({ id, kind, owners: [{ account, sharePpb: Share.whole }], parents: [] })
}

/** Returns the artifact. Throws `InputError` unless all of it is as its types say. */
export function validate(artifact: Artifact): Artifact {
  const because = fault(artifact)
  if (because !== undefined) throw new InputError(because, { code: 'artifact-malformed' })
  return artifact
}

/** Why this is no artifact: id, kind, owners, parents, work and licence must be as their types say. */
export function fault(artifact: Artifact): string | undefined {
  const { id, kind, owners, parents, addedStdUs, minimumPpb = 0n } = artifact
  if (!Hex.is(id, 32) || id !== id.toLowerCase()) return expected('a 32-byte lower-case id', id)
  if (!kinds.includes(kind)) return expected(`a kind of ${kinds.join(', ')}`, kind)
  for (const { account } of owners)
    if (!Account.is(account)) return expected('owners that are accounts', account)
  for (const { artifact: parent } of parents)
    if (!Hex.is(parent, 32) || parent !== parent.toLowerCase() || parent === id)
      return expected('parents that are other artifacts', parent)
  const owned = sum(owners.map(({ account, sharePpb }) => [account, sharePpb]))
  if (typeof owned === 'string') return owned
  if (owned !== Share.whole) return expected('owners whose shares sum to the whole', `${owned} ppb`)
  const passed = sum(parents.map(({ artifact, sharePpb }) => [artifact, sharePpb]))
  if (typeof passed === 'string') return passed
  if (passed > Share.whole)
    return expected('parents whose shares sum to at most the whole', `${passed} ppb`)
  if (typeof minimumPpb !== 'bigint' || minimumPpb < 0n || minimumPpb > Share.whole)
    return expected('a minimum pass-on of at most the whole', minimumPpb)
  if (addedStdUs === undefined) return undefined
  if (typeof addedStdUs !== 'bigint' || addedStdUs < 0n)
    return expected('added work that is not negative', addedStdUs)
  if (kind !== 'model' && kind !== 'adapter')
    return expected('added work of a model or adapter', kind)
  return undefined
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

function sum(entries: readonly (readonly [string, bigint])[]): bigint | string {
  const seen = new Set<string>()
  let total = 0n
  for (const [id, sharePpb] of entries) {
    if (typeof sharePpb !== 'bigint' || sharePpb <= 0n)
      return expected(`a share above 0 for ${id}`, sharePpb)
    if (seen.has(id)) return expected(`one entry for ${id}`, 'two')
    seen.add(id)
    total += sharePpb
  }
  return total
}

function expected(what: string, got: unknown): string {
  return `expected ${what}, got ${String(got)}`
}
