/**
 * @module One simulation: a seller and one or two buyers trade while everything goes wrong that a seed can
 * think of; then it is calm until all is settled. The scheduler picks what happens next, one step at a time.
 */
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Blocks from './Blocks.ts'
import * as Disk from './Disk.ts'
import * as Invariants from './Invariants.ts'
import * as Law from './Law.ts'
import * as Market from './Market.ts'
import * as Network from './Network.ts'
import * as Operators from './Operators.ts'
import * as Processes from './Processes.ts'
import * as SellerLaw from './SellerLaw.ts'
import * as Web from './Web.ts'
import * as World from './World.ts'

/** What one simulation saw. */
export type Result = {
  readonly seed: number
  readonly steps: number
  readonly faults: World.World['faults']
  readonly acts: World.World['acts']
  readonly ends: Processes.Ends
  /** What a process was in the middle of when it crashed. */
  readonly crashedIn: Readonly<Record<string, number>>
  readonly payments: number
  readonly records: number
  /** Checks of audits, where there was one. */
  readonly checks: number
  readonly wrong: readonly string[]
  readonly trace: readonly string[]
  /** Hash of the trace and of every journal at the end. */
  readonly fingerprint: Hex.Hex
}

type Play = {
  readonly world: World.World
  readonly shop: Processes.Shop
  readonly desks: readonly Processes.Desk[]
  readonly ends: Processes.Ends
  readonly crashedIn: Record<string, number>
  steps: number
  /** Turns in which only time passed. */
  idle: number
  nextBlockMs: number
  /** At most this long between blocks, and a little. */
  readonly blockMs: number
}

/** Steps after which a simulation ought to have come to its end. */
const mostSteps = 4_000

/** Replaces what is global: the network, the stop-watch, and what draws at random. */
export function prepare(): void {
  Web.install()
  globalThis.fetch = Network.request as unknown as typeof fetch
  performance.now = () => World.current().nowMs - Market.startMs
  Object.defineProperty(globalThis.crypto, 'getRandomValues', {
    value: (bytes: Uint8Array) => {
      const { random } = World.current()
      bytes.set(Hex.decode(Hash.text(`random ${random()}`)).subarray(0, bytes.length))
      return bytes
    },
  })
  process.on('unhandledRejection', (error) => {
    World.current().wrong.push(`nobody listened: ${(error as Error).stack ?? error}`)
  })
}

/** Runs one seed. `audit` reads all logs at the end, as a stranger would. */
export async function run(
  seed: number,
  options: { readonly audit?: boolean } = {},
): Promise<Result> {
  const play = open(seed)
  const { world, shop, desks } = play
  let checks = 0
  try {
    await trade(play)
    await settle(play)
    if (world.wrong.length === 0) Invariants.afterwards(desks, shop, { replay: seed % 8 === 0 })
    if (world.wrong.length === 0 && options.audit === true) checks = Invariants.audit(desks, shop)
  } catch (error) {
    world.wrong.push((error as Error).stack ?? String(error))
  }
  const addresses = desks.map(({ name }) => Market.wallets.get(name)!.address)
  const journals = [shop, ...desks].flatMap(({ disk }) => disk.hashes.map(Hex.encode))
  const result = {
    ...{ seed, checks, steps: play.steps, faults: world.faults, ends: play.ends },
    acts: world.acts,
    crashedIn: play.crashedIn,
    payments: addresses.flatMap((payer) => Blocks.payments(world.blocks, payer)).length,
    records: [shop, ...desks].reduce((sum, { disk }) => sum + disk.texts.length, 0),
    wrong: world.wrong,
    trace: world.trace,
    fingerprint: Hash.text([...world.trace, ...journals].join('\n')),
  }
  for (const party of [shop, ...desks]) Processes.kill(party)
  // Nothing of this world runs on into the next.
  await drained()
  return result
}

