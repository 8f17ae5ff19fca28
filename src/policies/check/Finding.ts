/** @module Findings: what is wrong with a policy, in words an operator understands. Plain data. */

/**
 * `dead`: the rule, or the one pattern of it, never decides, so leaving it out changes no verdict.
 * `never-binds`: the limit is never reached by what was spent under this policy. `contradiction`: nothing
 * can ever be allowed. `warning`: something is allowed that few would want.
 */
export type Kind = 'contradiction' | 'dead' | 'never-binds' | 'warning'

/** One thing found. */
export type Finding = {
  readonly kind: Kind
  /** The sentence it is about; none if it is about the policy as a whole. */
  readonly rule?: string
  /** Which of the rule's sentences of that wording, counted from 0, in the policy's order of rules. */
  readonly at?: number
  /** The one pattern of the sentence it is about; none if it is about all of the sentence. */
  readonly pattern?: string
  /** The sentences that make it so. */
  readonly against?: readonly string[]
  readonly because: string
  /** A name, or a payment in words, that shows it. */
  readonly example?: string
}
