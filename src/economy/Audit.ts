/**
 * @module Audit: a separate path that trusts nothing but files. It replays a log through the fold, which
 * re-runs every verdict, meter, price and root, and adds what the fold cannot see: signatures, texts,
 * attributions, payments, published leaves, and the other party's log. Pure; it reports, it never throws
 * for what it reads.
 */
import * as Hex from '../kernel/Hex.ts'
import * as Log from '../provenance/Log.ts'
import * as Record from '../provenance/Record.ts'
import * as Beside from './audit/Beside.ts'
import * as Buying from './audit/Buying.ts'
import * as Causes from './audit/Causes.ts'
import * as Counterparts from './audit/Counterparts.ts'
import * as Facts from './audit/Facts.ts'
import * as Selling from './audit/Selling.ts'
import * as State from './audit/State.ts'
import * as Tally from './audit/Tally.ts'
import type { World } from './audit/World.ts'
import * as Economy from './Economy.ts'
import * as Event from './Event.ts'

export type { Look } from './audit/State.ts'
export type { Check, Counts, Name, Outcome } from './audit/Tally.ts'
export type { Answer, Found, Payment, Table, World } from './audit/World.ts'

/** Sums that follow from the part of the log that was replayed, in atoms. */
export type Totals = {
  readonly receivedAtoms: bigint
  readonly receivableAtoms: bigint
  readonly claimableAtoms: bigint
  readonly claimedAtoms: bigint
  /** Signed away and captured or disputed, of an agent. */
  readonly spentAtoms: bigint
}

/** What an audit found. */
export type Report = {
  readonly origin: string | undefined
  readonly records: number
  /** Records that follow from those before them; fewer than `records` after a failure. */
  readonly replayed: number
  /** Of the records whose hashes are linked. */
  readonly size: number
  readonly root: Hex.Hex
  readonly checks: Tally.Counts
  readonly failures: readonly Tally.Check[]
  readonly erased: number
  /** Transactions to look up on a live chain. */
  readonly looks: readonly State.Look[]
  readonly totals: Totals
}

/** How far an audit is: records read, and what failed so far. */
export type Step = { readonly records: number; readonly failures: number }

/** Audits a log. */
export function run(world: World): Report {
  const audit = steps(world)
  for (;;) {
    const step = audit.next()
    if (step.done === true) return step.value
  }
}

/** Audits a log record by record, so that its caller can show how far it is, or stop. */
export function* steps(world: World): Generator<Step, Report> {
  const audit = State.create(world)
  const texts: string[] = []
  for (const text of world.texts) {
    const record = link(audit, text)
    if (record !== undefined) judge(audit, record)
    if (world.counterparts !== undefined) texts.push(text)
    audit.records += 1
    if (audit.records % 1_000 === 0) world.onProgress?.(audit.records)
    yield { records: audit.records, failures: audit.tally.failures.length }
  }
  if (audit.linked && audit.origin !== undefined) compare(audit, audit.origin, texts)
  return report(audit)
}

/** One line for each kind of check that was made, then one for each failure: for people to read. */
export function lines(report: Report): string[] {
  const width = Math.max(...Tally.names.map((name) => name.length))
  const outcomes = ['verified', 'recorded', 'erased', 'failed'] as const
  const rows = Tally.names.flatMap((name) => {
    const counts = report.checks[name]
    const parts = outcomes.filter((outcome) => counts[outcome] > 0)
    if (parts.length === 0) return []
    const text = parts.map((outcome) => `${counts[outcome]} ${outcome}`).join(', ')
    return [`${name.replaceAll('-', ' ').padEnd(width)}  ${text}`]
  })
  const failures = report.failures.map(
    ({ name, subject, because }) => `failed: ${name.replaceAll('-', ' ')}: ${subject}: ${because}`,
  )
  return [...rows, ...failures]
}

/** The next record if its text is one; notes whether it is linked to those before it. */
function link(audit: State.State, text: string): Record.Record | undefined {
  const { tally, log, ids } = audit
  const subject = `leaf ${audit.records}`
  let record: Record.Record | undefined
  const because = Tally.attempt(() => {
    record = audit.linked ? Log.extend(log, { text, origin: audit.origin }) : Record.decode(text)
    if (ids.has(record.id)) return `its id was used before: ${record.id}`
    ids.add(record.id)
    return undefined
  })
  if (because === undefined && audit.linked) {
    audit.origin ??= record!.origin
    tally.note({ name: 'chain-of-hashes', subject, outcome: 'verified' })
    return record
  }
  // One broken link breaks all after it: told once.
  if (audit.linked && because !== undefined)
    tally.note({ name: 'chain-of-hashes', subject, outcome: 'failed', because })
  audit.linked = false
  audit.following = false
  if (record !== undefined) return record
  Tally.attempt(() => {
    record = Record.decode(text)
    return undefined
  })
  return record
}