function open(seed: number): Play {
  const random = World.generator(seed)
  const blocks = Blocks.create(Market.startMs / 1000 - 10)
  for (let count = 0; count < 4; count += 1)
    Blocks.mine(blocks, Market.startMs / 1000 - 8 + 2 * count, () => 'take')
  const world = World.create(
    {
      ...{ seed, blocks, nowMs: Market.startMs + 1_000 },
      finality: [1, 2, 2, 3][Math.floor(random() * 4)]!,
      isTelling: random() < 0.18,
    },
    random,
  )
  World.enter(world)
  Network.reset()
  const party = (name: string, disk: Disk.Disk): World.Party => ({
    ...{ name, disk, life: undefined, books: undefined, skewMs: 0, isDoomed: false },
  })
  const shop: Processes.Shop = Object.assign(
    party('seller', Disk.create('seller', Market.firstDisk)),
    { node: undefined, law: SellerLaw.create() },
  )
  const desks = Market.names
    .slice(1, world.chance(0.95) ? 2 : 3)
    .map((name) => desk(world, party(name, Disk.create(name))))
  for (const each of [shop, ...desks]) world.parties.set(each.name, each)
  const ends = { captured: 0, disputed: 0, expired: 0, refused: 0, refunded: 0, failed: 0 }
  const blockMs = [300, 600, 1_800][world.below(3)]!
  const counts = { crashedIn: {}, steps: 0, idle: 0 }
  return { world, shop, desks, ends, ...counts, nextBlockMs: world.nowMs, blockMs }
}

function desk(world: World.World, party: World.Party): Processes.Desk {
  const { name, disk } = party
  const terms = Market.drawTerms(world, world.isTelling ? 0 : 0.57)
  const trial = world.chance(0.2) ? Market.drawTerms(world, 0.5) : undefined
  const law = Law.create(name, { terms, trial })
  disk.files.set(`/${name}/${Operators.files.policy}`, terms.text)
  if (trial !== undefined) disk.files.set(`/${name}/${Operators.files.trial}`, trial.text)
  return Object.assign(party, {
    tasks: tasks(world, name, counts[world.isTelling ? 1 : 0]![world.below(10)]!),
    ...{ law, ignored: new Set<Hex.Hex>(), calls: 0, buyer: undefined },
    onPaymentSigned(nonce: string, valueAtoms: bigint) {
      Law.follow(law, disk.texts)
      Law.sign(law, nonce, valueAtoms)
    },
  })
}

/** How many tasks a buyer has; of those that are all told, more. */
const counts = [
  [1, 1, 1, 1, 1, 1, 1, 2, 2, 3],
  [1, 1, 2, 2, 2, 2, 2, 3, 3, 3],
]

/** Some answers are wanted while they are made, the others whole. */
function tasks({ chance, isTelling }: World.World, name: string, count: number): Processes.Task[] {
  const { model } = Market.terms.card
  return Array.from({ length: count }, (_, step) => {
    const asked = Market.questions[step % Market.questions.length]!
    const body = Market.body(isTelling || chance(0.3) ? `${asked} (${name} ${step})` : asked)
    const call = { baseUrl: `http://${name}.market/v1`, model, body, run: 'run', step }
    return { call, status: 'open', tries: 0, waits: 0, captured: undefined }
  })
}

/** Everybody starts, and buys, under fire, until each task is done or given up. */
async function trade(play: Play): Promise<void> {
  const { shop, desks, ends, world } = play
  void Processes.startShop(shop)
  for (const desk of desks) void Processes.startDesk(desk, ends)
  await drained()
  const isOpen = () => desks.some(({ tasks }) => tasks.some(({ status }) => status === 'open'))
  const underFire = world.isTelling ? 150 : [30, 50, 60, 80, 150][world.below(5)]!
  for (let step = 0; step < underFire && isOpen() && world.wrong.length === 0; step += 1)
    await tick(play)
}

