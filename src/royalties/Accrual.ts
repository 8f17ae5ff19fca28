/**
 * @module Accrual: what each account has earned, exactly, in nano-atoms. A receipt goes
 * served → funded → published, each step once, or is reversed before that. Splitting every payment to atoms would starve minorities
 * (ECONOMICS.md), so nothing is rounded here: an epoch floors sums, and the rest is carried.
 *
 * What a receipt gives an artifact that has parents or several owners is gathered for the artifact and
 * becomes the accounts' when the receipt's epoch is published: one cascade over the sums (`Cascade`).
 *
 * The state belongs to the fold that holds it and is changed in place; it is a function of the order of
 * events alone.
 */
import { assert } from '../kernel/Assert.ts'
import * as Hex from '../kernel/Hex.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import * as Account from './Account.ts'
import type * as Artifact from './Artifact.ts'
import * as Cascade from './Cascade.ts'

/** For what an account earned (ECONOMICS.md, "What an inference costs"). */
export type Reason = 'execution' | 'influence' | 'premium' | 'fee' | 'gas'

/** One account's earning from one receipt, in nano-atoms, not negative. */
export type Posting = {
  readonly account: Account.Account
  readonly nano: bigint
  readonly reason: Reason
}

/** All cumulative: `accrued ≥ publishable ≥ published ≥ claimed`. */
export type Balance = {
  accruedNano: bigint
  /** Funded and past its dispute window when the last epoch closed. */
  publishableNano: bigint
  /** Stated by the last published root. */
  publishedAtoms: bigint
  /** Paid on chain. */
  claimedAtoms: bigint
}

/** Where a receipt's money stands; `reversed` and `published` are final. */
export type Entry = {
  status: 'served' | 'funded' | 'published' | 'reversed'
  readonly postings: readonly Posting[]
  /** What artifacts earned that share it by lineage or among owners; the accounts' once published. */
  readonly gathered: readonly Cascade.Earning[]
  readonly disputeMs: number
  /** When the answer was given, if known: the dispute window cannot open earlier. */
  readonly servedAtMs?: number
  /** When its money was final on chain. */
  fundedAtMs?: number
}

/** An epoch that was published. */
export type Epoch = {
  readonly rootWord: Hex.Hex
  readonly depth: number
  readonly totalAtoms: bigint
  readonly receipts: readonly Hex.Hex[]
}

/** The books. Maps keep the order of first appearance. */
export type Accruals = {
  readonly balances: Map<Account.Account, Balance>
  readonly receipts: Map<Hex.Hex, Entry>
  /** Artifacts in their places; those that have earned or have children never change. */
  readonly lineage: Cascade.Lineage
  /** Of receipts not published yet, by artifact, each above 0. */
  readonly gathered: Map<Hex.Hex, bigint>
  /** Receipts whose money was final before they were served: hash → time. */
  readonly fundedAhead: Map<Hex.Hex, number>
  /** Account of each leaf by index; an index is never given up. */
  readonly leaves: Account.Account[]
  readonly epochs: Epoch[]
  /** Kept from receipts, apart from the balances, so that {@link totals} compares two tallies. */
  readonly tally: { servedNano: bigint; unpublishedNano: bigint }
}

/** What came of an event. All but `ok` change nothing. */
export type Outcome =
  | 'ok'
  | 'exists'
  | 'exists-with-different-postings'
  | 'exists-with-different-time'
  | 'exists-with-different-root'
  | 'malformed'
  | 'unknown-receipt'
  | 'unknown-account'
  | 'unknown-artifact'
  | 'not-publishable'
  | 'reversed'
  | 'published'
  | 'root-mismatch'
  | 'above-published'

/** Sums over all accounts, in nano-atoms: `accrued = claimed + claimable + carry`. */
export type Totals = {
  readonly accruedNano: bigint
  /** Stated by a published root and not claimed yet. */
  readonly claimableNano: bigint
  readonly claimedNano: bigint
  /** Stated by no root yet: not funded, in its dispute window, or left by flooring. */
  readonly carryNano: bigint
}

/** Books in which nothing has happened. */
export function empty(): Accruals {
  return {
    balances: new Map(),
    receipts: new Map(),
    lineage: Cascade.empty(),
    gathered: new Map(),
    fundedAhead: new Map(),
    leaves: [],
    epochs: [],
    tally: { servedNano: 0n, unpublishedNano: 0n },
  }
}

