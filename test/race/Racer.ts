/**
 * @module One who races: asks for its whole share at once, pays what is allowed, and settles. Told again what
 * it was told before a crash, it asks again under the same ids and pays nothing twice. In the process that
 * starts the race, in a worker thread, or as a process of its own (`--racer`).
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import * as SharedBudget from '../../src/store/budget/SharedBudget.ts'
import * as NaivePurse from './NaivePurse.ts'
import * as Terms from './Terms.ts'

/** Runs a share to its end. */
export async function race(errand: Terms.Errand): Promise<Terms.Told> {
  const { seed, from, count, handles, paid } = errand
  const random = Terms.randomly(seed * 1_000 + from)
  const isPaid = new Set(existsSync(paid) ? readFileSync(paid, 'utf8').split('\n') : [])
  const purses: (Terms.Purse & { isWriter?(): boolean })[] = []
  for (let at = 0; at < handles; at++) purses.push(await open(errand))
  const told = { answered: 0, found: 0, wrote: purses.some((each) => each.isWriter?.()) ? 1 : 0 }
  const pay = async (at: number) => {
    const purse = purses[at % handles]!
    const request = Terms.request(seed, at)
    await dawdle(random())
    const { status, verdict } = await purse.authorize(request)
    told.answered += 1
    if (status === 'exists') told.found += 1
    if (verdict !== 'allow') return
    await dawdle(random())
    if (Terms.isGivenUp(seed, at) && !isPaid.has(request.id))
      return void (await purse.void(request.id))
    // What a chain would remember: it is written at once, and no crash takes it back.
    if (!isPaid.has(request.id)) appendFileSync(paid, `${request.id}\n`)
    await dawdle(random())
    await purse.capture(request.id, request.atoms)
  }
  try {
    await Promise.all(Array.from({ length: count }, (_, index) => pay(from + index)))
    if (purses.some((each) => each.isWriter?.())) told.wrote = 1
  } finally {
    for (const purse of purses) await purse.close()
  }
  return told
}

async function open({ dir, purse }: Terms.Errand): Promise<Terms.Purse> {
  return purse === 'naive' ? NaivePurse.open(dir) : SharedBudget.open({ dir })
}

/** Goes on now, in this turn of the loop, in one of the next, or some milliseconds later. */
async function dawdle(chance: number): Promise<void> {
  if (chance < 0.25) return
  if (chance < 0.5) return Promise.resolve()
  if (chance < 0.75) return new Promise((resolve) => setImmediate(resolve))
  return new Promise((resolve) => setTimeout(resolve, (chance - 0.75) * 80))
}

/** No racer lives longer than this after it was told something, whatever happens. */
const lifeMs = 120_000

if (process.argv.includes('--racer')) {
  let life: NodeJS.Timeout | undefined
  const answer = (errand: Terms.Errand) => {
    clearTimeout(life)
    life = setTimeout(() => process.exit(9), lifeMs)
    life.unref()
    race(errand).then(
      (told) => say({ told }),
      (error: Error) => say({ failed: `${error.message}\n${error.stack}` }),
    )
  }
  const say = (message: object) =>
    parentPort === null
      ? // Nobody may be there any more to be told.
        process.send!(message, () => undefined)
      : parentPort.postMessage(message)
  if (parentPort === null) {
    process.on('message', answer)
    process.on('disconnect', () => process.exit(8))
  } else parentPort.on('message', answer)
}
