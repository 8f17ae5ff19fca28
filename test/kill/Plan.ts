/**
 * @module A whole campaign: buyers killed while the seller lives, the seller killed while buyers buy, then
 * both at any time while the chain loses answers and is restarted; and what it was exposed to, counted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import * as Campaign from './Campaign.ts'
import * as Verdict from './Verdict.ts'
import type * as World from './World.ts'

/** How many kills of each aim. */
export type Plan = {
  readonly seed: number
  readonly buyer: Readonly<Record<Campaign.BuyerAim, number>>
  readonly seller: Readonly<Record<Campaign.SellerAim, number>>
  /** Kills of either at any time, in the storm. */
  readonly storm: number
  /** In the storm, every so manyth transaction lands and its answer is lost. */
  readonly loseEvery: number
  readonly restarts: number
  /** In each state at least. */
  readonly atLeast: number
}

/** The states that every campaign must have left behind. */
export const states = [
  ...['held', 'paying-before-send', 'sent-unconfirmed'],
  ...['served-unsettled', 'settled-unstored'],
  ...['accepted-not-funded', 'funded-not-served', 'mid-stream'],
] as const

/** What happened. */
export type Report = {
  readonly log: Campaign.Log
  readonly verdict: Verdict.Verdict
  /** Kills by state left behind, whoever left it. */
  readonly histogram: ReadonlyMap<string, number>
  /** Answers of the chain that were lost after their transaction landed. */
  readonly lost: number
  readonly restarts: number
  readonly missing: readonly string[]
}

/** Carries a plan out. The world is closed by whoever opened it. */
export async function run(
  world: World.World,
  plan: Plan,
  note: (text: string) => void,
): Promise<Report> {
  const random = Campaign.random(plan.seed)
  const log = Campaign.log()
  const lives = world.desks.map((desk) => Campaign.life(world, log, desk))
  const startedMs = Date.now()
  const tell = (what: string) =>
    note(`${((Date.now() - startedMs) / 1000).toFixed(0)} s: ${log.kills.length} kills, ${what}`)

  const steady = world.seller()
  await steady.says('listening', 45_000)
  tell('buyers are killed')
  const aims = shuffled(spread(plan.buyer), random)
  await Promise.all(
    lives.map(async (life) => {
      for (let aim = aims.pop(); aim !== undefined; aim = aims.pop())
        for (let tries = 0; tries < 4; tries += 1)
          if (await Campaign.killBuyer(world, log, life, { aim, delayMs: random() * 900 })) break
    }),
  )
  await steady.kill()
  world.front.lead(undefined)

  tell('the seller is killed')
  const weather = changing()
  const buying = Promise.all(
    lives.map(async (life) => {
      while (weather.now() === 'calm')
        await Campaign.killBuyer(world, log, life, {
          ...{ aim: 'any time', after: weather.stormy, runs: 4, delayMs: random() * 1_000 },
        })
      while (weather.now() === 'storm')
        await Campaign.killBuyer(world, log, life, { aim: 'any time', delayMs: random() * 4_000 })
      await Campaign.finish(log, life)
    }),
  )
  for (const aim of shuffled(spread(plan.seller), random))
    await Campaign.killSeller(world, log, { aim, delayMs: random() * 1_500 })

  tell('the storm')
  weather.turn('storm')
  const { lost, restarts } = await storm(world, log, plan, random)
  weather.turn('over')
  const last = world.seller()
  await last.says('listening', 45_000)
  await buying
  tell('all orders are done')
  await last.end()
  const verdict = await Verdict.of(world, log)
  const histogram = new Map<string, number>(states.map((state) => [state, 0]))
  for (const { left } of log.kills)
    for (const state of left.length === 0 ? ['nothing open'] : left)
      histogram.set(state, (histogram.get(state) ?? 0) + 1)
  const missing = states
    .filter((state) => histogram.get(state)! < plan.atLeast)
    .map((state) => `only ${histogram.get(state)} kills left ${state}`)
  return { log, verdict, histogram, lost, restarts, missing }
}

/** The seller dies at any time, the chain's answers get lost, and the chain itself is restarted. */
async function storm(
  world: World.World,
  log: Campaign.Log,
  plan: Plan,
  random: () => number,
): Promise<{ readonly lost: number; readonly restarts: number }> {
  let sent = 0
  let lost = 0
  world.traps.sent = async (_, pass) => {
    const reply = await pass()
    sent += 1
    if (sent % plan.loseEvery !== 0) return reply
    lost += 1
    // Some fall silent for longer than is waited for, some break the connection.
    if (lost % 3 === 0) await sleep(2_000)
    return 'lost'
  }
  const every = Math.ceil(plan.storm / Math.max(1, plan.restarts))
  let restarts = 0
  for (let kills = 0; kills < plan.storm; kills += 1) {
    const blow = { aim: 'any time', delayMs: 400 + random() * 2_000 } as const
    const dying = Campaign.killSeller(world, log, blow)
    if (restarts < plan.restarts && kills % every === 0) {
      await sleep(random() * 1_500)
      await world.restartChain()
      restarts += 1
    }
    // It may have ended by itself, because the chain was away.
    if (!(await dying)) await Campaign.killSeller(world, log, blow)
  }
  // Nobody dies while one more answer is lost: the seller finds what landed by itself.
  const survivor = world.seller()
  for (let waits = 0; lost < plan.storm && waits < 100 && !survivor.isGone(); waits += 1)
    await sleep(100)
  world.traps.sent = undefined
  await survivor.kill()
  world.front.lead(undefined)
  return { lost, restarts }
}

/** Calm, then storm, then over. */
function changing() {
  let now: 'calm' | 'storm' | 'over' = 'calm'
  let turned: () => void
  const stormy = new Promise<void>((resolve) => {
    turned = resolve
  })
  return {
    now: () => now,
    stormy,
    turn(to: 'storm' | 'over') {
      now = to
      turned()
    },
  }
}

function spread<Aim extends string>(counts: Readonly<Record<Aim, number>>): Aim[] {
  return (Object.entries(counts) as [Aim, number][]).flatMap(([aim, count]) =>
    Array.from({ length: count }, () => aim),
  )
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const left = [...items]
  const taken: Item[] = []
  while (left.length > 0) taken.push(...left.splice(Math.floor(random() * left.length), 1))
  return taken
}