/** No more faults: all that is open comes to an end by itself. */
async function settle(play: Play): Promise<void> {
  const { shop, desks, world } = play
  world.isCalm = true
  world.say('calm')
  for (const { tasks } of desks) for (const task of tasks) task.status = 'done'
  while (world.wrong.length === 0) {
    if (isOver(play)) return
    if (shop.life === undefined) restart(play, shop, 0)
    else if (shop.node !== undefined) Processes.settle(shop)
    for (const desk of desks)
      if (desk.life === undefined) restart(play, desk, 0)
      else if (desk.buyer !== undefined) Processes.finish(desk)
    for (let step = 0; step < 40 && !isOver(play); step += 1) await tick(play)
    if (play.steps + play.idle > mostSteps) world.wrong.push('it does not come to an end')
  }
}

function isOver({ desks, shop }: Play): boolean {
  return Network.busy() === 0 && Invariants.isSettled(desks, shop)
}

/** One step: something dies, or the next thing happens. */
async function tick(play: Play): Promise<void> {
  const { world, desks } = play
  bury(play)
  disturb(play)
  for (const desk of desks) Operators.act(desk, play.ends)
  const parked = pick(play)
  if (parked !== undefined) {
    world.say(`${play.steps} +${world.nowMs - Market.startMs} ${parked.label}`)
    parked.go()
    play.steps += 1
  } else play.idle += 1
  await drained()
  Invariants.always(desks, play.shop)
}

