/**
 * @module Sales: the seller's half of the economy as a fold. Quotes reserve change, receipts are served,
 * funded and published at most once, and after every event each atom received is accounted for.
 */
import * as Outputs from '../attribution/spans/Outputs.ts'
import type * as Contribution from '../datanets/Contribution.ts'
import * as Datanet from '../datanets/Datanet.ts'
import * as Version from '../datanets/Version.ts'
import { assert } from '../kernel/Assert.ts'
import type { Hex } from '../kernel/Hex.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import * as Card from '../market/Card.schema.ts'
import * as Quote from '../market/Quote.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Accrual from '../royalties/Accrual.ts'
import type * as Artifact from '../royalties/Artifact.ts'
import type * as Epoch from '../royalties/Epoch.ts'
import * as Earnings from './Earnings.ts'
import type * as Event from './Event.ts'
import * as Lineage from './Lineage.ts'
import * as Prepaid from './Prepaid.ts'

/** Why an event cannot follow what happened before; undefined when it can. */
export type Fault = string | undefined

/** Where a record stands. */
export type Place = { readonly leaf: number; readonly atMs: number }

/** One answer sold. */
export type Sale = {
  readonly receipt: Receipt.Receipt
  readonly receiptHash: Hex
  readonly signature: Hex
  readonly payment: Event.Of<'served'>['payment']
  readonly spans: Event.Of<'served'>['evidence']
  /** Position of `served` in this log. */
  readonly leaf: number
  status: 'served' | 'funded' | 'unfunded'
  /** Transaction evidence once funded, and where in this log it stands. */
  evidence?: Event.Of<'funded'>['evidence']
  fundedLeaf?: number
}

/** A payer's change in this seller's books, in atoms. `pending`: of payments not final yet. */
export type Change = { availableAtoms: bigint; pendingAtoms: bigint }

/** An epoch, from the moment before its transaction is sent. */
export type EpochState = {
  readonly epoch: number
  readonly proposal: Epoch.Proposal
  readonly closing: Event.Of<'closing'>
  /** Position of `closing` in this log; of `published`, once it is there. */
  readonly leaf: number
  published?: Event.Of<'published'>
  publishedLeaf?: number
}

/** All that follows from a node's log. Owned and mutated by the fold alone. */
export type Sales = {
  readonly cards: Map<Hex, Card.Card>
  /** One datanet a node in this version; undefined before its first commitment. */
  datanet: Datanet.Datanet | undefined
  /** Documents as they were revealed; what is known of their lineage is in `accruals`. */
  readonly artifacts: Map<Hex, Artifact.Artifact>
  readonly quotes: Map<Hex, { readonly quote: Quote.Quote; used: boolean; readonly leaf: number }>
  /** Unused quotes that reserve change, by payer. */
  readonly reservations: Map<Hex, Set<Hex>>
  readonly change: Map<Hex, Change>
  readonly sales: Map<Hex, Sale>
  /** `payer/nonce` → receipt. */
  readonly payments: Map<string, Hex>
  /** Payments taken ahead of their answer, by `payer/nonce`; the keys of those that have not ended. */
  readonly prepaid: Map<string, Prepaid.Prepaid>
  readonly openPrepaid: Set<string>
  /** Memory of its own answers: they cannot be sold as data. */
  outputs: Outputs.Outputs
  outputSalt: Hex
  readonly accruals: Accrual.Accruals
  readonly epochs: EpochState[]
  readonly claims: Event.Of<'claimed'>[]
  /** Payees that signed where they are paid: where now, and how often so far. */
  readonly redirects: Map<Hex, { readonly to: Hex; readonly count: number }>
  roundingNano: bigint
  receivedAtoms: bigint
  receivableAtoms: bigint
  nextSeq: number
  lastReceipt: Hex
}

const genesis = `0x${'0'.repeat(64)}` as const

