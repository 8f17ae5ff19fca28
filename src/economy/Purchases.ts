/**
 * @module Purchases: the buyer's half of the economy as a fold. A hold is taken before anything is
 * signed, a payment is recorded before it is sent, and each purchase ends once.
 */
import type { Hex } from '../kernel/Hex.ts'
import * as Id from '../kernel/Id.ts'
import * as Json from '../kernel/Json.ts'
import * as Card from '../market/Card.schema.ts'
import * as Choice from '../market/Choice.ts'
import * as Quote from '../market/Quote.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Budget from '../policies/Budget.ts'
import * as Freeze from '../policies/Freeze.ts'
import * as Policy from '../policies/Policy.ts'
import type * as Event from './Event.ts'
import * as PolicyRequest from './PolicyRequest.ts'
import * as PurchaseTerms from './PurchaseTerms.ts'
import type { Fault, Place } from './Sales.ts'

/** All a purchase can be; `reviewing` waits for an answer, and holds until it comes or is late. */
export const statuses = [
  ...(['refused', 'reviewing', 'decided', 'held'] as const),
  ...(['paying', 'captured', 'disputed', 'voided', 'refunded'] as const),
]

/** Where a purchase stands. */
export type Status = (typeof statuses)[number]

/** One attempt to buy. */
export type Purchase = {
  readonly id: Hex
  /** The id the budget holds it under: its own, or that of the attempt which was approved. */
  readonly hold: Hex
  readonly decided: Event.Of<'decided'>
  status: Status
  approved?: Event.Of<'approved'>
  paying?: Event.Of<'paying'>
  captured?: Event.Of<'captured'>
  /** Positions of its records in this log, in order. */
  readonly leaves: number[]
}

/** All that follows from an agent's log. Owned and mutated by the fold alone. */
export type Purchases = {
  readonly policies: Map<Hex, Policy.Policy>
  readonly usage: Budget.Usage
  /** What slices of the budget used and hold, by name: part of what the whole budget did. */
  readonly slices: Map<string, Budget.Usage>
  readonly purchases: Map<Hex, Purchase>
  /** Of the asset that the policy decided in: what left in another is not added to it. */
  spentAtoms: bigint
}

/** An agent before its first event. */
export function empty(): Purchases {
  return {
    ...{ policies: new Map(), usage: Budget.empty(), slices: new Map(), purchases: new Map() },
    spentAtoms: 0n,
  }
}

/** A policy taken into force; it stays known under its digest. */
export function adopted(state: Purchases, event: Event.Of<'adopted'>): Fault {
  const policy = Policy.fromJson(event.policy)
  if (Policy.digest(policy) !== event.digest)
    return `policy digest ${event.digest}, recomputed ${Policy.digest(policy)}`
  state.policies.set(event.digest, policy)
  return undefined
}

/**
 * A verdict on a quote: re-runs the policy on the recorded request and this log's own meters; verdict,
 * reasons and holds must be the same. An approved review is decided anew under the id it holds.
 */
