/**
 * @module `npm run bench -- provenance`: what a record costs on its way into the log (canonical JSON, leaf
 * hash, tree), beside the bound that no log can beat: SHA-256 of the same texts, and nothing else. Then
 * compact records made durable, and a million of them verified from the file in bounded memory.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import * as Hash from '../src/kernel/Hash.ts'
import * as Hex from '../src/kernel/Hex.ts'
import * as Ids from '../src/provenance/Ids.ts'
import * as Log from '../src/provenance/Log.ts'
import * as Record from '../src/provenance/Record.ts'
import * as Journal from '../src/store/Journal.ts'
import * as Postings from './Postings.ts'
import * as Report from './Report.ts'

const rounds = 7
const chunks = 40
const perChunk = 500
const callers = 256
const turns = 40
const million = 1_000_000
const maxCompactBytes = 300

const options = Report.options(
  'provenance',
  `canonicalHashAppend: records a CPU-second from plain data to the tree in memory; sha256: the same texts hashed.
compact records (≤ ${maxCompactBytes} bytes) made durable with ${callers} callers at once, by the clock;
${million.toLocaleString('en')} of them verified from the file: rate, and how far memory grew.
--json         one JSON object as the last line`,
)
const folder = mkdtempSync(join(tmpdir(), 'bench-provenance-'))

try {
  const sizes = { compact: Postings.compact, postings: Postings.posted }
  const rows: Report.Row[] = []
  const ratios: { [name: string]: number } = {}
  for (const [name, draft] of Object.entries(sizes)) {
    const { ours, bound, bytes, ratio } = inMemory(name, draft)
    rows.push(
      row(`ours/${name}`, 'canonicalHashAppend', ours, 'records/CPU-s'),
      row(`sha256/${name}`, 'hash', bound, 'texts/CPU-s'),
      row(`ours/${name}`, 'size', bytes, 'bytes a record'),
    )
    ratios[`ours/sha256 ${name}`] = ratio
  }
  rows.push(...(await durable()))
  rows.push(...(await verified()))
  Report.print({ bench: 'provenance', rows, ratios }, options)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function row(subject: string, metric: string, value: number, unit: string): Report.Row {
  return { subject, metric, value, unit }
}

/** Rates of both, chunk by chunk in turn; what is made is let go, as a writer lets it go. */
function inMemory(name: string, draft: (at: number) => Journal.Draft<Postings.Posted>) {
  const [ours, bound]: [number[], number[]] = [[], []]
  let [bytes, leaf] = [0, 0]
  const log = Log.create()
  let previous = Record.genesis
  const write = ({ id, causes, event }: Journal.Draft<Postings.Posted>): string => {
    const place = { leaf, origin: Postings.origin, atMs: 1_700_000_000_000, previous, id }
    // The first record of all has none before it to name.
    const contents = Record.contents({ causes: leaf === 0 ? [] : causes, event })
    const text = Record.compose(place, contents)
    const hash = Record.hash(text)
    log.append(hash)
    previous = Hex.encode(hash)
    leaf += 1
    return text
  }
  for (let round = -1; round < rounds; round++) {
    if (round >= 0) Report.note(`${name}, round ${round + 1} of ${rounds}`)
    const ms = { ours: 0, bound: 0 }
    for (let chunk = 0; chunk < chunks; chunk++) {
      const drafts = Array.from({ length: perChunk }, (_, at) => draft(leaf + at))
      const made = Report.cpuMs(() => drafts.map(write))
      ms.ours += made.ms
      const hashed = Report.cpuMs(() =>
        made.result.reduce((sum, text) => sum + Hash.sha256(text)[0]!, 0),
      )
      ms.bound += hashed.ms
      if (hashed.result === 0) Report.stop('the bound hashed nothing')
      bytes += made.result.reduce((sum, text) => sum + text.length, 0)
      if (chunk === 0 && round < 0) {
        const check = Log.check(made.result)
        if (check.kind === 'failed') Report.stop(`record ${check.leaf}: ${check.because}`)
      }
    }
    if (round < 0) continue
    ours.push((chunks * perChunk) / (ms.ours / 1_000))
    bound.push((chunks * perChunk) / (ms.bound / 1_000))
  }
  bytes /= leaf
  if (name === 'compact' && bytes > maxCompactBytes) Report.stop(`${bytes} bytes are not compact`)
  const ratio = Report.median(ours.map((rate, round) => rate / bound[round]!))
  return { ours: Report.median(ours), bound: Report.median(bound), bytes, ratio }
}

