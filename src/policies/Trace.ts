/**
 * @module Traces: what every rule of a policy read of one request, and what that came to. A decision is
 * made of its trace; its reasons are put in words when somebody first reads them, and then stay.
 */
import type { Hex } from '../kernel/Hex.ts'
import * as Decision from './Decision.ts'
import * as Kind from './Kind.ts'
import type * as Policy from './Policy.ts'
import type { Facts } from './Request.ts'

/** All that the words follow from. Nothing of it changes. */
export type Trace = {
  readonly verdict: Decision.Verdict
  readonly judges: readonly Kind.Judge[]
  readonly facts: Facts
  readonly nowMs: number
  /** Used and held for each judge that measures, in their order; `undefined` where no subject was named. */
  readonly sums: readonly (bigint | undefined)[]
  /** Denials that no rule speaks of; they come first. */
  readonly first: readonly Decision.Reason[]
  readonly policy: Policy.Policy
  /** What the budget said that this one is a slice of. */
  readonly above: Trace | undefined
}

type Words = Pick<Decision.Decision, 'reasons' | 'decidedBy'>

/**
 * The one class besides errors: of all ways to make an object that writes its words late, the others cost
 * several times what a rule costs to judge.
 */
class Judged implements Decision.Decision {
  readonly status = 'decided'
  readonly verdict: Decision.Verdict
  readonly policyDigest: Hex
  readonly #trace: Trace
  #words: Words | undefined = undefined

  constructor(policyDigest: Hex, trace: Trace) {
    this.verdict = trace.verdict
    this.policyDigest = policyDigest
    this.#trace = trace
  }

  get reasons(): readonly Decision.Reason[] {
    this.#words ??= write(this.#trace)
    return this.#words.reasons
  }

  get decidedBy(): Decision.Reason | undefined {
    this.#words ??= write(this.#trace)
    return this.#words.decidedBy
  }

  toJSON(): Decision.Decision {
    return Decision.plain(this)
  }
}

/** A decision whose reasons are written when they are read. */
export function decision(policyDigest: Hex, trace: Trace): Decision.Decision {
  return new Judged(policyDigest, trace)
}

function write(trace: Trace): Words {
  const { verdict } = trace
  const found = [...own(trace)]
  for (let above = trace.above; above !== undefined; above = above.above)
    for (const reason of own(above)) found.push({ ...reason, budget: above.policy.name })
  const reasons = Object.freeze(found)
  const decidedBy =
    verdict === 'allow' ? undefined : reasons.find(({ outcome }) => outcome === verdict)
  return { reasons, decidedBy }
}

function own({ judges, facts, nowMs, sums, first }: Trace): readonly Decision.Reason[] {
  let at = 0
  const found = judges.map((judge) =>
    judge.meter === undefined
      ? Kind.reason(judge, { facts, nowMs })
      : Kind.reason(judge, { facts, nowMs, used: sums[at++], held: sums[at++] }),
  )
  return [...first, ...found]
}
