/**
 * @module `npm run bench -- store`: how many postings the journal makes durable a second, in batches and
 * from 256 callers at once, beside the bound: the same texts put into the same table of the same database
 * by hand, without links, hashes, ids or triggers. Interleaved in one process; every commit is flushed.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import * as Journal from '../src/store/Journal.ts'
import * as Postings from './Postings.ts'
import * as Report from './Report.ts'

const rounds = 5
const batch = 4_096
const batches = 3
const callers = 256
const turns = 24
const unit = 'postings/s'

const options = Report.options(
  'store',
  `${Postings.perRecord} postings a record: one answer shaped by ten contributions (execution, fee, gas; influence
and premium to each). Rows: ours and libsql in batches of ${batch} records, and with ${callers} callers that each
wait for their own record before they bring the next (libsql: ${callers} rows a transaction).
--json         one JSON object as the last line`,
)
const folder = mkdtempSync(join(tmpdir(), 'bench-store-'))
const rates: { [subject: string]: number[] } = {}
let made = 0

try {
  for (let round = -1; round < rounds; round++) {
    Report.note(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}`)
    const results = {
      'libsql postingsPerSecond': raw(batch, batches),
      'ours postingsPerSecond': await batched(),
      [`libsql postingsPerSecond${callers}Callers`]: raw(callers, turns),
      [`ours postingsPerSecond${callers}Callers`]: await together(),
    }
    if (round < 0) continue
    for (const [name, rate] of Object.entries(results)) {
      rates[name] ??= []
      rates[name].push(rate)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const rows = Object.entries(rates).map(([name, values]) => {
  const [subject, metric] = name.split(' ') as [string, string]
  return { subject, metric, value: Report.median(values), unit }
})
const value = (subject: string, metric: string) =>
  rows.find((row) => row.subject === subject && row.metric === metric)!.value
const ratio = (metric: string) => value('ours', metric) / value('libsql', metric)
Report.print(
  {
    bench: 'store',
    rows: [
      ...rows,
      { subject: 'ours', metric: 'postingsPerRecord', value: Postings.perRecord, unit: 'postings' },
    ],
    ratios: {
      'ours/libsql': ratio('postingsPerSecond'),
      [`ours/libsql ${callers} callers`]: ratio(`postingsPerSecond${callers}Callers`),
    },
  },
  options,
)

/** Drafts that no round had before. */
function drafts(count: number): Journal.Draft<Postings.Posted>[] {
  return Array.from({ length: count }, () => Postings.posted(made++))
}

async function batched(): Promise<number> {
  const groups = Array.from({ length: batches }, () => drafts(batch))
  return within(async (journal) => {
    for (const group of groups) await journal.append(group)
    return batch * batches
  })
}

async function together(): Promise<number> {
  const lists = Array.from({ length: callers }, () => drafts(turns))
  return within(async (journal) => {
    await Promise.all(
      lists.map(async (list) => {
        for (const draft of list) await journal.append([draft])
      }),
    )
    return callers * turns
  })
}

async function within(
  work: (journal: Journal.Journal<Postings.Posted>) => Promise<number>,
): Promise<number> {
  const file = join(folder, `${made}.db`)
  const journal = Journal.open<Postings.Posted>({
    file,
    origin: Postings.origin,
    now: () => 1_700_000_000_000,
  })
  try {
    await journal.append([{ ...Postings.posted(-1), causes: [] }])
    const startMs = performance.now()
    const records = await work(journal)
    const seconds = (performance.now() - startMs) / 1_000
    if (journal.size() !== records + 1) Report.stop(`expected ${records + 1} records`)
    return (records * Postings.perRecord) / seconds
  } finally {
    journal.close()
    rmSync(file)
  }
}

/** Rows by hand: the same table, filled in transactions of `size` rows. */
function raw(size: number, transactions: number): number {
  const texts = drafts(size * transactions).map(
    (draft) => [draft.id, JSON.stringify(draft)] as const,
  )
  const file = join(folder, `raw-${made}.db`)
  const database = new Database(file)
  try {
    database.prepare('PRAGMA journal_mode = WAL').all()
    database.exec('PRAGMA synchronous = FULL')
    database.exec('CREATE TABLE records (seq INTEGER PRIMARY KEY, id TEXT, record TEXT) STRICT')
    const insert = database.prepare('INSERT INTO records (seq, id, record) VALUES (?, ?, ?)')
    const startMs = performance.now()
    for (let first = 0; first < texts.length; first += size) {
      database.exec('BEGIN IMMEDIATE')
      for (let at = first; at < first + size; at++) insert.run(at, ...texts[at]!)
      database.exec('COMMIT')
    }
    const seconds = (performance.now() - startMs) / 1_000
    const count = database.prepare('SELECT count(*) AS n FROM records').get() as { n: number }
    if (count.n !== texts.length) Report.stop('the bound lost rows')
    return (texts.length * Postings.perRecord) / seconds
  } finally {
    database.close()
    rmSync(file)
  }
}
