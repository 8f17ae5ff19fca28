/**
 * @module How a run of an agent goes, as a pure machine: the interpreter (`Agent.effects.ts`) makes happen
 * what it names, and every edge is a record before its effect.
 *
 * idle → working ⇄ awaitingApproval → done | failed; paused and stopped from wherever it is not at an end.
 * A run that waits for its time is idle with a `wakeAtMs`, asleep in the middle of its work or not begun.
 * Money leaves while `working` only. What is paused goes back to idle, due at once if its time has passed.
 */
import { assign, fromPromise, setup, transition } from 'xstate'
import type * as Event from '../economy/Event.ts'
import { assert } from '../kernel/Assert.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'

/** State → what happened → next state. States without a row are final. */
export const table = {
  idle: { ask: 'working', schedule: 'idle', wake: 'working', pause: 'paused', stop: 'stopped' },
  working: {
    ...{ sleep: 'idle', review: 'awaitingApproval', finish: 'done', fail: 'failed' },
    ...{ pause: 'paused', stop: 'stopped' },
  },
  awaitingApproval: {
    ...{ approve: 'working', decline: 'failed', expire: 'failed' },
    ...{ pause: 'paused', stop: 'stopped' },
  },
  paused: { resume: 'idle', stop: 'stopped' },
} as const

/** Digest of the table: stands in every record of a transition. */
export const machineDigest: Hex = Hash.digest(table)

/** States that lead on. */
export type Live = keyof typeof table
/** Where a run ends. */
export type Terminal = 'done' | 'failed' | 'stopped'
/** All states. */
export type State = Live | Terminal
/** States with an effect: waiting for a time, the work itself, waiting for somebody's answer. */
export type Effect = 'idle' | 'working' | 'awaitingApproval'

/** What happens to a run; what it carries stands in the run's record. */
export type Happening =
  | { readonly type: 'ask' | 'finish' | 'approve' }
  | { readonly type: 'schedule' | 'sleep' | 'resume'; readonly wakeAtMs?: number }
  | { readonly type: 'wake'; readonly nowMs: number }
  | {
      readonly type: 'review' | 'fail' | 'decline' | 'expire' | 'pause' | 'stop'
      readonly because?: string
    }

/** Plain data that the machine carries from state to state. */
export type Context = {
  /** The state it is in, as the journal says it. */
  readonly at: State
  /** There is something to do: an agent's own life has no task, and is never woken. */
  readonly hasTask: boolean
  /** When an idle run goes on. */
  readonly wakeAtMs?: number
  /** Why it is where it is. */
  readonly because?: string
}

/** A machine where it stands, and what it begins and ends to do there. */
export type Standing = {
  readonly state: State
  readonly context: Context
  readonly begins?: Effect
  readonly ends?: Effect
}

/** Guard: a run that waits goes on when its time has come, and not before. */
export function isDue({ wakeAtMs }: Pick<Context, 'wakeAtMs'>, nowMs: number): boolean {
  return wakeAtMs !== undefined && nowMs >= wakeAtMs
}

/** Guard: only what was asked is worked on. */
export function hasTask(context: Pick<Context, 'hasTask'>): boolean {
  return context.hasTask
}

/** Digestable edge for a record. */
export function edge(from: State, event: string): Event.Transition {
  const to = (table as Record<string, Record<string, State | undefined>>)[from]?.[event]
  assert(to !== undefined, `an edge ${event} out of ${from}`)
  return { machine: machineDigest, from, event, to }
}

/** Whether a recorded edge exists in this table. */
export function isEdge({ machine, from, event, to }: Event.Transition): boolean {
  const row = (table as Record<string, Record<string, string>>)[from]
  return machine === machineDigest && row?.[event] === to
}

/** Whether a run is at its end. */
export function isEnd(state: State): state is Terminal {
  return !(state in table)
}

/** A machine at its beginning, or where the journal says that it stands, with what it does there. */
export function begin(context: Context): Standing {
  const { at } = context
  const hasEffect = machine.states[at]!.invoke.length > 0
  return { state: at, context, ...(hasEffect && { begins: at as Effect }) }
}

/** What an event makes of it; undefined where there is no such edge, or a guard says no. */
export function next(before: Standing, event: Happening): Standing | undefined {
  const at = machine.resolveState({ value: before.state, context: before.context })
  const [after, actions] = transition(machine, at, event)
  if (after === at) return undefined
  const spawned = actions.find(({ type }) => type === 'xstate.spawnChild')
  const { src } = (spawned as { params?: { src: Effect } } | undefined)?.params ?? {}
  const ended = begin(before.context).begins
  const state = after.value as State
  return {
    ...{ state, context: { ...after.context, at: state } },
    ...(src && { begins: src }),
    ...(ended && { ends: ended }),
  }
}

const unprovided = fromPromise<void, Context>(async () => {
  throw new Error('not provided: run this machine through Agent.effects')
})

function row(state: Live) {
  const targets = Object.entries(table[state]).map(([event, target]) => {
    const guard = event === 'wake' ? { guard: 'isDue' as const } : {}
    const asked = event === 'ask' || event === 'schedule' ? { guard: 'hasTask' as const } : {}
    const edge = { target: target as State, reenter: true, actions: 'gain' as const }
    return [event, { ...edge, ...guard, ...asked }]
  })
  const on = Object.fromEntries(targets) as Record<string, (typeof targets)[0][1] & object>
  return state === 'paused' ? { on } : { on, invoke: { src: state, id: state, input } }
}

function input({ context }: { context: Context }): Context {
  return context
}

/** The machine: built from {@link table}. */
export const machine = setup({
  types: { context: {} as Context, input: {} as Context, events: {} as Happening },
  actors: { idle: unprovided, working: unprovided, awaitingApproval: unprovided },
  actions: {
    gain: assign(({ context, event }) => {
      const { at, hasTask } = context
      const { wakeAtMs, because } = event as { wakeAtMs?: number; because?: string }
      // What waits for a time and is paused meanwhile still knows it.
      const keeps = event.type === 'pause' || event.type === 'resume'
      const until = wakeAtMs ?? (keeps ? context.wakeAtMs : undefined)
      return { at, hasTask, wakeAtMs: until, because } as Context
    }),
  },
  guards: {
    isDue: ({ context, event }) =>
      hasTask(context) && isDue(context, (event as { nowMs: number }).nowMs),
    hasTask: ({ context }) => hasTask(context),
  },
}).createMachine({
  id: 'agent',
  context: ({ input }) => input,
  initial: 'idle',
  states: {
    idle: row('idle'),
    working: row('working'),
    awaitingApproval: row('awaitingApproval'),
    paused: row('paused'),
    done: { type: 'final' },
    failed: { type: 'final' },
    stopped: { type: 'final' },
  },
})
