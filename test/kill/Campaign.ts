/**
 * @module Kills: where they are aimed, how they are dealt, and what they left behind, as journal and chain
 * tell it. Buyers and the seller are started again after each until every order is done.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Autopsy from './Autopsy.ts'
import type * as BuyerProcess from './buyer.ts'
import type * as Child from './Child.ts'
import type * as SellerProcess from './seller.ts'
import * as Terms from './Terms.ts'
import type * as World from './World.ts'

type StopAt = NonNullable<BuyerProcess.Told['stopAt']>
type SellerStop = NonNullable<SellerProcess.Told['stopAt']>

/** Where a buyer is killed: stopped inside, at the wire, or whenever. */
export type BuyerAim = StopAt | 'asking' | 'answering' | 'told' | 'answered' | 'any time'
/** Where a seller is killed: stopped inside, at the chain's door, or whenever. */
export type SellerAim = SellerStop | 'unsent' | 'landed' | 'any time'

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
  /** Hash of each order's receipt, as buyers were told it, again and again. */
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

/** A buyer that lives as often as it takes: what one life leaves undone, the next one goes on with. */
export function life(world: World.World, log: Log, desk: World.Desk, steps = 3) {
  let first = 0
  const start = (errand: { readonly stopAt?: StopAt; readonly runs?: number } = {}) => {
    const { runs = 1, ...where } = errand
    const names = Array.from({ length: runs }, (_, run) => `${desk.name}-run-${first + run}`)
    return world.buyer(desk, { runs: names, calls: Terms.calls(steps), ...where })
  }
  /** Takes down what a buyer began, bought and held; true when it got through all its runs. */
  const bury = async (child: Child.Child) => {
    const end = await child.ended
    for (const line of child.lines) {
      const order = Autopsy.orderName(String(line.run), Number(line.begins ?? line.bought))
      if ('begins' in line) added(log.orders, desk.name, order)
      if ('bought' in line) added(log.told, `${desk.name} ${order}`, String(line.receiptHash))
      if (!('done' in line)) continue
      first += 1
      if ((line.held as string[]).some((held) => held !== '0'))
        log.faults.push(`${desk.name} ended ${line.done} with ${line.held} held`)
    }
    if (end !== 0 && end !== 'SIGKILL')
      log.faults.push(`${desk.name} ended with ${end}: ${said(child)}`)
    return end === 0
  }
  return { desk, start, bury }
}

function added(map: Map<string, Set<string>>, key: string, value: string): void {
  map.set(key, (map.get(key) ?? new Set()).add(value))
}

/** A buyer's life. */
export type Life = ReturnType<typeof life>

/** Kills a buyer once; false when it got through before the blow fell. */
export async function killBuyer(
  world: World.World,
  log: Log,
  { start, bury, desk }: Life,
  blow: {
    readonly aim: BuyerAim
    readonly delayMs?: number
    /** Not before this. */
    readonly after?: Promise<void>
    readonly runs?: number
  },
): Promise<boolean> {
  const { aim, delayMs = 0, after, runs = 1 } = blow
  const { paid, delivered, told } = world.traps
  const stops = aim === 'held' || aim === 'paying' || aim === 'sending'
  const child = start({ runs, ...(stops ? { stopAt: aim } : {}) })
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
  else if (aim === 'told') told.set(desk.address, () => void child.kill())
  else if (aim === 'answered') delivered.set(desk.address, () => void child.kill())
  else if (aim === 'any time')
    void child.says('opened', patienceMs).then(async () => {
      await after
      await sleep(delayMs)
      await child.kill()
    })
  else
    void child.says('at', patienceMs).then(async (line) => {
      if (line !== undefined) await child.kill()
    })
  const through = await within(bury(child), {
    child,
    log,
    ...(after === undefined ? {} : { after }),
  })
  paid.delete(desk.address)
  delivered.delete(desk.address)
  told.delete(desk.address)
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
  const isOutside = aim === 'unsent' || aim === 'landed' || aim === 'any time'
  const child = world.seller(isOutside ? {} : { stopAt: aim })
  const noncesOf = (is: (seen: Autopsy.Seen) => boolean) =>
    new Set([...world.wire].filter(([, seen]) => is(seen)).map(([nonce]) => nonce))
  let open: ReadonlySet<Hex> = new Set()
  let told: ReadonlySet<Hex> = new Set()
  const kill = async () => {
    open = noncesOf((seen) => seen.open > 0)
    told = noncesOf((seen) => seen.isTold)
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
  const end = await within(child.ended, { child, log })
  if (aim === 'unsent' || aim === 'landed') world.traps.sent = undefined
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
  const left = Autopsy.leftBySeller({ sales: Autopsy.sales(world.sellerDir), used, open, told })
  if (child.lines.some((line) => 'opened' in line))
    log.kills.push({ who: 'seller', aim, left: [...left] })
  return true
}

/** Lets a buyer end the run it is in. */
export async function finish(log: Log, { desk, start, bury }: Life): Promise<void> {
  for (let tries = 0; tries < 5; tries += 1) {
    const child = start()
    if (await within(bury(child), { child, log })) return
  }
  log.faults.push(`${desk.name} does not get through its run`)
}

/** What a child said last: why it ended. */
export function said({ lines, stderr }: Child.Child): string {
  const error = /^\w*Error: .*$/m.exec(stderr())?.[0] ?? stderr().trim().slice(-300)
  return `${JSON.stringify(lines.slice(-2))} ${error}`
}

/** Ends what takes too long, counted from `after`; that is a fault. */
async function within<Result>(
  work: Promise<Result>,
  of: { readonly child: Child.Child; readonly log: Log; readonly after?: Promise<void> },
): Promise<Result> {
  const { child, log, after = Promise.resolve() } = of
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  void after.then(() => {
    if (isOver) return
    timer = setTimeout(() => {
      log.faults.push(`process ${child.pid} took over ${patienceMs} ms: ${said(child)}`)
      void child.kill()
    }, patienceMs)
  })
  try {
    return await work
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}
