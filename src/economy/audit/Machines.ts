/**
 * @module Decisions against the machine that made them: each edge stands in the table whose digest the
 * record names, and leads on from the purchase's edge before it.
 */
import * as Hash from '../../kernel/Hash.ts'
import type * as Event from '../Event.ts'
import * as Runs from '../Runs.ts'
import type { Facts } from './Facts.ts'
import type { Fault } from './Tally.ts'
import type { Table, World } from './World.ts'

/** Events that carry an edge. */
export type Step = Event.Of<'decided' | 'paying' | 'captured' | 'disputed' | 'refunded' | 'voided'>

/** Where an event leaves its purchase: a capture is no dispute, whatever edges there are. */
const leadsTo: Readonly<Record<Exclude<Step['type'], 'decided'>, readonly string[]>> = {
  paying: ['executing'],
  captured: ['captured'],
  disputed: ['disputed'],
  refunded: ['refunded'],
  voided: ['refused', 'expired'],
}

/** Why a recorded edge is none of its machine, or does not follow from the one before. */
export function edgeFault(world: World, facts: Facts, step: Step): Fault {
  const { from, event, to } = step.transition
  const table = tableOf(world, step.transition)
  if (typeof table === 'string') return table
  if (step.type === 'decided')
    return event === step.verdict ? undefined : `edge ${event} after the verdict ${step.verdict}`
  if (!leadsTo[step.type].includes(to)) return `${step.type} by an edge to ${to}`
  const before = facts.purchases.get(step.purchase)?.transition
  if (before === undefined || reaches(table, before.to, from)) return undefined
  return `${from} cannot be reached from ${before.to}`
}

/** The same of a run of an agent's own machine, which begins idle and of which no transition is left out. */
export function movedFault(world: World, { runs }: Facts, step: Event.Of<'moved'>): Fault {
  const table = tableOf(world, step.transition)
  if (typeof table === 'string') return table
  const before = runs.get(Runs.key(step))?.transition.to ?? Runs.initial
  const { from } = step.transition
  return from === before ? undefined : `${from} does not follow ${before}`
}

/** The machine that has this edge; why there is none otherwise. */
function tableOf(world: World, { machine, from, event, to }: Event.Transition): Table | string {
  const table = world.transitionTables.get(machine)
  if (table === undefined) return `machine ${machine}, which this program does not know`
  if (Hash.digest(table) !== machine) return `a table that is not ${machine}`
  if (next(table, from, event) !== to) return `no edge ${event} from ${from} to ${to}`
  return table
}

function next(table: Table, from: string, event: string): string | undefined {
  const row = Object.hasOwn(table, from) ? table[from] : undefined
  return row !== undefined && Object.hasOwn(row, event) ? row[event] : undefined
}

function reaches(table: Table, from: string, to: string): boolean {
  const seen = new Set([from])
  for (const state of seen) {
    if (state === to) return true
    for (const after of Object.values(table[state] ?? {})) seen.add(after)
  }
  return false
}