export function decided(state: Purchases, event: Event.Of<'decided'>, at: Place): Fault {
  const policy = state.policies.get(event.policyDigest)
  if (policy === undefined) return `decision under policy ${event.policyDigest}, never adopted`
  if (Id.purchase(event.key) !== event.purchase)
    return 'purchase id that is not the hash of its key'
  if (state.purchases.has(event.purchase)) return 'purchase decided twice'
  const unsound = termsFault(event) ?? choiceFault(event)
  if (unsound !== undefined) return unsound
  const before = state.purchases.get(previous(event))
  if (isOpen(before)) return 'attempt begun before the last one ended'
  const approved = event.approved === undefined ? undefined : before
  if (event.approved !== undefined && (approved?.id !== event.approved || !approved.approved))
    return 'decision under an approval that was not given'
  if (approved === undefined && isWaiting(state, before, at.atMs))
    return 'attempt begun while the last one waits for an answer'
  const hold = approved?.hold ?? event.purchase
  const approval = approved && approvalOf(approved)
  const request = PolicyRequest.of(event, { ...PolicyRequest.stated(event), hold, approval })
  if (Json.encode(Json.plain(request)) !== Json.encode(event.request))
    return 'recorded request that does not follow from quote and key'
  const shadow = shadowFault(state, event, request, at)
  if (shadow !== undefined) return shadow
  const levels = levelsOf(state, event, approved)
  if (typeof levels === 'string') return levels
  const whole = { usage: state.usage, policy }
  const all = [...levels, whole] as unknown as Budget.Levels
  const decision = Budget.authorizeAt(all, request, at.atMs)
  if (decision.verdict !== event.verdict)
    return `verdict ${event.verdict}, recomputed ${decision.verdict}`
  if (Json.encode(Json.plain(decision.reasons)) !== Json.encode(event.reasons))
    return 'reasons or meters that are not the recomputed ones'
  if (approved !== undefined) approved.status = 'refused'
  const status = ({ allow: 'decided', review: 'reviewing', deny: 'refused' } as const)[
    event.verdict
  ]
  state.purchases.set(event.purchase, {
    ...{ id: event.purchase, hold, decided: event, status },
    leaves: [at.leaf],
  })
  return undefined
}

/** The slices that decide besides the whole budget, the innermost first; or why they cannot. */
function levelsOf(
  state: Purchases,
  { slices = [] }: Event.Of<'decided'>,
  approved: Purchase | undefined,
): { usage: Budget.Usage; policy: Policy.Policy }[] | string {
  const before = approved?.decided.slices ?? []
  const isSame =
    slices.map(({ name }) => name).join('\n') === before.map(({ name }) => name).join('\n')
  if (approved !== undefined && !isSame) return 'decision under an approval in another slice'
  const levels: { usage: Budget.Usage; policy: Policy.Policy }[] = []
  for (const { name, policyDigest } of slices) {
    const policy = state.policies.get(policyDigest)
    if (policy === undefined)
      return `decision in a slice under policy ${policyDigest}, never adopted`
    const usage = state.slices.get(name) ?? Budget.empty()
    state.slices.set(name, usage)
    levels.push({ usage, policy })
  }
  return new Set(slices.map(({ name }) => name)).size === slices.length
    ? levels
    : 'decision twice in one slice'
}

/** Settles a hold wherever it is held: in the whole budget and its slices alike. */
function settle(
  state: Purchases,
  { decided }: Purchase,
  act: (usage: Budget.Usage) => Budget.Outcome,
): Budget.Outcome {
  const outcome = act(state.usage)
  if (typeof outcome === 'object') return outcome
  for (const { name } of decided.slices ?? []) {
    const told = act(state.slices.get(name)!)
    if (typeof told === 'object') return told
  }
  return outcome
}

/** Why what was decided on is not one thing. */
function termsFault({ quote, card, terms }: Event.Of<'decided'>): Fault {
  if (terms === undefined)
    return Card.hash(card) === quote.cardHash ? undefined : 'decision on another model card'
  if (terms.kind === 'resource') {
    if (terms.seller !== terms.payTo) return 'resource of another seller than is paid'
    const model = PurchaseTerms.modelOf(terms.url)
    return terms.model === model ? undefined : `resource known as ${terms.model}, it is ${model}`
  }
  return terms.to === terms.payTo ? undefined : 'call of another contract than is paid'
}

/** Why the quote is not the one that its purchase would choose among those compared. */
function choiceFault({ choice, quote, purchase }: Event.Of<'decided'>): Fault {
  if (choice === undefined) return undefined
  if (quote === undefined) return 'choice among quotes, and none decided on'
  return Choice.fault(choice, { purchase, quoteHash: Quote.hash(quote) })
}

/** What the policy on trial would have decided, recomputed; it had no effect. */
function shadowFault(
  state: Purchases,
  { shadow }: Event.Of<'decided'>,
  request: Budget.Request,
  at: Place,
): Fault {
  if (shadow === undefined) return undefined
  const policy = state.policies.get(shadow.policyDigest)
  if (policy === undefined) return `trial of policy ${shadow.policyDigest}, never adopted`
  const { verdict, decidedBy } = Budget.explain(state.usage, policy, request, at.atMs)
  const isSame = verdict === shadow.verdict && decidedBy?.because === shadow.because
  return isSame ? undefined : `trial verdict ${shadow.verdict}, recomputed ${verdict}`
}

