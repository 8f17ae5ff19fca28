/**
 * @module The interpreter that carries a purchase from state to state, and what each state does of each
 * kind of purchase. Every effect records before it acts and looks before it acts again.
 */
import { initialTransition, transition } from 'xstate'
import { assert } from '../kernel/Assert.ts'
import * as Deciding from './Deciding.ts'
import type { Effect, Order, Ports } from './Effect.ts'
import * as Paying from './Paying.ts'
import * as Purchase from './Purchase.ts'
import * as Quoting from './Quoting.ts'
import * as Resource from './Resource.ts'
import * as Settling from './Settling.ts'
import * as TransactionEffects from './Transaction.effects.ts'

export type { Effect, Order, Ports } from './Effect.ts'

/** How a purchase ended, and which way it went. */
export type Ended = {
  readonly state: Purchase.Terminal
  readonly states: readonly Purchase.State[]
  readonly context: Purchase.Context
}

/** One effect for each state that has one. */
type Effects = Readonly<Record<Purchase.Working, Effect>>

/** How an answer of a model is bought. */
const inference: Effects = {
  discovering: Quoting.discovering,
  quoting: Quoting.quoting,
  deciding: Deciding.decide,
  paying: Paying.paying,
  executing: Paying.executing,
  looking: Settling.looking,
  releasing: Settling.releasing,
  verifying: Settling.verifying,
}

/** How a plain resource is bought. */
const resource: Effects = {
  ...inference,
  discovering: Resource.discovering,
  quoting: Resource.quoting,
  executing: Resource.executing,
  verifying: Resource.verifying,
}

/** How a transaction of the agent's own is made. */
const transaction: Effects = { ...TransactionEffects, deciding: Deciding.decide }

/** Runs the machine to its end. Throws only what stops the process: a poisoned journal, a bug. */
export async function run(ports: Ports, order: Order, context: Purchase.Context): Promise<Ended> {
  if (order.kind !== 'call')
    return carry(ports, order, context, order.kind === 'resource' ? resource : inference)
  const carried = () => carry(ports, order, context, transaction)
  return TransactionEffects.inTurn(ports.books, carried)
}

async function carry(
  ports: Ports,
  order: Order,
  context: Purchase.Context,
  effects: Effects,
): Promise<Ended> {
  let [snapshot, actions] = initialTransition(Purchase.machine, context)
  const states: Purchase.State[] = []
  const visit = () => states.push(snapshot.value as Purchase.State)
  visit()
  while (snapshot.status === 'active') {
    const spawned = actions.find(({ type }) => type === 'xstate.spawnChild')
    assert(spawned !== undefined, 'an effect of every working state')
    const { src, id, input } = (spawned as unknown as { params: Spawned }).params
    const output = await ports.runtime.step(src, () => effects[src](ports, order, input))
    const event = { type: `xstate.done.actor.${id}`, output, actorId: id }
    ;[snapshot, actions] = transition(Purchase.machine, snapshot, event as never)
    assert(snapshot.value !== states.at(-1), `an edge ${output.event} out of ${src}`)
    visit()
  }
  return { state: snapshot.value as Purchase.Terminal, states, context: snapshot.context }
}

type Spawned = {
  readonly src: Purchase.Working
  readonly id: string
  readonly input: Purchase.Context
}
