/**
 * @module A race: a thousand payments at once for the last hundred dollars, then the count of what left the
 * wallets, held against the cap, the meters and the journal. Some who race are killed, some stopped for a
 * while; those whose place nobody takes leave holds, which are settled by looking at what they paid.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as SharedBudget from '../../src/store/budget/SharedBudget.ts'
import * as Journal from '../../src/store/Journal.ts'
import * as Lock from '../../src/store/Lock.ts'
import type * as Crew from './Crew.ts'
import * as Racer from './Racer.ts'
import * as Terms from './Terms.ts'

/** Where those who race are. */
export type Place = 'one process' | 'threads' | 'processes'

/** What a race came to. Atoms as numbers of dollars times a million, for eyes: bigints summed before. */
export type Result = {
  readonly overspentAtoms: bigint
  readonly paidAtoms: bigint
  readonly leakedHolds: number
  /** What does not add up, in words; none when all does. */
  readonly wrong: readonly string[]
  readonly killedWriters: number
  readonly killedClients: number
  readonly stoppedWriters: number
  /** Holds of the dead, settled by looking. */
  readonly holdsOfTheDead: number
  /** Questions that were asked again. */
  readonly found: number
  readonly writers: number
}

/** How a race is run. */
export type Options = {
  readonly seed: number
  readonly place: Place
  readonly purse: 'ours' | 'naive'
  /** A folder for this race alone. */
  readonly dir: string
  /** Those who race; one more is recruited for each that is killed. Not needed in one process. */
  readonly crew?: Crew.Member[]
  readonly recruit?: Crew.Recruit
}

