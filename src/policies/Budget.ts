/**
 * @module Budgets: check and hold in one step. What is captured in each window and what is held stay
 * together at or below every cap at every instant, whatever is asked in whatever order. Pure: the caller's
 * fold owns the usage and passes the time.
 *
 * Denied by default: a payee that no `allow payees` names; hosts and models once a sentence speaks of
 * them; another asset; a fact that is missing. Then deny before review before allow.
 */
import type * as Clock from '../kernel/Clock.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Decision from './Decision.ts'
import * as Kind from './Kind.ts'
import type * as Meter from './Meter.ts'
import * as Policy from './Policy.ts'
import * as Request from './Request.ts'
import * as Rule from './Rule.ts'
import * as Usage from './Usage.ts'

export type { Decision, Reason, Verdict } from './Decision.ts'
export type { Approval, Request } from './Request.ts'
export type { Usage } from './Usage.ts'
export { empty, fromJson, toJson } from './Usage.ts'

/** Why a capture or release was not done, in order of precedence. */
export type Refusal =
  | 'unknown-id'
  | 'denied'
  | 'not-approved'
  | 'voided'
  | 'captured'
  | 'exists-with-different-amount'
  | 'bad-amount'
  | 'capture-above-hold'

/** What a capture or release did. `exists`: it had been done before, and nothing changed. */
export type Outcome = 'ok' | 'exists' | { readonly refusal: Refusal; readonly because: string }

/** One meter of a policy, as it stands. */
export type Row = { readonly rule: string; readonly meter: Decision.Reading }

/** What {@link authorize} would decide; changes nothing. */
export function explain(
  usage: Usage.Usage,
  policy: Policy.Policy,
  request: Request.Request,
  nowMs: number,
): Decision.Decision {
  return decide(usage, { policy, request, nowMs }).decision
}

/**
 * Decides, and holds on every meter at once what it allows or sends to review. One id stands for one
 * request: asked again it gets its decision again (`exists`); another request under it is denied, unless
 * the id is under review and the new request brings an approval: then it is judged afresh, and the
 * review's hold is released in the same step. A voided id is denied for good.
 */
export function authorize(
  usage: Usage.Usage,
  policy: Policy.Policy,
  request: Request.Request,
  nowMs: number,
): Decision.Decision {
  usage.latestMs = Usage.time(usage, nowMs)
  for (const shape of compile(policy).shapes) Usage.measure(usage, shape)
  const { decision, change } = decide(usage, { policy, request, nowMs })
  if (change !== undefined) Usage.put(usage, change.id, change.entry)
  return decision
}

/**
 * Turns a hold into `atoms` used, now. At most what is held; the rest is freed. Again with the same
 * amount is `exists`.
 */
export function capture(usage: Usage.Usage, id: Hex, atoms: bigint, nowMs: number): Outcome {
  usage.latestMs = Usage.time(usage, nowMs)
  const known = find(usage, id)
  if (known === undefined) return refuse('unknown-id', `${id} was never authorised`)
  const { entry } = known
  if (entry.state === 'denied') return refuse('denied', `${id} was denied`)
  if (entry.state === 'review') return refuse('not-approved', `${id} waits for approval`)
  if (entry.state === 'voided') return refuse('voided', `${id} was voided`)
  if (entry.captured !== undefined)
    return entry.captured.atoms === atoms
      ? 'exists'
      : refuse('exists-with-different-amount', `${id}: ${entry.captured.atoms} atoms captured`)
  if (Request.atoms(atoms) === undefined)
    return refuse('bad-amount', `expected atoms as a non-negative bigint, got ${String(atoms)}`)
  if (atoms > entry.atoms)
    return refuse('capture-above-hold', `${id} holds ${entry.atoms} atoms, ${atoms} asked`)
  const captured = { atoms, atMs: usage.latestMs }
  Usage.put(usage, known.id, { ...settled(entry), state: 'captured', captured })
  return 'ok'
}

/**
 * Frees a hold or a review: only after it is sure that nothing was or will be paid under the id. Again is
 * `exists`; what was captured stays so.
 */
export function release(usage: Usage.Usage, id: Hex, nowMs: number): Outcome {
  usage.latestMs = Usage.time(usage, nowMs)
  const known = find(usage, id)
  if (known === undefined) return refuse('unknown-id', `${id} was never authorised`)
  const { entry } = known
  if (entry.state === 'denied') return refuse('denied', `${id} was denied: it holds nothing`)
  if (entry.state === 'captured') return refuse('captured', `${id} was captured`)
  if (entry.state === 'voided') return 'exists'
  Usage.put(usage, known.id, { ...settled(entry), state: 'voided' })
  return 'ok'
}

/** Where an id stands; `undefined` if it was never asked for. */
export function state(usage: Usage.Usage, id: Hex): Usage.State | undefined {
  return find(usage, id)?.entry.state
}

/** Every meter of the policy: used, held and limit, in the order of the rules. */
export function status(usage: Usage.Usage, policy: Policy.Policy, nowMs: number): readonly Row[] {
  const atMs = Usage.time(usage, nowMs)
  return policy.rules.flatMap((rule) => {
    const shape = Rule.shape(rule, policy.asset)
    const limit = Rule.limit(rule)
    if (shape === undefined || limit === undefined) return []
    const sentence = Rule.format(rule, policy.asset)
    const subjects = shape.each === undefined ? [''] : Usage.subjects(usage, shape)
    return subjects.map((subject) => {
      const state = Usage.read(usage, shape, { subject, nowMs: atMs })
      return { rule: sentence, meter: Kind.reading(shape, subject, { ...state, limit }) }
    })
  })
}

