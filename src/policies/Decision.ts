/**
 * @module Decisions: a verdict and every rule's reason for it, ready to be recorded. Deny before review
 * before allow; the order of the rules decides nothing but who is named first.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import * as Meter from './Meter.ts'
import * as Span from './Span.ts'
import * as Untrusted from './Untrusted.ts'

/** What is decided, and what each rule says. */
export type Verdict = 'allow' | 'deny' | 'review'

/** A meter as a rule found it, before this payment. Integers as decimal strings of `unit`. */
export type Reading = Span.Span & {
  /** What is measured over which span, e.g. `payments per minute per agent desk`; no limit in it. */
  readonly key: string
  readonly unit: Meter.Unit
  /** Captured in the span. */
  readonly used: string
  /** Authorised, not yet captured or voided. */
  readonly held: string
  readonly limit: string
}

/** What one rule says of one request. */
export type Finding = {
  readonly outcome: Verdict
  /** In words, amounts included. */
  readonly because: string
  readonly meter?: Reading
}

/** A finding and the sentence that made it. */
export type Reason = Finding & {
  readonly rule: string
  /** The budget whose rule it is, if not the one that was asked but one that it is a slice of. */
  readonly budget?: string
}

/**
 * A verdict with its reasons. `status`: decided now; or the `exists`ing decision about this id again; or
 * a denial because the id stands for another request. A budget's decision writes its reasons when they are
 * first read, so that they are not among its own members: copy it with {@link plain}, not by spreading.
 */
export type Decision = {
  readonly status: 'decided' | 'exists' | 'exists-with-different-request'
  readonly verdict: Verdict
  /** The first reason with the verdict's outcome; none when all allow. */
  readonly decidedBy: Reason | undefined
  /** One for each rule, in their order; before them what no rule can mend, if anything. */
  readonly reasons: readonly Reason[]
  /** SHA-256 of the policy this was decided under. */
  readonly policyDigest: Hex.Hex
  /** What a policy on trial would have decided. */
  readonly shadow?: Decision
}

/** A decision of reasons, as plain data. Deny before review before allow. */
export function from(reasons: readonly Reason[], policyDigest: Hex.Hex): Decision {
  const decidedBy =
    reasons.find(({ outcome }) => outcome === 'deny') ??
    reasons.find(({ outcome }) => outcome === 'review')
  const verdict = decidedBy?.outcome ?? 'allow'
  return { status: 'decided', verdict, decidedBy, reasons, policyDigest }
}

/** A decision as plain data, its reasons written out. */
export function plain({ status, verdict, decidedBy, reasons, policyDigest }: Decision): Decision {
  return { status, verdict, decidedBy, reasons, policyDigest }
}

/** A reason that denies. */
export function deny(rule: string, because: string): Reason {
  return { rule, outcome: 'deny', because }
}

/** Reads a decision from untrusted JSON. Throws `InputError`. */
export function fromJson(value: unknown): Decision {
  const keys = ['status', 'verdict', 'reasons', 'policyDigest']
  const json = Untrusted.record(value, 'a decision', keys, ['decidedBy'])
  const { policyDigest, reasons } = json
  if (!Hex.is(policyDigest, 32)) throw new InputError('expected policyDigest as 32 bytes of hex')
  if (!Array.isArray(reasons)) throw new InputError('expected reasons as a list')
  return {
    status: Untrusted.oneOf(json.status, 'status', statuses),
    verdict: Untrusted.oneOf(json.verdict, 'verdict', verdicts),
    decidedBy: json.decidedBy === undefined ? undefined : reasonFromJson(json.decidedBy),
    reasons: reasons.map(reasonFromJson),
    policyDigest,
  }
}

const statuses = ['decided', 'exists', 'exists-with-different-request'] as const
const verdicts = ['allow', 'deny', 'review'] as const
const meterKeys = ['key', 'unit', 'used', 'held', 'limit']

function reasonFromJson(value: unknown): Reason {
  const json = Untrusted.record(
    value,
    'a reason',
    ['rule', 'outcome', 'because'],
    ['meter', 'budget'],
  )
  const reason = {
    rule: text(json.rule, 'rule'),
    outcome: Untrusted.oneOf(json.outcome, 'outcome', verdicts),
    because: text(json.because, 'because'),
    ...(json.budget === undefined ? {} : { budget: text(json.budget, 'budget') }),
  }
  if (json.meter === undefined) return reason
  const meter = Untrusted.record(json.meter, 'a meter', meterKeys, ['windowMs', 'period'])
  const reading = {
    key: text(meter.key, 'key'),
    unit: Untrusted.oneOf(meter.unit, 'unit', Meter.units),
    ...(meter.period === 'held' ? Span.held : Span.fromJson(meter)),
    used: Money.atoms(meter.used, 'used').toString(),
    held: Money.atoms(meter.held, 'held').toString(),
    limit: Money.atoms(meter.limit, 'limit').toString(),
  }
  return { ...reason, meter: reading }
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new InputError(`expected ${what} as text`)
  return value
}
