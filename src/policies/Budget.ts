/**
 * @module Budgets: check and hold in one step. What is captured in each window and what is held stay
 * together at or below every cap at every instant, whatever is asked in whatever order. Pure: the caller's
 * fold owns the usage and passes the time.
 *
 * Denied by default: a payee that no `allow payees` names; hosts and models once a sentence speaks of
 * them; another asset; a fact that is missing. Then deny before review before allow.
 */
import { assert } from '../kernel/Assert.ts'
import type * as Clock from '../kernel/Clock.ts'
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Decision from './Decision.ts'
import * as Freeze from './Freeze.ts'
import * as Judgement from './Judgement.ts'
import * as Kind from './Kind.ts'
import * as Memo from './Memo.ts'
import type * as Policy from './Policy.ts'
import * as Request from './Request.ts'
import * as Trace from './Trace.ts'
import * as Usage from './Usage.ts'

export type { Decision, Reason, Verdict } from './Decision.ts'
export type { Approval, Request } from './Request.ts'
export type { Usage } from './Usage.ts'
export { empty } from './Usage.ts'
export { fromJson, toJson } from './UsageJson.ts'

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
  return explainAt([{ usage, policy }], request, nowMs)
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
  return authorizeAt([{ usage, policy }], request, nowMs)
}

/** A slice, what it is cut from, and so on to the whole budget. */
export type Levels = readonly [Judgement.Level, ...Judgement.Level[]]

/** {@link explain} on a slice and all that it is cut from. */
export function explainAt(
  levels: Levels,
  request: Request.Request,
  nowMs: number,
): Decision.Decision {
  const facts = Request.facts(request)
  const atMs = time(levels, nowMs)
  const answer = known(levels, facts, atMs)
  if (answer !== undefined) return answer
  return Trace.decision(Judgement.compile(levels[0].policy).digest, hear(levels, facts, atMs))
}

/** {@link authorize} on a slice and all that it is cut from: held on every level or on none. */
export function authorizeAt(
  levels: Levels,
  request: Request.Request,
  nowMs: number,
): Decision.Decision {
  const atMs = time(levels, nowMs)
  for (const { usage, policy } of levels) {
    usage.latestMs = atMs
    for (const [id, entry] of Usage.expired(usage, atMs))
      Usage.replace(usage, id, entry, settled(entry))
    Judgement.keep(usage, Judgement.compile(policy))
  }
  const facts = Request.facts(request)
  const answer = known(levels, facts, atMs)
  if (answer !== undefined) return answer
  let trace: Trace.Trace | undefined = hear(levels, facts, atMs)
  const decision = Trace.decision(Judgement.compile(levels[0].policy).digest, trace)
  const { id, digest } = facts
  if (id === undefined || digest === undefined) return decision
  const state = states[decision.verdict]
  const expiresAtMs = state === 'review' ? atMs + reviewMs(levels) : undefined
  for (const { usage, policy } of levels) {
    const paid = Usage.payment(trace!.facts, policy.asset.id)
    const entry = Usage.entry(paid, { state, digest, decision })
    Usage.replace(usage, id, usage.entries.get(id), entry)
    if (expiresAtMs !== undefined) usage.reviews.set(id, expiresAtMs)
    if (usage !== levels[0].usage) usage.slices.add(id)
    trace = trace!.above
  }
  return decision
}

function time(levels: Levels, nowMs: number): number {
  let atMs = nowMs
  for (const { usage } of levels) atMs = Usage.time(usage, atMs)
  return atMs
}

function reviewMs(levels: Levels): number {
  return Math.min(...levels.map(({ policy }) => Judgement.compile(policy).reviewMs))
}

/** Hears all levels, the whole budget first. */
function hear(levels: Levels, facts: Request.Facts, nowMs: number): Trace.Trace {
  let trace: Trace.Trace | undefined
  for (let index = levels.length - 1; index >= 0; index--) {
    const level = levels[index]!
    const without = gone(level.usage, facts, nowMs)
    trace = Judgement.judge(level, { facts, nowMs, without }, trace)
  }
  return trace!
}

const nothing: readonly Usage.Entry[] = []

