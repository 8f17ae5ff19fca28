/**
 * @module Matchers for tests of one's own policies, for any runner that has `expect.extend`:
 *
 * @example
 * import { matchers, type PolicyMatchers } from 'requite/policies/vitest'
 * expect.extend(matchers)
 * declare module 'vitest' { interface Matchers<T> extends PolicyMatchers<T> {} }
 *
 * expect(desk).toAllow(request)
 * expect(desk).toDeny(request, 'cap 2 USDC per payment')
 * expect(desk).toReview(request, { atMs: Date.UTC(2026, 0, 1), given: [{ request: past, atMs }] })
 */
import * as Budget from '../Budget.ts'
import type { Decision, Reason, Verdict } from '../Decision.ts'
import * as History from '../History.ts'
import type { Policy } from '../Policy.ts'
import type { Request } from '../Request.ts'
import type { Usage } from '../Usage.ts'

/** The circumstances of a request. */
export type Circumstances = {
  /** When it is asked: milliseconds since 1970; 2026-01-15, 12:00 UTC if it does not say. */
  readonly atMs?: number
  /** What was paid before, or a budget's usage; nothing changes it. */
  readonly given?: readonly History.Past[] | Usage
  /** The sentence that decides. */
  readonly by?: string
}

/** The deciding sentence alone, or all circumstances. */
export type Expected = string | Circumstances

/** What {@link matchers} add to `expect(policy)`. */
export type PolicyMatchers<Result = unknown> = {
  /** The policy allows the request. */
  toAllow: (request: Request, expected?: Omit<Circumstances, 'by'>) => Result
  /** The policy denies the request, by this sentence if one is given. */
  toDeny: (request: Request, expected?: Expected) => Result
  /** The policy wants the request approved, by this sentence if one is given. */
  toReview: (request: Request, expected?: Expected) => Result
}

/** What a matcher answers a runner. */
export type Outcome = { readonly pass: boolean; readonly message: () => string }

/** For `expect.extend`. They throw `InputError` for a history that cannot have been. */
export const matchers = {
  toAllow: matcher('allow'),
  toDeny: matcher('deny'),
  toReview: matcher('review'),
}

const noonMs = 1_768_478_400_000

function matcher(verdict: Verdict) {
  return (policy: Policy, request: Request, expected: Expected = {}): Outcome => {
    const options = typeof expected === 'string' ? { by: expected } : expected
    const { atMs = noonMs, given = [], by } = options
    const usage = 'entries' in given && !Array.isArray(given) ? given : past(policy, given)
    const decision = Budget.explain(usage as Usage, policy, request, atMs)
    const isSaid = decision.verdict === verdict
    const deciding = decision.reasons.filter(({ outcome }) => outcome === decision.verdict)
    const pass = isSaid && (by === undefined || deciding.some(({ rule }) => rule === by))
    const wanted = `${verdict}${by === undefined ? '' : ` by "${by}"`}`
    return { pass, message: () => report(policy, decision, { wanted, isNot: pass }) }
  }
}

function past(policy: Policy, given: Circumstances['given']): Usage {
  return History.usage(policy, given as readonly History.Past[])
}

function report(
  { name }: Policy,
  { verdict, reasons }: Decision,
  { wanted, isNot }: { readonly wanted: string; readonly isNot: boolean },
): string {
  const line = ({ outcome, because }: Reason) => `  ${outcome.padEnd(6)} ${because}`
  return [
    `expected ${name} ${isNot ? 'not ' : ''}to ${wanted}; its verdict is ${verdict}:`,
    ...reasons.map(line),
  ].join('\n')
}
