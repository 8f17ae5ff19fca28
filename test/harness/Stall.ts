/**
 * @module A node's books without keys or texts, and stories of random orders told to them: whatever can
 * happen to quotes, payments, receipts, epochs and claims, in whatever order.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import * as Contribution from '../../src/datanets/Contribution.ts'
import * as Datanet from '../../src/datanets/Datanet.ts'
import * as Version from '../../src/datanets/Version.ts'
import * as Economy from '../../src/economy/Economy.ts'
import * as Event from '../../src/economy/Event.ts'
import * as Prepaid from '../../src/economy/Prepaid.ts'
import * as Sales from '../../src/economy/Sales.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import * as Terms from './Terms.ts'

/** What nobody checks here. */
export const signature = `0x${'11'.repeat(65)}` as const
export const evidence = { chainId: 31337, tx: Hash.text('tx') }
/** Who pays. */
export const payers = ['ann', 'bob'].map(Terms.address)
const owners = [Terms.address('owner'), 'npm:bees', 'npm:moss']

/** A log under way: what happened, when, and what follows. */
export type Stall = { economy: Economy.Economy; told: [Event.Event, number][]; nowMs: number }

/** Applies an event to a fold as the next record. */
export function apply(
  economy: Economy.Economy,
  event: Event.Event,
  at: { leaf: number; atMs: number },
) {
  const id = Event.id(event)
  return Economy.apply(economy, {
    ...{ v: 1, origin: Terms.address('seller'), previous: Hash.text(''), causes: [] },
    ...{ ...at, id, event },
  })
}

/** Tells an event; it must follow. */
export function tell(stall: Stall, event: Event.Event): void {
  const at = { leaf: stall.told.length, atMs: stall.nowMs }
  expect(apply(stall.economy, event, at)).toBeUndefined()
  stall.told.push([event, stall.nowMs])
  Sales.assertConserved(stall.economy.sales)
}

/** What a fresh fold of the same log says of one more event. */
export function ask(stall: Stall, event: Event.Event): Sales.Fault {
  const economy = Economy.empty()
  for (const [leaf, [each, atMs]] of stall.told.entries()) apply(economy, each, { leaf, atMs })
  return apply(economy, event, { leaf: stall.told.length, atMs: stall.nowMs })
}

/** A node with a card and three documents. */
export function open(): Stall {
  const stall: Stall = { economy: Economy.empty(), told: [], nowMs: Terms.nowMs }
  tell(stall, {
    ...{ type: 'opened', role: 'node', name: 'node', address: Terms.address('seller') },
    ...{ asset: Terms.asset, till: Terms.address('till'), vault: Terms.address('vault') },
    ...{ scale: '1', local: true, salt: Hash.text('salt') },
  })
  tell(stall, { type: 'registered', card: Terms.card })
  const contributions = owners.map((owner) =>
    Contribution.document({ path: 'README.md', owner, text: `words of ${owner}` }),
  )
  const salt = Hash.text('batch')
  const { root, count } = Datanet.commit(contributions, { salt })
  const datanet = 'docs'
  tell(stall, {
    ...{ type: 'committed', datanet, root, count, commons: false, committedAtMs: stall.nowMs },
  })
  const change = Datanet.revealed(stall.economy.sales.datanet!, {
    ...{ root, opening: { documents: contributions, salt } },
  })
  if (change.kind === 'refused') throw new Error(change.because)
  const versionRoot = Version.of(change.datanet).root
  tell(stall, { type: 'revealed', datanet, root, salt, contributions, versionRoot })
  return stall
}

/** One thing to do, where there is something to do it to. */
export type Step =
  | { readonly do: 'quote'; readonly payer: number; readonly stranger: boolean }
  | { readonly do: 'serve'; readonly at: number; readonly out: number; readonly ppb: number }
  | { readonly do: 'fund' | 'unfund'; readonly at: number }
  /** Takes a payment ahead of its answer; settles or returns one that was. */
  | { readonly do: 'accept' | 'fund ahead' | 'unfund ahead' | 'return'; readonly at: number }
  | { readonly do: 'serve ahead'; readonly at: number; readonly out: number; readonly ppb: number }
  /** Closes an epoch, or publishes the one that is closed. */
  | { readonly do: 'epoch' }
  | { readonly do: 'claim'; readonly at: number }
  | { readonly do: 'wait'; readonly ms: number }

const at = fc.nat(40)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      ...{ do: fc.constant('quote' as const), payer: fc.nat(1) },
      stranger: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      ...{ do: fc.constant('serve' as const), at, out: fc.nat(128) },
      ppb: fc.nat(333_333_333),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('serve ahead' as const), at, out: fc.nat(128) },
      ppb: fc.nat(333_333_333),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('accept' as const), at }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('fund ahead' as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unfund ahead' as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('return' as const), at }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('fund' as const), at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unfund' as const), at }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('epoch' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(30_000) }) },
)

