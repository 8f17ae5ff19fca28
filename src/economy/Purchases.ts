/**
 * @module Purchases: the buyer's half of the economy as a fold. A hold is taken before anything is
 * signed, a payment is recorded before it is sent, and each purchase ends once.
 */
import type { Hex } from '../kernel/Hex.ts'
import * as Id from '../kernel/Id.ts'
import * as Json from '../kernel/Json.ts'
import * as Card from '../market/Card.schema.ts'
import * as Quote from '../market/Quote.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Budget from '../policies/Budget.ts'
import * as Policy from '../policies/Policy.ts'
import type * as Event from './Event.ts'
import type { Fault, Place } from './Sales.ts'

/** Where one purchase stands. */
export type Purchase = {
  readonly id: Hex
  readonly decided: Event.Of<'decided'>
  status: 'refused' | 'decided' | 'held' | 'paying' | 'captured' | 'disputed' | 'voided'
  paying?: Event.Of<'paying'>
  captured?: Event.Of<'captured'>
  /** Positions of its records in this log, in order. */
  readonly leaves: number[]
}

/** All that follows from an agent's log. Owned and mutated by the fold alone. */
export type Purchases = {
  readonly policies: Map<Hex, Policy.Policy>
  readonly usage: Budget.Usage
  readonly purchases: Map<Hex, Purchase>
  spentAtoms: bigint
}

/** An agent before its first event. */
export function empty(): Purchases {
  return { policies: new Map(), usage: Budget.empty(), purchases: new Map(), spentAtoms: 0n }
}

/** A policy taken into force; it stays known under its digest. */
export function adopted(state: Purchases, event: Event.Of<'adopted'>): Fault {
  const policy = Policy.fromJson(event.policy)
  if (Policy.digest(policy) !== event.digest)
    return `policy digest ${event.digest}, recomputed ${Policy.digest(policy)}`
  state.policies.set(event.digest, policy)
  return undefined
}

/** What the policy is asked about a quote: every attribute it may read. */
export function policyRequest(
  event: Pick<Event.Of<'decided'>, 'purchase' | 'key' | 'quote'>,
  host: string,
): Budget.Request {
  const { quote } = event
  return {
    id: event.purchase,
    digest: quote.requestDigest,
    agent: event.key.agent,
    asset: quote.asset.id,
    atoms: BigInt(quote.payAtoms),
    payee: quote.payTo,
    host,
    model: quote.model,
    coveragePpb: BigInt(quote.coveragePromisedPpb),
  }
}

/**
 * A verdict on a quote: re-runs the policy on the recorded request and this log's own meters; verdict,
 * reasons and holds must be the same.
 */
export function decided(state: Purchases, event: Event.Of<'decided'>, at: Place): Fault {
  const policy = state.policies.get(event.policyDigest)
  if (policy === undefined) return `decision under policy ${event.policyDigest}, never adopted`
  if (Id.purchase(event.key) !== event.purchase)
    return 'purchase id that is not the hash of its key'
  if (state.purchases.has(event.purchase)) return 'purchase decided twice'
  const before = Id.purchase({ ...event.key, attempt: event.key.attempt - 1 })
  if (isOpen(state.purchases.get(before))) return 'attempt begun before the last one ended'
  if (Card.hash(event.card) !== event.quote.cardHash) return 'decision on another model card'
  const request = policyRequest(event, String(event.request.host))
  if (Json.encode(Json.plain(request)) !== Json.encode(event.request))
    return 'recorded request that does not follow from quote and key'
  const decision = Budget.authorize(state.usage, policy, request, at.atMs)
  if (decision.verdict !== event.verdict)
    return `verdict ${event.verdict}, recomputed ${decision.verdict}`
  if (Json.encode(Json.plain(decision.reasons)) !== Json.encode(event.reasons))
    return 'reasons or meters that are not the recomputed ones'
  // Approvals are no part of this version: what would wait for one holds nothing and is not bought.
  if (event.verdict === 'review') Budget.release(state.usage, event.purchase, at.atMs)
  state.purchases.set(event.purchase, {
    id: event.purchase,
    decided: event,
    status: event.verdict === 'allow' ? 'decided' : 'refused',
    leaves: [at.leaf],
  })
  return undefined
}

