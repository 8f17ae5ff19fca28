/**
 * @module Verification: recomputes everything from the files of a home, or of one party's folder. It
 * trusts nothing but its own code; whoever altered a file, it is named.
 */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import * as Purchase from '../agents/Purchase.ts'
import * as Audit from '../economy/Audit.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Record from '../provenance/Record.ts'
import * as Library from '../server/Library.ts'
import * as Settlement from '../server/Settlement.ts'
import * as Answers from '../store/Answers.ts'
import * as Files from '../store/Files.ts'
import * as Journal from '../store/Journal.ts'
import * as PaymentEvidence from '../wallets/PaymentEvidence.ts'
import * as Wallet from '../wallets/Wallet.ts'
import * as Control from './Control.ts'
import * as Home from './Home.ts'
import * as Manifest from './Manifest.ts'

/** One thing that does not hold. */
export type Failure = { readonly file: string; readonly check: string; readonly because: string }

/** What verification found. */
export type Result = {
  readonly records: number
  readonly failures: readonly Failure[]
  readonly erased: number
  /** Of each kind of check, how many came out how. */
  readonly checks: Checks
  /** `live`: a process has it open, so it has no manifest yet. */
  readonly manifest: 'verified' | 'failed' | 'live' | 'missing' | 'not asked for'
}

/** By name of check and outcome; only what was made. */
export type Checks = { [name: string]: { [outcome: string]: number } }

/** Told what is looked at, now and then. */
export type Progress = (what: string, records: number) => void

/** A party's folder and the texts of its log. */
type Party = { readonly folder: string; readonly texts: readonly string[]; readonly origin: string }

/** Verifies a home, or the folder of a node or an agent alone. Throws `InputError` when it is neither. */
export function run(target: string, agent: string, progress: Progress): Result {
  const home = Home.of({ home: target, agent })
  const isHome = existsSync(Home.journal(home.node)) || existsSync(home.manifest)
  if (!isHome && !existsSync(Home.journal(target)))
    throw new InputError(`expected a home or the folder of a node or an agent at ${target}`, {
      code: 'folder-missing',
      hint: '`npm start -- --once` makes .requite',
    })
  const failures: Failure[] = []
  const folders = isHome ? [home.node, home.agent] : [target]
  const parties = folders.flatMap((folder) => read(folder, target, failures))
  const checks: Checks = {}
  let [records, erased] = [0, 0]
  for (const party of parties) {
    const others = parties.filter((other) => other !== party)
    const report = audit(party, others, progress)
    records += report.records
    erased += report.erased
    add(checks, report.checks)
    const journal = relative(target, Home.journal(party.folder))
    for (const { name, subject, because = 'failed' } of report.failures)
      failures.push({ file: journal, check: name, because: `${subject}: ${because}` })
  }
  const manifest = isHome ? checkManifest(home, parties, failures) : 'not asked for'
  return { records, failures, erased, checks, manifest }
}

function read(folder: string, target: string, failures: Failure[]): Party[] {
  const file = Home.journal(folder)
  try {
    const reader = Journal.reader(file)
    try {
      const texts = [...reader.read()]
      const origin = texts[0] === undefined ? '' : Record.decode(texts[0]).origin
      return [{ folder, texts, origin }]
    } finally {
      reader.close()
    }
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    failures.push({ file: relative(target, file), check: 'journal', because: error.message })
    return []
  }
}

function audit(party: Party, others: readonly Party[], progress: Progress): Audit.Report {
  const { folder, texts } = party
  return Audit.run({
    texts,
    document: (docHash) => altered(() => Files.getDocument(Library.folder(folder), docHash)),
    answer: (receiptHash) => altered(() => Answers.read(folder, receiptHash)),
    leaves: (epoch) => Files.readText(join(folder, Settlement.leavesFile(epoch))),
    verifySignature: Wallet.verifyTypedData,
    checkPayment: (evidence, payment) =>
      PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
    transitionTables: new Map<Hex, typeof Purchase.table>([
      [Purchase.machineDigest, Purchase.table],
    ]),
    counterparts: new Map(others.map(({ origin, texts }) => [origin, texts])),
    onProgress: (done) => progress(folder, done),
  })
}

/** A file that is not what its name says is a finding, not an error. */
function altered<T>(look: () => T): T | { readonly kind: 'altered'; readonly because: string } {
  try {
    return look()
  } catch (error) {
    if (error instanceof BaseError) return { kind: 'altered', because: error.message }
    throw error
  }
}

function checkManifest(
  home: Home.Home,
  parties: readonly Party[],
  failures: Failure[],
): Result['manifest'] {
  const fail = (file: string, because: string) => {
    failures.unshift({ file, check: 'manifest', because })
    return 'failed' as const
  }
  if ([home.node, home.agent].some((folder) => Control.find(folder) !== undefined)) return 'live'
  const checked = Manifest.check(home)
  if (checked === undefined) {
    fail('manifest.json', 'missing: start and close the home once more to have it written')
    return 'missing'
  }
  for (const { path, because } of checked.problems) fail(path, because)
  if (checked.problems.length > 0) return 'failed'
  const node = parties.find(({ folder }) => folder === home.node)
  if (node !== undefined && node.origin !== checked.signer)
    return fail('manifest.json', `signed by ${checked.signer}, not by the node ${node.origin}`)
  return 'verified'
}

function add(into: Checks, from: Audit.Report['checks']): void {
  for (const [name, outcomes] of Object.entries(from))
    for (const [outcome, count] of Object.entries(outcomes)) {
      if (count === 0) continue
      into[name] ??= {}
      into[name][outcome] = (into[name][outcome] ?? 0) + count
    }
}