/** Posts a receipt's earnings. Twice is `exists`; twice with other contents changes nothing and says so. */
export function serve(
  state: Accruals,
  event: {
    readonly receipt: Hex.Hex
    readonly postings: readonly Posting[]
    /** For registered artifacts. */
    readonly gathered?: readonly Cascade.Earning[]
    readonly disputeMs: number
    readonly servedAtMs?: number
  },
): Outcome {
  const known = state.receipts.get(event.receipt)
  if (known !== undefined)
    return sameContents(known, event) ? 'exists' : 'exists-with-different-postings'
  if (!wellFormed(event)) return 'malformed'
  const { gathered = [] } = event
  if (gathered.some(({ artifact }) => !state.lineage.has(artifact))) return 'unknown-artifact'
  const fundedAtMs = state.fundedAhead.get(event.receipt)
  state.fundedAhead.delete(event.receipt)
  state.receipts.set(event.receipt, {
    status: fundedAtMs === undefined ? 'served' : 'funded',
    postings: event.postings.map(({ account, nano, reason }) => ({ account, nano, reason })),
    gathered: gathered.map(({ artifact, nano }) => ({ artifact, nano })),
    disputeMs: event.disputeMs,
    ...(event.servedAtMs === undefined ? {} : { servedAtMs: event.servedAtMs }),
    ...(fundedAtMs === undefined ? {} : { fundedAtMs }),
  })
  for (const { account, nano } of event.postings) {
    if (nano === 0n) continue
    open(state, account).accruedNano += nano
    state.tally.servedNano += nano
    state.tally.unpublishedNano += nano
  }
  for (const { artifact, nano } of gathered) {
    gather(state, artifact, nano)
    state.tally.servedNano += nano
    state.tally.unpublishedNano += nano
  }
  return 'ok'
}

/** Marks a receipt's money as final on chain, at most once; it may come before the receipt is served. */
export function fund(
  state: Accruals,
  event: { readonly receipt: Hex.Hex; readonly fundedAtMs: number },
): Outcome {
  if (!Hex.is(event.receipt, 32) || !isTime(event.fundedAtMs)) return 'malformed'
  const entry = state.receipts.get(event.receipt)
  const known = entry === undefined ? state.fundedAhead.get(event.receipt) : entry.fundedAtMs
  if (known !== undefined)
    return known === event.fundedAtMs ? 'exists' : 'exists-with-different-time'
  if (entry?.status === 'reversed') return 'reversed'
  if (entry === undefined) state.fundedAhead.set(event.receipt, event.fundedAtMs)
  else {
    assert(entry.status === 'served', 'a receipt without funding that is served')
    entry.status = 'funded'
    entry.fundedAtMs = event.fundedAtMs
  }
  return 'ok'
}

/**
 * Takes a receipt's postings back: its payment will never come, or was refunded in the dispute window.
 * What is `published` stays. Twice is `exists`.
 */
export function reverse(state: Accruals, event: { readonly receipt: Hex.Hex }): Outcome {
  const entry = state.receipts.get(event.receipt)
  if (entry === undefined) return 'unknown-receipt'
  if (entry.status === 'reversed') return 'exists'
  if (entry.status === 'published') return 'published'
  entry.status = 'reversed'
  for (const { account, nano } of entry.postings) {
    if (nano === 0n) continue
    open(state, account).accruedNano -= nano
    state.tally.servedNano -= nano
    state.tally.unpublishedNano -= nano
  }
  for (const { artifact, nano } of entry.gathered) {
    gather(state, artifact, -nano)
    state.tally.servedNano -= nano
    state.tally.unpublishedNano -= nano
  }
  return 'ok'
}

/**
 * Takes a funded receipt into an epoch that is published: what it posted is publishable, what it
 * gathered is no longer the artifacts': {@link receive} what the epoch's cascade made of it.
 */
export function enter(state: Accruals, receipt: Hex.Hex): void {
  const entry = state.receipts.get(receipt)
  assert(entry?.status === 'funded', 'a receipt that is published once, after it was funded')
  entry.status = 'published'
  for (const { account, nano } of entry.postings) {
    if (nano === 0n) continue
    const balance = state.balances.get(account)
    assert(balance !== undefined, 'a balance for each posting')
    balance.publishableNano += nano
    state.tally.unpublishedNano -= nano
  }
  for (const { artifact, nano } of entry.gathered) {
    gather(state, artifact, -nano)
    state.tally.unpublishedNano -= nano
  }
}

/** Posts what an epoch's cascade gave an account: publishable at once. */
export function receive(state: Accruals, { account, nano }: Artifact.Part): void {
  assert(nano >= 0n, 'a part that is not negative')
  const balance = open(state, account)
  balance.accruedNano += nano
  balance.publishableNano += nano
}

