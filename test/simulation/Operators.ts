/**
 * @module Whoever looks after the buyers: answers reviews or lets them expire, freezes and thaws, and changes
 * policies while purchases are on their way, all at moments that nobody chose.
 */
import type { Hex } from '../../src/kernel/Hex.ts'
import type * as Freeze from '../../src/policies/Freeze.ts'
import * as Law from './Law.ts'
import * as Market from './Market.ts'
import * as Processes from './Processes.ts'
import * as World from './World.ts'

/** Files of a buyer's folder that its operator writes. */
export const files = { policy: 'policy.yaml', trial: 'trial.yaml' }

/** What operators do to a buyer in one step. */
export function act(desk: Processes.Desk, ends: Processes.Ends): void {
  const world = World.current()
  if (world.isCalm) return
  const isWaited = desk.tasks.some(({ status }) => status === 'open')
  if (isWaited && world.strikes('policy reloaded', 0.005)) reload(desk)
  if (desk.life === undefined || desk.buyer === undefined || desk.isDoomed) return
  const { usage, purchases } = desk.books!.state.purchases
  if (usage.reviews.size > 0 && world.chance(0.22)) answer(desk, ends)
  // Allowed, and not yet durable: it is signed as soon as it is.
  const isAboutToSign = [...purchases.values()].some(({ status }) => status === 'held')
  if (world.chance(isAboutToSign ? 0.06 : 0.0025)) freeze(desk)
  if (usage.freezes.size > 0 && world.chance(0.16)) thaw(desk)
}

/** The next purchase is judged by another policy. */
function reload(desk: Processes.Desk): void {
  const terms = Market.drawTerms(World.current(), 0.55)
  Law.reload(desk.law, terms)
  desk.disk.files.set(`/${desk.name}/${files.policy}`, terms.text)
}

/** Approves, mostly; at times below what is asked, by a name that no longer counts, twice, or never. */
function answer(desk: Processes.Desk, ends: Processes.Ends): void {
  const world = World.current()
  const { buyer, law } = desk
  for (const { purchase, atoms } of buyer!.reviews()) {
    if (desk.ignored.has(purchase)) continue
    const way = world.below(20)
    world.say(`  ${desk.name} is answered: ${way}`)
    const by = law.terms.review?.by ?? Market.operator
    if (way < 4) desk.ignored.add(purchase)
    else if (way < 10) {
      const told = buyer!.decline(purchase, { by, because: 'not today' })
      Processes.expect(desk, told)
    } else {
      const ceilingAtoms = way < 12 ? atoms - 1n : atoms
      approve(desk, purchase, { by, ceilingAtoms }, ends)
      if (way === 19) approve(desk, purchase, { by, ceilingAtoms: 2n * atoms }, ends)
    }
  }
}

function approve(
  desk: Processes.Desk,
  purchase: Hex,
  answer: { readonly by: string; readonly ceilingAtoms: bigint },
  ends: Processes.Ends,
): void {
  const { step } = desk.books!.state.purchases.purchases.get(purchase)!.decided.key
  const bought = desk.buyer!.approve(purchase, answer)
  Processes.expect(
    desk,
    bought.then((outcome) => Processes.take(desk, desk.tasks[step]!, outcome, ends)),
  )
}

function freeze(desk: Processes.Desk): void {
  const { below } = World.current()
  const { till } = Market.contracts
  const targets: Freeze.Target[] = [
    { kind: 'everything' },
    { kind: 'agent', name: desk.buyer!.address },
    { kind: 'payee', name: till },
    { kind: 'model', name: Market.terms.card.model },
    { kind: 'model', name: 'docs-writer' },
  ]
  const target = targets[below(targets.length)]!
  desk.law.stopped.add(key(target))
  Processes.expect(desk, desk.buyer!.freeze(target, { by: Market.operator, because: 'a drill' }))
}

function thaw(desk: Processes.Desk): void {
  for (const { target } of desk.buyer!.freezes()) {
    desk.law.stopped.delete(key(target))
    Processes.expect(desk, desk.buyer!.thaw(target, { by: Market.operator }))
  }
}

function key(target: Freeze.Target): string {
  return target.kind === 'everything' ? target.kind : `${target.kind} ${target.name}`
}
