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

type Judged = Pick<Decision.Decision, 'status' | 'verdict' | 'policyDigest'> & {
  readonly trace: Trace
  words: Words | undefined
}

type Words = Pick<Decision.Decision, 'reasons' | 'decidedBy'>

/** What all decisions share. An accessor in each of them would cost more than to judge. */
const inWords = {
  get reasons() {
    return words(this as unknown as Judged).reasons
  },
  get decidedBy() {
    return words(this as unknown as Judged).decidedBy
  },
  toJSON() {
    return Decision.plain(this as unknown as Decision.Decision)
  },
}

/** A decision whose reasons are written when they are read. */
export function decision(
  verdict: Decision.Verdict,
  policyDigest: Hex,
  trace: Trace,
): Decision.Decision {
  const judged = {
    __proto__: inWords,
    status: 'decided',
    verdict,
    policyDigest,
    trace,
    words: undefined,
  }
  return judged as unknown as Decision.Decision
}

function words(judged: Judged): Words {
  judged.words ??= write(judged.trace, judged.verdict)
  return judged.words
}

function write(trace: Trace, verdict: Decision.Verdict): Words {
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