/** What is judged as if it were not there. */
function gone(usage: Usage.Usage, { id }: Request.Facts, nowMs: number): readonly Usage.Entry[] {
  // What stands under the id and is judged anew is a review.
  if (usage.reviews.size === 0) return nothing
  const before = id === undefined ? undefined : usage.entries.get(id)
  const expired = Usage.expired(usage, nowMs)
  if (before === undefined && expired.length === 0) return nothing
  const entries = expired.map(([, entry]) => entry)
  return before === undefined || entries.includes(before) ? entries : [...entries, before]
}

/** The answer to an id that is known and not to be decided now. */
function known(levels: Levels, facts: Request.Facts, nowMs: number): Decision.Decision | undefined {
  const { id } = facts
  if (id === undefined) return undefined
  for (let index = 0; index < levels.length; index++) {
    const { usage, policy } = levels[index]!
    const entry = usage.entries.get(id)
    if (entry === undefined) continue
    const isExpired = entry.state === 'review' && usage.reviews.get(id)! <= nowMs
    const { digest } = Judgement.compile(policy)
    const stands = isExpired ? ({ ...entry, state: 'voided' } as const) : entry
    // Only where it was asked: a slice settles what it holds itself, never what another does.
    const [own] = levels
    const isOwn = own.usage.entries.has(id) && !own.usage.slices.has(id)
    if (isOwn && stands.state === 'review' && facts.approval !== undefined) continue
    return index === 0 && isOwn ? again(stands, facts, digest) : another(entry, digest)
  }
  return undefined
}

/**
 * Turns a hold into `atoms` used, now. At most what is held; the rest is freed. Again with the same
 * amount is `exists`.
 */
export function capture(usage: Usage.Usage, id: Hex, atoms: bigint, nowMs: number): Outcome {
  usage.latestMs = Usage.time(usage, nowMs)
  const known = find(usage, id)
  if (known === undefined) return refuse('unknown-id', `${seen(id)} was never authorised`)
  const { entry } = known
  if (entry.state === 'denied') return refuse('denied', `${id} was denied`)
  if (entry.state === 'review') return refuse('not-approved', `${id} waits for approval`)
  if (entry.state === 'voided') return refuse('voided', `${id} was voided`)
  if (entry.captured !== undefined)
    return entry.captured.atoms === atoms
      ? 'exists'
      : refuse('exists-with-different-amount', `${id}: ${entry.captured.atoms} atoms captured`)
  if (Request.atoms(atoms) === undefined)
    return refuse('bad-amount', `expected atoms as a non-negative bigint, got ${seen(atoms)}`)
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
  if (known === undefined) return refuse('unknown-id', `${seen(id)} was never authorised`)
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
  return Judgement.meters({ usage, policy }, Usage.time(usage, nowMs)).map((standing) => {
    const { rule, meter, subject } = standing
    return { rule, meter: Kind.reading(meter, subject, standing) }
  })
}

/**
 * Frees nothing that is held: what is frozen may not be authorised, and should not be signed. Throws
 * `InputError` for a target that names nobody.
 */
export function freeze(usage: Usage.Usage, freeze: Freeze.Freeze): void {
  const target = Freeze.fromJson(freeze.target)
  usage.freezes.set(Freeze.key(target), { ...freeze, target })
}

/** Lets what was frozen pay again; `false` if it was not frozen. Throws `InputError` as freezing does. */
export function thaw(usage: Usage.Usage, target: Freeze.Target): boolean {
  return usage.freezes.delete(Freeze.key(Freeze.fromJson(target)))
}

/** Why a payment must not be signed now although it was authorised; `undefined` if it may be. */
export function stopped(
  usage: Usage.Usage,
  names: Pick<Request.Request, 'agent' | 'payee' | 'model'>,
): Decision.Reason | undefined {
  const freeze = Freeze.find(usage.freezes, Request.facts(names as Request.Request))
  return freeze && Judgement.frozen(freeze)
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
  /**
   * A budget within this one, in the same unit of account: what it authorises is held on both at once, so
   * it can only narrow. It knows no way back to this one. Throws `InputError` for another asset.
   */
  readonly slice: (policy: Policy.Policy, options?: { readonly usage?: Usage.Usage }) => Budget
}

/** What a budget is opened with. */
export type Options = {
  readonly clock: Clock.Clock
  /** A former budget's, to keep it under a changed policy. */
  readonly usage?: Usage.Usage
  /** A policy on trial: each decision carries what it would have said (`shadow`), without effect. */
  readonly shadow?: Policy.Policy
}