/** A budget that holds its own usage and clock: {@link authorize} and the rest without their first words. */
export type Budget = {
  readonly policy: Policy.Policy
  readonly usage: Usage.Usage
  readonly explain: (request: Request.Request) => Decision.Decision
  readonly authorize: (request: Request.Request) => Decision.Decision
  readonly capture: (id: Hex, atoms: bigint) => Outcome
  /** {@link release} */
  readonly void: (id: Hex) => Outcome
  readonly status: () => readonly Row[]
}

/** Opens a budget. Give a former budget's `usage` to keep it under a changed policy. */
export function open(
  policy: Policy.Policy,
  options: { readonly clock: Clock.Clock; readonly usage?: Usage.Usage },
): Budget {
  const { clock, usage = Usage.empty() } = options
  return {
    policy,
    usage,
    explain: (request) => explain(usage, policy, request, clock()),
    authorize: (request) => authorize(usage, policy, request, clock()),
    capture: (id, atoms) => capture(usage, id, atoms, clock()),
    void: (id) => release(usage, id, clock()),
    status: () => status(usage, policy, clock()),
  }
}

type Compiled = {
  readonly digest: Hex
  readonly judges: ReturnType<typeof Rule.judges>
  readonly shapes: readonly Meter.Shape[]
}

const compiled = new WeakMap<Policy.Policy, Compiled>()

function compile(policy: Policy.Policy): Compiled {
  const known = compiled.get(policy)
  if (known !== undefined) return known
  const { rules, asset } = policy
  const made = {
    digest: Policy.digest(policy),
    judges: Rule.judges(rules, asset),
    shapes: rules.flatMap((rule) => Rule.shape(rule, asset) ?? []),
  }
  // What is not frozen could change and keep its old rules.
  if (Object.isFrozen(policy)) compiled.set(policy, made)
  return made
}

type Decided = {
  readonly decision: Decision.Decision
  /** What is to be written, if anything. */
  readonly change?: { readonly id: Hex; readonly entry: Usage.Entry }
}

function decide(
  usage: Usage.Usage,
  asked: { policy: Policy.Policy; request: Request.Request; nowMs: number },
): Decided {
  const { policy } = asked
  const { digest, judges } = compile(policy)
  const facts = Request.facts(asked.request)
  const before = facts.id === undefined ? undefined : usage.entries.get(facts.id)
  if (before !== undefined && !(before.state === 'review' && facts.approval !== undefined))
    return { decision: again(before, facts, digest) }
  const nowMs = Usage.time(usage, asked.nowMs)
  const read: Kind.Context['read'] = (shape, subject) =>
    Usage.read(usage, shape, {
      subject,
      nowMs,
      ...(before === undefined ? {} : { without: before }),
    })
  const reasons = [...unmendable(policy, facts), ...judges.map((judge) => judge({ facts, read }))]
  const decision = Decision.from(reasons, digest)
  if (facts.id === undefined || facts.digest === undefined) return { decision }
  const { asset = '', atoms = 0n, payee = '', agent = '' } = facts
  const state = states[decision.verdict]
  const entry = { state, digest: facts.digest, decision, asset, atoms, payee, agent }
  return { decision, change: { id: facts.id, entry } }
}

const states = { allow: 'held', review: 'review', deny: 'denied' } as const

/** Denials that no rule speaks of. */
function unmendable(policy: Policy.Policy, facts: Request.Facts): readonly Decision.Reason[] {
  const reasons: Decision.Reason[] = []
  for (const fact of ['id', 'digest', 'agent', 'asset', 'atoms'] as const)
    if (facts[fact] === undefined)
      reasons.push(Decision.deny('request', `request: it states no valid ${fact}`))
  const unit = `asset ${policy.asset.id}`
  if (facts.asset !== undefined && facts.asset !== policy.asset.id)
    reasons.push(Decision.deny(unit, `${unit}: ${facts.asset} asked`))
  const allowsPayees = policy.rules.some(
    (rule) => rule.rule === 'allow' && rule.dimension === 'payees',
  )
  if (!allowsPayees) {
    const because = `default deny: no "allow payees" sentence names ${facts.payee ?? 'the payee'}`
    reasons.push(Decision.deny('default deny', because))
  }
  return reasons
}

/** The answer to an id that is known. */
function again(entry: Usage.Entry, facts: Request.Facts, policyDigest: Hex): Decision.Decision {
  const { digest, asset, atoms, payee, agent } = entry
  const same =
    digest === facts.digest &&
    asset === (facts.asset ?? '') &&
    atoms === (facts.atoms ?? 0n) &&
    payee === (facts.payee ?? '') &&
    agent === (facts.agent ?? '')
  if (!same) {
    const rule = 'exists-with-different-request'
    const reason = Decision.deny(rule, `${rule}: the id stands for request ${digest}`)
    return { ...Decision.from([reason], policyDigest), status: rule }
  }
  if (entry.state !== 'voided') return { ...entry.decision, status: 'exists' }
  const reason = Decision.deny('voided', 'voided: a new attempt needs a new id')
  return { ...Decision.from([reason], entry.decision.policyDigest), status: 'exists' }
}

function find(usage: Usage.Usage, id: Hex): { id: Hex; entry: Usage.Entry } | undefined {
  const word = Request.word(id)
  const entry = word === undefined ? undefined : usage.entries.get(word)
  return word === undefined || entry === undefined ? undefined : { id: word, entry }
}

/** The reasons are in the log by then; here they would only weigh. */
function settled(entry: Usage.Entry): Usage.Entry {
  return { ...entry, decision: { ...entry.decision, reasons: [] } }
}

function refuse(refusal: Refusal, because: string): Outcome {
  return { refusal, because }
}
