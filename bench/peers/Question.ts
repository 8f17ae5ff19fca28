/**
 * @module A request as a general engine is asked it: plain names and numbers, and what every meter says,
 * looked up beforehand. That is generous: keeping the meters is left to others.
 */
import type { Decision, Request, Verdict } from '../../src/policies/Budget.ts'

/** Amounts as numbers: the bench's are small enough to be exact. */
export type Question = {
  readonly payee: string
  readonly model: string
  readonly coverage: number
  readonly atoms: number
  readonly dayUsed: number
  readonly payeeUsed: number
  readonly agentUsed: number
  readonly approvedBy: string
  readonly approvedPayee: string
  readonly approvedModel: string
  readonly approvedAtoms: number
}

/** What answers questions; `ask` is given back what `prepare` made of one. */
export type Peer<Prepared> = {
  readonly name: string
  readonly prepare: (question: Question) => Prepared
  readonly ask: (prepared: Prepared) => Verdict | Promise<Verdict>
}

/** The question that a request is, with meters as a decision about it read them. */
export function of(request: Request, { reasons }: Decision): Question {
  const { payee, model, atoms, coveragePpb, approval } = request
  const [dayUsed, payeeUsed, agentUsed] = reasons.flatMap(({ meter }) =>
    meter === undefined ? [] : [Number(meter.used)],
  )
  return {
    payee,
    model,
    coverage: Number(coveragePpb),
    atoms: Number(atoms),
    ...{ dayUsed: dayUsed!, payeeUsed: payeeUsed!, agentUsed: agentUsed! },
    approvedBy: approval?.by ?? '',
    approvedPayee: approval?.payee ?? '',
    approvedModel: approval?.model ?? '',
    approvedAtoms: Number(approval?.ceilingAtoms ?? -1),
  }
}
