/**
 * @module What came of a soak: a stranger's audit of every log, what memory did, and the table that shows how
 * much happened, so that nothing passes by not happening.
 */
import { join } from 'node:path'
import * as Purchase from '../../src/agents/Purchase.ts'
import * as Audit from '../../src/economy/Audit.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Library from '../../src/server/Library.ts'
import * as Settlement from '../../src/server/Settlement.ts'
import * as Answers from '../../src/store/Answers.ts'
import * as Files from '../../src/store/Files.ts'
import * as Journal from '../../src/store/Journal.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import type * as Memory from './Memory.ts'
import type { Play } from './Play.ts'
import * as Plays from './Play.ts'

/** What a soak came to. */
export type Report = {
  readonly seed: number
  readonly agents: number
  readonly days: number
  readonly wrong: readonly string[]
  readonly counts: Readonly<Record<string, number>>
  readonly refusals: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
  /** How near each window came to its cap, in ppm of it, of the trader that came nearest. */
  readonly nearest: Readonly<Record<string, number>>
  readonly memory: readonly Memory.Look[]
  readonly wallMs: number
  /** Most that the process held while agents traded, and then to audit all logs at once. */
  readonly peakBytes: number
  readonly auditedBytes: number
  /** Hash of all that happened, in order: a seed gives the same again. */
  readonly fingerprint: Hex
}

/** Most bytes a record may keep in memory of the processes that hold its journal open. */
const mostBytesPerRecord = 6_000
/** Most bytes more for each record at the last look than at the first, of processes as they ran. */
const mostMoreBytes = 500
/**
 * Most bytes that may be kept beside what journals hold, between the first look and the last: some, and a
 * few for each record. What leaks a receipt for each purchase passes it within a day.
 */
const mostGrowthBytes = { some: 300_000, perRecord: 100 }

/** What there is to say at the end. */
export function of(play: Play, wallMs: number): Report {
  const { plan, counts, refusals, faults, looks } = play
  counts['payments on chain'] = play.payments.all.length
  counts['atoms paid'] = Number(play.payments.all.reduce((sum, { atoms }) => sum + atoms, 0n))
  counts.records = Plays.records(play)
  counts['restarts in all'] = play.traders.reduce((sum, { restarts }) => sum + restarts, 0)
  return {
    ...{ seed: plan.seed, agents: plan.agents, days: plan.days },
    wrong: [...play.wrong, ...memoryFaults(looks)],
    ...{ counts, refusals, faults, nearest: nearest(play), memory: looks, wallMs },
    peakBytes: play.peakBytes,
    auditedBytes: process.resourceUsage().maxRSS * 1024,
    fingerprint: play.fingerprint,
  }
}

function nearest({ recounts }: Play): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { closest } of recounts)
    for (const [name, { mostAtoms, capAtoms }] of closest)
      found[name] = Math.max(found[name] ?? 0, Number((mostAtoms * 1_000_000n) / capAtoms))
  return found
}

/** Between two looks nothing may have grown but what the journals hold, and that no more than so. */
function memoryFaults(looks: readonly Memory.Look[]): string[] {
  const [first, last] = [looks[0], looks.at(-1)]
  if (first === undefined || last === undefined || first === last) return []
  const wrong: string[] = []
  const expect = (what: string, got: number, most: number) => {
    if (got > most) wrong.push(`${what}: ${Math.round(got)} bytes, expected at most ${most}`)
  }
  const { some, perRecord: each } = mostGrowthBytes
  const most = some + each * (last.records - first.records)
  expect('kept with all processes ended', last.endedBytes - first.endedBytes, most)
  expect('kept beside what journals hold', beside(last) - beside(first), most)
  const growth = held(last) / last.records - held(first) / first.records
  expect('more kept for each record by processes as they ran', growth, mostMoreBytes)
  expect('kept for each record', perRecord(first, last), mostBytesPerRecord)
  for (const [kind, handles] of [
    ['open', [first.liveHandles, last.liveHandles]],
    ['ended', [first.endedHandles, last.endedHandles]],
  ] as const)
    if (JSON.stringify(sorted(handles[0])) !== JSON.stringify(sorted(handles[1])))
      wrong.push(`handles of ${kind} processes: ${JSON.stringify(handles)}`)
  return wrong
}

/** What processes hold as they have run. */
function held({ liveBytes, endedBytes }: Memory.Look): number {
  return liveBytes - endedBytes
}