/** A node before its first event. */
export function empty(): Sales {
  return {
    cards: new Map(),
    datanet: undefined,
    artifacts: new Map(),
    quotes: new Map(),
    reservations: new Map(),
    change: new Map(),
    sales: new Map(),
    payments: new Map(),
    prepaid: new Map(),
    openPrepaid: new Set(),
    outputs: Outputs.empty,
    outputSalt: genesis,
    accruals: Accrual.empty(),
    epochs: [],
    claims: [],
    redirects: new Map(),
    roundingNano: 0n,
    receivedAtoms: 0n,
    receivableAtoms: 0n,
    nextSeq: 0,
    lastReceipt: genesis,
  }
}

/** Key of a payment. */
export const paymentKey = Prepaid.key

/** Change that a payer may have applied now: what is available less what open quotes reserve. */
export function spendableChange(sales: Sales, payer: Hex, nowMs: number): bigint {
  let reservedAtoms = 0n
  for (const hash of sales.reservations.get(payer) ?? []) {
    const { quote } = sales.quotes.get(hash)!
    if (quote.expiresAtMs > nowMs) reservedAtoms += BigInt(quote.changeAppliedAtoms)
  }
  const available = sales.change.get(payer)?.availableAtoms ?? 0n
  return available > reservedAtoms ? available - reservedAtoms : 0n
}

/** Registers a model card, or artifacts with their lineage. */
export function registered(sales: Sales, event: Event.Of<'registered'>): Fault {
  if (event.card !== undefined) {
    sales.cards.set(Card.hash(event.card), event.card)
    return undefined
  }
  const outcome = Lineage.register(sales, Lineage.read(event))
  return typeof outcome === 'string' ? undefined : outcome.because
}

/** A batch committed to: its place in time is fixed. */
export function committed(sales: Sales, event: Event.Of<'committed'>): Fault {
  const datanet = sales.datanet ?? Datanet.empty(event.datanet)
  if (datanet.name !== event.datanet)
    return `commitment to ${event.datanet}, expected ${datanet.name}`
  const { root, count, commons, committedAtMs } = event
  const change = Datanet.committed(datanet, { commitment: { root, count }, committedAtMs, commons })
  if (change.kind === 'refused') return change.because
  sales.datanet = change.datanet
  return undefined
}

/** A batch revealed: every document must be the one committed to; each becomes an artifact that earns. */
export function revealed(sales: Sales, event: Event.Of<'revealed'>): Fault {
  if (sales.datanet === undefined) return 'documents revealed before any were committed'
  if (sales.datanet.name !== event.datanet)
    return `documents of ${event.datanet}, expected ${sales.datanet.name}`
  const opening = { documents: event.contributions as Contribution.Document[], salt: event.salt }
  const change = Datanet.revealed(sales.datanet, { root: event.root, opening })
  if (change.kind === 'refused') return change.because
  const version = Version.of(change.datanet)
  if (version.root !== event.versionRoot)
    return `version root ${event.versionRoot}, recomputed ${version.root}`
  sales.datanet = change.datanet
  if (change.batch.commons) return undefined
  for (const { artifact, owner } of change.batch.contributions) {
    const owners = [{ account: owner, sharePpb: Share.whole }]
    const document = { id: artifact, kind: 'contribution', owners, parents: [] } as const
    const known = sales.accruals.lineage.get(artifact)?.artifact
    const fault = known && Lineage.documentFault(document, known)
    if (fault !== undefined) return fault
    if (!sales.artifacts.has(artifact)) sales.artifacts.set(artifact, document)
  }
  return undefined
}

/** Terms given; change they apply is reserved until they expire. */
export function quoted(sales: Sales, event: Event.Of<'quoted'>, leaf: number): Fault {
  const { quote } = event
  const hash = Quote.hash(quote)
  const applied = BigInt(quote.changeAppliedAtoms)
  const arithmetic = Quote.arithmeticFault(quote)
  if (arithmetic !== undefined) return arithmetic
  if (sales.quotes.has(hash)) return 'quote given twice'
  if (quote.payer !== null && applied > spendableChange(sales, quote.payer, quote.issuedAtMs))
    return `quote applies ${applied} atoms of change, more than ${quote.payer} has`
  sales.quotes.set(hash, { quote, used: false, leaf })
  if (quote.payer !== null && applied > 0n) {
    const open = [...(sales.reservations.get(quote.payer) ?? [])].filter(
      (each) => sales.quotes.get(each)!.quote.expiresAtMs > quote.issuedAtMs,
    )
    sales.reservations.set(quote.payer, new Set([...open, hash]))
  }
  return undefined
}

