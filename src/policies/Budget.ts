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
import * as Memo from './Memo.ts'
import * as Meter from './Meter.ts'
import * as Policy from './Policy.ts'
import * as Request from './Request.ts'
import * as Rule from './Rule.ts'
import * as Trace from './Trace.ts'
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
  const compiled = compile(policy)
  const facts = Request.facts(request)
  const before = known(usage, facts)
  if (isFinal(before, facts)) return again(before, facts, compiled.digest)
  return judge(usage, compiled, { facts, before, nowMs: Usage.time(usage, nowMs) })
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
  const compiled = compile(policy)
  keep(usage, compiled)
  const facts = Request.facts(request)
  const before = known(usage, facts)
  if (isFinal(before, facts)) return again(before, facts, compiled.digest)
  const decision = judge(usage, compiled, { facts, before, nowMs: usage.latestMs })
  const { id, digest, atoms = 0n, payee = '', agent = '' } = facts
  if (id === undefined || digest === undefined) return decision
  const state = states[decision.verdict]
  // The meters' own string, where it is the same: they compare it often.
  const unit = policy.asset.id
  const asset = facts.asset === unit ? unit : (facts.asset ?? '')
  Usage.replace(usage, id, before, { state, digest, decision, asset, atoms, payee, agent })
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
  Usage.replace(usage, known.id, entry, settled(entry, captured))
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
  Usage.replace(usage, known.id, entry, settled(entry))
  return 'ok'
}

/** Where an id stands; `undefined` if it was never asked for. */
export function state(usage: Usage.Usage, id: Hex): Usage.State | undefined {
  return find(usage, id)?.entry.state
}