async function durable(): Promise<Report.Row[]> {
  const journal = open('durable.db')
  const [ours, bound]: [number[], number[]] = [[], []]
  let made = 0
  for (let round = -1; round < rounds; round++) {
    if (round >= 0) Report.note(`durable, round ${round + 1} of ${rounds}`)
    const lists = Array.from({ length: callers }, () =>
      Array.from({ length: turns }, () => Postings.compact(made++)),
    )
    const startMs = performance.now()
    await Promise.all(
      lists.map(async (list) => {
        for (const one of list) await journal.append([one])
      }),
    )
    const rate = (callers * turns) / ((performance.now() - startMs) / 1_000)
    const raw = byHand(lists.flat().map((one) => JSON.stringify(one)))
    if (round < 0) continue
    ours.push(rate)
    bound.push(raw)
  }
  journal.close()
  return [
    row('ours/compact', 'durable', Report.median(ours), 'records/s'),
    row('libsql/compact', 'durable', Report.median(bound), 'rows/s'),
  ]
}

/** The same many texts in as many transactions, put into a table by hand. */
function byHand(texts: readonly string[]): number {
  const file = join(folder, 'by-hand.db')
  const database = new Database(file)
  database.prepare('PRAGMA journal_mode = WAL').all()
  database.exec('PRAGMA synchronous = FULL')
  database.exec('CREATE TABLE records (seq INTEGER PRIMARY KEY, record TEXT) STRICT')
  const insert = database.prepare('INSERT INTO records (record) VALUES (?)')
  const startMs = performance.now()
  for (let first = 0; first < texts.length; first += callers) {
    database.exec('BEGIN IMMEDIATE')
    for (const text of texts.slice(first, first + callers)) insert.run(text)
    database.exec('COMMIT')
  }
  const seconds = (performance.now() - startMs) / 1_000
  database.close()
  rmSync(file)
  return texts.length / seconds
}

async function verified(): Promise<Report.Row[]> {
  const file = join(folder, 'million.db')
  const journal = open('million.db')
  const batch = 4_000
  for (let first = 0; first < million; first += batch) {
    if (first % 200_000 === 0) Report.note(`writing record ${first} of ${million}`)
    await journal.append(Array.from({ length: batch }, (_, at) => Postings.compact(first + at)))
  }
  const root = Hex.encode(journal.view().root())
  journal.close()
  return check(file, root)
}

/** Memory is what JavaScript holds after a look around: its heap and its arrays. */
function check(file: string, root: Hex.Hex): Report.Row[] {
  const held = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage()
    return (heapUsed + arrayBuffers) / 1e6
  }
  const beforeMb = held()
  let peakMb = 0
  const reader = Journal.reader(file)
  const ids = Ids.create()
  const startMs = performance.now()
  const found = Log.check(reader.read(), {
    ids,
    every: 10_000,
    onPlace({ frontier }) {
      peakMb = Math.max(peakMb, held() - beforeMb)
      if (frontier.size % 200_000 === 0) Report.note(`verified ${frontier.size} of ${million}`)
    },
  })
  const seconds = (performance.now() - startMs) / 1_000
  reader.close()
  if (found.kind === 'failed') return Report.stop(`record ${found.leaf}: ${found.because}`)
  if (found.log.size() !== million || Hex.encode(found.log.root()) !== root)
    return Report.stop('expected the root that the writer had')
  return [
    row('ours/compact', 'verified', million, 'records'),
    row('ours/compact', 'verifiedPerSecond', million / seconds, 'records/s'),
    row('ours/compact', 'verifiedMemory', peakMb, 'MB more at most'),
    row('ours/compact', 'verifiedFile', statSync(file).size / 1e6, 'MB'),
  ]
}

function open(name: string): Journal.Journal<Postings.Posted> {
  const { origin } = Postings
  return Journal.open({ file: join(folder, name), origin, now: () => 1_700_000_000_000 })
}
