/**
 * @module Check: what is wrong with a policy before it meets a payment. Contradictions come first, then
 * rules that never decide, then limits that are never reached, then warnings. Sound rather than complete:
 * what is reported is so, and what is not reported may still be odd.
 */
import * as Dead from './check/Dead.ts'
import type { Finding } from './check/Finding.ts'
import * as Trouble from './check/Trouble.ts'
import * as Unreachable from './check/Unreachable.ts'
import type * as Policy from './Policy.ts'

export type { Finding, Kind } from './check/Finding.ts'

/** All that is found, as plain data. */
export function findings(policy: Policy.Policy): readonly Finding[] {
  const dead = Dead.find(policy)
  const found = [
    ...Trouble.contradictions(policy),
    ...dead.findings,
    ...Unreachable.find(policy, dead.standing),
    ...Trouble.warnings(policy),
  ]
  const order = ['contradiction', 'dead', 'never-binds', 'warning']
  return found.toSorted((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind))
}

/** A finding as one line of text. */
export function format({ kind, rule, pattern, because, example }: Finding): string {
  const about = [rule, pattern].filter((text) => text !== undefined).join(' · ')
  const shown = example === undefined ? '' : ` (${example})`
  return `${kind}${about === '' ? '' : `: ${about}`}: ${because}${shown}`
}
