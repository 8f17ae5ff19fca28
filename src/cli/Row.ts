/** @module One question as `start --json` and `ask --json` print it: amounts as decimal strings. */
import type * as Buyer from '../agents/Buyer.ts'

/** A question, its answer, and what it cost. */
export type Row = {
  readonly question: string
  readonly answer: string | null
  readonly sources: readonly {
    readonly document: string
    readonly owner: string
    readonly ppb: string
    readonly start: number
    readonly end: number
  }[]
  readonly coveragePpb: string
  readonly work: { readonly stdUs: string; readonly computeMs: number }
  readonly executionNano: string
  readonly influenceNano: string
  readonly premiumNano: string
  readonly feeNano: string
  readonly gasNano: string
  readonly roundingNano: string
  readonly chargedAtoms: string
  readonly paidAtoms: string
  readonly changeAtoms: string
  readonly tx: string | null
  readonly verdict: string
  readonly states: readonly string[]
}

/** The row of an outcome; of one that delivered nothing, zeroes. */
export function of(question: string, outcome: Buyer.Outcome): Row {
  const { delivered, states } = outcome
  const verdict = outcome.verdict ?? 'none'
  if (delivered === undefined)
    return {
      ...{ question, answer: null, sources: [], coveragePpb: '0' },
      work: { stdUs: '0', computeMs: 0 },
      ...{ executionNano: '0', influenceNano: '0', premiumNano: '0', feeNano: '0', gasNano: '0' },
      ...{ roundingNano: '0', chargedAtoms: '0', paidAtoms: '0', changeAtoms: '0', tx: null },
      ...{ verdict, states },
    }
  const { receipt, answered, evidence } = delivered
  const { executionNano, influenceNano, premiumNano, feeNano, gasNano } = receipt.money
  const { roundingNano, chargedAtoms, paidAtoms, changeAtoms } = receipt.money
  return {
    question,
    answer: answered.output,
    sources: answered.sources.map(({ document, owner, ppb, start, end }) => ({
      ...{ document, owner, ppb, start, end },
    })),
    coveragePpb: receipt.influence.coveragePpb,
    work: { stdUs: receipt.stdUs, computeMs: receipt.computeMs },
    ...{ executionNano, influenceNano, premiumNano, feeNano, gasNano, roundingNano },
    ...{ chargedAtoms, paidAtoms, changeAtoms },
    ...{ tx: evidence.tx, verdict, states },
  }
}
