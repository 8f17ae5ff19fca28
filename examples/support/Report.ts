/**
 * @module What an example tells: decisions with their reasons, and its end, when everybody's folders are
 * verified from their files and removed. With `--json` the last line says what was proved.
 */
import { rmSync } from 'node:fs'
import * as Verify from './Verify.ts'

/** Something that a policy decided: a purchase, or one that was only asked about. */
export type Decided = {
  readonly state?: string
  readonly verdict?: string
  readonly reasons: readonly { readonly outcome: string; readonly because: string }[]
}

/** Prints how it ended and what each sentence of the policy said; returns it. */
export function tell<Some extends Decided>(what: string, decided: Some): Some {
  console.log(`\n${what}: ${decided.state ?? decided.verdict}`)
  for (const { outcome, because } of decided.reasons) console.log(`  ${outcome} ${because}`)
  return decided
}

/** What an example has to show. */
export type Proof = {
  /** Its number. */
  readonly example: string
  /** Where everybody's folders are. */
  readonly folder: string
  /** The folders with a journal. */
  readonly journals: readonly string[]
  /** Whether every atom was found again. */
  readonly conserved: boolean
  readonly paidAtoms: bigint
}

/** Ends the process's work: with exit code 1 when something does not hold. */
export function end({ example, folder, journals, conserved, paidAtoms }: Proof): void {
  const verify = Verify.folders(...journals)
  rmSync(folder, { recursive: true })
  console.log(`verified ${verify.records} records: ${verify.failures} failures`)
  const report = { v: 1, example, conserved, paidAtoms: String(paidAtoms), verify }
  if (process.argv.includes('--json')) console.log(JSON.stringify(report))
  process.exitCode = conserved && verify.failures === 0 ? 0 : 1
}
