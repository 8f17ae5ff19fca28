/**
 * @module The law of a buyer, by plain sums over its durable records: what each verdict had to be under the
 * policy it names, what is held at every moment, and what may be signed. Knows nothing of how budgets work.
 */
import type * as Hex from '../../src/kernel/Hex.ts'
import * as Id from '../../src/kernel/Id.ts'
import * as Market from './Market.ts'
import * as World from './World.ts'

/** A purchase, as the records tell. */
type Known = {
  readonly nonce: string
  readonly atoms: bigint
  readonly terms: Market.Terms
  /** Its own approval came with the attempt before. */
  readonly approval: Approved | undefined
  /** `waiting` and `open` hold what they asked for; what is `over` holds nothing. */
  state: 'waiting' | 'open' | 'signed' | 'spent' | 'over'
  /** When nobody will have answered; of what waits. */
  readonly expiresAtMs: number
  approved: Approved | undefined
}

type Approved = { readonly by: string; readonly ceilingAtoms: bigint }

/** What follows from a buyer's records so far. */
export type Law = {
  readonly name: string
  /** Records read. */
  read: number
  atMs: number
  spentAtoms: bigint
  readonly purchases: Map<Hex.Hex, Known>
  /** What is frozen as far as records tell. */
  readonly freezes: Set<string>
  /** What is frozen for whoever wants to sign: from when it was told on, until it is taken back. */
  stopped: Set<string>
  /** Policies that a purchase on its way may have read, and the last of them. */
  readonly inForce: Set<Market.Terms>
  terms: Market.Terms
  trial: Market.Terms | undefined
  /** The highest cap under which anything was ever allowed. */
  capAtoms: bigint
}

/** Of a buyer without records. */
export function create(
  name: string,
  { terms, trial }: { terms: Market.Terms; trial: Market.Terms | undefined },
): Law {
  return {
    ...{ name, read: 0, atMs: 0, spentAtoms: 0n, capAtoms: 0n, terms, trial },
    ...{ purchases: new Map(), freezes: new Set(), stopped: new Set() },
    inForce: new Set([terms]),
  }
}

/** Another policy from here on; a purchase on its way may still go by the one before. */
export function reload(law: Law, terms: Market.Terms): void {
  law.terms = terms
  law.inForce.add(terms)
}

/** Whoever begins from here on reads the policy as it is. */
export function nothingOnItsWay({ inForce, terms }: Law): void {
  if (inForce.size === 1) return
  inForce.clear()
  inForce.add(terms)
}

/** A process that begins knows what is frozen from its journal. */
export function restart(law: Law): void {
  law.stopped = new Set(law.freezes)
}

/** Held now, by what waits and is not expired and by what may be paid. */
export function heldAtoms({ purchases }: Law, atMs: number, without?: Known): bigint {
  let sum = 0n
  for (const each of purchases.values())
    if (each !== without && holds(each, atMs)) sum += each.atoms
  return sum
}

function holds({ state, expiresAtMs }: Known, atMs: number): boolean {
  if (state === 'waiting') return expiresAtMs > atMs
  return state === 'open' || state === 'signed'
}

/** Whether somebody approved what nobody went on with yet, and it is not too late. */
export function isApprovedAndOpen({ purchases }: Law, nowMs: number): boolean {
  for (const { state, approved, expiresAtMs } of purchases.values())
    if (state === 'waiting' && approved !== undefined && expiresAtMs > nowMs) return true
  return false
}

/** Reads what came to the disk. */
export function follow(law: Law, texts: readonly string[]): void {
  for (; law.read < texts.length; law.read += 1) {
    const { atMs, event } = JSON.parse(texts[law.read]!) as Read
    expire(law, atMs)
    if (event.type === 'decided') decided(law, event as Decided)
    else moved(law, event)
  }
}

