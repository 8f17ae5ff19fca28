/**
 * @module What an auditor does with two folders, a seller's and a buyer's: recomputes every verdict, meter,
 * price, attribution and payment from the files alone, and each log against the other.
 */
import { join } from 'node:path'
import { Agent, Purchase } from 'requite/agents'
import { Audit } from 'requite/economy'
import type { Hex } from 'requite/kernel'
import { Answers, Files, Journal } from 'requite/store'
import { Calls, PaymentEvidence, Wallet } from 'requite/wallets'

/** What was found in all folders together. */
export type Verified = {
  readonly records: number
  readonly failures: number
  /** Texts that somebody withdrew: said to be gone, not taken for wrong. */
  readonly erased: number
}

/** Audits the logs of folders against each other; names each failure on stderr. */
export function folders(...paths: readonly string[]): Verified {
  const logs = paths.map((folder) => {
    const reader = Journal.reader(join(folder, 'journal.db'))
    const texts = [...reader.read()]
    reader.close()
    return { folder, texts, origin: JSON.parse(texts[0]!).origin as string }
  })
  const reports = logs.map(({ folder, texts, origin }) =>
    Audit.run({
      texts,
      document: (hash) => Files.getDocument(join(folder, 'documents'), hash),
      answer: (receiptHash) => Answers.read(folder, receiptHash),
      leaves: (epoch) => Files.readText(join(folder, 'epochs', `${epoch}.jsonl`)),
      verifySignature: Wallet.verifyTypedData,
      readTransaction: Calls.read,
      checkPayment: (evidence, payment) =>
        PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
      transitionTables: new Map<Hex.Hex, Audit.Table>([
        [Purchase.machineDigest, Purchase.table],
        [Agent.machineDigest, Agent.table],
      ]),
      counterparts: new Map(
        logs.filter((log) => log.origin !== origin).map((log) => [log.origin, log.texts]),
      ),
    }),
  )
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)
  const failures = reports.flatMap((report) => report.failures)
  for (const { name, subject, because } of failures) console.error(name, subject, because)
  return {
    records: sum(reports.map(({ records }) => records)),
    failures: failures.length,
    erased: sum(reports.map(({ erased }) => erased)),
  }
}
