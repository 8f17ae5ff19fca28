/**
 * @module Cascade: lineage over artifact graphs (ECONOMICS.md, "Cascade"). Receipts accrue to the artifacts
 * they name; once per epoch one pass over the sums hands on what each artifact owes its parents, from the
 * deepest to the shallowest, so that a graph with 10³⁹ paths costs no more than its edges. Integers that
 * conserve exactly, whatever the order of registration, of parents, of owners or of receipts.
 *
 * A model or adapter whose training added no standard work is transparent: it passes everything on, so an
 * empty wrapper earns nothing. A parent that lives on another node stands here as an artifact of its own
 * without parents, owned by that node's till: one payee, which distributes further by its own books.
 */
import { assert } from '../kernel/Assert.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import * as Artifact from './Artifact.ts'

/** An artifact in its place. */
export type Node = {
  readonly artifact: Artifact.Artifact
  /** Edges away, at most, from one without parents. */
  readonly depth: number
  /** Least that a child must pass on to it, so that no licence behind it is undercut. */
  readonly demandPpb: Share.Share
}

/** Artifacts by id, none without its parents. The fold that holds it owns it; it is changed in place. */
export type Lineage = Map<Hex, Node>

/** Why artifacts are not registered; ordered by precedence. Nothing is registered then. */
export type Refusal = {
  readonly kind: 'refused'
  readonly code:
    | 'artifact-malformed'
    | 'exists-with-different-lineage'
    | 'parent-unknown'
    | 'cycle'
    | 'too-deep'
    | 'below-minimum'
  readonly because: string
  readonly artifact: Hex
}

/** What an artifact was given, in nano-atoms. */
export type Earning = { readonly artifact: Hex; readonly nano: bigint }

/** What came of a pass, in nano-atoms; both lists sum to what was given, each entry above 0. */
export type Passed = {
  /** What stayed with each artifact, sorted by artifact. */
  readonly kept: readonly Earning[]
  /** The same divided among the owners, one part for each account, sorted by account. */
  readonly parts: readonly Artifact.Part[]
}

/** Longest lineage, in edges. */
export const maxDepth = 16

/** A lineage without artifacts. */
export function empty(): Lineage {
  return new Map()
}

/**
 * Registers artifacts, all or none, in any order among themselves; parents must be among them or
 * registered before. Artifacts that are all there already are `exists`.
 */
export function register(
  lineage: Lineage,
  artifacts: readonly Artifact.Artifact[],
): 'ok' | 'exists' | Refusal {
  const judged = judge(lineage, artifacts)
  if ('kind' in judged) return judged
  for (const [id, node] of judged.placed) lineage.set(id, node)
  return judged.placed.size === 0 ? 'exists' : 'ok'
}

/** Why {@link register} would refuse, or the artifacts that it would add, in their places. */
export function judge(
  lineage: Lineage,
  artifacts: readonly Artifact.Artifact[],
): Refusal | { readonly placed: Lineage } {
  const fresh = new Map<Hex, Artifact.Artifact>()
  for (const artifact of artifacts) {
    const { id } = artifact
    const because = Artifact.fault(artifact)
    if (because !== undefined) return refuse('artifact-malformed', id, `is no artifact: ${because}`)
    const known = lineage.get(id)?.artifact ?? fresh.get(id)
    if (known === undefined) fresh.set(id, artifact)
    else if (text(known) !== text(artifact))
      return refuse('exists-with-different-lineage', id, 'is registered with other contents')
  }
  for (const { id, parents } of fresh.values())
    for (const { artifact } of parents)
      if (!lineage.has(artifact) && !fresh.has(artifact))
        return refuse('parent-unknown', id, `names parent ${artifact}, which is not registered`)
  const placed = place(lineage, fresh)
  for (const id of fresh.keys())
    if (!placed.has(id)) return refuse('cycle', id, 'descends from itself')
  for (const [id, { depth }] of placed)
    if (depth > maxDepth) return refuse('too-deep', id, `is ${depth} deep, at most ${maxDepth}`)
  for (const [id, { artifact }] of placed)
    for (const { artifact: parent, sharePpb } of artifact.parents) {
      const { demandPpb } = (placed.get(parent) ?? lineage.get(parent))!
      if (sharePpb < demandPpb) {
        const because = `passes ${sharePpb} ppb on to ${parent}, whose licence demands ${demandPpb}`
        return refuse('below-minimum', id, because)
      }
    }
  return { placed }
}

/**
 * Whether an artifact passes everything on: a model or adapter with parents whose training added no
 * standard work. Work that nobody stated is none.
 */
export function isTransparent({ kind, parents, addedStdUs = 0n }: Artifact.Artifact): boolean {
  return (kind === 'model' || kind === 'adapter') && addedStdUs === 0n && parents.length > 0
}

/**
 * One topological pass over what an epoch's receipts gave: an artifact that received x passes ⌊x·share⌋ to
 * each parent and keeps the rest; a transparent one divides all of x among its parents by their shares,
 * largest remainder first, ties by id. Changes nothing. Earnings of artifacts that are not registered are
 * a bug of the caller.
 */
