/** @module The processes of a simulation: how each is started, and what it does with its life. */
import * as Buyer from '../../src/agents/Buyer.ts'
import { BaseError } from '../../src/kernel/Errors.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as App from '../../src/server/App.ts'
import * as Node from '../../src/server/Node.ts'
import * as Settlement from '../../src/server/Settlement.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as Law from './Law.ts'
import * as Market from './Market.ts'
import * as Network from './Network.ts'
import type * as SellerLaw from './SellerLaw.ts'
import * as Rpc from './virtual/Rpc.ts'
import * as World from './World.ts'

/** Something an agent wants to buy, and how far it has come. */
export type Task = {
  readonly call: Buyer.Call
  status: 'open' | 'done'
  tries: number
  /** How often it was asked for while it waited for somebody's answer. */
  waits: number
  /** Purchase that was captured for it. */
  captured: Hex | undefined
}

/** A buyer: a party, its tasks, and what its policy allows. */
export type Desk = World.Party & {
  readonly tasks: readonly Task[]
  /** What its records must follow. */
  readonly law: Law.Law
  /** Reviews that nobody will answer. */
  readonly ignored: Set<Hex>
  /** What it is doing now. */
  calls: number
  buyer: Buyer.Buyer | undefined
}

/** The seller. */
export type Shop = World.Party & {
  node: Node.Node | undefined
  /** What its records must follow. */
  readonly law: SellerLaw.SellerLaw
}

/** What a purchase can end in. */
export type Ends = Record<
  'captured' | 'disputed' | 'expired' | 'refused' | 'refunded' | 'failed',
  number
>

/** Starts a buyer, which takes up what it left and asks for what it lacks. */
export async function startDesk(desk: Desk, ends: Ends): Promise<void> {
  // One process a folder at a time, as the journal's lock has it.
  if (desk.life !== undefined) return
  const life = begin(desk)
  desk.calls = 0
  Law.restart(desk.law)
  try {
    const chain = await Chain.open({ ...node(desk), finality: World.current().finality })
    World.current().opening = desk
    const opening = Buyer.open({
      dir: `/${desk.name}`,
      wallet: Market.wallets.get(desk.name)!,
      ...{ chain, contracts: Market.contracts, now: World.clock(desk) },
      policy: `/${desk.name}/policy.yaml`,
      ...(desk.law.trial === undefined ? {} : { shadow: `/${desk.name}/trial.yaml` }),
      local: true,
      onPoisoned: () => {
        desk.isDoomed = true
      },
    })
    desk.buyer = await opening
  } catch (error) {
    return again(desk, error, () => startDesk(desk, ends))
  }
  const { chance, isTelling } = World.current()
  if (chance(isTelling ? 0.2 : 0.7)) finish(desk)
  for (const task of desk.tasks) if (task.status === 'open') ask(desk, task, ends)
  World.current().say(`${life.name} is up`)
}

/** Ends what a crash left open. */
export function finish(desk: Desk): void {
  World.park(desk.life, `${desk.name} finishes`, () => {
    expect(desk, desk.buyer!.finish())
  })
}

/** What a buyer does, until it is done: it may fail, as the world may. */
export function expect(desk: Desk, doing: Promise<unknown>): void {
  counted(desk, doing).catch((error: unknown) => expectFailure(desk, error))
}

/** A buyer does something: until that is done, a policy read before may be asked. */
function counted<T>(desk: Desk, doing: Promise<T>): Promise<T> {
  const { life } = desk
  desk.calls += 1
  return doing.finally(() => {
    if (desk.life === life) desk.calls -= 1
  })
}

/** Asks for a task, now or later; sometimes twice at once, sometimes again when it was bought. */
export function ask(desk: Desk, task: Task, ends: Ends, delayMs?: number): void {
  const world = World.current()
  const { life } = desk
  const buy = () => {
    const listening = listen(desk, task)
    counted(desk, desk.buyer!.buy({ ...task.call, ...listening?.call })).then(
      (outcome) => {
        listening?.judge(outcome)
        take(desk, task, outcome, ends)
      },
      (error: unknown) => {
        expectFailure(desk, error)
        ends.failed += 1
        if (task.status === 'open') later(desk, task, ends)
      },
    )
  }
  World.park(
    life,
    `${desk.name} asks ${task.call.step}`,
    () => {
      buy()
      if (world.strikes('call twice', 0.15)) World.park(life, `${desk.name} asks twice`, buy)
    },
    // The first alone, the others together: by then there is change to be used.
    delayMs ?? (task.call.step === 0 ? 200 : 4_000 * world.below(3)) + world.below(800),
  )
}