function previous({ key }: Pick<Event.Of<'decided'>, 'key'>): Hex {
  return Id.purchase({ ...key, attempt: key.attempt - 1 })
}

/** What an approval lets pass: this payee, this model, up to its ceiling. */
export function approvalOf({ approved, decided }: Purchase): Budget.Approval | undefined {
  if (approved === undefined) return undefined
  const { payTo: payee, model } = PurchaseTerms.of(decided)
  return { by: approved.by, payee, model, ceilingAtoms: BigInt(approved.ceilingAtoms) }
}

/** Whether a purchase waits for somebody to approve it: until it is answered, or has waited too long. */
export function isWaiting(
  state: Purchases,
  purchase: Purchase | undefined,
  nowMs: number,
): purchase is Purchase {
  if (purchase?.status !== 'reviewing') return false
  const expiresAtMs = state.usage.reviews.get(purchase.hold)
  return expiresAtMs !== undefined && expiresAtMs > nowMs
}

/** Somebody approved what was under review: payee, model and ceiling, for the next attempt. */
export function approved(state: Purchases, event: Event.Of<'approved'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (!isWaiting(state, purchase, at.atMs)) return 'approval of what is not under review'
  if (purchase.approved !== undefined) return 'approval given twice'
  purchase.approved = event
  move(purchase, 'reviewing', at)
  return undefined
}

/** Somebody declined what was under review: it holds nothing any more. */
export function declined(state: Purchases, event: Event.Of<'declined'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (!isWaiting(state, purchase, at.atMs)) return 'refusal of what is not under review'
  const outcome = settle(state, purchase, (usage) => Budget.release(usage, purchase.hold, at.atMs))
  if (outcome !== 'ok') return `release refused: ${JSON.stringify(outcome)}`
  move(purchase, 'refused', at)
  return undefined
}

/** A kill switch: from here on what is frozen is neither authorised nor signed. */
export function froze(state: Purchases, event: Event.Of<'froze'>, at: Place): Fault {
  const { by, because } = event
  const target = Freeze.fromJson(event.target)
  Budget.freeze(state.usage, { target, by, because, atMs: at.atMs })
  return undefined
}

/** What was frozen may pay again. */
export function thawed(state: Purchases, event: Event.Of<'thawed'>): Fault {
  const target = Freeze.fromJson(event.target)
  return Budget.thaw(state.usage, target) ? undefined : `thaw of ${Freeze.key(target)}, not frozen`
}

/** The hold that an allowing verdict took, on every meter at once. */
export function held(state: Purchases, event: Event.Of<'held'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'decided') return 'hold without an allowing decision'
  if (event.atoms !== PurchaseTerms.of(purchase.decided).payAtoms)
    return 'hold of another amount than quoted'
  move(purchase, 'held', at)
  return undefined
}

/** A payment signed and about to be sent: it must pay what was decided, and no more. */
export function paying(state: Purchases, event: Event.Of<'paying'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'held') return 'payment without a hold'
  if (event.nonce !== Id.nonce(purchase.decided.key.agent, event.purchase))
    return 'payment under a nonce that is not the purchase’s'
  if (event.validBeforeSec * 1000 < PurchaseTerms.of(purchase.decided).expiresAtMs)
    return 'payment that is void before its quote expires'
  purchase.paying = event
  move(purchase, 'paying', at)
  return undefined
}

/** Paid, delivered and verified. */
export function captured(state: Purchases, event: Event.Of<'captured'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'paying') return 'capture without a payment'
  const fault = deliveryFault(purchase, event)
  if (fault !== undefined) return fault
  const refused = spend(state, purchase, event, at)
  if (refused !== undefined) return refused
  purchase.captured = event
  move(purchase, 'captured', at)
  return undefined
}

