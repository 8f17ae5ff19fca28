/**
 * @module `npm run bench -- verify --records 1000000`: a journal of so many records, verified from its file
 * in a process of its own that has nothing but the file and the root that was signed for it: each record
 * canonical, in its place, linked to the one before, with an id of its own, and the whole under that root.
 * A tenth of them first: memory that is bounded hardly differs between the two. Beside the bound: SHA-256
 * of texts as long, and nothing else.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Hash from '../src/kernel/Hash.ts'
import * as Hex from '../src/kernel/Hex.ts'
import * as Ids from '../src/provenance/Ids.ts'
import * as Log from '../src/provenance/Log.ts'
import * as Journal from '../src/store/Journal.ts'
import * as Postings from './Postings.ts'
import * as Report from './Report.ts'

const perAppend = 4_096
const perPlace = 10_000

/** What the process that verifies is told, and what it answers. */
type Task = { readonly file: string; readonly size: number; readonly root: Hex.Hex }
type Verified = {
  readonly perSecond: number
  readonly hashesPerSecond: number
  readonly peakMb: number
  readonly emptyMb: number
}

const task = process.env.BENCH_VERIFY
if (task !== undefined)
  process.stdout.write(`${JSON.stringify(verify(JSON.parse(task) as Task))}\n`)
else await measure()

async function measure(): Promise<void> {
  const options = Report.options(
    'verify',
    `--records <n>  how many (1000000), as compact as a hold
--json         one JSON object as the last line`,
  )
  const records = Number(options.records ?? 1_000_000)
  if (!Number.isSafeInteger(records) || records < 10)
    Report.stop('expected --records of 10 or more')
  const folder = mkdtempSync(join(tmpdir(), 'bench-verify-'))
  try {
    const rows: Report.Row[] = []
    const ratios: { [name: string]: number } = {}
    for (const size of [Math.floor(records / 10), records]) {
      const { root, seconds, file } = await write(folder, size)
      const { perSecond, hashesPerSecond, peakMb, emptyMb } = inItsOwnProcess({ file, size, root })
      const subject = `ours/${size}`
      rows.push(
        { subject, metric: 'written', value: size / seconds, unit: 'records/s, durable' },
        { subject, metric: 'file', value: statSync(file).size / 1e6, unit: 'MB' },
        { subject, metric: 'verified', value: size, unit: 'records' },
        { subject, metric: 'verifiedPerSecond', value: perSecond, unit: 'records/s' },
        { subject: `sha256/${size}`, metric: 'hash', value: hashesPerSecond, unit: 'texts/s' },
        { subject, metric: 'peakMemory', value: peakMb, unit: 'MB of the whole process' },
        { subject, metric: 'emptyMemory', value: emptyMb, unit: 'MB before it opens the file' },
      )
      ratios[`ours/sha256 ${size}`] = perSecond / hashesPerSecond
      rmSync(file)
    }
    Report.print({ bench: 'verify', rows, ratios }, options)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function write(folder: string, size: number) {
  const file = join(folder, `${size}.db`)
  const journal = Journal.open<Postings.Posted>({
    file,
    origin: Postings.origin,
    now: () => 1_700_000_000_000,
  })
  const startMs = performance.now()
  for (let first = 0; first < size; first += perAppend) {
    if ((first / perAppend) % 50 === 0) Report.note(`writing record ${first} of ${size}`)
    const count = Math.min(perAppend, size - first)
    await journal.append(Array.from({ length: count }, (_, at) => Postings.compact(first + at)))
  }
  const seconds = (performance.now() - startMs) / 1_000
  const root = Hex.encode(journal.view().root())
  journal.close()
  return { file, root, seconds }
}

/** What it takes to verify must not be hidden in what it took to write. */
function inItsOwnProcess(task: Task): Verified {
  const { stdout, status } = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!], {
    env: { ...process.env, BENCH_VERIFY: JSON.stringify(task) },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  })
  if (status !== 0) Report.stop(`the process that verifies ended with ${status}`)
  return JSON.parse(stdout) as Verified
}

function verify({ file, size, root }: Task): Verified {
  const emptyMb = peak()
  const reader = Journal.reader(file)
  const startMs = performance.now()
  const found = Log.check(reader.read(), {
    ids: Ids.create(),
    held: [{ size, root: Hex.decode(root) }],
    every: perPlace,
    onPlace({ frontier }) {
      if (frontier.size % (20 * perPlace) !== 0) return
      const rate = Math.round(frontier.size / ((performance.now() - startMs) / 1_000))
      Report.note(`verified ${frontier.size} of ${size}, ${rate} records/s, ${peak().toFixed()} MB`)
    },
  })
  const perSecond = size / ((performance.now() - startMs) / 1_000)
  const peakMb = peak()
  if (found.kind === 'failed') return Report.stop(`record ${found.leaf}: ${found.because}`)
  if (found.log.size() !== size) return Report.stop(`expected ${size}, got ${found.log.size()}`)
  const [text] = reader.read(size - 1)
  reader.close()
  return { perSecond, hashesPerSecond: hashesPerSecond(text!), peakMb, emptyMb }
}

/** The most memory this process ever held, code and libraries and all. */
function peak(): number {
  return process.resourceUsage().maxRSS / 1_024
}

function hashesPerSecond(text: string): number {
  const count = 200_000
  const startMs = performance.now()
  let sum = 0
  for (let at = 0; at < count; at++) sum += Hash.sha256(text)[0]!
  if (sum === 0) Report.stop('the bound hashed nothing')
  return count / ((performance.now() - startMs) / 1_000)
}