export function pass(lineage: Lineage, earnings: Iterable<Earning>): Passed {
  const levels = Array.from({ length: maxDepth + 1 }, () => new Map<Hex, bigint>())
  const give = (id: Hex, nano: bigint) => {
    const node = lineage.get(id)
    assert(node !== undefined && nano >= 0n, 'earnings of registered artifacts, not negative')
    const level = levels[node.depth]!
    level.set(id, (level.get(id) ?? 0n) + nano)
    return nano
  }
  let givenNano = 0n
  for (const { artifact, nano } of earnings) givenNano += give(artifact, nano)

  const kept: Earning[] = []
  for (const level of levels.toReversed())
    for (const [id, nano] of level) {
      const { artifact } = lineage.get(id)!
      let left = nano
      for (const flow of flows(artifact, nano)) left -= give(flow.artifact, flow.nano)
      assert(left >= 0n, 'an artifact that passes on no more than it received')
      if (left > 0n) kept.push({ artifact: id, nano: left })
    }
  kept.sort((a, b) => (a.artifact < b.artifact ? -1 : 1))
  const parts = divide(lineage, kept)
  const sum = (list: readonly { readonly nano: bigint }[]) =>
    list.reduce((total, { nano }) => total + nano, 0n)
  assert(sum(kept) === givenNano && sum(parts) === givenNano, 'a cascade that conserves')
  return { kept, parts }
}

function flows(artifact: Artifact.Artifact, nano: bigint): Earning[] {
  if (nano === 0n) return []
  const { parents } = artifact
  if (!isTransparent(artifact))
    return parents.map(({ artifact, sharePpb }) => ({
      artifact,
      nano: (nano * sharePpb) / Share.whole,
    }))
  const sorted = [...parents].sort((a, b) => (a.artifact < b.artifact ? -1 : 1))
  const weights = sorted.map(({ sharePpb }) => sharePpb)
  const parts = Money.split(nano, weights)
  return sorted.map(({ artifact }, index) => ({ artifact, nano: parts[index]! }))
}

function divide(lineage: Lineage, kept: readonly Earning[]): Artifact.Part[] {
  const sums = new Map<string, bigint>()
  for (const { artifact, nano } of kept)
    for (const part of Artifact.divide(lineage.get(artifact)!.artifact, nano))
      if (part.nano > 0n) sums.set(part.account, (sums.get(part.account) ?? 0n) + part.nano)
  return [...sums]
    .map(([account, nano]) => ({ account, nano }))
    .sort((a, b) => (a.account < b.account ? -1 : 1))
}

/** Artifacts whose parents all have a place, parents first; those on or behind a cycle get none. */
function place(lineage: Lineage, fresh: ReadonlyMap<Hex, Artifact.Artifact>): Lineage {
  const placed: Lineage = new Map()
  const waiting = new Map<Hex, number>()
  const children = new Map<Hex, Artifact.Artifact[]>()
  const ready: Artifact.Artifact[] = []
  for (const artifact of fresh.values()) {
    const inside = artifact.parents.filter((parent) => fresh.has(parent.artifact))
    waiting.set(artifact.id, inside.length)
    if (inside.length === 0) ready.push(artifact)
    for (const parent of inside) {
      const list = children.get(parent.artifact)
      if (list === undefined) children.set(parent.artifact, [artifact])
      else list.push(artifact)
    }
  }
  for (const artifact of ready) {
    const above = artifact.parents.map(({ artifact: parent, sharePpb }) => {
      const { depth, demandPpb } = (placed.get(parent) ?? lineage.get(parent))!
      return { depth: depth + 1, demandPpb, sharePpb }
    })
    const depth = above.reduce((deepest, parent) => Math.max(deepest, parent.depth), 0)
    placed.set(artifact.id, { artifact, depth, demandPpb: demandOf(artifact, above) })
    for (const child of children.get(artifact.id) ?? []) {
      const left = waiting.get(child.id)! - 1
      waiting.set(child.id, left)
      if (left === 0) ready.push(child)
    }
  }
  return placed
}

/**
 * What an artifact's licence demands of its children. A transparent one hands on by its parents' shares,
 * so a child must give it enough for each of those licences: no wrapper makes a licence cheaper.
 */
function demandOf(
  artifact: Artifact.Artifact,
  parents: readonly { readonly demandPpb: bigint; readonly sharePpb: bigint }[],
): Share.Share {
  const { minimumPpb = 0n } = artifact
  if (!isTransparent(artifact)) return minimumPpb
  const wholePpb = parents.reduce((sum, { sharePpb }) => sum + sharePpb, 0n)
  let demandedPpb = minimumPpb
  for (const { demandPpb, sharePpb } of parents) {
    const neededPpb = (demandPpb * wholePpb + sharePpb - 1n) / sharePpb
    if (neededPpb > demandedPpb) demandedPpb = neededPpb
  }
  return demandedPpb
}

/** Canonical text of an artifact, whatever the order of its owners and parents. */
function text(artifact: Artifact.Artifact): string {
  const { id, kind, addedStdUs = 0n, minimumPpb = 0n, owners, parents } = artifact
  const byId = (entries: readonly (readonly [string, bigint])[]) =>
    Object.fromEntries(entries.map(([key, share]) => [key, String(share)]))
  return Json.encode({
    ...{ id, kind, addedStdUs: String(addedStdUs), minimumPpb: String(minimumPpb) },
    owners: byId(owners.map(({ account, sharePpb }) => [account, sharePpb])),
    parents: byId(parents.map(({ artifact, sharePpb }) => [artifact, sharePpb])),
  })
}

function refuse(code: Refusal['code'], artifact: Hex, because: string): Refusal {
  return { kind: 'refused', code, because: `${artifact} ${because}`, artifact }
}