type Read = { readonly atMs: number; readonly event: Told }
type Told = { readonly type: string; readonly purchase: Hex.Hex } & {
  readonly [key: string]: unknown
}
type Meter = { readonly unit: string; readonly used: string; readonly held: string }
type Decided = Told & {
  readonly key: Id.PurchaseKey
  readonly verdict: string
  readonly quote: { readonly payAtoms: string; readonly payTo: string; readonly model: string }
  readonly policyDigest: Hex.Hex
  readonly approved?: Hex.Hex
  readonly reasons: readonly { readonly rule: string; readonly meter?: Meter }[]
  readonly shadow?: { readonly policyDigest: Hex.Hex; readonly verdict: string }
}

/** Time passes: what nobody answered is over. */
export function expire(law: Law, atMs: number): void {
  law.atMs = Math.max(law.atMs, atMs)
  for (const each of law.purchases.values())
    if (each.state === 'waiting' && each.expiresAtMs <= law.atMs) {
      each.state = 'over'
      count('review expired')
    }
}

function decided(law: Law, event: Decided): undefined {
  const { purchases, atMs, inForce } = law
  const { purchase, key, verdict, quote } = event
  const terms = Market.known.get(event.policyDigest)
  if (terms === undefined || !inForce.has(terms))
    return wrong(law, `${purchase} was decided under a policy that is not in force`)
  const before = event.approved === undefined ? undefined : purchases.get(event.approved)
  if (event.approved !== undefined && before?.approved === undefined)
    return wrong(law, `${purchase} was decided under an approval that nobody gave`)
  const approval = before?.approved
  const atoms = BigInt(quote.payAtoms)
  const asked = { atoms, approval, heldAtoms: heldAtoms(law, atMs, before) }
  // Whoever went on with an approval too late finds its room gone, and the id used up.
  const expected = before?.state === 'over' ? 'deny' : judge(law, terms, { ...asked, ...quote })
  if (verdict !== expected) wrong(law, `${purchase}: ${verdict}, and it had to be ${expected}`)
  tried(law, event, before?.state === 'over' ? undefined : { ...asked, ...quote })
  for (const { rule, meter } of before?.state === 'over' ? [] : event.reasons) {
    if (meter === undefined || !rule.startsWith('cap')) continue
    if (meter.held !== `${asked.heldAtoms}` || meter.used !== `${law.spentAtoms}`)
      wrong(
        law,
        `${rule} reads ${meter.used} used, ${meter.held} held, not ${law.spentAtoms}, ${asked.heldAtoms}`,
      )
  }
  if (before !== undefined) before.state = 'over'
  if (verdict === 'allow' && terms.capAtoms > law.capAtoms) law.capAtoms = terms.capAtoms
  if (verdict === 'review') count('review')
  if (verdict === 'deny' && frozen(law, quote)) count('denied while frozen')
  if (verdict === 'review' && approval !== undefined) count('approval not enough')
  purchases.set(purchase, {
    ...{ atoms, terms, approval, approved: undefined },
    nonce: Id.nonce(key.agent, purchase),
    state: ({ allow: 'open', review: 'waiting' } as const)[verdict] ?? 'over',
    expiresAtMs: verdict === 'review' ? atMs + terms.review!.withinMs : 0,
  })
}

type Asked = {
  readonly atoms: bigint
  readonly heldAtoms: bigint
  readonly approval: Approved | undefined
  readonly payTo: string
  readonly model: string
}

/** The verdict, in plain sums. */
function judge(law: Law, terms: Market.Terms, asked: Asked): 'allow' | 'review' | 'deny' {
  const { atoms, heldAtoms, approval } = asked
  const afterwards = law.spentAtoms + heldAtoms + atoms
  const { capAtoms, payeeAtoms = capAtoms, paymentAtoms, isModelAllowed, review } = terms
  if (frozen(law, asked) || !isModelAllowed || atoms > paymentAtoms) return 'deny'
  if (afterwards > capAtoms || afterwards > payeeAtoms) return 'deny'
  if (review === undefined || atoms <= review.aboveAtoms) return 'allow'
  const isApproved = approval?.by === review.by && approval.ceilingAtoms >= atoms
  return isApproved ? 'allow' : 'review'
}

