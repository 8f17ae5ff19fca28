/**
 * @module Refusals as failures, for callers who want an answer or an error: what the models sold here
 * cannot do, and a purchase that brought no answer. A refusal never comes as prose.
 */
import { assert } from '../kernel/Assert.ts'
import { BaseError, type Retry } from '../kernel/Errors.ts'
import * as Json from '../kernel/Json.ts'
import type { Outcome } from './Buyer.ts'

/** How a purchase was refused. */
export type Code = 'denied' | 'needs-approval' | 'refused' | 'expired' | 'disputed' | 'refunded'

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
  refunded: 'paid and kept as change',
}

const advice: Readonly<Record<Code, { readonly hint: string; readonly retry: Retry }>> = {
  denied: { hint: 'the policy says no: change its sentence, or ask for less', retry: 'never' },
  'needs-approval': { hint: 'somebody whom the policy names has to approve it', retry: 'never' },
  refused: { hint: 'nothing was paid; ask again', retry: 'safe' },
  expired: { hint: 'nothing was paid, and the hold is given back; ask again', retry: 'safe' },
  refunded: {
    hint: 'the seller served nothing and owes it all as change; ask it again',
    retry: 'safe',
  },
  disputed: { hint: 'the money left; the evidence is in the journal', retry: 'never' },
}

function codeOf({ state, verdict }: Outcome): Code {
  assert(state !== 'captured', 'a purchase that brought no answer')
  if (state !== 'refused') return state
  if (verdict === 'deny') return 'denied'
  return verdict === 'review' ? 'needs-approval' : 'refused'
}

/** What the seller's card does not say it can, under a code of its own; undefined of other refusals. */
export function unsupported({ code, because = '' }: Outcome): BaseError | undefined {
  if (code === undefined || !/^(tools|schema|stop)-unsupported$/.test(code)) return undefined
  const hint = 'the seller’s card says what its model can; nothing was signed'
  return new BaseError(because, { code, hint })
}
