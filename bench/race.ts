/**
 * @module `npm run bench -- race`: a thousand payments of a dollar at once for the last hundred dollars, a
 * hundred times: in one process, in eight worker threads, and in eight processes of which some are killed or
 * stopped, the writer too. Beside it, check-then-record. Any dollar too much, any hold left, any figure that
 * does not add up fails the bench, and so does a peer that overspends nothing: then it would see nothing.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Crew from '../test/race/Crew.ts'
import * as Race from '../test/race/Race.ts'
import * as Report from './Report.ts'

const seeds = 100
/** The peer's races: every so manieth seed. */
const naiveEvery = 5
const crewSize = 8
const places = ['one process', 'threads', 'processes'] as const

const options = Report.options(
  'race',
  `ours/<place>   ${seeds} races: overspent, holds left when all is settled, and what they were exposed to:
               writers and clients killed, writers stopped for a while, holds that the dead left
               and that were settled by looking at what they had paid, questions asked again
naive/<place>  check-then-record, every ${naiveEvery}th seed
--json         one JSON object as the last line`,
)
const folder = mkdtempSync(join(tmpdir(), 'bench-race-'))
const rows: Report.Row[] = []
const wrong: string[] = []
let [overspent, leaked] = [0n, 0]

try {
  const recruits = await Crew.prepare(join(folder, 'program'))
  for (const place of places) await races(place, recruits)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

row('ours', 'overspentAtoms', overspent, 'atoms')
row('ours', 'leakedHolds', leaked, 'holds')
Report.print({ bench: 'race', rows, ratios: {} }, options)
if (wrong.length > 0) {
  for (const each of wrong) Report.note(each)
  process.exitCode = 1
}

async function races(place: Race.Place, recruits: Awaited<ReturnType<typeof Crew.prepare>>) {
  const recruit = place === 'one process' ? undefined : recruits[place]
  const crew = recruit === undefined ? [] : Array.from({ length: crewSize }, recruit)
  const team = recruit === undefined ? {} : { crew, recruit }
  const [ours, naive]: Race.Result[][] = [[], []]
  try {
    for (let seed = 1; seed <= seeds; seed++) {
      if (seed % 10 === 1) Report.note(`${place}: race ${seed} of ${seeds}`)
      const told = { seed, place, ...team }
      const result = await Race.run({ ...told, purse: 'ours', dir: join(folder, `${seed}`) })
      ours!.push(result)
      wrong.push(...faults(result).map((each) => `${place}, seed ${seed}: ${each}`))
      if (seed % naiveEvery === 0)
        naive!.push(await Race.run({ ...told, purse: 'naive', dir: join(folder, `n${seed}`) }))
    }
  } finally {
    await Promise.all(crew.map((member) => member.close()))
  }
  tell(place, ours!, naive!)
}

function faults({ overspentAtoms, leakedHolds, wrong }: Race.Result): readonly string[] {
  overspent += overspentAtoms
  leaked += leakedHolds
  return [
    ...wrong,
    ...(overspentAtoms > 0n ? [`${overspentAtoms} atoms overspent`] : []),
    ...(leakedHolds > 0 ? [`${leakedHolds} holds leaked`] : []),
  ]
}

function tell(place: Race.Place, ours: readonly Race.Result[], naive: readonly Race.Result[]) {
  const variant = place.replace(' ', '-')
  const sum = (of: (result: Race.Result) => bigint | number, from = ours) =>
    from.reduce((total, each) => total + BigInt(of(each)), 0n)
  const subject = `ours/${variant}`
  row(subject, 'races', ours.length, 'races')
  row(
    subject,
    'overspentAtoms',
    sum(({ overspentAtoms }) => overspentAtoms),
    'atoms',
  )
  row(
    subject,
    'leakedHolds',
    sum(({ leakedHolds }) => leakedHolds),
    'holds',
  )
  row(
    subject,
    'paidAtoms',
    sum(({ paidAtoms }) => paidAtoms),
    'atoms',
  )
  row(
    subject,
    'writers',
    sum(({ writers }) => writers),
    'racers',
  )
  if (place === 'processes') {
    row(
      subject,
      'killedWriters',
      sum(({ killedWriters }) => killedWriters),
      'processes',
    )
    row(
      subject,
      'killedClients',
      sum(({ killedClients }) => killedClients),
      'processes',
    )
    row(
      subject,
      'stoppedWriters',
      sum(({ stoppedWriters }) => stoppedWriters),
      'processes',
    )
    row(
      subject,
      'holdsOfTheDead',
      sum(({ holdsOfTheDead }) => holdsOfTheDead),
      'holds',
    )
    row(
      subject,
      'askedAgain',
      sum(({ found }) => found),
      'questions',
    )
  }
  const peer = sum(({ overspentAtoms }) => overspentAtoms, naive)
  row(`naive/${variant}`, 'races', naive.length, 'races')
  row(`naive/${variant}`, 'overspentAtoms', peer, 'atoms')
  if (peer === 0n) wrong.push(`${place}: check-then-record overspent nothing: nothing is seen here`)
}

function row(subject: string, metric: string, value: bigint | number, unit: string) {
  rows.push({ subject, metric, value: Number(value.toString()), unit })
}
