/**
 * @module Earnings: who is owed what by a receipt, to the last nano-atom. What one account owns alone and
 * owes nobody is that account's at once; what is shared, by lineage or among owners, is gathered for the
 * artifact until its epoch, so that what is rounded is rounded once, over the sum.
 */
import { assert } from '../kernel/Assert.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import type * as Receipt from '../market/Receipt.ts'
import type * as Accrual from '../royalties/Accrual.ts'
import * as Artifact from '../royalties/Artifact.ts'
import * as Cascade from '../royalties/Cascade.ts'
import * as Lineage from './Lineage.ts'

/** What a receipt gives, in nano-atoms, each above 0. */
export type Earnings = {
  readonly postings: readonly Accrual.Posting[]
  /** For artifacts that share it, once for each. */
  readonly gathered: readonly Cascade.Earning[]
}

/** The earnings of a receipt that names registered artifacts only; with its rounding they sum to its price. */
export function of(holder: Lineage.Holder, receipt: Receipt.Receipt): Earnings {
  const { money, provider } = receipt
  const postings: Accrual.Posting[] = [
    { account: provider, nano: BigInt(money.executionNano), reason: 'execution' },
    { account: provider, nano: BigInt(money.feeNano), reason: 'fee' },
    { account: provider, nano: BigInt(money.gasNano), reason: 'gas' },
  ]
  const gathered: Cascade.Earning[] = []
  for (const { artifact, influenceNano, premiumNano } of lines(holder, receipt)) {
    if (isShared(artifact)) {
      gathered.push({ artifact: artifact.id, nano: influenceNano + premiumNano })
      continue
    }
    for (const part of Artifact.settle(artifact, influenceNano))
      postings.push({ ...part, reason: 'influence' })
    for (const part of Artifact.settle(artifact, premiumNano))
      postings.push({ ...part, reason: 'premium' })
  }
  const above = ({ nano }: { readonly nano: bigint }) => nano > 0n
  const earnings = { postings: postings.filter(above), gathered: gathered.filter(above) }
  const all = [...earnings.postings, ...earnings.gathered]
  const sum = all.reduce((total, { nano }) => total + nano, 0n)
  assert(
    sum + BigInt(money.roundingNano) === BigInt(money.chargedAtoms) * nanoPerAtom,
    'postings and rounding that sum to what was charged',
  )
  return earnings
}

/**
 * The earnings by account, for people to read: what is shared passed on as if its epoch had no other
 * receipt. The epoch's own cascade, over the sums, may round by single nano-atoms otherwise.
 */
export function shown(holder: Lineage.Holder, receipt: Receipt.Receipt): Accrual.Posting[] {
  const list = [...of(holder, receipt).postings]
  const pass = (id: Artifact.Artifact['id'], nano: bigint) =>
    Cascade.pass(holder.accruals.lineage, [{ artifact: id, nano }]).parts
  for (const { artifact, influenceNano, premiumNano } of lines(holder, receipt)) {
    if (!isShared(artifact)) continue
    for (const part of pass(artifact.id, influenceNano)) list.push({ ...part, reason: 'influence' })
    for (const part of pass(artifact.id, premiumNano)) list.push({ ...part, reason: 'premium' })
  }
  return list
}

function isShared({ parents, owners }: Artifact.Artifact): boolean {
  return parents.length > 0 || owners.length > 1
}

function lines(holder: Lineage.Holder, { influence }: Receipt.Receipt) {
  return influence.entries.map((entry) => {
    const artifact = Lineage.find(holder, entry.artifact)
    assert(artifact !== undefined, 'influence of registered artifacts only')
    const { influenceNano, premiumNano } = entry
    return { artifact, influenceNano: BigInt(influenceNano), premiumNano: BigInt(premiumNano) }
  })
}