/** Why what was delivered is not what was decided on. */
function deliveryFault(purchase: Purchase, event: Event.Of<'captured'>): Fault {
  const { decided, paying } = purchase
  const { receipt, delivered } = event
  if (decided.terms !== undefined) {
    if (receipt !== undefined) return 'receipt under terms that nobody signed'
    if ((delivered !== undefined) !== (decided.terms.kind === 'resource'))
      return `a ${decided.terms.kind} and what was delivered do not fit`
    return undefined
  }
  if (receipt === undefined) return 'capture of an answer without its receipt'
  const fault = Receipt.fault(receipt, decided.quote, decided.card)
  if (fault !== undefined) return fault
  if (receipt.payer !== decided.key.agent) return 'receipt for another payer'
  if (receipt.paymentNonce !== paying!.nonce) return 'receipt for another payment'
  return undefined
}

/** Money that is gone, to the policy: all that was signed away. */
function spend(
  state: Purchases,
  purchase: Purchase,
  { type, atoms }: Event.Of<'captured' | 'disputed' | 'refunded'>,
  at: Place,
): Fault {
  if (atoms !== PurchaseTerms.of(purchase.decided).payAtoms)
    return `${ends[type]} of another amount than was signed away`
  const outcome = settle(state, purchase, (usage) =>
    Budget.capture(usage, purchase.hold, BigInt(atoms), at.atMs),
  )
  if (outcome !== 'ok') return `capture refused: ${JSON.stringify(outcome)}`
  const { asset } = state.policies.get(purchase.decided.policyDigest)!
  if (asset.id === PurchaseTerms.of(purchase.decided).asset.id) state.spentAtoms += BigInt(atoms)
  return undefined
}

const ends = { captured: 'capture', disputed: 'dispute', refunded: 'refund' } as const

/** Paid, and what came back does not hold: the money is spent all the same. */
export function disputed(state: Purchases, event: Event.Of<'disputed'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'paying') return 'dispute without a payment'
  const refused = spend(state, purchase, event, at)
  if (refused !== undefined) return refused
  move(purchase, 'disputed', at)
  return undefined
}

/** Paid, nothing delivered, all of it change in the seller's books: to the policy it is spent. */
export function refunded(state: Purchases, event: Event.Of<'refunded'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase?.status !== 'paying') return 'refund without a payment'
  if (purchase.decided.terms !== undefined) return 'refund by a seller that keeps no books'
  const refused = spend(state, purchase, event, at)
  if (refused !== undefined) return refused
  move(purchase, 'refunded', at)
  return undefined
}

/** Never paid: the hold is released. */
export function voided(state: Purchases, event: Event.Of<'voided'>, at: Place): Fault {
  const purchase = state.purchases.get(event.purchase)
  if (purchase === undefined || !isOpen(purchase)) return 'release of a purchase that holds nothing'
  const outcome = settle(state, purchase, (usage) => Budget.release(usage, purchase.hold, at.atMs))
  if (outcome !== 'ok') return `release refused: ${JSON.stringify(outcome)}`
  move(purchase, 'voided', at)
  return undefined
}

/** Purchases that are not at an end, oldest first: what a restarted agent finishes or undoes. */
export function open(state: Purchases): Purchase[] {
  return [...state.purchases.values()].filter(isOpen)
}

/** Purchases that somebody approved and nobody went on with: the process ended in between. */
export function approvedAndOpen(state: Purchases, nowMs: number): Purchase[] {
  if (state.usage.reviews.size === 0) return []
  return [...state.purchases.values()].filter(
    (each) => each.approved !== undefined && isWaiting(state, each, nowMs),
  )
}

/** Whether a purchase holds something and is not at an end. */
export function isOpen(purchase: Purchase | undefined): boolean {
  return purchase !== undefined && ['decided', 'held', 'paying'].includes(purchase.status)
}

/** Hash of the quote a purchase was decided on. Asserts that it was a quote. */
export function quoteHash(purchase: Purchase): Hex {
  return Quote.hash(PurchaseTerms.quoted(purchase.decided).quote)
}

function move(purchase: Purchase, status: Purchase['status'], at: Place): void {
  purchase.status = status
  purchase.leaves.push(at.leaf)
}
