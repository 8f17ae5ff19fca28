/**
 * @module `npm run bench -- reopen`: how long a node and an agent with 100,000 records each take to open
 * their books again: from what was kept, beside the same journal folded from its first record. Both must
 * give the same state. Writing the journals takes a minute or two; they are real to the last record.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Snapshot from '../src/economy/Snapshot.ts'
import * as Hash from '../src/kernel/Hash.ts'
import * as Hex from '../src/kernel/Hex.ts'
import * as Books from '../src/store/Books.ts'
import * as Keeper from '../src/store/Keeper.ts'
import * as Long from '../test/harness/Long.ts'
import * as Report from './Report.ts'

const records = 100_000
const rounds = 7
const perTurn = 256
const salesPerEpoch = 3_000

const options = Report.options(
  'reopen',
  `a seller's log (quoted, served, funded; an epoch each ${salesPerEpoch} sales) and a buyer's (decided, held, paying,
disputed) of ${records.toLocaleString('en')} records each. reopen: by the clock, median of ${rounds}.
--json         one JSON object as the last line`,
)
const folder = mkdtempSync(join(tmpdir(), 'bench-reopen-'))

try {
  const rows: Report.Row[] = []
  const ratios: { [name: string]: number } = {}
  for (const who of ['seller', 'buyer'] as const) {
    const { reopenMs, foldMs, more } = await measure(who)
    const row = (metric: string, value: number, unit: string): Report.Row => {
      return { subject: `ours/${who}`, metric, value, unit }
    }
    rows.push(row('reopen', reopenMs, 'ms'), row('foldAnew', foldMs, 'ms'), ...more.map(one(who)))
    ratios[`ours/${who} / fold anew`] = foldMs / reopenMs
  }
  Report.print({ bench: 'reopen', rows, ratios }, options)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function one(who: string) {
  return ([metric, value, unit]: [string, number, string]): Report.Row => {
    return { subject: `ours/${who}`, metric, value, unit }
  }
}

async function measure(who: 'seller' | 'buyer') {
  const dir = join(folder, who)
  mkdirSync(dir)
  const file = join(dir, 'journal.db')
  const open = () =>
    Books.open({
      file,
      origin: who === 'seller' ? Long.seller : Long.buyer,
      now: Date.now,
      onNote: Report.stop,
    })
  await write(who, open())
  const times: number[] = []
  let state = ''
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now()
    const books = open()
    times.push(performance.now() - startMs)
    if (round === 0) state = digest(books)
    if (books.size() < records - perTurn) Report.stop(`expected ${records}, got ${books.size()}`)
    books.close()
  }
  const kept = statSync(Keeper.snapshotFile(file)).size
  rmSync(Keeper.snapshotFile(file))
  Report.note(`${who}: folding ${records} records anew`)
  const startMs = performance.now()
  const books = open()
  const foldMs = performance.now() - startMs
  if (digest(books) !== state) Report.stop('what was kept and what was folded differ')
  const more: [string, number, string][] = [
    ['records', books.size(), 'records'],
    ['journal', statSync(file).size / 1e6, 'MB'],
    ['kept', kept / 1e6, 'MB'],
  ]
  books.close()
  return { reopenMs: Report.median(times), foldMs, more }
}

async function write(who: 'seller' | 'buyer', books: Books.Books): Promise<void> {
  const writer = Long.writer(books)
  if (who === 'seller') Long.openSeller(writer)
  else Long.openBuyer(writer)
  const most = who === 'seller' ? 5 : 4
  for (let at = 0; books.size() + most <= records; at++) {
    if (who === 'buyer') Long.buy(writer, at)
    else Long.sell(writer, at)
    if (who === 'seller' && at % salesPerEpoch === salesPerEpoch - 1) Long.closeEpoch(writer)
    if (at % perTurn === 0) await writer.settle()
    if (at % 5_000 === 0) Report.note(`${who}: ${books.size()} of ${records} records written`)
  }
  await writer.settle()
  books.close()
}

/** All of a state, in one hash. */
function digest(books: Books.Books): string {
  const sections = Snapshot.encode(books.state)
  return Hash.text(
    sections.map(({ name, bytes }) => `${name} ${Hex.encode(Hash.sha256(bytes))}`).join(),
  )
}