function judge(audit: State.State, record: Record.Record): void {
  const { tally, facts, economy } = audit
  const subject = `leaf ${record.leaf} (${record.event.type.slice(0, 20)})`
  tally.judge('clock', subject, () =>
    record.atMs < audit.latestMs ? `${audit.latestMs - record.atMs} ms before its time` : undefined,
  )
  const previousMs = audit.latestMs
  audit.latestMs = Math.max(audit.latestMs, record.atMs)
  const { outputs, datanet } = economy.sales
  const wasFollowing = audit.following
  const isTold = audit.following && !follow(audit, record, subject)
  const event = parse(audit, { record, subject, isTold })
  if (event === undefined) return
  const before = wasFollowing ? { outputs, datanet } : undefined
  const place = { subject, record, before, previousMs }
  judgeCauses(audit, event, place)
  if (record.leaf < (audit.world.judgedBefore ?? 0)) Beside.judge(audit, event, place)
  else {
    Selling.judge(audit, event, place)
    Buying.judge(audit, event, place)
  }
  const { evidence } = event as { evidence?: { tx?: Hex.Hex } }
  if (event.type !== 'served' && evidence?.tx !== undefined) {
    audit.looks.push({ leaf: record.leaf, tx: evidence.tx, type: event.type })
    tally.note({ name: 'chain', subject, outcome: 'recorded' })
  }
  Facts.take(facts, event, record.leaf)
}

/** Replays one record, and says whether it follows; the first that does not ends the replay. */
function follow(audit: State.State, record: Record.Record, subject: string): boolean {
  const { tally } = audit
  const because = Tally.attempt(() => Economy.apply(audit.economy, record))
  const isVerdict = record.event.type === 'decided'
  if (because === undefined) {
    audit.replayed += 1
    tally.note({ name: 'replay', subject, outcome: 'verified' })
    if (isVerdict) tally.note({ name: 'policy', subject, outcome: 'verified' })
    return true
  }
  audit.following = false
  tally.note({ name: isVerdict ? 'policy' : 'replay', subject, outcome: 'failed', because })
  return false
}

/** The record's event; one that is malformed is a failed replay, told once. */
function parse(
  { tally }: State.State,
  given: { readonly record: Record.Record; readonly subject: string; readonly isTold: boolean },
): Event.Event | undefined {
  const { record, subject, isTold } = given
  let event: Event.Event | undefined
  const because = Tally.attempt(() => {
    event = Event.parse(record.event)
    return undefined
  })
  if (because !== undefined && !isTold)
    tally.note({ name: 'replay', subject, outcome: 'failed', because })
  return event
}

function judgeCauses(audit: State.State, event: Event.Event, { subject, record }: State.Place) {
  const { world, tally, facts } = audit
  const { origin, leaf } = record
  const sizes = { origin, leaf, counterparts: world.counterparts }
  const { because, unseen } = Causes.judge(facts, event, record.causes, sizes)
  const finding = { name: 'causes', subject } as const
  if (because !== undefined) tally.note({ ...finding, outcome: 'failed', because })
  else tally.note({ ...finding, outcome: unseen.length > 0 ? 'recorded' : 'verified' })
}

/** Against each other party's log that is given. */
function compare(audit: State.State, origin: string, texts: readonly string[]): void {
  const { world, tally, facts, log } = audit
  const own = { origin, facts, log, text: (leaf: number) => texts[leaf] }
  for (const [other, theirs] of world.counterparts ?? []) {
    if (other === origin) continue
    const party = Counterparts.open(other, theirs)
    if (typeof party === 'string') {
      const subject = `log of ${other}`
      tally.note({ name: 'counterpart', subject, outcome: 'failed', because: party })
      continue
    }
    Counterparts.compare(tally, { seller: own, buyer: party })
    Counterparts.compare(tally, { seller: party, buyer: own })
  }
}

function report(audit: State.State): Report {
  const { tally, log, economy, origin, records, replayed, looks } = audit
  const { sales, purchases } = economy
  let [publishedAtoms, claimedAtoms] = [0n, 0n]
  for (const balance of sales.accruals.balances.values()) {
    publishedAtoms += balance.publishedAtoms
    claimedAtoms += balance.claimedAtoms
  }
  const erased = Object.values(tally.counts).reduce((sum, counts) => sum + counts.erased, 0)
  return {
    ...{ origin, records, replayed, erased, looks },
    size: log.size(),
    root: Hex.encode(log.root()),
    checks: tally.counts,
    failures: tally.failures,
    totals: {
      receivedAtoms: sales.receivedAtoms,
      receivableAtoms: sales.receivableAtoms,
      claimableAtoms: publishedAtoms - claimedAtoms,
      claimedAtoms,
      spentAtoms: purchases.spentAtoms,
    },
  }
}