/** Runs a race. */
export async function run(options: Options): Promise<Result> {
  const { seed, purse, dir, place, crew = [], recruit } = options
  mkdirSync(dir, { recursive: true })
  const budgetDir = join(dir, 'budget')
  mkdirSync(budgetDir, { recursive: true })
  if (purse === 'ours') await spendFirst(budgetDir)
  const racers = place === 'one process' ? 1 : crew.length
  const errands = Array.from({ length: racers }, (_, at): Terms.Errand => {
    const from = Math.floor((Terms.payments * at) / racers)
    const count = Math.floor((Terms.payments * (at + 1)) / racers) - from
    // In one process, every other race asks itself through the door as well.
    const handles = place === 'one process' && seed % 2 === 1 ? 3 : 1
    const paid = join(dir, `paid-${at}`)
    return { seed, dir: budgetDir, purse, from, count, handles, paid }
  })
  const tally = { killedWriters: 0, killedClients: 0, stoppedWriters: 0, found: 0, writers: 0 }
  const isUnderFire = place === 'processes' && purse === 'ours' && seed % 4 !== 1
  try {
    if (place === 'one process') take(tally, await Racer.race(errands[0]!))
    else {
      const team = { crew, recruit: recruit!, errands, tally, seed, budgetDir }
      await (isUnderFire ? underFire(team) : undisturbed(team))
    }
    const files = errands.map(({ paid }) => paid)
    return purse === 'ours'
      ? { ...(await settle(budgetDir, files, seed)), ...tally }
      : { ...count(files), leakedHolds: 0, wrong: [], holdsOfTheDead: 0, ...tally }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

type Tally = {
  killedWriters: number
  killedClients: number
  stoppedWriters: number
  found: number
  writers: number
}

type Team = {
  readonly crew: Crew.Member[]
  readonly recruit: Crew.Recruit
  readonly errands: readonly Terms.Errand[]
  readonly tally: Tally
  readonly seed: number
  readonly budgetDir: string
}

function take(tally: Tally, told: Terms.Told | undefined): void {
  tally.found += told?.found ?? 0
  tally.writers += told?.wrote ?? 0
}

async function spendFirst(dir: string): Promise<void> {
  const budget = await SharedBudget.open({ dir, policy: Terms.policy })
  await budget.authorize(Terms.first)
  await budget.capture(Terms.first.id, Terms.first.atoms)
  await budget.close()
}

async function undisturbed({ crew, errands, tally }: Team): Promise<void> {
  const told = await Promise.all(crew.map((member, at) => member.race(errands[at]!)))
  for (const each of told) take(tally, each)
}

/** Kills and stops at random moments. Three of four dead are replaced at once and told the same again. */
async function underFire(team: Team): Promise<void> {
  const { crew, recruit, errands, tally, seed, budgetDir } = team
  const random = Terms.randomly(seed)
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
  const running = new Map<number, Promise<void>>()
  const failures: unknown[] = []
  const start = (at: number) => {
    const racing = crew[at]!.race(errands[at]!)
    const ended = racing
      .then(
        (told) => take(tally, told),
        (error) => void failures.push(error),
      )
      .finally(() => {
        if (running.get(at) === ended) running.delete(at)
      })
    running.set(at, ended)
  }
  for (const at of crew.keys()) start(at)
  for (let shots = 2 + Math.floor(random() * 4); shots > 0 && running.size > 0; shots--) {
    await pause(random() * 60)
    const writer = crew.findIndex(({ pid }) => pid !== undefined && pid === writerOf(budgetDir))
    const any = [...running.keys()][Math.floor(random() * running.size)]
    const at = random() < 0.6 && writer !== -1 ? writer : any
    if (at === undefined || !running.has(at)) continue
    if (at === writer && random() < 0.3) {
      crew[at]!.signal('SIGSTOP')
      await pause(20 + random() * 60)
      crew[at]!.signal('SIGCONT')
      tally.stoppedWriters += 1
      continue
    }
    tally[at === writer ? 'killedWriters' : 'killedClients'] += 1
    running.delete(at)
    await crew[at]!.close()
    crew[at] = recruit()
    if (random() < 0.75) start(at)
  }
  while (running.size > 0) await Promise.all(running.values())
  if (failures.length > 0) throw failures[0]
}

function writerOf(dir: string): number | undefined {
  const lock = Lock.take(join(dir, 'budget.db.lock'), { now: Date.now })
  if (lock.kind === 'held') return lock.by?.pid
  lock.release()
  return undefined
}

function paidIds(files: readonly string[]): string[] {
  return files
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').trimEnd().split('\n'))
    .filter((id) => id !== '')
}

function count(files: readonly string[]): { overspentAtoms: bigint; paidAtoms: bigint } {
  const paid = paidIds(files).length
  const over = Math.max(0, paid - Terms.left)
  return { overspentAtoms: BigInt(over) * Terms.dollar, paidAtoms: BigInt(paid) * Terms.dollar }
}

/** Looks at what the dead paid, settles what they held, and holds all figures against each other. */
async function settle(dir: string, files: readonly string[], seed: number) {
  const wrong: string[] = []
  const ids = paidIds(files)
  const paid = new Set(ids)
  if (paid.size !== ids.length) wrong.push(`${ids.length - paid.size} paid twice`)
  const budget = await SharedBudget.open({ dir, policy: Terms.policy })
  const dead = await budget.holds()
  for (const { id, atoms } of dead)
    await (paid.has(id) ? budget.capture(id, atoms) : budget.void(id))
  const leaked = (await budget.holds()).length
  const [row] = (await budget.status()).rows
  await budget.close()
  const counted = count(files)
  const used = BigInt(row!.meter.used) - Terms.first.atoms
  const held = BigInt(row!.meter.held) / Terms.dollar
  if (used !== counted.paidAtoms) wrong.push(`${counted.paidAtoms} paid, ${used} captured`)
  // A budget that allows nothing never overspends either.
  const isUnspoilt = dead.length === 0 && !Terms.isGivenUp(seed, seed % 8)
  if (isUnspoilt && paid.size !== Terms.left) wrong.push(`only ${paid.size} paid`)
  const most = mostTaken(dir)
  if (most > 1_000n * Terms.dollar) wrong.push(`${most} captured and held at once`)
  const leakedHolds = Math.max(leaked, Number(held.toString()))
  return { ...counted, leakedHolds, wrong, holdsOfTheDead: dead.length }
}

type Event = { readonly type: string; readonly verdict?: string } & {
  readonly request?: { readonly id: string; readonly atoms: string }
  readonly id?: string
  readonly atoms?: string
}

/** The most that was captured and held together at any record, recounted from the journal alone. */
function mostTaken(dir: string): bigint {
  const journal = Journal.reader(join(dir, 'budget.db'))
  const held = new Map<string, bigint>()
  let [captured, most] = [0n, 0n]
  for (const text of journal.read()) {
    const { type, verdict, request, id, atoms } = (JSON.parse(text) as { event: Event }).event
    if (type === 'decided' && verdict === 'allow') held.set(request!.id, BigInt(request!.atoms))
    if (type === 'captured') captured += BigInt(atoms!)
    if (id !== undefined) held.delete(id)
    const total = [...held.values()].reduce((sum, each) => sum + each, captured)
    if (total > most) most = total
  }
  journal.close()
  return most
}
