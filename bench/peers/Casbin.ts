/**
 * @module The eight rules for casbin in two forms. As one matcher, its quickest: the rules are no data, and
 * a second matcher without the approval is asked when the first says no. And as eight lines of policy, each
 * a rule by itself, of which the answer names the one that denied.
 */
import { type Enforcer, newEnforcer, newModelFromString } from 'casbin'
import type { Peer, Question } from './Question.ts'

const approved = `(r.q.atoms <= 1000000 || r.q.approvedBy == "ops" && r.q.approvedPayee == r.q.payee && r.q.approvedModel == r.q.model && r.q.approvedAtoms >= r.q.atoms)`

/** One matcher, for a payee that may always be paid. */
export async function matcher(till: string): Promise<Peer<Question>> {
  const effect = 'some(where (p.eft == allow))'
  const hard = rules(till).join(' && ')
  const all = await enforcer({ matcher: `${hard} && ${approved}`, effect })
  const most = await enforcer({ matcher: hard, effect })
  return {
    name: 'casbin/one-matcher',
    prepare: (question) => question,
    ask(question) {
      if (all.enforceSync(question)) return 'allow'
      return most.enforceSync(question) ? 'review' : 'deny'
    },
  }
}

/** Eight lines, for a payee that may always be paid. */
export async function lines(till: string): Promise<Peer<Question>> {
  const effect = '!some(where (p.eft == deny))'
  const made = await enforcer({ matcher: 'eval(p.rule)', effect })
  for (const rule of [...rules(till), approved]) await made.addPolicy(`!(${rule})`, 'deny')
  return {
    name: 'casbin',
    prepare: (question) => question,
    ask(question) {
      const [isAllowed, line] = made.enforceExSync(question)
      if (isAllowed) return 'allow'
      return line[0] === `!(${approved})` ? 'review' : 'deny'
    },
  }
}

/** What must be so of every payment. */
function rules(till: string): readonly string[] {
  return [
    `(r.q.payee == "${till}" || ends(r.q.payee, ".research.example"))`,
    '(r.q.model == "docs-reader" || begins(r.q.model, "legal-de@"))',
    'r.q.atoms <= 2000000',
    'r.q.dayUsed + r.q.atoms <= 50000000',
    'r.q.payeeUsed + r.q.atoms <= 10000000',
    'r.q.agentUsed + 1 <= 30',
    'r.q.coverage >= 500000000',
  ]
}

async function enforcer(options: { matcher: string; effect: string }): Promise<Enforcer> {
  const model = newModelFromString(`
[request_definition]
r = q
[policy_definition]
p = rule, eft
[policy_effect]
e = ${options.effect}
[matchers]
m = ${options.matcher}
`)
  const made = await newEnforcer(model)
  await made.addFunction('ends', (text: string, end: string) => {
    return text.length > end.length && text.endsWith(end)
  })
  await made.addFunction('begins', (text: string, start: string) => {
    return text.length > start.length && text.startsWith(start)
  })
  return made
}
