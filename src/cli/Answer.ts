/** @module Answers: how one purchase ended, as `ask` and `policy approve` print it, and its exit code. */
import type * as Buyer from '../agents/Buyer.ts'
import * as Json from '../kernel/Json.ts'
import * as Chain from './Chain.ts'
import * as Desk from './Desk.ts'
import type * as Home from './Home.ts'
import * as Print from './Print.ts'
import * as Row from './Row.ts'
import type * as Run from './Run.ts'
import * as Verdict from './Verdict.ts'

/** Prints how a purchase ended; of one that waits for approval, what to type to approve it. */
export function print(
  question: string,
  outcome: Buyer.Outcome,
  context: {
    readonly home: Home.Home
    readonly place: Chain.Place
    readonly flags: readonly string[]
    readonly json: boolean
  },
): void {
  const { home, place, flags, json } = context
  const { asset } = place
  const isReviewed = outcome.code === 'needs-approval'
  const priceAtoms = isReviewed ? Desk.priceAtoms(home, outcome.purchase) : undefined
  const more = { asset, priceAtoms, flags }
  const approve = isReviewed ? Verdict.approveLine(outcome, more) : undefined
  if (!json) {
    const baseUrl = Chain.baseUrl(home, place)
    Print.line(Print.outcome(question, outcome, { asset, baseUrl }))
    if (approve !== undefined) Print.line(`\n  ${approve}`)
    return
  }
  const { state, reasons, purchase, delivered } = outcome
  Print.line(
    JSON.stringify({
      v: 1,
      ...Row.of(question, outcome),
      ...{ state, purchase },
      reasons: Json.plain(reasons),
      receipt: delivered === undefined ? null : delivered.receiptHash,
      ...(delivered === undefined ? { message: Print.plainRefusal(outcome) } : {}),
      ...(approve === undefined ? {} : { approve }),
    }),
  )
}

/** 0 bought; 3, 4 and 5 as the policy said no; 1 is anything else that brought no answer. */
export function exitCode({ state, verdict, reasons }: Buyer.Outcome): Run.ExitCode {
  if (state === 'captured') return 0
  return verdict === undefined || verdict === 'allow' ? 1 : Verdict.exitCode(verdict, reasons)
}