/** Every meter of the policy: used, held and limit, in the order of the rules. */
export function status(usage: Usage.Usage, policy: Policy.Policy, nowMs: number): readonly Row[] {
  const atMs = Usage.time(usage, nowMs)
  return compile(policy).judges.flatMap(({ rule, meter, limit }) => {
    if (meter === undefined || limit === undefined) return []
    const subjects = meter.each === undefined ? [''] : Usage.subjects(usage, meter)
    return subjects.map((subject) => {
      const state = Usage.read(usage, meter, { subject, nowMs: atMs })
      return { rule, meter: Kind.reading(meter, subject, { ...state, limit }) }
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
  readonly policy: Policy.Policy
  readonly digest: Hex
  readonly judges: readonly Kind.Judge[]
  /** How many of them measure. */
  readonly meterCount: number
  /** The families of meters they read, of each usage that keeps them up, and the last one asked for. */
  readonly kept: WeakMap<Usage.Usage, Families>
  last: { readonly usage: Usage.Usage; readonly families: Families } | undefined
  /** Whether any sentence names payees. */
  readonly namesPayees: boolean
}

/** What each judge reads; nothing of those that read nothing. */
type Families = readonly (Usage.Family | undefined)[]

const compiled = new WeakMap<Policy.Policy, Compiled>()
/** Nearly always the same policy is asked as before: sooner seen than found. */
let latest: Compiled | undefined

function compile(policy: Policy.Policy): Compiled {
  if (latest?.policy === policy) return latest
  const known = compiled.get(policy)
  if (known !== undefined) {
    latest = known
    return known
  }
  const { rules, asset } = policy
  const judges = Rule.compile(rules, asset)
  const made = {
    policy,
    digest: Policy.digest(policy),
    judges,
    meterCount: judges.filter(({ meter }) => meter !== undefined).length,
    kept: new WeakMap<Usage.Usage, Families>(),
    last: undefined,
    namesPayees: rules.some((rule) => rule.rule === 'allow' && rule.dimension === 'payees'),
  }
  // What is not frozen could change and keep its old rules.
  if (Object.isFrozen(policy)) compiled.set(policy, made)
  return made
}

/** Families as they are kept up or, of what was never measured, as they would be. */
function families(usage: Usage.Usage, compiled: Compiled): Families {
  const { judges, kept, last } = compiled
  if (last?.usage === usage) return last.families
  const known = kept.get(usage)
  if (known !== undefined) {
    compiled.last = { usage, families: known }
    return known
  }
  const made = judges.map(({ meter }) => meter && Usage.family(usage, meter))
  // A family that is kept up stays the same; one summed up for this answer is out of date with the next.
  if (judges.every(({ meter }) => meter === undefined || usage.families.has(meter.key)))
    kept.set(usage, made)
  return made
}

/** Keeps all up that a policy measures. */
function keep(usage: Usage.Usage, { judges, kept, last }: Compiled): void {
  if (last?.usage === usage || kept.has(usage)) return
  for (const { meter } of judges) if (meter !== undefined) Usage.measure(usage, meter)
}

/** One request before the rules. */
type Hearing = {
  readonly facts: Request.Facts
  readonly nowMs: number
  /** What stands under the request's id: the rules judge as if it were not there. */
  readonly before: Usage.Entry | undefined
}

function judge(usage: Usage.Usage, compiled: Compiled, hearing: Hearing): Decision.Decision {
  const { judges, digest, meterCount } = compiled
  const { facts, nowMs, before } = hearing
  const read = families(usage, compiled)
  const first = unmendable(compiled, facts)
  const sums = new Array<bigint | undefined>(2 * meterCount)
  let verdict: Decision.Verdict = first.length === 0 ? 'allow' : 'deny'
  let next = 0
  for (let at = 0; at < judges.length; at++) {
    const family = read[at]
    const subject = family && Meter.subject(family.shape, facts)
    const standing =
      subject === undefined ? undefined : Usage.standing(family!, subject, nowMs, before)
    const outcome = judges[at]!.outcome(facts, standing?.used, standing?.held)
    if (outcome === 'deny' || (outcome === 'review' && verdict === 'allow')) verdict = outcome
    if (family === undefined) continue
    sums[next++] = standing?.used
    sums[next++] = standing?.held
  }
  return Trace.decision(verdict, digest, { judges, facts, sums, first })
}

/** What stands under the id. */
function known(usage: Usage.Usage, facts: Request.Facts): Usage.Entry | undefined {
  return facts.id === undefined ? undefined : usage.entries.get(facts.id)
}

/** Whether it is not to be decided now. */
function isFinal(
  before: Usage.Entry | undefined,
  { approval }: Request.Facts,
): before is Usage.Entry {
  return before !== undefined && !(before.state === 'review' && approval !== undefined)
}

const states = { allow: 'held', review: 'review', deny: 'denied' } as const
const needed = ['id', 'digest', 'agent', 'asset', 'atoms'] as const

/** Denials that no rule speaks of. */
function unmendable(
  { policy, namesPayees }: Compiled,
  facts: Request.Facts,
): readonly Decision.Reason[] {
  const { id, digest, agent, asset, atoms } = facts
  const isWhole = id !== undefined && digest !== undefined && agent !== undefined
  if (isWhole && atoms !== undefined && asset === policy.asset.id && namesPayees) return none
  const reasons: Decision.Reason[] = []
  for (const fact of needed)
    if (facts[fact] === undefined)
      reasons.push(Decision.deny('request', `request: it states no valid ${fact}`))
  const unit = policy.asset.id
  if (facts.asset !== undefined && facts.asset !== unit)
    reasons.push(Decision.deny(`asset ${unit}`, `asset ${unit}: ${facts.asset} asked`))
  if (!namesPayees) {
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
  if (entry.state !== 'voided') return { ...Decision.plain(entry.decision), status: 'exists' }
  const reason = Decision.deny('voided', 'voided: a new attempt needs a new id')
  return { ...Decision.from([reason], entry.decision.policyDigest), status: 'exists' }
}

function find(usage: Usage.Usage, id: Hex): { id: Hex; entry: Usage.Entry } | undefined {
  const entry = usage.entries.get(id)
  if (entry !== undefined) return { id, entry }
  const word = Request.word(id)
  const known = word === undefined ? undefined : usage.entries.get(word)
  return word === undefined || known === undefined ? undefined : { id: word, entry: known }
}

/** The reasons are in the log by then; here they would only weigh. */
function settled(entry: Usage.Entry, captured?: Usage.Entry['captured']): Usage.Entry {
  const { digest, asset, atoms, payee, agent } = entry
  const { verdict, policyDigest } = entry.decision
  const decision =
    verdict === 'allow'
      ? allowed(policyDigest)
      : { ...Decision.plain(entry.decision), reasons: none }
  return captured === undefined
    ? { state: 'voided', digest, decision, asset, atoms, payee, agent }
    : { state: 'captured', digest, decision, asset, atoms, payee, agent, captured }
}

const none: readonly Decision.Reason[] = Object.freeze([])
/** One for all that a policy allowed. */
const allowed = Memo.of((policyDigest: Hex) => Object.freeze(Decision.from(none, policyDigest)))

function refuse(refusal: Refusal, because: string): Outcome {
  return { refusal, because }
}
