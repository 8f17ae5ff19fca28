/**
 * @module `approve above 1 USDC by ops`: a larger payment waits until one of those named has approved
 * this payee and this model up to at least this amount; unanswered, it ends as if refused.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import type { Facts } from '../Request.ts'
import * as Sentence from '../Sentence.ts'
import { record, show, strings } from '../Untrusted.ts'
import * as Window from '../Window.ts'

/** The rule as plain JSON; atoms as a decimal string. */
export type ApproveAbove = {
  readonly rule: 'approve-above'
  readonly atoms: string
  readonly by: readonly string[]
  /** How long it waits for an answer; {@link patienceMs} if it does not say. */
  readonly withinMs?: number
}

/** How long a review waits that no sentence times. */
export const patienceMs = 3_600_000

/** What was expected, if `text` names no approver. */
export function refuseApprover(text: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(text)
    ? undefined
    : 'an approver of at most 64 letters, digits and . _ @ -'
}

/** Reads, writes and judges `approve above … by …`. */
export const kind: Kind<ApproveAbove> = {
  rule: 'approve-above',
  examples: (symbol) => [
    `approve above 1 ${symbol} by ops`,
    `approve above 1 ${symbol} within 15m by ops`,
  ],
  read(cursor, asset) {
    Sentence.word(cursor, 'approve')
    Sentence.word(cursor, 'above')
    const atoms = Sentence.money(cursor, asset)
    const withinMs = Sentence.maybe(cursor, 'within') ? Sentence.duration(cursor) : undefined
    Sentence.word(cursor, 'by')
    const by = Sentence.list(cursor, {
      what: 'an approver such as ops',
      example: 'ops',
      refuse: refuseApprover,
    })
    return { rule: 'approve-above', atoms, by, ...(withinMs === undefined ? {} : { withinMs }) }
  },
  format({ atoms, by, withinMs }, asset) {
    const within = withinMs === undefined ? '' : ` within ${Window.duration(withinMs)}`
    const above = Money.format(Money.of(asset, BigInt(atoms)))
    return `approve above ${above}${within} by ${by.join(', ')}`
  },
  fromJson(value) {
    const json = record(value, 'an approve-above rule', ['rule', 'atoms', 'by'], ['withinMs'])
    const { withinMs } = json
    if (withinMs !== undefined && !Window.is(withinMs))
      throw new InputError(`expected withinMs as whole seconds, got ${show(withinMs)}`)
    return {
      rule: 'approve-above',
      atoms: Money.atoms(json.atoms, 'atoms').toString(),
      by: strings(json.by, 'by', refuseApprover),
      ...(withinMs === undefined ? {} : { withinMs }),
    }
  },
  judge({ atoms, by }, { asset, sentence: rule }) {
    const limit = BigInt(atoms)
    const show = (amount: bigint) => Money.decimal(amount, asset.decimals)
    return {
      rule,
      outcome(facts) {
        if (facts.atoms === undefined) return 'deny'
        if (facts.atoms <= limit) return 'allow'
        return unbound(facts, by, show) === undefined ? 'allow' : 'review'
      },
      because(facts) {
        if (facts.atoms === undefined) return missing(rule, 'amount')
        const opening = `${rule}: ${show(facts.atoms)} asked`
        if (facts.atoms <= limit) return opening
        return `${opening}, ${unbound(facts, by, show) ?? `approved by ${facts.approval!.by}`}`
      },
    }
  },
}

/** Why the request's approval does not cover it; `undefined` when it does. */
function unbound(
  { approval, payee, model, atoms }: Facts,
  by: readonly string[],
  show: (amount: bigint) => string,
): string | undefined {
  if (approval === undefined) return 'not approved yet'
  if (!by.includes(approval.by)) return `approved by ${approval.by}, who is not named`
  if (approval.payee !== payee) return `approved for payee ${approval.payee}`
  if (approval.model !== model) return `approved for model ${approval.model}`
  if (approval.ceilingAtoms < atoms!) return `approved up to ${show(approval.ceilingAtoms)}`
  return undefined
}
