/**
 * @module Runs: where each run of an agent's machine stands, as its transitions in the log say. Whether its
 * table has such an edge is for the audit, which is handed the tables.
 */
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Event from './Event.ts'
import type { Fault, Place } from './Sales.ts'

/** A run: its last transition, which says its state and when it wakes, and where in this log it stands. */
export type Run = { readonly moved: Event.Of<'moved'>; readonly leaf: number }

/** All runs, by {@link key}, in order of their first transition. Owned by the fold alone. */
export type Runs = Map<Hex, Run>

/** Where every run begins. */
export const initial = 'idle'

/** Before any run. */
export function empty(): Runs {
  return new Map()
}

/** What a run is kept under. */
export function key({ agent, run }: { readonly agent: Hex; readonly run: string }): Hex {
  return Hash.digest([agent, run])
}

/** A run by its agent and name. */
export function find(runs: Runs, named: { readonly agent: Hex; readonly run: string }) {
  return runs.get(key(named))
}

/** One transition more: it must leave the state its run is in, and be the next in number. */
export function moved(runs: Runs, event: Event.Of<'moved'>, at: Place): Fault {
  const known = find(runs, event)?.moved
  const expected = known === undefined ? 0 : known.seq + 1
  if (event.seq !== expected) return `transition ${event.seq} of ${event.run}, expected ${expected}`
  const state = known?.transition.to ?? initial
  if (event.transition.from !== state)
    return `transition from ${event.transition.from}, ${event.run} is ${state}`
  runs.set(key(event), { moved: event, leaf: at.leaf })
  return undefined
}
