/**
 * @module Verification: recomputes everything from the files of a home, or of one party's folder. It
 * trusts nothing but its own code; whoever altered a file, it is named. Every record is read, hashed,
 * linked and replayed each time; what this user's seal says was judged before is judged again only where
 * other files take part.
 */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import * as Agent from '../agents/Agent.ts'
import * as Purchase from '../agents/Purchase.ts'
import * as Audit from '../economy/Audit.ts'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Log from '../provenance/Log.ts'
import * as Record from '../provenance/Record.ts'
import * as Library from '../server/Library.ts'
import * as Settlement from '../server/Settlement.ts'
import * as Answers from '../store/Answers.ts'
import * as CodeDigest from '../store/CodeDigest.ts'
import * as Files from '../store/Files.ts'
import * as Journal from '../store/Journal.ts'
import * as Calls from '../wallets/Calls.ts'
import * as PaymentEvidence from '../wallets/PaymentEvidence.ts'
import * as Wallet from '../wallets/Wallet.ts'
import * as Control from './Control.ts'
import * as Home from './Home.ts'
import * as Manifest from './Manifest.ts'
import * as Verified from './Verified.ts'

/** One thing that does not hold. */
export type Failure = { readonly file: string; readonly check: string; readonly because: string }

/** What verification found. */
export type Result = {
  readonly records: number
  /** Of these, so many as no earlier verification vouches for: judged in every respect. */
  readonly judged: number
  readonly failures: readonly Failure[]
  readonly erased: number
  /** Of each kind of check, how many came out how. */
  readonly checks: Checks
  /** `live`: a process has it open, so it has no manifest yet. */
  readonly manifest: 'verified' | 'failed' | 'live' | 'missing' | 'not asked for'
  /** What else there is to say: why an earlier verification is not used, or this one not kept. */
  readonly notes: readonly string[]
}

/** By name of check and outcome; only what was made. */
export type Checks = { [name: string]: { [outcome: string]: number } }

/** How far it is: records read, or judged, of all there are. */
export type Step = {
  readonly what: 'reading' | 'judging'
  readonly done: number
  readonly total: number
}

/** How a verification goes on from earlier ones. */
export type Options = {
  /** Judges every record again and remembers nothing; roots verified before bind all the same. */
  readonly all?: boolean
  /** File of the key that seals what is remembered; nothing is when left out. */
  readonly key?: string
  readonly now: Clock
  readonly onStep?: (step: Step) => void
  /** Stops it; what was judged until then is remembered. */
  readonly signal?: AbortSignal
}

/** A party's folder, the texts of its log, and how far they are judged without failure. */
type Party = {
  readonly folder: string
  readonly path: string
  readonly texts: readonly string[]
  readonly log: Log.View
  readonly origin: string
  judged: number
  /** It is not what was verified before: what is known of it stays as it was. */
  differs: boolean
}

/** A verification under way. */
type Work = {
  readonly target: string
  readonly home: Home.Home
  readonly isHome: boolean
  readonly known: Verified.Logs
  readonly code: Hex | undefined
  readonly parties: Party[]
  readonly failures: Failure[]
}

/** Verifies without a memory of earlier verifications. Throws `InputError` as {@link resume} does. */
export function run(target: string, agent: string, onStep?: Options['onStep']): Result {
  const steps = verify(begin(target, agent))
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    onStep?.(step.value)
  }
}

/**
 * Verifies a home, or the folder of a node or an agent alone, going on from what was verified before.
 * Throws `InputError` when it is neither, and `interrupted` once `signal` came.
 */
export async function resume(target: string, agent: string, options: Options): Promise<Result> {
  const { key, all = false, onStep, signal } = options
  const found = key === undefined ? ({ kind: 'none' } as const) : Verified.read(target, key)
  const code = all ? undefined : CodeDigest.ofProgram()
  const known = found.kind === 'found' ? found.logs : {}
  const work: Work = { ...begin(target, agent), known, code }
  const notes: string[] = []
  if (found.kind === 'refused')
    notes.push(`${Verified.fileOf(target)} is not used, all is judged again: ${found.because}`)
  const save = () => {
    const because = key === undefined || all ? undefined : remember(work, { ...options, key })
    return because === undefined ? [] : [`what was verified is not remembered: ${because}`]
  }
  const steps = verify(work)
  let [turnedMs, savedMs] = [performance.now(), performance.now()]
  for (;;) {
    const step = steps.next()
    if (step.done === true)
      return { ...step.value, notes: [...notes, ...step.value.notes, ...save()] }
    onStep?.(step.value)
    if (performance.now() - turnedMs > turnMs) {
      await turn()
      turnedMs = performance.now()
    }
    if (signal?.aborted === true) throw interrupted(step.value, all, save())
    if (performance.now() - savedMs < saveMs) continue
    save()
    savedMs = performance.now()
  }
}

/** So long it works without looking up: then Ctrl-C is heard. */
const turnMs = 50
/** What a killed verification loses at most. */
const saveMs = 5_000