/** When a funded receipt leaves its dispute window; `undefined` while its money is not final. */
export function publishableAtMs(entry: Entry): number | undefined {
  if (entry.fundedAtMs === undefined) return undefined
  return Math.max(entry.fundedAtMs, entry.servedAtMs ?? 0) + entry.disputeMs
}

/** An account's part of {@link totals}. */
export function standing(balance: Balance): Totals {
  const { accruedNano, publishableNano, publishedAtoms, claimedAtoms } = balance
  assert(0n <= claimedAtoms && claimedAtoms <= publishedAtoms, 'claimed ≤ published')
  assert(publishedAtoms * nanoPerAtom <= publishableNano, 'published ≤ publishable')
  assert(publishableNano <= accruedNano, 'publishable ≤ accrued')
  const claimedNano = claimedAtoms * nanoPerAtom
  const claimableNano = (publishedAtoms - claimedAtoms) * nanoPerAtom
  return {
    accruedNano,
    claimableNano,
    claimedNano,
    carryNano: accruedNano - publishedAtoms * nanoPerAtom,
  }
}

/**
 * Sums over all accounts and over what is gathered for artifacts (carry, like all that no root states);
 * asserts conservation per account, in sum, and against the receipts.
 */
export function totals(state: Accruals): Totals {
  let [accruedNano, claimableNano, claimedNano, carryNano, flooredNano] = [0n, 0n, 0n, 0n, 0n]
  for (const balance of state.balances.values()) {
    const part = standing(balance)
    accruedNano += part.accruedNano
    claimableNano += part.claimableNano
    claimedNano += part.claimedNano
    carryNano += part.carryNano
    flooredNano += balance.publishableNano - balance.publishedAtoms * nanoPerAtom
  }
  for (const nano of state.gathered.values()) {
    assert(nano > 0n, 'gathered sums above 0')
    accruedNano += nano
    carryNano += nano
  }
  const { servedNano, unpublishedNano } = state.tally
  assert(
    accruedNano === servedNano,
    'balances and gathered sums that are what all receipts not reversed gave',
  )
  assert(carryNano === unpublishedNano + flooredNano, 'carry = unpublished receipts + floored rest')
  assert(
    accruedNano === claimedNano + claimableNano + carryNano,
    'accrued = claimed + open + carry',
  )
  return { accruedNano, claimableNano, claimedNano, carryNano }
}

/** The books as plain JSON data, amounts as decimal strings: equal states have equal bytes. */
export function snapshot(state: Accruals): unknown {
  return plain({
    balances: [...state.balances],
    receipts: [...state.receipts],
    lineage: [...state.lineage],
    gathered: [...state.gathered],
    fundedAhead: [...state.fundedAhead],
    leaves: state.leaves,
    epochs: state.epochs,
    tally: state.tally,
  })
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

function open(state: Accruals, account: Account.Account): Balance {
  const known = state.balances.get(account)
  if (known !== undefined) return known
  const balance = { accruedNano: 0n, publishableNano: 0n, publishedAtoms: 0n, claimedAtoms: 0n }
  state.balances.set(account, balance)
  return balance
}

function gather(state: Accruals, artifact: Hex.Hex, nano: bigint): void {
  const sum = (state.gathered.get(artifact) ?? 0n) + nano
  assert(sum >= 0n, 'no more taken from an artifact than was gathered for it')
  if (sum === 0n) state.gathered.delete(artifact)
  else state.gathered.set(artifact, sum)
}

const reasons: readonly string[] = ['execution', 'influence', 'premium', 'fee', 'gas']

function wellFormed(event: Parameters<typeof serve>[1]): boolean {
  return (
    Hex.is(event.receipt, 32) &&
    isTime(event.disputeMs) &&
    (event.servedAtMs === undefined || isTime(event.servedAtMs)) &&
    (event.gathered ?? []).every(({ nano }) => typeof nano === 'bigint' && nano > 0n) &&
    event.postings.every(
      ({ account, nano, reason }) =>
        Account.is(account) && typeof nano === 'bigint' && nano >= 0n && reasons.includes(reason),
    )
  )
}

function isTime(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function sameContents(entry: Entry, event: Parameters<typeof serve>[1]): boolean {
  const { gathered = [] } = event
  return (
    entry.gathered.length === gathered.length &&
    entry.gathered.every(
      ({ artifact, nano }, at) =>
        artifact === gathered[at]!.artifact && nano === gathered[at]!.nano,
    ) &&
    entry.disputeMs === event.disputeMs &&
    entry.servedAtMs === event.servedAtMs &&
    entry.postings.length === event.postings.length &&
    entry.postings.every((posting, index) => {
      const other = event.postings[index]!
      return (
        posting.account === other.account &&
        posting.nano === other.nano &&
        posting.reason === other.reason
      )
    })
  )
}
