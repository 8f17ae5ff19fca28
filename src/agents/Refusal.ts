/**
 * @module Refusals as failures, for callers who want an answer or an error: what the models sold here
 * cannot do, and a purchase that brought no answer. A refusal never comes as prose.
 */
import { assert } from '../kernel/Assert.ts'
import { BaseError, type Retry } from '../kernel/Errors.ts'
import * as Json from '../kernel/Json.ts'
import type { Outcome } from './Buyer.ts'

/** How a purchase was refused. */
export type Code = 'denied' | 'needs-approval' | 'refused' | 'expired' | 'disputed'

/** A purchase that brought no answer; `facts` holds its id, states, every rule's reason, atoms paid. */
export class PurchaseRefused extends BaseError {
  override name = 'PurchaseRefused'
  override readonly code: Code

  constructor(outcome: Outcome) {
    const code = codeOf(outcome)
    const { hint, retry } = advice[code]
    const { purchase, state, states, because = state, reasons, paidAtoms } = outcome
    const facts = { purchase, states, because, reasons: Json.plain(reasons) }
    super(`${says[code]}: ${because}`, {
      ...{ code, hint, retry },
      facts: { ...facts, paidAtoms: String(paidAtoms), reason: outcome.code ?? code },
    })
    this.code = code
  }
}

const says: Readonly<Record<Code, string>> = {
  denied: 'denied',
  'needs-approval': 'needs approval',
  refused: 'not bought',
  expired: 'never paid',
  disputed: 'paid and disputed',
}

const advice: Readonly<Record<Code, { readonly hint: string; readonly retry: Retry }>> = {
  denied: { hint: 'the policy says no: change its sentence, or ask for less', retry: 'never' },
  'needs-approval': { hint: 'somebody whom the policy names has to approve it', retry: 'never' },
  refused: { hint: 'nothing was paid; ask again', retry: 'safe' },
  expired: { hint: 'nothing was paid, and the hold is given back; ask again', retry: 'safe' },
  disputed: { hint: 'the money left; the evidence is in the journal', retry: 'never' },
}

function codeOf({ state, verdict }: Outcome): Code {
  assert(state !== 'captured', 'a purchase that brought no answer')
  if (state !== 'refused') return state
  if (verdict === 'deny') return 'denied'
  return verdict === 'review' ? 'needs-approval' : 'refused'
}

/** What no model sold here can do, under a code of its own. */
export function unsupported(what: 'tools' | 'schema' | 'stop', model: string): BaseError {
  const text = {
    tools: 'calls no tools',
    schema: 'answers in plain text and keeps to no schema',
    stop: 'knows no stop sequences',
  }
  return new BaseError(`${model} ${text[what]}`, {
    code: `${what}-unsupported`,
    hint: 'the models sold here quote documents: ask a question, get passages',
    facts: { model },
  })
}