function begin(target: string, agent: string): Work {
  const home = Home.of({ home: target, agent })
  const isHome = existsSync(Home.journal(home.node)) || existsSync(home.manifest)
  if (!isHome && !existsSync(Home.journal(target)))
    throw new InputError(`expected a home or the folder of a node or an agent at ${target}`, {
      code: 'folder-missing',
      hint: '`npm start -- --once` makes .requite',
    })
  return { target, home, isHome, known: {}, code: undefined, parties: [], failures: [] }
}

function* verify(work: Work): Generator<Step, Result> {
  const { target, home, isHome, parties, failures } = work
  for (const folder of isHome ? [home.node, home.agent] : [target]) yield* read(work, folder)
  const total = parties.reduce((sum, { texts }) => sum + texts.length, 0)
  const checks: Checks = {}
  let [records, erased, judged] = [0, 0, 0]
  for (const party of parties) {
    const before = hold(work, party)
    const report = yield* audit(work, party, { before, done: records, total })
    records += report.records
    judged += report.records - before
    erased += report.erased
    add(checks, report.checks)
    const file = relative(target, Home.journal(party.folder))
    for (const { name, subject, because = 'failed' } of report.failures)
      failures.push({ file, check: name, because: `${subject}: ${because}` })
  }
  const manifest = isHome ? checkManifest(home, parties, failures) : 'not asked for'
  return { records, judged, failures, erased, checks, manifest, notes: [] }
}

function* read(work: Work, folder: string): Generator<Step> {
  const { target, parties, failures } = work
  const file = Home.journal(folder)
  try {
    const reader = Journal.reader(file)
    try {
      const total = reader.size()
      const texts: string[] = []
      const log = Log.create()
      for (const text of reader.read()) {
        texts.push(text)
        log.append(Record.hash(text))
        yield { what: 'reading', done: texts.length, total }
      }
      const origin = texts[0] === undefined ? '' : Record.decode(texts[0]).origin
      const path = relative(target, folder) || '.'
      parties.push({ folder, path, texts, log, origin, judged: 0, differs: false })
    } finally {
      reader.close()
    }
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    failures.push({ file: relative(target, file), check: 'journal', because: error.message })
  }
}

/** Holds a log to what was verified of it before; how many of its records need no second judgement. */
function hold({ target, known, code, failures }: Work, party: Party): number {
  const before = known[party.path]
  if (before === undefined) return 0
  const verdict = Verified.judge(before, { ...party, code })
  if (verdict.kind === 'agrees') {
    party.judged = verdict.judged
    return verdict.judged
  }
  party.differs = true
  const file = relative(target, Home.journal(party.folder))
  failures.push({ file, check: 'verified before', because: verdict.because })
  return 0
}

function* audit(
  work: Work,
  party: Party,
  from: { readonly before: number; readonly done: number; readonly total: number },
): Generator<Step, Audit.Report> {
  const { folder, texts } = party
  const others = work.parties.filter((other) => other !== party)
  const steps = Audit.steps({
    texts,
    document: (docHash) => altered(() => Files.getDocument(Library.folder(folder), docHash)),
    answer: (receiptHash) => altered(() => Answers.read(folder, receiptHash)),
    leaves: (epoch) => Files.readText(join(folder, Settlement.leavesFile(epoch))),
    verifySignature: Wallet.verifyTypedData,
    readTransaction: Calls.read,
    checkPayment: (evidence, payment) =>
      PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
    transitionTables: new Map<Hex, Audit.Table>([
      [Purchase.machineDigest, Purchase.table],
      [Agent.machineDigest, Agent.table],
    ]),
    counterparts: new Map(others.map(({ origin, texts }) => [origin, texts])),
    judgedBefore: from.before,
  })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    const { records, failures } = step.value
    if (failures === 0) party.judged = Math.max(party.judged, records)
    yield { what: 'judging', done: from.done + records, total: from.total }
  }
}

/** Keeps how far each log is judged; why not, when the disk refuses. */
function remember(
  { target, known, code, parties }: Work,
  { key, now }: { readonly key: string; readonly now: Clock },
): string | undefined {
  if (code === undefined) return 'this program cannot tell its own version'
  const logs: { [folder: string]: Verified.Known } = { ...known }
  for (const party of parties) {
    const before = known[party.path]
    if (party.differs) continue
    const after = Verified.extend(before, { ...party, code, atMs: now() })
    if (after !== undefined) logs[party.path] = after
  }
  const isSame = Object.keys(logs).every((path) => logs[path] === known[path])
  return isSame ? undefined : Verified.write(target, key, logs)
}

function interrupted({ what, done, total }: Step, all: boolean, notes: readonly string[]) {
  const again = all ? 'nothing is lost: start again' : 'run it again: it goes on from there'
  return new BaseError(`interrupted while ${what} record ${done} of ${total}`, {
    code: 'interrupted',
    hint: notes[0] ?? again,
    retry: 'safe',
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