/** The event that a step means here and now; undefined where there is nothing to do it to. */
function eventOf(stall: Stall, given: Step): Event.Event | undefined {
  const { sales } = stall.economy
  const pick = <T>(list: readonly T[], index: number) => list[index % Math.max(1, list.length)]
  switch (given.do) {
    case 'quote':
      return quoteOf(stall, given.stranger ? null : payers[given.payer]!)
    case 'serve': {
      const open = [...sales.quotes.values()].filter(
        ({ quote, used }) => !used && quote.expiresAtMs > stall.nowMs,
      )
      const found = pick(open, given.at)
      return found && serveOf(stall, found.quote, given)
    }
    case 'accept': {
      const open = [...sales.quotes.values()].filter(
        ({ quote, used }) => !used && quote.expiresAtMs > stall.nowMs,
      )
      const found = pick(open, given.at)
      return found && acceptOf(stall, found.quote)
    }
    case 'serve ahead': {
      const found = pick(Prepaid.open(sales), given.at)
      if (found === undefined) return undefined
      return serveOf(stall, sales.quotes.get(found.quoteHash)!.quote, { ...given, ...found })
    }
    case 'fund ahead':
    case 'unfund ahead':
    case 'return':
      return endOf(stall, given)
    case 'fund':
    case 'unfund': {
      const found = pick(
        [...sales.sales.values()].filter(({ status }) => status === 'served'),
        given.at,
      )
      if (found === undefined) return undefined
      const { receiptHash } = found
      return given.do === 'fund'
        ? { type: 'funded', receiptHash, evidence }
        : { type: 'unfunded', receiptHash, because: 'cancelled' }
    }
    case 'epoch': {
      const last = sales.epochs.at(-1)
      if (last === undefined || last.published !== undefined) return closeOf(stall)
      return { type: 'published', epoch: last.epoch, evidence }
    }
    case 'claim':
      return claimOf(stall, given.at)
    case 'wait':
      stall.nowMs += given.ms
      return undefined
  }
}

/** A quote for a payer with all its change applied; for anybody when null. */
export function quoteOf(stall: Stall, payer: Hex | null): Event.Of<'quoted'> {
  const { sales } = stall.economy
  const maxAtoms = BigInt(Terms.quote().maxAtoms)
  const spendable = payer === null ? 0n : Sales.spendableChange(sales, payer, stall.nowMs)
  const appliedAtoms = spendable < maxAtoms ? spendable : maxAtoms - 1n
  const quote = Terms.quote({
    ...{ payer, appliedAtoms, issuedAtMs: stall.nowMs, expiresAtMs: stall.nowMs + 60_000 },
    salt: Hash.text(`${stall.told.length}`),
  })
  return { type: 'quoted', quote, signature }
}

/** A payment of a quote, taken ahead of its answer. */
export function acceptOf(stall: Stall, quote: Quote.Quote): Event.Of<'accepted'> {
  const { payTo, payAtoms: valueAtoms } = quote
  const payer = quote.payer ?? payers[stall.told.length % 2]!
  const nonce = Hash.text(`nonce ${stall.told.length}`)
  const payment = { payer, nonce, payTo, valueAtoms, validBeforeSec: 1, payload: {} }
  return { type: 'accepted', quoteHash: Quote.hash(quote), payment }
}

/** What ends a payment taken ahead, or settles it. */
function endOf(stall: Stall, given: Extract<Step, { at: number }>): Event.Event | undefined {
  const wanted = given.do === 'return' ? 'funded' : 'accepted'
  const open = Prepaid.open(stall.economy.sales).filter(({ status }) => status === wanted)
  const found = open[given.at % Math.max(1, open.length)]
  if (found === undefined) return undefined
  const { payer, nonce } = found.payment
  const payment = { payer, nonce }
  if (given.do === 'fund ahead') return { type: 'funded', payment, evidence }
  const because = 'cancelled'
  return { type: given.do === 'return' ? 'returned' : 'unfunded', payment, because }
}

/** An answer under a quote, paid by `payment` or by a new one. */
export function serveOf(
  stall: Stall,
  quote: Quote.Quote,
  {
    out,
    ppb,
    payment: ahead,
  }: {
    readonly out: number
    readonly ppb: number
    readonly payment?: Event.Of<'served'>['payment']
  },
): Event.Of<'served'> {
  const { sales } = stall.economy
  const payer = ahead?.payer ?? quote.payer ?? payers[out % 2]!
  const nonce = ahead?.nonce ?? Hash.text(`nonce ${stall.told.length}`)
  const shaped = [...sales.artifacts.keys()]
    .slice(0, out % 4)
    .map((artifact) => ({ artifact, sharePpb: BigInt(ppb), rarityPpb: 700_000_000n }))
  const receipt = Terms.receipt(quote, {
    ...{ payer, shaped, tokens: { in: 5, cached: 0, out }, paymentNonce: nonce },
    ...{ seq: sales.nextSeq, prevHash: sales.lastReceipt, issuedAtMs: stall.nowMs },
  })
  const { payTo, payAtoms: valueAtoms } = quote
  const paid = { payer, nonce, payTo, valueAtoms, validBeforeSec: 1, payload: {} }
  const payment = ahead ?? paid
  return { type: 'served', receipt, signature, evidence: {}, outputs: '0x', payment }
}