/** An answer given under a quote and a verified payment, which may have been taken ahead of it. */
export function served(sales: Sales, event: Event.Of<'served'>, at: Place): Fault {
  const { receipt, payment } = event
  const known = sales.quotes.get(receipt.money.quoteHash)
  if (known === undefined) return 'receipt without a quote'
  const prepaid = sales.prepaid.get(Prepaid.key(payment))
  if (prepaid === undefined && known.used) return 'quote used twice'
  // From then on its change may be reserved for another quote.
  if (prepaid === undefined && at.atMs >= known.quote.expiresAtMs) return 'quote had expired'
  const fault = servedFault(sales, event, { quote: known.quote, prepaid })
  if (fault !== undefined) return fault
  const receiptHash = Receipt.hash(receipt)
  Lineage.settle(sales, receipt)
  const outcome = Accrual.serve(sales.accruals, {
    receipt: receiptHash,
    ...Earnings.of(sales, receipt),
    disputeMs: known.quote.disputeWindowMs,
  })
  if (outcome !== 'ok') return `accrual refused: ${outcome}`
  const money = receipt.money
  const change = Prepaid.changeOf(sales, receipt.payer)
  if (prepaid === undefined) {
    known.used = true
    sales.reservations.get(receipt.payer)?.delete(money.quoteHash)
    change.availableAtoms -= BigInt(known.quote.changeAppliedAtoms)
  }
  change.pendingAtoms += BigInt(known.quote.maxAtoms) - BigInt(money.chargedAtoms)
  assert(change.availableAtoms >= 0n && change.pendingAtoms >= 0n, 'change that is never negative')
  sales.receivableAtoms += BigInt(money.paidAtoms)
  sales.roundingNano += BigInt(money.roundingNano)
  sales.nextSeq += 1
  sales.lastReceipt = receiptHash
  sales.outputs = Outputs.remember(sales.outputs, {
    salt: sales.outputSalt,
    windows: event.outputs as Hex,
    answeredAtMs: receipt.issuedAtMs,
  })
  sales.payments.set(Prepaid.key(payment), receiptHash)
  const { signature, evidence: spans } = event
  const sale: Sale = {
    ...{ receipt, receiptHash, signature, payment, spans },
    ...{ leaf: at.leaf, status: 'served' },
  }
  sales.sales.set(receiptHash, sale)
  if (prepaid === undefined || !Prepaid.serve(sales, prepaid, at.leaf)) return undefined
  // What was received ahead is receivable from here on, and received again at once.
  sales.receivedAtoms -= BigInt(money.paidAtoms)
  return fund(sales, sale, {
    evidence: prepaid.evidence!,
    ...{ leaf: prepaid.fundedLeaf!, atMs: at.atMs },
  })
}

function servedFault(
  sales: Sales,
  event: Event.Of<'served'>,
  {
    quote,
    prepaid,
  }: { readonly quote: Quote.Quote; readonly prepaid?: Prepaid.Prepaid | undefined },
): Fault {
  const { receipt, payment } = event
  const card = sales.cards.get(quote.cardHash)
  if (card === undefined) return 'receipt for a model card that was never registered'
  const fault = Receipt.fault(receipt, quote, card)
  if (fault !== undefined) return fault
  if (receipt.seq !== sales.nextSeq) return `receipt ${receipt.seq}, expected ${sales.nextSeq}`
  if (receipt.prevHash !== sales.lastReceipt) return 'receipt that does not follow the one before'
  if (payment.payer !== receipt.payer) return 'payment of somebody else'
  if (payment.nonce !== receipt.paymentNonce) return 'payment under another nonce'
  const unpaid =
    prepaid === undefined
      ? Prepaid.paymentFault(sales, payment, quote)
      : Prepaid.servedFault(prepaid, event)
  if (unpaid !== undefined) return unpaid
  for (const entry of receipt.influence.entries)
    if (Lineage.find(sales, entry.artifact) === undefined)
      return `influence of ${entry.artifact}, which is not registered`
  return undefined
}

