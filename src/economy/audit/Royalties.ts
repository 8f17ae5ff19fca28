/**
 * @module Royalties worked out a second time, for logs that state lineage: what each leaf of an epoch must
 * say follows from documents, artifacts and receipts alone. It asks of each artifact what reaches it from
 * its children, where the fold hands on from artifact to parent; it shares no code with `Cascade`.
 */
import { InputError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import { nanoPerAtom } from '../../kernel/Money.ts'
import * as Share from '../../kernel/Share.ts'
import * as Account from '../../royalties/Account.ts'
import type * as Artifact from '../../royalties/Artifact.ts'
import * as Epoch from '../../royalties/Epoch.ts'
import type * as Event from '../Event.ts'
import type { Facts } from './Facts.ts'
import type { Fault } from './Tally.ts'

/** What the first epochs of a log gave each account, in nano-atoms. */
export type Royalties = { epochs: number; readonly nano: Map<Account.Account, bigint> }

/** Before the first epoch. */
export function empty(): Royalties {
  return { epochs: 0, nano: new Map() }
}

/** Why leaves are not those that receipts and lineage give; names the first account that differs. */
export function fault(
  royalties: Royalties,
  facts: Facts,
  closing: Event.Of<'closing'>,
  { text, scale }: { readonly text: string; readonly scale: bigint },
): Fault {
  for (; royalties.epochs <= closing.epoch; royalties.epochs++) {
    const each = royalties.epochs === closing.epoch ? closing : facts.closings.get(royalties.epochs)
    if (each === undefined) return `epoch ${royalties.epochs} was never closed`
    earn(royalties, facts, each)
  }
  const owed = new Map<string, { readonly account: Account.Account; readonly units: bigint }>()
  for (const [account, nano] of royalties.nano) {
    const units = nano / (nanoPerAtom * scale)
    if (units > 0n) owed.set(key(Account.leaf(account)), { account, units })
  }
  for (const { index, named, account: address, cumulative } of Epoch.fromLines(text)) {
    const due = owed.get(key({ named, address }))
    owed.delete(key({ named, address }))
    if (due?.units !== cumulative)
      return `leaf ${index} of ${due?.account ?? address} states ${cumulative} units, receipts and lineage give ${due?.units ?? 0n}`
  }
  for (const { account, units } of owed.values())
    return `no leaf of ${account}, to whom receipts and lineage give ${units} units`
  return undefined
}

function key({ named, address }: Account.Leaf): string {
  return `${named} ${address}`
}

/** Adds what one epoch's receipts give. */
function earn({ nano }: Royalties, facts: Facts, { receipts }: Event.Of<'closing'>): void {
  const direct = new Map<Hex, bigint>()
  const add = <Key>(sums: Map<Key, bigint>, of: Key, more: bigint) => {
    if (more !== 0n) sums.set(of, (sums.get(of) ?? 0n) + more)
  }
  for (const hash of receipts) {
    const receipt = facts.sales.get(hash)?.served.receipt
    if (receipt === undefined) throw new InputError(`receipt ${hash} was never served`)
    const { executionNano, feeNano, gasNano } = receipt.money
    for (const own of [executionNano, feeNano, gasNano]) add(nano, receipt.provider, BigInt(own))
    for (const { artifact, influenceNano, premiumNano } of receipt.influence.entries)
      add(direct, artifact, BigInt(influenceNano) + BigInt(premiumNano))
  }
  const reach = reaching(facts, direct)
  const stated = [...facts.artifacts.values()]
  const parents = stated.flatMap((child) => child.parents.map(({ artifact }) => artifact))
  for (const id of new Set([...direct.keys(), ...facts.artifacts.keys(), ...parents])) {
    const artifact = known(facts, id)
    const received = reach(id)
    const passed = [...flows(artifact, received).values()].reduce((sum, part) => sum + part, 0n)
    const owners = artifact.owners.map(({ account, sharePpb }) => [account, sharePpb] as const)
    for (const [account, part] of divided(received - passed, owners)) add(nano, account, part)
  }
}

/** What reaches an artifact: its own, and what each of its children owes it. */
function reaching(facts: Facts, direct: ReadonlyMap<Hex, bigint>): (id: Hex) => bigint {
  const children = new Map<Hex, Artifact.Artifact[]>()
  for (const child of facts.artifacts.values())
    for (const { artifact } of child.parents)
      children.set(artifact, [...(children.get(artifact) ?? []), child])
  const known = new Map<Hex, bigint | 'asked'>()
  return function reach(id): bigint {
    const before = known.get(id)
    if (before === 'asked') throw new InputError(`artifact ${id} descends from itself`)
    if (before !== undefined) return before
    known.set(id, 'asked')
    let sum = direct.get(id) ?? 0n
    for (const child of children.get(id) ?? []) sum += flows(child, reach(child.id)).get(id)!
    known.set(id, sum)
    return sum
  }
}

/** What an artifact that received so much owes each parent. */
function flows(artifact: Artifact.Artifact, received: bigint): Map<Hex, bigint> {
  const { kind, addedStdUs = 0n, parents } = artifact
  const shares = parents.map((parent) => [parent.artifact, parent.sharePpb] as const)
  const isTrained = kind === 'model' || kind === 'adapter'
  if (isTrained && addedStdUs === 0n) return divided(received, shares)
  return new Map(shares.map(([id, sharePpb]) => [id, (received * sharePpb) / Share.whole]))
}

/** The whole of an amount by weights: floors, then one more for the largest remainders, ties by name. */
function divided<Key extends string>(
  amount: bigint,
  weights: readonly (readonly [Key, bigint])[],
): Map<Key, bigint> {
  const whole = weights.reduce((sum, [, weight]) => sum + weight, 0n)
  const parts = weights.map(([name, weight]) => {
    return { name, part: (amount * weight) / whole, rest: (amount * weight) % whole }
  })
  let left = parts.reduce((sum, { part }) => sum - part, amount)
  parts.sort((a, b) => (a.rest === b.rest ? (a.name < b.name ? -1 : 1) : a.rest > b.rest ? -1 : 1))
  const result = new Map<Key, bigint>()
  for (const { name, part } of parts) {
    const extra = left > 0n ? 1n : 0n
    left -= extra
    result.set(name, part + extra)
  }
  return result
}

function known({ artifacts, documents }: Facts, id: Hex): Artifact.Artifact {
  const found = artifacts.get(id)
  if (found !== undefined) return found
  const owner = documents.get(id)
  if (owner === undefined) throw new InputError(`artifact ${id} was never registered`)
  const owners = [{ account: owner, sharePpb: Share.whole }]
  return { id, kind: 'contribution', owners, parents: [] }
}
