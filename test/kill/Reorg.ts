/**
 * @module The chain takes a payment back that was mined and not final yet: once while the seller lives and
 * settles it again, once while it is dead until the payment has run out. Neither side may call it paid.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Autopsy from './Autopsy.ts'
import * as Campaign from './Campaign.ts'
import type * as Child from './Child.ts'
import * as Verdict from './Verdict.ts'
import * as World from './World.ts'

/** What happened. */
export type Report = {
  readonly verdict: Verdict.Verdict
  /** Times both journals were read while a payment was mined and not final. */
  readonly looks: number
  /** Payments that left the chain, and what became of them. */
  readonly undone: { readonly settledAgain: number; readonly expired: number }
}

const finality = 3
/** One payment has to run out; the official facilitator submits none that has under 6 s left. */
const shortTtlMs = 9_000

/** Plays the stories and judges the end; the one of the payment that runs out takes its time. */
export async function run(options: { readonly isExpiryToo: boolean }): Promise<Report> {
  const world = await World.open({ finality })
  try {
    const log = Campaign.log()
    const stage = { world, log, life: Campaign.life(world, log, world.desks[0]!, 1), looks: 0 }
    await settledAgain(stage)
    if (options.isExpiryToo) await expired(stage)
    const verdict = await Verdict.of(world, log)
    const undone = { settledAgain: 1, expired: options.isExpiryToo ? 1 : 0 }
    return { verdict, looks: stage.looks, undone }
  } finally {
    await world.close()
  }
}

type Stage = {
  readonly world: World.World
  readonly log: Campaign.Log
  readonly life: Campaign.Life
  looks: number
}

async function settledAgain(stage: Stage): Promise<void> {
  const { world, life } = stage
  const seller = world.seller()
  const first = life.start()
  const nonce = await mined(world)
  await first.kill()
  await life.bury(first)
  const { asked } = world.wire.get(nonce)!
  const buyer = life.start()
  await until('the seller to be asked again', () => world.wire.get(nonce)!.asked > asked)
  await unpaid(stage, nonce)
  await world.local().mine()
  await unpaid(stage, nonce)
  await world.rollBack(2)
  await until('the payment to be settled again', async () => (await used(world)).has(nonce))
  await unpaid(stage, nonce)
  await done(stage, { buyer, seller })
  expectStatus(world, nonce, ['captured', 'funded'])
}

async function expired(stage: Stage): Promise<void> {
  const { world, life } = stage
  const before = await used(world)
  const seller = world.seller({ quoteTtlMs: shortTtlMs })
  const buyer = life.start()
  const nonce = await mined(world, before)
  await unpaid(stage, nonce)
  await seller.kill()
  world.front.lead(undefined)
  await world.rollBack(1)
  if ((await used(world)).has(nonce)) throw new Error('expected a payment that left the chain')
  // A chain that was wound back tells the time of the block it was wound back to.
  await until('the buyer to give up', async () => {
    await sleep(500)
    await world.local().mine({ blocks: finality })
    return status(world, nonce)[0] === 'voided'
  })
  const next = world.seller()
  await until('the seller to give up', () => status(world, nonce)[1] === 'unfunded')
  const other = await mined(world, before)
  await unpaid(stage, other)
  await done(stage, { buyer, seller: next })
  expectStatus(world, nonce, ['voided', 'unfunded'])
  expectStatus(world, other, ['captured', 'funded'])
}

/** Makes the payment final, and waits for the buyer to have its answer. */
async function done(
  { world, life }: Stage,
  { buyer, seller }: { readonly buyer: Child.Child; readonly seller: Child.Child },
): Promise<void> {
  await world.local().mine({ blocks: finality - 1 })
  const said = await buyer.says('done', 30_000)
  if (said === undefined) throw new Error(`expected a buyer that is done: ${Campaign.said(buyer)}`)
  await life.bury(buyer)
  await seller.end()
  world.front.lead(undefined)
}

/** The nonce of the next payment that is mined. */
async function mined(world: World.World, before: ReadonlySet<Hex> = new Set()): Promise<Hex> {
  let found: Hex | undefined
  await until('a payment to be mined', async () => {
    found = [...(await used(world))].find((nonce) => !before.has(nonce))
    return found !== undefined
  })
  return found!
}

/** Lets both sides look at the chain for a while: neither may call the payment paid. */
async function unpaid(stage: Stage, nonce: Hex): Promise<void> {
  for (let look = 0; look < 10; look += 1) {
    await sleep(60)
    expectStatus(stage.world, nonce, ['paying', 'served'])
    stage.looks += 1
  }
}

function expectStatus(world: World.World, nonce: Hex, expected: readonly [string, string]): void {
  const got = status(world, nonce)
  if (got.join() !== expected.join())
    throw new Error(`expected payment ${nonce} to be ${expected.join(', ')}, got ${got.join(', ')}`)
}

/** What the two journals say of a payment. */
function status(world: World.World, nonce: Hex): [string, string] {
  const purchases = [...Autopsy.purchases(world.desks[0]!.dir).values()]
  const purchase = purchases.find((each) => each.nonce === nonce)
  const sale = Autopsy.sales(world.sellerDir).get(nonce)
  return [purchase?.status ?? 'unknown', sale?.status ?? 'unknown']
}

function used(world: World.World): Promise<ReadonlySet<Hex>> {
  return world.used(world.desks[0]!)
}

async function until(what: string, isThere: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadlineMs = Date.now() + 30_000; !(await isThere()); await sleep(25))
    if (Date.now() > deadlineMs) throw new Error(`expected within 30 s ${what}`)
}