/** The hold that an allowing verdict took, on every meter at once. */
export function held(state: Purchases, event: Event.Of<'held'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'decided') return 'hold without an allowing decision'
  if (event.atoms !== purchase.decided.quote.payAtoms) return 'hold of another amount than quoted'
  move(purchase, 'held', at)
  return undefined
}

/** A payment signed and about to be sent: it must pay what was decided, and no more. */
export function paying(state: Purchases, event: Event.Of<'paying'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'held') return 'payment without a hold'
  if (event.nonce !== Id.nonce(purchase.decided.key.agent, event.purchase))
    return 'payment under a nonce that is not the purchase’s'
  if (event.validBeforeSec * 1000 < purchase.decided.quote.expiresAtMs)
    return 'payment that is void before its quote expires'
  purchase.paying = event
  move(purchase, 'paying', at)
  return undefined
}

/** Paid, delivered and verified. */
export function captured(state: Purchases, event: Event.Of<'captured'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'paying') return 'capture without a payment'
  const { quote, card } = purchase.decided
  const { receipt } = event
  const fault = Receipt.fault(receipt, quote, card)
  if (fault !== undefined) return fault
  if (receipt.payer !== purchase.decided.key.agent) return 'receipt for another payer'
  if (receipt.paymentNonce !== purchase.paying!.nonce) return 'receipt for another payment'
  if (event.atoms !== quote.payAtoms) return 'capture of another amount than was signed away'
  const outcome = Budget.capture(state.usage, event.purchase, BigInt(event.atoms), at.atMs)
  if (outcome !== 'ok') return `capture refused: ${JSON.stringify(outcome)}`
  state.spentAtoms += BigInt(event.atoms)
  purchase.captured = event
  move(purchase, 'captured', at)
  return undefined
}

/** Paid, and what came back does not hold: the money is spent all the same. */
export function disputed(state: Purchases, event: Event.Of<'disputed'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'paying') return 'dispute without a payment'
  if (event.atoms !== purchase.decided.quote.payAtoms)
    return 'dispute of another amount than was signed away'
  const outcome = Budget.capture(state.usage, event.purchase, BigInt(event.atoms), at.atMs)
  if (outcome !== 'ok') return `capture refused: ${JSON.stringify(outcome)}`
  state.spentAtoms += BigInt(event.atoms)
  move(purchase, 'disputed', at)
  return undefined
}

/** Never paid: the hold is released. */
export function voided(state: Purchases, event: Event.Of<'voided'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase === undefined || !isOpen(purchase)) return 'release of a purchase that holds nothing'
  const outcome = Budget.release(state.usage, event.purchase, at.atMs)
  if (outcome !== 'ok') return `release refused: ${JSON.stringify(outcome)}`
  move(purchase, 'voided', at)
  return undefined
}

/** Purchases that are not at an end, oldest first: what a restarted agent finishes or undoes. */
export function open(state: Purchases): Purchase[] {
  return [...state.purchases.values()].filter(isOpen)
}

/** Whether a purchase holds something and is not at an end. */
export function isOpen(purchase: Purchase | undefined): boolean {
  return purchase !== undefined && ['decided', 'held', 'paying'].includes(purchase.status)
}

/** Hash of the quote a purchase was decided on. */
export function quoteHash(purchase: Purchase): Hex {
  return Quote.hash(purchase.decided.quote)
}

function move(purchase: Purchase, status: Purchase['status'], at: Place): void {
  purchase.status = status
  purchase.leaves.push(at.leaf)
}
