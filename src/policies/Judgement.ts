/**
 * @module Judgements: a request before the rules of one policy, or of a slice and all that it is cut from.
 * Rules are compiled once; all of them are heard, so their order decides nothing but who is named first.
 */
import type { Hex } from '../kernel/Hex.ts'
import * as Decision from './Decision.ts'
import * as Freeze from './Freeze.ts'
import type * as Kind from './Kind.ts'
import * as Meter from './Meter.ts'
import * as Policy from './Policy.ts'
import * as Request from './Request.ts'
import * as Rule from './Rule.ts'
import type * as Span from './Span.ts'
import type * as Trace from './Trace.ts'
import * as Usage from './Usage.ts'

/** A policy and what was used under it. */
export type Level = { readonly usage: Usage.Usage; readonly policy: Policy.Policy }

/** A policy's rules, ready to judge. */
export type Compiled = {
  readonly policy: Policy.Policy
  readonly digest: Hex
  /** The unit of account, as requests write it. */
  readonly unit: string | undefined
  readonly judges: readonly Kind.Judge[]
  /** How many of them measure. */
  readonly meterCount: number
  /** Those that say what other assets count as. */
  readonly worths: readonly NonNullable<Kind.Judge['worth']>[]
  /** Whether any sentence names payees. */
  readonly namesPayees: boolean
  /** How long a review waits for an answer; without end if no rule here asks for one. */
  readonly reviewMs: number
  /** The families of meters they read, of each usage that keeps them up, and the last one asked for. */
  readonly kept: WeakMap<Usage.Usage, Families>
  last: { readonly usage: Usage.Usage; readonly families: Families } | undefined
}

/** What is done for each rule: its meters, of those that measure, and for whom one counts. */
type Step = {
  readonly outcome: Kind.Judge['outcome']
  readonly family: Usage.Family | undefined
  readonly subjectOf: (facts: Request.Facts) => string | undefined
}

type Families = readonly Step[]

const compiled = new WeakMap<Policy.Policy, Compiled>()
/** Nearly always the same policy is asked as before: sooner seen than found. */
let latest: Compiled | undefined

/** The policy's rules, compiled when they are first needed. */
export function compile(policy: Policy.Policy): Compiled {
  if (latest?.policy === policy) return latest
  const known = compiled.get(policy) ?? make(policy)
  // What is not frozen could change and keep its old rules.
  if (!Object.isFrozen(policy)) return known
  compiled.set(policy, known)
  latest = known
  return known
}

function make(policy: Policy.Policy): Compiled {
  const { rules, asset } = policy
  const judges = Rule.compile(rules, asset)
  return {
    policy,
    digest: Policy.digest(policy),
    unit: Request.asset(asset.id),
    judges,
    meterCount: judges.filter(({ meter }) => meter !== undefined).length,
    worths: judges.flatMap(({ worth }) => (worth === undefined ? [] : [worth])),
    namesPayees: rules.some((rule) => rule.rule === 'allow' && rule.dimension === 'payees'),
    reviewMs: rules.some(({ rule }) => rule === 'approve-above')
      ? Rule.reviewMs(rules)
      : Number.POSITIVE_INFINITY,
    kept: new WeakMap<Usage.Usage, Families>(),
    last: undefined,
  }
}

/** Keeps all meters up that a policy reads. */
export function keep(usage: Usage.Usage, { judges, kept, last }: Compiled): void {
  if (last?.usage === usage || kept.has(usage)) return
  for (const { meter } of judges) if (meter !== undefined) Usage.measure(usage, meter)
}

/** Families as they are kept up or, of what was never measured, as they would be. */
function families(usage: Usage.Usage, compiled: Compiled): Families {
  const { judges, kept, last } = compiled
  if (last?.usage === usage) return last.families
  const found = kept.get(usage) ?? judges.map((judge) => step(usage, judge))
  // A family that is kept up stays the same; one summed up for this answer is out of date with the next.
  if (judges.some(({ meter }) => meter !== undefined && !usage.families.has(meter.key)))
    return found
  kept.set(usage, found)
  compiled.last = { usage, families: found }
  return found
}

function step(usage: Usage.Usage, { outcome, meter }: Kind.Judge): Step {
  const family = meter && Usage.family(usage, meter)
  return { outcome, family, subjectOf: Meter.subjectOf(meter?.each) }
}

/** One request before one level. */
export type Hearing = {
  readonly facts: Request.Facts
  readonly nowMs: number
  /** What the rules judge without: what stands under the request's id, and reviews that expired. */
  readonly without: readonly Usage.Entry[]
}

/**
 * Hears every rule of one level. `above`: what the levels it is cut from said; what they deny it cannot
 * allow, and payees are theirs to name.
 */