function frozen({ freezes, name }: Law, { payTo, model }: Pick<Asked, 'payTo' | 'model'>): boolean {
  const names = ['everything', `agent ${address(name)}`, `payee ${payTo}`, `model ${model}`]
  return freezes.size > 0 && names.some((each) => freezes.has(each))
}

/** A policy on trial says what it would have said, and that is all. */
function tried(
  law: Law,
  { shadow, verdict, purchase }: Decided,
  asked: Asked | undefined,
): undefined {
  if (shadow?.policyDigest !== law.trial?.digest)
    return wrong(law, `${purchase} was not tried under the policy on trial`)
  if (shadow === undefined || asked === undefined) return
  const expected = judge(law, law.trial!, asked)
  if (shadow.verdict !== expected)
    wrong(law, `the policy on trial says ${shadow.verdict} of ${purchase}, not ${expected}`)
  if (shadow.verdict !== verdict) count('trial of another opinion')
}

function moved(law: Law, event: Told): undefined {
  const { freezes, purchases } = law
  const purchase = purchases.get(event.purchase)
  switch (event.type) {
    case 'approved':
    case 'declined':
      if (purchase?.state !== 'waiting' || purchase.approved !== undefined)
        return wrong(law, `${event.purchase} was answered, and did not wait for it`)
      count(event.type === 'approved' ? 'approval' : 'refused by its review')
      if (event.type === 'declined') purchase.state = 'over'
      else
        purchase.approved = {
          by: String(event.by),
          ceilingAtoms: BigInt(String(event.ceilingAtoms)),
        }
      return
    case 'froze':
    case 'thawed': {
      const { kind, name } = event.target as { readonly kind: string; readonly name?: string }
      const key = name === undefined ? kind : `${kind} ${name}`
      count(event.type === 'froze' ? 'freeze' : 'thaw')
      if (event.type === 'froze') freezes.add(key)
      else if (!freezes.delete(key)) wrong(law, `${key} was thawed, and was not frozen`)
      return
    }
    case 'paying':
      if (purchase?.state !== 'open') return wrong(law, `${event.purchase} is paid, and may not be`)
      if (purchase.approval !== undefined) count('approved and bought')
      purchase.state = 'signed'
      return
    case 'captured':
    case 'disputed':
    case 'refunded':
      purchase!.state = 'spent'
      law.spentAtoms += purchase!.atoms
      return
    case 'voided':
      purchase!.state = 'over'
      return
  }
}

/** Somebody is about to sign: it must be allowed on disk, covered by its approval, and not frozen. */
export function sign(law: Law, nonce: string, valueAtoms: bigint): undefined {
  const found = [...law.purchases.values()].find((each) => each.nonce === nonce)
  const { till: payTo } = Market.contracts
  const told = { ...law, freezes: law.stopped }
  if (frozen(told, { payTo, model: Market.terms.card.model })) wrong(law, 'signs while frozen')
  if (found?.state !== 'open' || valueAtoms !== found.atoms)
    return wrong(law, `signs ${valueAtoms} atoms that nobody allowed`)
  const { terms, approval } = found
  if (terms.review === undefined || valueAtoms <= terms.review.aboveAtoms) return
  if (approval === undefined) wrong(law, 'signs what is under review, without an approval')
  else if (approval.ceilingAtoms < valueAtoms)
    wrong(law, `signs ${valueAtoms} atoms, approved up to ${approval.ceilingAtoms}`)
}

function count(act: World.Act): void {
  World.current().acts[act] += 1
}

function address(name: string): Hex.Hex {
  return Market.wallets.get(name)!.address
}

function wrong({ name }: Law, text: string): undefined {
  World.current().wrong.push(`${name}: ${text}`)
}
