/** @module The eight rules for json-logic-engine, compiled: ifs in JSON, from the first rule to the last. */
import { LogicEngine } from 'json-logic-engine'
import type { Verdict } from '../../src/policies/Budget.ts'
import type { Peer, Question } from './Question.ts'

/** JSON logic for a payee that may always be paid. */
export function peer(till: string): Peer<Question> {
  const engine = new LogicEngine()
  const has = (name: keyof Question) => ({ var: name })
  const cut = (name: keyof Question, ...range: number[]) => ({ substr: [has(name), ...range] })
  const longer = (name: keyof Question, length: number) => ({
    '>': [{ length: has(name) }, length],
  })
  const payee = {
    or: [
      { '===': [has('payee'), till] },
      { and: [longer('payee', 17), { '===': [cut('payee', -17), '.research.example'] }] },
    ],
  }
  const model = {
    or: [
      { '===': [has('model'), 'docs-reader'] },
      { and: [longer('model', 9), { '===': [cut('model', 0, 9), 'legal-de@'] }] },
    ],
  }
  const limits = [
    { '<=': [has('atoms'), 2_000_000] },
    { '<=': [{ '+': [has('dayUsed'), has('atoms')] }, 50_000_000] },
    { '<=': [{ '+': [has('payeeUsed'), has('atoms')] }, 10_000_000] },
    { '<=': [{ '+': [has('agentUsed'), 1] }, 30] },
    { '>=': [has('coverage'), 500_000_000] },
  ]
  const approved = {
    or: [
      { '<=': [has('atoms'), 1_000_000] },
      {
        and: [
          { '===': [has('approvedBy'), 'ops'] },
          { '===': [has('approvedPayee'), has('payee')] },
          { '===': [has('approvedModel'), has('model')] },
          { '>=': [has('approvedAtoms'), has('atoms')] },
        ],
      },
    ],
  }
  const hard = { and: [payee, model, ...limits] }
  const ask = engine.build({
    if: [{ '!': hard }, 'deny', { if: [approved, 'allow', 'review'] }],
  }) as (question: Question) => Verdict
  return { name: 'json-logic-engine', prepare: (question) => question, ask }
}
