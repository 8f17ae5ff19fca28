/**
 * @module `approve above 1 USDC by ops`: a larger payment waits until one of those named has approved
 * this payee and this model up to at least this amount.
 */
import * as Money from '../../kernel/Money.ts'
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import type { Facts } from '../Request.ts'
import * as Sentence from '../Sentence.ts'
import { record, strings } from '../Untrusted.ts'

/** The rule as plain JSON; atoms as a decimal string. */
export type ApproveAbove = {
  readonly rule: 'approve-above'
  readonly atoms: string
  readonly by: readonly string[]
}

/** What was expected, if `text` names no approver. */
export function refuseApprover(text: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(text)
    ? undefined
    : 'an approver of at most 64 letters, digits and . _ @ -'
}

/** Reads, writes and judges `approve above … by …`. */
export const kind: Kind<ApproveAbove> = {
  rule: 'approve-above',
  examples: (symbol) => [`approve above 1 ${symbol} by ops`],
  read(cursor, asset) {
    Sentence.word(cursor, 'approve')
    Sentence.word(cursor, 'above')
    const atoms = Sentence.money(cursor, asset)
    Sentence.word(cursor, 'by')
    const by = Sentence.list(cursor, {
      what: 'an approver such as ops',
      example: 'ops',
      refuse: refuseApprover,
    })
    return { rule: 'approve-above', atoms, by }
  },
  format: ({ atoms, by }, asset) =>
    `approve above ${Money.format(Money.of(asset, BigInt(atoms)))} by ${by.join(', ')}`,
  fromJson(value) {
    const { atoms, by } = record(value, 'an approve-above rule', ['rule', 'atoms', 'by'])
    return {
      rule: 'approve-above',
      atoms: Money.atoms(atoms, 'atoms').toString(),
      by: strings(by, 'by', refuseApprover),
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
