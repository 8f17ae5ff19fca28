/**
 * @module What lies beside a log that was judged before: the log's own bytes are still the same, so what
 * follows from them alone does too; but documents, answers and published leaves may have changed since.
 */
import type * as Event from '../Event.ts'
import * as Answers from './Answers.ts'
import * as Selling from './Selling.ts'
import type { Place, State } from './State.ts'

/** Judges the files that a record of either side commits to. */
export function judge(audit: State, event: Event.Event, { subject }: Place): void {
  switch (event.type) {
    case 'revealed':
      Selling.revealed(audit, event)
      return
    case 'served':
      Selling.answered(audit, event, subject)
      return
    case 'closing':
      Selling.published(audit, event)
      return
    case 'captured':
      if (event.receipt !== undefined)
        Answers.judge(audit.world, audit.tally, { receipt: event.receipt, subject })
      return
  }
}