/** The epoch that is due. */
export function closeOf(stall: Stall): Event.Of<'closing'> | undefined {
  const { sales } = stall.economy
  const last = sales.epochs.at(-1)
  if (last !== undefined && last.published === undefined) return undefined
  const proposal = Epoch.propose(sales.accruals, { nowMs: stall.nowMs, scale: 1n })
  if (proposal.receipts.length === 0) return undefined
  return {
    ...{ type: 'closing', epoch: sales.epochs.length },
    ...{ root: proposal.rootWord, depth: proposal.depth, receipts: [...proposal.receipts] },
    totalAtoms: String(proposal.totalAtoms),
    leavesDigest: Hash.text(Epoch.toLines(proposal.leaves)),
    checkpoint: { size: stall.told.length, root: Hash.text('root') },
  }
}

/** A claim of what a published root owes somebody. */
export function claimOf(stall: Stall, index: number): Event.Of<'claimed'> | undefined {
  const { accruals } = stall.economy.sales
  const open = Epoch.leaves(accruals, { scale: 1n }).filter(
    (leaf) => leaf.cumulative > accruals.balances.get(accruals.leaves[leaf.index]!)!.claimedAtoms,
  )
  const leaf = open[index % Math.max(1, open.length)]
  if (leaf === undefined) return undefined
  const before = accruals.balances.get(accruals.leaves[leaf.index]!)!.claimedAtoms
  return {
    ...{ type: 'claimed', account: leaf.account, index: leaf.index, evidence },
    cumulativeAtoms: String(leaf.cumulative),
    atoms: String(leaf.cumulative - before),
  }
}

/** A payment as the story alone tells it. */
type Paid = {
  readonly payer: Hex
  readonly quote: Quote.Quote
  /** What its change was before it was there. */
  state: 'new' | 'accepted' | 'funded ahead' | 'served' | 'over'
  leftAtoms: bigint
}

/** What change must be, from the story alone. */
export function changeOf(stall: Stall, payer: Hex) {
  const sums = { available: 0n, pending: 0n, bound: 0n }
  const quotes = new Map<string, Quote.Quote>()
  const paid = new Map<string, Paid>()
  const receipts = new Map<string, Paid>()
  for (const [event] of stall.told) {
    if (event.type === 'quoted') quotes.set(Quote.hash(event.quote), event.quote)
    const known = paidOf(event, { quotes, paid, receipts })
    if (known === undefined || known.payer !== payer) continue
    const [max, applied] = [known.quote.maxAtoms, known.quote.changeAppliedAtoms].map(BigInt)
    if (event.type === 'accepted') {
      sums.available -= applied!
      sums.bound += applied!
      known.state = 'accepted'
    } else if (event.type === 'served') {
      const isThere = known.state === 'funded ahead'
      if (known.state === 'new') sums.available -= applied!
      else sums.bound -= isThere ? max! : applied!
      sums[isThere ? 'available' : 'pending'] += known.leftAtoms
      known.state = isThere ? 'over' : 'served'
    } else if (known.state === 'served') {
      sums.pending -= known.leftAtoms
      sums.available += event.type === 'funded' ? known.leftAtoms : applied!
      known.state = 'over'
    } else if (event.type === 'funded') {
      sums.bound += max! - applied!
      known.state = 'funded ahead'
    } else {
      const bound = known.state === 'funded ahead' ? max! : applied!
      sums.bound -= bound
      sums.available += bound
      known.state = 'over'
    }
  }
  return sums
}

type Told = {
  readonly quotes: ReadonlyMap<string, Quote.Quote>
  readonly paid: Map<string, Paid>
  readonly receipts: Map<string, Paid>
}

/** The payment that an event of money is about. */
function paidOf(event: Event.Event, { quotes, paid, receipts }: Told): Paid | undefined {
  switch (event.type) {
    case 'accepted': {
      const quote = quotes.get(event.quoteHash)!
      const known: Paid = { payer: event.payment.payer, quote, state: 'new', leftAtoms: 0n }
      paid.set(event.payment.nonce, known)
      return known
    }
    case 'served': {
      const { money, payer } = event.receipt
      const quote = quotes.get(money.quoteHash)!
      const known = paid.get(event.payment.nonce) ?? { payer, quote, state: 'new', leftAtoms: 0n }
      known.leftAtoms = BigInt(quote.maxAtoms) - BigInt(money.chargedAtoms)
      receipts.set(Receipt.hash(event.receipt), known)
      return known
    }
    case 'funded':
    case 'unfunded':
    case 'returned':
      if (event.payment !== undefined) return paid.get(event.payment.nonce)
      return receipts.get(event.receiptHash!)
    default:
      return undefined
  }
}

/** Runs steps, telling what can happen; counts what did. */
export function run(steps: readonly Step[], look?: (stall: Stall) => void): Stall {
  const stall = open()
  for (const each of steps) {
    const event = eventOf(stall, each)
    if (event === undefined) continue
    tell(stall, event)
    look?.(stall)
  }
  return stall
}

/** A story of some length. */
export const steps = fc.array(step, { minLength: 50, maxLength: 90, size: 'max' })