/** Listens to an answer that is told while it is made, until it is not wanted any more. */
function listen(desk: Desk, { call: { body, step } }: Task) {
  if (body.stream !== true) return undefined
  const world = World.current()
  const { life } = desk
  const calling = new AbortController()
  let heard = ''
  let isOver = false
  const cancel = () => calling.abort(new Error('not wanted any more'))
  const leave = () => {
    if (isOver || calling.signal.aborted) return
    if (
      heard === '' ? world.strikes('call cancelled', 0.3) : world.strikes('cancelled while told', 2)
    )
      cancel()
  }
  World.park(life, `${desk.name} may cancel ${step}`, leave, world.below(5_000))
  const onDelta: Buyer.Call['onDelta'] = ({ text = '' }) => {
    heard += text
    if (calling.signal.aborted) world.wrong.push(`${desk.name} hears what it does not want`)
    else if (world.strikes('cancelled while told', 2))
      World.park(life, `${desk.name} cancels ${step}`, cancel, world.below(150))
  }
  const judge = ({ delivered }: Buyer.Outcome) => {
    isOver = true
    if (delivered === undefined) return
    const { output, finish } = delivered.answered
    // Cut short when it was asked for again, it may end before what was heard the first time.
    const isShort = finish === 'length' && heard.startsWith(output)
    const isSame = calling.signal.aborted ? output.startsWith(heard) : output === heard
    if (!isSame && !isShort)
      world.wrong.push(`${desk.name} was told ${heard}, and bought ${output}`)
  }
  return { call: { signal: calling.signal, onDelta }, judge }
}

/** What came of a purchase. */
export function take(desk: Desk, task: Task, outcome: Buyer.Outcome, ends: Ends): void {
  const world = World.current()
  world.say(`  ${desk.name} ${task.call.step}: ${outcome.state} ${outcome.because ?? ''}`)
  if (outcome.state === 'captured') {
    if (task.captured !== undefined && task.captured !== outcome.purchase)
      world.wrong.push(`${desk.name} bought step ${task.call.step} twice`)
    if (outcome.delivered === undefined) world.wrong.push('captured, and nothing delivered')
    task.captured = outcome.purchase
    if (task.status === 'open') ends.captured += 1
    task.status = 'done'
    if (world.strikes('call again', 0.95)) ask(desk, task, ends)
    return
  }
  if (task.captured !== undefined)
    world.wrong.push(`${desk.name} had step ${task.call.step}, and now it is ${outcome.state}`)
  ends[outcome.state] += 1
  if (outcome.code === 'needs-approval' && task.status === 'open' && task.waits < 6) {
    task.waits += 1
    ask(desk, task, ends, 500 + world.below(3_000))
  } else if (outcome.state === 'disputed') task.status = 'done'
  else later(desk, task, ends)
}

function later(desk: Desk, task: Task, ends: Ends): void {
  task.tries += 1
  if (task.tries >= 2 || World.current().isCalm) task.status = 'done'
  else ask(desk, task, ends, 500 * task.tries)
}

/** Starts the seller, which settles what it left open and serves. */
export async function startShop(shop: Shop): Promise<void> {
  if (shop.life !== undefined) return
  begin(shop)
  const world = World.current()
  try {
    const chain = await Chain.open({ ...node(shop), finality: world.finality })
    let drawn = 0
    shop.node = await Node.open({
      dir: '/seller',
      name: 'node',
      wallet: Market.wallets.get('seller')!,
      ...{ chain, contracts: Market.contracts, offers: [Market.terms], now: World.clock(shop) },
      salt: () => {
        drawn += 1
        return Hash.text(`salt ${world.seed} ${shop.disk.texts.length} ${drawn} ${world.random()}`)
      },
      documents: () => ({ documents: Market.documents, commons: [], skipped: [] }),
      onPoisoned: () => {
        shop.isDoomed = true
      },
    })
  } catch (error) {
    return again(shop, error, () => startShop(shop))
  }
  const { fetch } = App.create(shop.node)
  Network.answer(fetch)
  settle(shop)
}

/** Settles what was served and is open. */
export function settle(shop: Shop): void {
  World.park(shop.life, 'seller settles what is open', () => {
    Settlement.settleOpen(shop.node!).catch((error: unknown) => expectFailure(shop, error))
  })
}

/** Ends a process: what it had on its way never runs. */
export function kill(party: World.Party): void {
  const world = World.current()
  const { life } = party
  if (life === undefined) return
  life.alive = false
  party.life = undefined
  party.books = undefined
  party.isDoomed = false
  if (party.name === 'seller') {
    Network.hangUp()
    for (const utterance of world.utterances) utterance.isRunning = false
  } else Network.left(life)
  const kept = world.parked.filter(({ life }) => life === undefined || life.alive)
  world.parked.splice(0, world.parked.length, ...kept)
}

function begin(party: World.Party): World.Life {
  party.life = { name: party.name, alive: true }
  party.isDoomed = false
  return party.life
}

/** A process that could not start: the world misbehaved, so it is started again. */
function again(party: World.Party, error: unknown, start: () => Promise<void>): void {
  expectFailure(party, error)
  kill(party)
  World.park(undefined, `${party.name} starts again`, () => void start(), 300)
}

function node({ name }: World.Party) {
  return { rpcUrl: `virtual://${name}`, chainId: Rpc.chainId }
}

/** The world may misbehave; a bug is never an answer. */
function expectFailure({ name }: World.Party, error: unknown): void {
  const world = World.current()
  world.say(`  ${name} failed: ${error}`)
  if (!(error instanceof BaseError)) world.wrong.push(`${name}: ${(error as Error).stack ?? error}`)
}