/** Opens a budget. */
export function open(policy: Policy.Policy, options: Options): Budget {
  const { clock, usage = Usage.empty(), shadow } = options
  return at([{ usage, policy }], clock, shadow)
}

function at(levels: Levels, clock: Clock.Clock, shadow?: Policy.Policy): Budget {
  const [{ usage, policy }, ...above] = levels
  const trial = (request: Request.Request, decide: () => Decision.Decision) => {
    if (shadow === undefined) return decide()
    // Asked first: what is held for this request must not count against it.
    const said = explainAt([{ usage, policy: shadow }, ...above], request, clock())
    return { ...Decision.plain(decide()), shadow: said }
  }
  // What a slice holds is the slice's to settle: on this level alone it would come apart.
  const others = (id: Hex): Outcome | undefined =>
    usage.slices.has(Request.word(id) ?? id)
      ? refuse('unknown-id', `${id} was authorised by a slice of this budget: settle it there`)
      : undefined
  return {
    policy,
    usage,
    explain: (request) => trial(request, () => explainAt(levels, request, clock())),
    authorize: (request) => trial(request, () => authorizeAt(levels, request, clock())),
    capture: (id, atoms) =>
      others(id) ?? together(levels, clock(), (each, at) => capture(each, id, atoms, at)),
    void: (id) => others(id) ?? together(levels, clock(), (each, at) => release(each, id, at)),
    status: () => status(usage, policy, clock()),
    slice(narrower, { usage = Usage.empty() } = {}) {
      if (narrower.asset.id !== policy.asset.id)
        throw new InputError(`expected a slice in ${policy.asset.id}, got ${narrower.asset.id}`)
      return at([{ usage, policy: narrower }, ...levels], clock)
    },
  }
}

/** Does on every level what the first one allows: they hold the same, so they answer the same. */
function together(
  levels: Levels,
  nowMs: number,
  act: (usage: Usage.Usage, nowMs: number) => Outcome,
): Outcome {
  const outcome = act(levels[0].usage, nowMs)
  if (typeof outcome === 'object') return outcome
  for (const { usage } of levels.slice(1))
    assert(typeof act(usage, nowMs) === 'string', 'the same hold on every level of a budget')
  return outcome
}

const states = { allow: 'held', review: 'review', deny: 'denied' } as const

/** The answer to an id that is known. */
function again(entry: Usage.Entry, facts: Request.Facts, policyDigest: Hex): Decision.Decision {
  const { digest, asset, atoms, payee, agent } = entry
  const same =
    digest === facts.digest &&
    asset === (facts.asset ?? '') &&
    atoms === (facts.atoms ?? 0n) &&
    payee === (facts.payee ?? '') &&
    agent === (facts.agent ?? '')
  if (!same) return another(entry, policyDigest)
  if (entry.state !== 'voided') return { ...Decision.plain(entry.decision), status: 'exists' }
  const reason = Decision.deny('voided', 'voided: a new attempt needs a new id')
  return { ...Decision.from([reason], entry.decision.policyDigest), status: 'exists' }
}

function another({ digest }: Usage.Entry, policyDigest: Hex): Decision.Decision {
  const rule = 'exists-with-different-request'
  const reason = Decision.deny(rule, `${rule}: the id stands for request ${digest}`)
  return { ...Decision.from([reason], policyDigest), status: rule }
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
  const { verdict, policyDigest } = entry.decision
  const decision =
    verdict === 'allow'
      ? allowed(policyDigest)
      : { ...Decision.plain(entry.decision), reasons: none }
  const { digest } = entry
  return captured === undefined
    ? Usage.entry(entry, { state: 'voided', digest, decision })
    : Usage.entry(entry, { state: 'captured', digest, decision, captured })
}

const none: readonly Decision.Reason[] = Object.freeze([])
/** One for all that a policy allowed. */
const allowed = Memo.of((policyDigest: Hex) => Object.freeze(Decision.from(none, policyDigest)))

const seen = (value: unknown) => (/^(string|bigint)$/.test(typeof value) ? value : typeof value)

function refuse(refusal: Refusal, because: string): Outcome {
  return { refusal, because }
}