/** Whatever can go on by itself has gone as far as it can. */
function drained(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Whoever cannot go on ends, and is started again. */
function bury(play: Play): void {
  for (const party of world(play)) if (party.isDoomed) crash(play, party)
}

function world({ shop, desks }: Play): readonly (Processes.Shop | Processes.Desk)[] {
  return [shop, ...desks]
}

/** What happens to processes and clocks and the chain from outside. */
function disturb(play: Play): void {
  const { world, shop, desks } = play
  for (const desk of desks) if (desk.life !== undefined && dies(world, desk)) crash(play, desk)
  if (shop.life !== undefined && closes(world, shop)) crash(play, shop)
  for (const party of [shop, ...desks]) {
    if (world.strikes('clock forwards', 0.005)) party.skewMs += leap(world)
    if (world.strikes('clock backwards', 0.005)) party.skewMs -= leap(world)
  }
  const { blocks, finality } = world
  if (finality > 1 && world.strikes('reorganisation', 0.015)) reorganise(world)
  if (world.nowMs < play.nextBlockMs) return
  const drops = () => !world.isCalm && world.strikes('transaction dropped', 0.26)
  Blocks.mine(blocks, Math.floor(world.nowMs / 1000), () =>
    drops() ? 'drop' : world.chance(0.85) ? 'take' : 'leave',
  )
  play.nextBlockMs = world.nowMs + 200 + world.below(play.blockMs)
}

/** At any time, and sooner while an answer was paid for that is not given yet. */
function closes(world: World.World, { books }: Processes.Shop): boolean {
  if (world.strikes('crash of the seller', 0.006)) return true
  const ahead = books?.state.sales.openPrepaid.size ?? 0
  const often = Network.isTelling() ? 0.06 : 0.008
  return ahead > 0 && world.strikes('crash of the seller before an answer', often)
}

/** At any time; sooner while something is under review or was just approved, or while it is told an answer. */
function dies(world: World.World, { books, life }: Processes.Desk): boolean {
  if (world.strikes('crash of a buyer', 0.006)) return true
  if (Network.isTelling(life) && world.strikes('crash of a buyer that is told', 0.27)) return true
  const reviews = books?.state.purchases.usage.reviews.size ?? 0
  return reviews > 0 && world.strikes('crash beside a review', 0.025)
}

/** Mostly seconds, at times an hour. */
function leap(world: World.World): number {
  return world.chance(0.85) ? 1 + world.below(15_000) : world.below(3_600_000)
}

/** As many blocks as are not final are replaced by as many and one. */
function reorganise({ blocks, finality, nowMs, below, chance }: World.World): void {
  const notFinal = Blocks.head(blocks) - (blocks.highest - finality + 1)
  if (notFinal < 1) return
  const depth = 1 + below(notFinal)
  Blocks.revert(blocks, depth, () => chance(0.7))
  for (let count = 0; count <= depth; count += 1)
    Blocks.mine(blocks, Math.floor(nowMs / 1000), () => (chance(0.5) ? 'take' : 'leave'))
}

function crash(play: Play, party: Processes.Shop | Processes.Desk): void {
  const { world, crashedIn } = play
  const state = standing(party)
  crashedIn[state] = (crashedIn[state] ?? 0) + 1
  world.say(`  ${party.name} dies: ${state}`)
  Processes.kill(party)
  if ('node' in party) party.node = undefined
  else party.buyer = undefined
  restart(play, party, 50 + world.below(world.chance(0.2) ? 10_000 : 800))
}

/** The farthest that something of a party has come which is not at its end. */
function standing({ books, name }: World.Party): string {
  const known = name === 'seller' ? books?.state.sales.sales : books?.state.purchases.purchases
  const states = new Set<string>([...(known?.values() ?? [])].map(({ status }) => status))
  for (const { status, approved } of books?.state.purchases.purchases.values() ?? [])
    if (status === 'reviewing' && approved !== undefined) states.add('approved')
  for (const { status } of books?.state.sales.prepaid.values() ?? [])
    if (status === 'funded') states.add('funded ahead')
    else if (status === 'accepted') states.add(status)
  if (name === 'seller' && Network.isTelling()) states.add('telling')
  const order = ['paying', 'held', 'approved', 'reviewing', 'telling']
  order.push('funded ahead', 'accepted', 'served')
  const found = order.find((each) => states.has(each))
  return `${name === 'seller' ? 'seller' : 'buyer'}: ${found ?? 'nothing open'}`
}

const restarting = new WeakSet<World.Party>()

function restart(play: Play, party: Processes.Shop | Processes.Desk, delayMs: number): void {
  if (restarting.has(party)) return
  restarting.add(party)
  World.park(
    undefined,
    `${party.name} starts`,
    () => {
      restarting.delete(party)
      void ('node' in party ? Processes.startShop(party) : Processes.startDesk(party, play.ends))
    },
    delayMs,
  )
}

/** What happens next: often the oldest, else any; when nothing can, time passes until something does. */
function pick({ world, nextBlockMs }: Play): World.Parked | undefined {
  world.nowMs += world.chance(0.04) ? world.below(2_500) : world.below(30)
  const { parked } = world
  let due = parked.filter(({ dueAtMs }) => dueAtMs <= world.nowMs)
  if (due.length === 0) {
    const next = Math.min(nextBlockMs, ...parked.map(({ dueAtMs }) => dueAtMs))
    world.nowMs = Math.max(world.nowMs, next)
    due = parked.filter(({ dueAtMs }) => dueAtMs <= world.nowMs)
  }
  if (due.length === 0) return undefined
  const index = due.length === 1 || world.chance(0.5) ? 0 : world.below(due.length)
  if (index > 0) world.count('out of order')
  const chosen = due[index]!
  parked.splice(parked.indexOf(chosen), 1)
  return chosen
}

/** The seller's first start, whose disk every simulation begins with. */
export async function rehearse(): Promise<void> {
  const play = open(0)
  play.world.isCalm = true
  void Processes.startShop(play.shop)
  for (let step = 0; step < 100 && play.shop.node === undefined; step += 1) await tick(play)
  const { files, texts, hashes, ids } = play.shop.disk
  for (const [name, text] of files) Market.firstDisk.files.set(name, text)
  Market.firstDisk.texts.push(...texts)
  Market.firstDisk.hashes.push(...hashes)
  for (const [id, text] of ids) Market.firstDisk.ids.set(id, text)
  for (const party of world(play)) Processes.kill(party)
  await drained()
}
