/**
 * @module Lineage in the fold: which artifacts there are, and what they descend from. A revealed document
 * is an artifact of its owner without parents until its lineage is stated, which is done once and before
 * it earned or anything descended from it: nobody's past earnings are passed on in hindsight.
 */
import type { Hex } from '../kernel/Hex.ts'
import type * as Receipt from '../market/Receipt.ts'
import type * as Accrual from '../royalties/Accrual.ts'
import type * as Artifact from '../royalties/Artifact.ts'
import * as Cascade from '../royalties/Cascade.ts'
import type * as Event from './Event.ts'

/** What of a node's state lineage is about. */
export type Holder = {
  /** Revealed documents. */
  readonly artifacts: ReadonlyMap<Hex, Artifact.Artifact>
  readonly accruals: Pick<Accrual.Accruals, 'lineage'>
}

/** Why artifacts are not registered; none is then. */
export type Refusal =
  | Cascade.Refusal
  | {
      readonly kind: 'refused'
      readonly code: 'owner-differs'
      readonly because: string
      readonly artifact: Hex
    }

/** An artifact by its id: as it is registered, else as its document was revealed. */
export function find({ artifacts, accruals }: Holder, id: Hex): Artifact.Artifact | undefined {
  return accruals.lineage.get(id)?.artifact ?? artifacts.get(id)
}

/** What registering would come to; changes nothing. */
export function judge(
  holder: Holder,
  artifacts: readonly Artifact.Artifact[],
): 'ok' | 'exists' | Refusal {
  const { lineage } = holder.accruals
  for (const artifact of artifacts) {
    const document = holder.artifacts.get(artifact.id)
    const because = document && documentFault(document, artifact)
    if (because !== undefined)
      return { kind: 'refused', code: 'owner-differs', because, artifact: artifact.id }
  }
  const judged = Cascade.judge(lineage, withDocuments(holder, artifacts))
  if (!('kind' in judged)) return artifacts.every(({ id }) => lineage.has(id)) ? 'exists' : 'ok'
  const { code, artifact } = judged
  if (code !== 'exists-with-different-lineage' || !holder.artifacts.has(artifact)) return judged
  const because = `${artifact} has earned, is a parent or was registered: its lineage is stated before`
  return { ...judged, because }
}

/** Registers artifacts with the documents that they name as parents, all or none. */
export function register(
  holder: Holder,
  artifacts: readonly Artifact.Artifact[],
): 'ok' | 'exists' | Refusal {
  const outcome = judge(holder, artifacts)
  if (outcome === 'ok') Cascade.register(holder.accruals.lineage, withDocuments(holder, artifacts))
  return outcome
}

/** From now on the lineage of what a receipt names is what it is: it has earned. */
export function settle(holder: Holder, receipt: Receipt.Receipt): void {
  const { lineage } = holder.accruals
  for (const { artifact } of receipt.influence.entries)
    if (!lineage.has(artifact)) Cascade.register(lineage, [holder.artifacts.get(artifact)!])
}

/** Why a document is not the artifact that is registered under its id; undefined when it is. */
export function documentFault(
  document: Artifact.Artifact,
  { id, kind, owners }: Artifact.Artifact,
): string | undefined {
  if (kind !== document.kind) return `${id} is a document, registered as ${kind}`
  const of = (list: readonly Artifact.Owner[]) => list.map(({ account }) => account).join(', ')
  return of(owners) === of(document.owners)
    ? undefined
    : `${id} is a document of ${of(document.owners)}, registered as of ${of(owners)}`
}

/** The event that registers artifacts. */
export function event(artifacts: readonly Artifact.Artifact[]): Event.Of<'registered'> {
  return {
    type: 'registered',
    artifacts: artifacts.map(({ id, kind, owners, parents, addedStdUs, minimumPpb }) => ({
      ...{ id, kind },
      owners: owners.map(({ account, sharePpb }) => ({ account, sharePpb: String(sharePpb) })),
      parents: parents.map((one) => ({ artifact: one.artifact, sharePpb: String(one.sharePpb) })),
      ...(addedStdUs === undefined ? {} : { addedStdUs: String(addedStdUs) }),
      ...(minimumPpb === undefined ? {} : { minimumPpb: String(minimumPpb) }),
    })),
  }
}

/** The artifacts of an event; none when it registers a card. */
export function read({ artifacts = [] }: Event.Of<'registered'>): Artifact.Artifact[] {
  return artifacts.map(({ id, kind, owners, parents, addedStdUs, minimumPpb }) => ({
    ...{ id, kind },
    owners: owners.map(({ account, sharePpb }) => ({ account, sharePpb: BigInt(sharePpb) })),
    parents: parents.map((one) => ({ artifact: one.artifact, sharePpb: BigInt(one.sharePpb) })),
    ...(addedStdUs === undefined ? {} : { addedStdUs: BigInt(addedStdUs) }),
    ...(minimumPpb === undefined ? {} : { minimumPpb: BigInt(minimumPpb) }),
  }))
}

/** With the documents named as parents, as they were revealed. */
function withDocuments(
  { artifacts, accruals }: Holder,
  given: readonly Artifact.Artifact[],
): Artifact.Artifact[] {
  const known = new Set(given.map(({ id }) => id))
  const list = [...given]
  for (const { parents } of given)
    for (const { artifact: id } of parents) {
      const document = artifacts.get(id)
      if (document === undefined || known.has(id) || accruals.lineage.has(id)) continue
      known.add(id)
      list.push(document)
    }
  return list
}