export function judge(level: Level, hearing: Hearing, above?: Trace.Trace): Trace.Trace {
  const { usage } = level
  const compiled = compile(level.policy)
  const { nowMs, without } = hearing
  // Most ask in the unit of account; the same string is sooner compared than an equal one.
  const isUnit = hearing.facts.asset === compiled.unit
  const facts = isUnit ? hearing.facts : counted(compiled, hearing)
  const read = families(usage, compiled)
  const isNamed = above !== undefined || compiled.namesPayees
  const first = unmendable(level, facts, { isNamed, isUnit })
  const sums = new Array<bigint | undefined>(2 * compiled.meterCount)
  let verdict: Decision.Verdict = first.length === 0 ? (above?.verdict ?? 'allow') : 'deny'
  let next = 0
  for (let at = 0; at < read.length; at++) {
    const { outcome, family, subjectOf } = read[at]!
    let said: Decision.Verdict
    if (family === undefined) said = outcome(facts, nowMs)
    else {
      const subject = subjectOf(facts)
      const standing =
        subject === undefined ? undefined : Usage.standing(family, subject, nowMs, without)
      sums[next++] = standing?.used
      sums[next++] = standing?.held
      said = outcome(facts, nowMs, standing?.used, standing?.held)
    }
    if (said !== 'allow' && verdict !== 'deny') verdict = said
  }
  const { judges } = compiled
  return { verdict, judges, facts, nowMs, sums, first, above, policy: level.policy }
}

/** Facts in which another asset's atoms are what they count as in the unit of account. */
function counted({ worths }: Compiled, { facts, nowMs }: Hearing): Request.Facts {
  if (facts.atoms === undefined || worths.length === 0) return facts
  let most: bigint | undefined
  // Of several that speak of it the dearest counts: their order decides nothing.
  for (const worth of worths) {
    const atoms = worth(facts, nowMs)
    if (atoms !== undefined && (most === undefined || atoms > most)) most = atoms
  }
  return most === undefined ? facts : { ...facts, atoms: most, askedAtoms: facts.atoms }
}

const needed = ['id', 'digest', 'agent', 'asset', 'atoms'] as const
const none: readonly Decision.Reason[] = Object.freeze([])

/** Denials that no rule speaks of. */
function unmendable(
  { policy, usage }: Level,
  facts: Request.Facts,
  { isNamed, isUnit }: { readonly isNamed: boolean; readonly isUnit: boolean },
): readonly Decision.Reason[] {
  const { id, digest, agent, asset, atoms } = facts
  const isWhole = id !== undefined && digest !== undefined && agent !== undefined
  const isCounted = isUnit || facts.askedAtoms !== undefined
  const freeze = Freeze.find(usage.freezes, facts)
  if (isWhole && isCounted && atoms !== undefined && isNamed && freeze === undefined) return none
  const unit = policy.asset.id
  const reasons: Decision.Reason[] = []
  if (freeze !== undefined) reasons.push(frozen(freeze))
  for (const fact of needed)
    if (facts[fact] === undefined)
      reasons.push(Decision.deny('request', `request: it states no valid ${fact}`))
  if (asset !== undefined && !isCounted)
    reasons.push(Decision.deny(`asset ${unit}`, `asset ${unit}: ${asset} asked`))
  if (!isNamed) {
    const because = `default deny: no "allow payees" sentence names ${facts.payee ?? 'the payee'}`
    reasons.push(Decision.deny('default deny', because))
  }
  return reasons
}

/** Why what is frozen may not pay. */
export function frozen({ target, by, because }: Freeze.Freeze): Decision.Reason {
  const rule = `frozen ${Freeze.key(target)}`
  return Decision.deny(rule, `${rule}: by ${by}, ${because}`)
}

/** One meter of a policy as it stands. Amounts in its unit. */
export type Standing = Meter.Standing & {
  readonly rule: string
  readonly meter: Meter.Named
  /** For whom it counts; empty if for all. */
  readonly subject: string
  readonly limit: bigint
  /** What was captured; absent if nothing ever was. */
  readonly tally: Span.Tally | undefined
}

/** Every meter of a policy, in the order of its rules. Reviews that nobody answered in time hold nothing. */
export function meters({ usage, policy }: Level, nowMs: number): readonly Standing[] {
  const without = Usage.expired(usage, nowMs).map(([, entry]) => entry)
  return compile(policy).judges.flatMap(({ rule, meter, limit }) => {
    if (meter === undefined || limit === undefined) return []
    const family = Usage.family(usage, meter)
    const subjects = meter.each === undefined ? [''] : [...family.meters.keys()].sort()
    return subjects.map((subject) => {
      const { used, held } = Usage.standing(family, subject, nowMs, without)
      const tally = family.meters.get(subject)?.tally
      return { rule, meter, subject, used, held, limit, tally }
    })
  })
}
