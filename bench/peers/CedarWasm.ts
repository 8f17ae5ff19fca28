/**
 * @module The eight rules for Cedar, parsed beforehand. Each is a `forbid`, so that the answer names those
 * that spoke: if the approval alone did, the verdict is review.
 */
import { setFlagsFromString } from 'node:v8'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import type { Peer } from './Question.ts'

// Node 20 aborts when it takes back the optimisation of a call into WebAssembly that it had inlined.
setFlagsFromString('--no-turbo-inline-js-wasm-calls')

/** Cedar for a payee that may always be paid. */
export function peer(till: string): Peer<cedar.StatefulAuthorizationCall> {
  const parsed = cedar.preparsePolicySet('desk', { staticPolicies: policies(till) })
  if (parsed.type !== 'success') throw new Error(JSON.stringify(parsed))
  return {
    name: 'cedar-wasm',
    prepare: (question) => ({
      principal: { type: 'Agent', id: 'desk' },
      action: { type: 'Action', id: 'pay' },
      resource: { type: 'Payee', id: question.payee },
      context: { ...question },
      preparsedPolicySetId: 'desk',
      entities: [],
    }),
    ask(call) {
      const answer = cedar.statefulIsAuthorized(call)
      if (answer.type !== 'success') throw new Error(JSON.stringify(answer.errors))
      const { decision, diagnostics } = answer.response
      if (decision === 'allow') return 'allow'
      return diagnostics.reason.every((id) => id === 'approve') ? 'review' : 'deny'
    },
  }
}

function policies(till: string): Record<string, string> {
  const unless = (condition: string) =>
    `forbid (principal, action, resource) unless { ${condition} };`
  return {
    any: 'permit (principal, action, resource);',
    payees: unless(`context.payee == "${till}" ||
      context.payee like "*.research.example" && context.payee != ".research.example"`),
    models: unless(`context.model == "docs-reader" ||
      context.model like "legal-de@*" && context.model != "legal-de@"`),
    payment: unless('context.atoms <= 2000000'),
    day: unless('context.dayUsed + context.atoms <= 50000000'),
    payee: unless('context.payeeUsed + context.atoms <= 10000000'),
    rate: unless('context.agentUsed + 1 <= 30'),
    coverage: unless('context.coverage >= 500000000'),
    approve: unless(`context.atoms <= 1000000 || context.approvedBy == "ops" &&
      context.approvedPayee == context.payee && context.approvedModel == context.model &&
      context.approvedAtoms >= context.atoms`),
  }
}