/** The payment is final on chain. */
export function funded(sales: Sales, event: Event.Of<'funded'>, at: Place): Fault {
  if (event.receiptHash === undefined) return Prepaid.funded(sales, event, at)
  const sale = sales.sales.get(event.receiptHash)
  if (sale === undefined) return 'funding of a receipt that was never served'
  if (sale.status !== 'served') return `funding of a receipt that is ${sale.status}`
  return fund(sales, sale, { evidence: event.evidence, ...at })
}

function fund(
  sales: Sales,
  sale: Sale,
  { evidence, leaf, atMs }: Place & Pick<Event.Of<'funded'>, 'evidence'>,
): Fault {
  const { receiptHash } = sale
  const outcome = Accrual.fund(sales.accruals, { receipt: receiptHash, fundedAtMs: atMs })
  if (outcome !== 'ok') return `accrual refused: ${outcome}`
  sale.status = 'funded'
  sale.evidence = evidence
  sale.fundedLeaf = leaf
  const paid = BigInt(sale.receipt.money.paidAtoms)
  sales.receivableAtoms -= paid
  sales.receivedAtoms += paid
  const change = Prepaid.changeOf(sales, sale.receipt.payer)
  const left = leftover(sales, sale)
  change.pendingAtoms -= left
  change.availableAtoms += left
  return undefined
}

/** The payment will never come: postings and change are put back. */
export function unfunded(sales: Sales, event: Event.Of<'unfunded'>, at: Place): Fault {
  if (event.receiptHash === undefined) return Prepaid.unfunded(sales, event, at)
  const sale = sales.sales.get(event.receiptHash)
  if (sale === undefined) return 'reversal of a receipt that was never served'
  if (sale.status !== 'served') return `reversal of a receipt that is ${sale.status}`
  const outcome = Accrual.reverse(sales.accruals, { receipt: event.receiptHash })
  if (outcome !== 'ok') return `accrual refused: ${outcome}`
  const { money, payer } = sale.receipt
  sale.status = 'unfunded'
  sales.receivableAtoms -= BigInt(money.paidAtoms)
  sales.roundingNano -= BigInt(money.roundingNano)
  const change = Prepaid.changeOf(sales, payer)
  change.pendingAtoms -= leftover(sales, sale)
  change.availableAtoms += BigInt(sales.quotes.get(money.quoteHash)!.quote.changeAppliedAtoms)
  return undefined
}

/**
 * received + receivable = claimed + Σ balances over { carry, claimable, change, rounding }, in nano-atoms.
 * Asserted after every event.
 */
export function assertConserved(sales: Sales): void {
  const { claimedNano, claimableNano, carryNano } = Accrual.totals(sales.accruals)
  let changeAtoms = Prepaid.boundAtoms(sales)
  for (const { availableAtoms, pendingAtoms } of sales.change.values())
    changeAtoms += availableAtoms + pendingAtoms
  const held =
    claimedNano + claimableNano + carryNano + sales.roundingNano + changeAtoms * nanoPerAtom
  assert(
    (sales.receivedAtoms + sales.receivableAtoms) * nanoPerAtom === held,
    'every atom received or receivable to be claimed, claimable, carried, change or rounding',
  )
}

function leftover(sales: Sales, sale: Sale): bigint {
  const { money } = sale.receipt
  return BigInt(sales.quotes.get(money.quoteHash)!.quote.maxAtoms) - BigInt(money.chargedAtoms)
}
