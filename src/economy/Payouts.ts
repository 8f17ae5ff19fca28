/**
 * @module Payouts in the fold: epochs closed over what is due, published, and claimed from the vault, where
 * payees may have signed to be paid elsewhere.
 */
import * as Account from '../royalties/Account.ts'
import * as Epoch from '../royalties/Epoch.ts'
import type * as Event from './Event.ts'
import type * as Sales from './Sales.ts'

/** An epoch is about to be published: it must be the one that the log implies. */
export function closing(
  sales: Sales.Sales,
  event: Event.Of<'closing'>,
  at: Sales.Place,
  scale: bigint,
): Sales.Fault {
  if (event.epoch !== sales.epochs.length)
    return `epoch ${event.epoch}, expected ${sales.epochs.length}`
  const last = sales.epochs.at(-1)
  if (last !== undefined && last.published === undefined) return 'an epoch is still being published'
  const proposal = Epoch.propose(sales.accruals, { nowMs: at.atMs, scale })
  if (proposal.rootWord !== event.root)
    return `epoch root ${event.root}, recomputed ${proposal.rootWord}`
  if (proposal.depth !== event.depth)
    return `epoch depth ${event.depth}, recomputed ${proposal.depth}`
  if (String(proposal.totalAtoms) !== event.totalAtoms)
    return `epoch total ${event.totalAtoms}, recomputed ${proposal.totalAtoms}`
  if (proposal.receipts.join() !== event.receipts.join())
    return 'epoch over other receipts than are due'
  sales.epochs.push({ epoch: event.epoch, proposal, closing: event, leaf: at.leaf })
  return undefined
}

/** The epoch's transaction is final. */
export function published(
  sales: Sales.Sales,
  event: Event.Of<'published'>,
  leaf: number,
): Sales.Fault {
  const state = sales.epochs[event.epoch]
  if (state === undefined) return `publication of epoch ${event.epoch}, which was never closed`
  if (state.published !== undefined) return `epoch ${event.epoch} published twice`
  const outcome = Epoch.publish(sales.accruals, state.proposal)
  if (outcome !== 'ok' && outcome !== 'exists') return `publication refused: ${outcome}`
  state.published = event
  state.publishedLeaf = leaf
  return undefined
}

/** A payee took what a published root owes it. */
export function claimed(sales: Sales.Sales, event: Event.Of<'claimed'>): Sales.Fault {
  const account = sales.accruals.leaves[event.index]
  if (account === undefined) return `claim of leaf ${event.index}, which no published root has`
  if (Account.leaf(account).address !== event.account)
    return `claim of leaf ${event.index} by ${event.account}, it is ${account}'s`
  const before = sales.accruals.balances.get(account)!.claimedAtoms
  const cumulativeAtoms = BigInt(event.cumulativeAtoms)
  if (cumulativeAtoms - before !== BigInt(event.atoms))
    return `claim of ${event.atoms} atoms, recomputed ${cumulativeAtoms - before}`
  const outcome = Epoch.claim(sales.accruals, { account, cumulativeAtoms })
  if (outcome !== 'ok') return `claim refused: ${outcome}`
  sales.claims.push(event)
  return undefined
}

/** A payee is paid elsewhere from now on, by its own signature, which the vault has judged. */
export function redirected(sales: Sales.Sales, event: Event.Of<'redirected'>): Sales.Fault {
  const { account, to, index, sequence } = event
  if (sales.accruals.leaves[index] !== account)
    return `redirect of leaf ${index} by ${account}, which no published root has`
  const count = sales.redirects.get(account)?.count ?? 0
  if (sequence !== String(count)) return `redirect ${sequence} of ${account}, expected ${count}`
  sales.redirects.set(account, { to, count: count + 1 })
  return undefined
}
