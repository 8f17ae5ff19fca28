/** @module An agent's records, judged one by one: quotes decided on, payments signed, receipts captured. */
import type * as Event from '../Event.ts'
import * as Answers from './Answers.ts'
import * as Calls from './Calls.ts'
import * as Machines from './Machines.ts'
import * as Payments from './Payments.ts'
import type { Place, State } from './State.ts'
import * as Terms from './Terms.ts'

/** Judges a record of the buying side; leaves others alone. */
export function judge(audit: State, event: Event.Event, { subject, record }: Place): void {
  const { world, tally, facts } = audit
  switch (event.type) {
    case 'decided':
      tally.judge('quote', subject, () => Terms.decided(world, facts, event, record))
      break
    case 'paying':
      tally.judge('payment', subject, () => payingFault(audit, event))
      break
    case 'captured':
      if (event.receipt !== undefined)
        tally.judge('receipt', subject, () => Terms.captured(world, facts, event))
      tally.judge('payment', subject, () => evidenceFault(audit, event))
      if (event.receipt !== undefined)
        Answers.judge(world, tally, { receipt: event.receipt, subject })
      break
    case 'disputed':
      tally.judge('payment', subject, () => evidenceFault(audit, event))
      break
    case 'refunded':
      tally.judge('receipt', subject, () => Terms.refunded(facts, event))
      tally.judge('payment', subject, () => evidenceFault(audit, event))
      break
    case 'voided':
      break
    case 'moved':
      tally.judge('identity', subject, () => Terms.moved(event, record))
      tally.judge('transition', subject, () => Machines.movedFault(world, facts, event))
      return
    default:
      return
  }
  tally.judge('transition', subject, () => Machines.edgeFault(world, facts, event))
}

function payingFault({ world, facts }: State, event: Event.Of<'paying'>): string | undefined {
  const decided = facts.purchases.get(event.purchase)?.decided
  if (decided === undefined) return 'payment of a purchase that was never decided'
  if (decided.terms?.kind === 'call') return Calls.signedFault(world, decided, event)
  return Payments.authorizationFault(world, Payments.authorized(decided, event))
}

type Ended = Event.Of<'captured' | 'disputed' | 'refunded'>

function evidenceFault({ world, facts }: State, event: Ended): string | undefined {
  const { decided, paying } = facts.purchases.get(event.purchase) ?? {}
  if (decided === undefined || paying === undefined) return 'paid without a signed payment'
  if (decided.terms?.kind === 'call') return Calls.evidenceFault(decided, paying, event.evidence)
  const { payment } = Payments.authorized(decided, paying)
  return Payments.evidenceFault(world, event.evidence, payment)
}