/** What processes that ran for long hold and fresh ones do not. */
function beside({ liveBytes, freshBytes }: Memory.Look): number {
  return liveBytes - freshBytes
}

/** What a record more keeps in memory, of fresh processes. */
function perRecord(first: Memory.Look, last: Memory.Look): number {
  return (last.freshBytes - first.freshBytes) / (last.records - first.records)
}

function sorted(handles: Readonly<Record<string, number>>) {
  return Object.entries(handles).sort()
}

/** Audits every log against all of the other side. */
export function verify(play: Play): void {
  const { traders, wrong, counts } = play
  const sides = (['node', 'buyer'] as const).map((side) =>
    traders.map(({ dir, name }) => {
      const folder = join(dir, side)
      const reader = Journal.reader(join(folder, 'journal.db'))
      const texts = [...reader.read()]
      reader.close()
      const { origin } = JSON.parse(texts[0]!) as { origin: Hex }
      return { name: `${name}'s ${side}`, folder, texts, origin }
    }),
  )
  let checks = 0
  for (const [side, logs] of sides.entries()) {
    const counterparts = new Map(sides[1 - side]!.map(({ origin, texts }) => [origin, texts]))
    for (const { name, folder, texts } of logs) {
      const report = Audit.run({ ...world(folder), texts, counterparts })
      for (const { name: check, subject, because } of report.failures)
        wrong.push(`audit of ${name}: ${check}: ${subject}: ${because}`)
      if (report.replayed !== texts.length) wrong.push(`audit of ${name} stopped`)
      for (const { verified } of Object.values(report.checks)) checks += verified
    }
  }
  counts['checks of audits'] = checks
}

function world(folder: string) {
  return {
    document: (hash: Hex) => Files.getDocument(Library.folder(folder), hash),
    answer: (receipt: Hex) => Answers.read(folder, receipt),
    leaves: (epoch: number) => Files.readText(join(folder, Settlement.leavesFile(epoch))),
    verifySignature: Wallet.verifyTypedData,
    checkPayment: (evidence: unknown, payment: PaymentEvidence.Payment) =>
      PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
    transitionTables: new Map([[Purchase.machineDigest, Purchase.table]]),
  }
}

/** A line of progress. */
export function line(play: Play, day: number): string {
  const { counts, payments } = play
  const captured = counts['purchases captured'] ?? 0
  return `day ${day + 1}: ${play.asked} asked, ${captured} captured, ${payments.all.length} paid`
}

/** The table for people to read. */
export function table(report: Report): string[] {
  const { counts, refusals, faults, nearest, memory, wallMs, peakBytes, auditedBytes } = report
  const rows: (readonly [string, number, string?])[] = [
    ['agents', report.agents],
    ['days', report.days],
    ...section(counts),
    ...section(refusals, 'not captured: '),
    ...section(faults, 'fault: '),
    ...section(nearest, 'nearest to cap, ppm: '),
    ...memory.flatMap((look) => [
      [`day ${look.day}: MB live`, look.liveBytes / 1e6] as const,
      [`day ${look.day}: MB with all ended`, look.endedBytes / 1e6] as const,
      [`day ${look.day}: bytes live a record`, held(look) / look.records] as const,
      [`day ${look.day}: MB fresh from journals`, look.freshBytes / 1e6] as const,
    ]),
    ['peak MB, looks at memory included', peakBytes / 1e6],
    ['peak MB, all logs audited at once', auditedBytes / 1e6],
    ['wall s', wallMs / 1000],
  ]
  const [first, last] = [memory[0], memory.at(-1)]
  if (first !== undefined && last !== undefined && first !== last)
    rows.push(
      ['bytes kept a record', perRecord(first, last)],
      ['MB grown with all ended', (last.endedBytes - first.endedBytes) / 1e6],
      ['MB grown beside what journals hold', (beside(last) - beside(first)) / 1e6],
    )
  const width = Math.max(...rows.map(([name]) => name.length))
  const number = (count: number) =>
    count.toLocaleString('en', { maximumFractionDigits: 1 }).padStart(14)
  return rows.map(([name, count]) => `${name.padEnd(width)} ${number(count)}`)
}

function section(of: Readonly<Record<string, number>>, prefix = '') {
  return Object.entries(of)
    .sort()
    .map(([name, count]) => [`${prefix}${name}`, count] as const)
}
