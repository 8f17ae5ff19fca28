/**
 * @module Histories: what was paid before, as plain data, and the usage it comes to. No rule is asked: a
 * history says what happened, not what should have.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Budget from './Budget.ts'
import * as Policy from './Policy.ts'
import type * as Request from './Request.ts'
import * as Rule from './Rule.ts'
import type * as Usage from './Usage.ts'

/** One payment of before. Without `capturedAtoms` it is held still. */
export type Past = {
  readonly request: Request.Request
  /** When it was authorised and, if it was, captured. */
  readonly atMs: number
  /** At most what was asked. */
  readonly capturedAtoms?: bigint
}

/**
 * The usage that payments come to, in whatever order they are given. Other assets count as the policy
 * counts them. Throws `InputError` for a request that lacks what every request states.
 */
export function usage(policy: Policy.Policy, given: readonly Past[]): Usage.Usage {
  const usage = Budget.empty()
  if (given.length === 0) return usage
  const open = opened(policy)
  for (const { request, atMs, capturedAtoms } of given.toSorted((a, b) => a.atMs - b.atMs)) {
    const decision = Budget.authorize(usage, open, request, atMs)
    if (decision.verdict !== 'allow' || decision.status !== 'decided') {
      const because = decision.decidedBy?.because ?? 'its id stands for an earlier one'
      throw new InputError(
        `expected a payment that can have been made, got one of which: ${because}`,
      )
    }
    if (capturedAtoms === undefined) continue
    const done = Budget.capture(usage, request.id, capturedAtoms, atMs)
    if (typeof done === 'object') throw new InputError(`expected capturedAtoms: ${done.because}`)
  }
  return usage
}

const known = new WeakMap<Policy.Policy, Policy.Policy>()

/** Allows whatever has a payee, and counts what the policy counts. */
function opened(policy: Policy.Policy): Policy.Policy {
  const found = known.get(policy)
  if (found !== undefined) return found
  const { name, asset, rules } = policy
  const anybody = Rule.parse('allow payees *', asset)
  const open = Policy.policy(name, asset, [
    anybody,
    ...rules.filter((rule) => rule.rule === 'count' && rule.asset !== asset.id),
  ])
  known.set(policy, open)
  return open
}
