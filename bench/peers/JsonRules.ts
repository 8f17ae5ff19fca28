/**
 * @module The eight rules for json-rules-engine: seven that allow all but what they deny, and the approval.
 * It answers by a promise.
 */
import { Engine, type RuleProperties } from 'json-rules-engine'
import type { Peer } from './Question.ts'

/** JSON rules for a payee that may always be paid. */
export function peer(till: string): Peer<Record<string, unknown>> {
  const engine = new Engine()
  engine.addOperator('ends', (text: string, end: string) => {
    return text.length > end.length && text.endsWith(end)
  })
  engine.addOperator('begins', (text: string, start: string) => {
    return text.length > start.length && text.startsWith(start)
  })
  for (const rule of rules(till)) engine.addRule(rule)
  return {
    name: 'json-rules-engine',
    // It knows no sums: those are facts as well.
    prepare: (question) => ({
      ...question,
      dayAfter: question.dayUsed + question.atoms,
      payeeAfter: question.payeeUsed + question.atoms,
      agentAfter: question.agentUsed + 1,
    }),
    async ask(facts) {
      const { events } = await engine.run(facts)
      const met = new Set(events.map(({ type }) => type))
      if (met.size < 7 || (met.size === 7 && met.has('approve'))) return 'deny'
      return met.has('approve') ? 'allow' : 'review'
    },
  }
}

function rules(till: string): RuleProperties[] {
  const is = (fact: string, operator: string, value: unknown) => ({ fact, operator, value })
  const rule = (type: string, ...any: RuleProperties['conditions'][]) => ({
    conditions: { any },
    event: { type },
  })
  const all = (...conditions: unknown[]) =>
    ({ all: conditions }) as unknown as RuleProperties['conditions']
  return [
    rule('payees', all(is('payee', 'equal', till)), all(is('payee', 'ends', '.research.example'))),
    rule(
      'models',
      all(is('model', 'equal', 'docs-reader')),
      all(is('model', 'begins', 'legal-de@')),
    ),
    rule('payment', all(is('atoms', 'lessThanInclusive', 2_000_000))),
    rule('day', all(is('dayAfter', 'lessThanInclusive', 50_000_000))),
    rule('payee', all(is('payeeAfter', 'lessThanInclusive', 10_000_000))),
    rule('rate', all(is('agentAfter', 'lessThanInclusive', 30))),
    rule('coverage', all(is('coverage', 'greaterThanInclusive', 500_000_000))),
    rule(
      'approve',
      all(is('atoms', 'lessThanInclusive', 1_000_000)),
      all(
        is('approvedBy', 'equal', 'ops'),
        is('approvedPayee', 'equal', { fact: 'payee' }),
        is('approvedModel', 'equal', { fact: 'model' }),
        is('approvedAtoms', 'greaterThanInclusive', { fact: 'atoms' }),
      ),
    ),
  ]
}
