/**
 * @module Kills: where they are aimed, how they are dealt, and what they left behind, as journal and chain
 * tell it. Buyers and the seller are started again after each until every order is done.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Autopsy from './Autopsy.ts'
import type * as BuyerProcess from './buyer.ts'
import type * as Child from './Child.ts'
import * as Terms from './Terms.ts'
import type * as World from './World.ts'

type StopAt = NonNullable<BuyerProcess.Told['stopAt']>

/** Where a buyer is killed: stopped inside, at the wire, or whenever. */
export type BuyerAim = StopAt | 'asking' | 'answering' | 'answered' | 'any time'
/** Where a seller is killed: stopped inside, at the chain's door, or whenever. */
export type SellerAim = 'served' | 'settled' | 'unsent' | 'landed' | 'any time'

/** One kill and what it left open. */
export type Kill = {
  readonly who: 'buyer' | 'seller'
  readonly aim: string
  /** Empty: nothing was open. */
  readonly left: readonly string[]
}

/** What became of all of it. */
export type Log = {
  readonly kills: Kill[]
  /** Orders begun, by buyer: each is to be bought once. */
  readonly orders: Map<string, Set<string>>
  /** Receipt of each order as buyers were told it, again and again. */
  readonly told: Map<string, Set<string>>
  /** Ends that nobody dealt: a process that stopped by itself, and what it said last. */
  readonly faults: string[]
}

/** Before the first kill. */
export function log(): Log {
  return { kills: [], orders: new Map(), told: new Map(), faults: [] }
}

/** Numbers in [0, 1) from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** How long a process may take for what it is waited for. */
const patienceMs = 45_000

/** A buyer that lives as often as it takes: one errand after the other, run by run. */
export function life(world: World.World, log: Log, desk: World.Desk, steps = 3) {
  let number = 0
  const run = () => `${desk.name}-run-${number}`
  const start = (stopAt?: StopAt) => {
    const calls = Terms.calls(steps)
    const orders = log.orders.get(desk.name) ?? new Set()
    log.orders.set(desk.name, orders)
    for (const step of calls.keys()) orders.add(Autopsy.orderName(run(), step))
    return world.buyer(desk, { run: run(), calls, ...(stopAt === undefined ? {} : { stopAt }) })
  }
  /** Takes down what a buyer said it bought; true when it went through its run. */
  const bury = async (child: Child.Child) => {
    const end = await child.ended
    for (const { bought, run, receiptHash, text } of child.lines)
      if (bought !== undefined) {
        const order = `${desk.name} ${Autopsy.orderName(String(run), Number(bought))}`
        const told = log.told.get(order) ?? new Set()
        log.told.set(order, told.add(`${receiptHash} ${text}`))
      }
    const done = child.lines.find((line) => 'done' in line)
    if (done !== undefined) {
      number += 1
      if ((done.held as string[]).some((held) => held !== '0'))
        log.faults.push(`${desk.name} ended ${run()} with ${done.held} held`)
    } else if (end !== 'SIGKILL') log.faults.push(`${desk.name} ended with ${end}: ${said(child)}`)
    return done !== undefined
  }
  return { desk, start, bury }
}

/** A buyer's life. */
export type Life = ReturnType<typeof life>

/** Kills a buyer once; false when it got through before the blow fell. */
export async function killBuyer(
  world: World.World,
  log: Log,
  { start, bury, desk }: Life,
  { aim, delayMs = 0 }: { readonly aim: BuyerAim; readonly delayMs?: number },
): Promise<boolean> {
  const { paid, delivered } = world.traps
  const stops = aim === 'held' || aim === 'paying' || aim === 'sending'
  const child = start(stops ? aim : undefined)
  if (aim === 'asking')
    paid.set(desk.address, async (_, pass) => {
      await child.kill()
      await pass()
      return 'lost'
    })
  else if (aim === 'answering')
    paid.set(desk.address, async (_, pass) => {
      await pass()
      await child.kill()
      return 'lost'
    })
  else if (aim === 'answered') delivered.set(desk.address, () => void child.kill())
  else if (aim === 'any time')
    void child.says('opened', patienceMs).then(async () => {
      await sleep(delayMs)
      await child.kill()
    })
  else
    void child.says('at', patienceMs).then(async (line) => {
      if (line !== undefined) await child.kill()
    })
  const through = await within(bury(child), child, log)
  paid.delete(desk.address)
  delivered.delete(desk.address)
  if (through !== false) return false
  await world.front.idle()
  const left = Autopsy.leftByBuyer({
    purchases: Autopsy.purchases(desk.dir),
    sales: Autopsy.sales(world.sellerDir),
    used: await world.used(desk),
    wire: world.wire,
  })
  if (child.lines.some((line) => 'opened' in line))
    log.kills.push({ who: 'buyer', aim, left: [...left] })
  return true
}

/** Kills the seller once, while buyers buy; false when nothing came by to be killed at. */
export async function killSeller(
  world: World.World,
  log: Log,
  { aim, delayMs = 0 }: { readonly aim: SellerAim; readonly delayMs?: number },
): Promise<boolean> {
  const child = world.seller(aim === 'served' || aim === 'settled' ? { stopAt: aim } : {})
  const openNonces = () =>
    new Set([...world.wire].filter(([, { open }]) => open > 0).map(([nonce]) => nonce))
  let open: ReadonlySet<Hex> = new Set()
  const kill = async () => {
    open = openNonces()
    await child.kill()
  }
  if (aim === 'unsent' || aim === 'landed')
    world.traps.sent = async (_, pass) => {
      if (aim === 'landed') await pass()
      await kill()
      return 'lost'
    }
  else if (aim === 'any time')
    void child.says('opened', patienceMs).then(async () => {
      await sleep(delayMs)
      await kill()
    })
  else
    void child.says('at', patienceMs).then(async (line) => {
      if (line !== undefined) await kill()
    })
  const end = await within(child.ended, child, log)
  world.traps.sent = undefined
  world.front.lead(undefined)
  // It ended itself in good order because the chain was away: whoever watches it starts it again.
  if (child.lines.some((line) => 'away' in line)) return false
  if (end !== 'SIGKILL') {
    log.faults.push(`the seller ended with ${end}: ${said(child)}`)
    return false
  }
  await world.rpc.idle()
  const used = new Set<Hex>()
  for (const desk of world.desks) for (const nonce of await world.used(desk)) used.add(nonce)
  const left = Autopsy.leftBySeller({ sales: Autopsy.sales(world.sellerDir), used, open })
  if (child.lines.some((line) => 'opened' in line))
    log.kills.push({ who: 'seller', aim, left: [...left] })
  return true
}

/** Lets a buyer end the run it is in. */
export async function finish(log: Log, { desk, start, bury }: Life): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    const child = start()
    if (await within(bury(child), child, log)) return
  }
  log.faults.push(`${desk.name} does not get through its run`)
}

/** What a child said last: why it ended. */
export function said({ lines, stderr }: Child.Child): string {
  return `${JSON.stringify(lines.slice(-3))} ${stderr().trim().slice(-600)}`
}

/** Ends what takes too long; that is a fault. */
async function within<Result>(
  work: Promise<Result>,
  child: Child.Child,
  log: Log,
): Promise<Result> {
  const timer = setTimeout(() => {
    log.faults.push(`process ${child.pid} took over ${patienceMs} ms: ${said(child)}`)
    void child.kill()
  }, patienceMs)
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}
