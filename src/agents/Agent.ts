/**
 * @module An agent: a name, a buyer, and work: by default one bought answer of a model, else a LangChain
 * loop over tools, or whatever its author writes. Each thing it is asked is a run, a machine of its own
 * (`AgentMachine`) that stands in the buyer's journal and is gone on with after a restart.
 */
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Receipt from '../market/Receipt.ts'
import type { Reason } from '../policies/Decision.ts'
import * as Window from '../policies/Window.ts'
import * as Effects from './Agent.effects.ts'
import * as AgentMachine from './AgentMachine.ts'
import type * as AgentRuns from './AgentRuns.ts'
import * as AgentWork from './AgentWork.ts'
import type { Buyer, Outcome } from './Buyer.ts'

export {
  type Context,
  edge,
  isEdge,
  machine,
  machineDigest,
  type State,
  table,
} from './AgentMachine.ts'
export type { Model, Result, Tools, Work } from './AgentWork.ts'

/** What every agent has. */
type Named = {
  /** 1 to 100 characters without `/`; no two agents of one buyer share one. */
  readonly name: string
  readonly buyer: Buyer
}

/** An agent that asks a model, once a run. */
export type Asking = Named & { readonly model: AgentWork.Model; readonly tools?: readonly [] }

/** An agent that does something else: a LangChain loop over tools, or work of its own. */
export type Working = Named &
  (
    | { readonly model: AgentWork.Model | LangChainModel; readonly tools: readonly unknown[] }
    | { readonly work: AgentWork.Work }
  )

/** A chat model of LangChain's; `ChatRequite` is one. */
export type LangChainModel = { readonly invoke: unknown }

/** What an agent is made of. */
export type Options = Asking | Working

/** One question: its answer, what it cost, and why it was or was not bought. */
export type Run = {
  /** Names the run in the journal. */
  readonly id: string
  readonly state: AgentMachine.State
  /** Undefined when there is none: `because` or `outcome` says why. */
  readonly answer: string | undefined
  /** Atoms that left for this run, change included. */
  readonly spentAtoms: bigint
  readonly receipts: readonly (Receipt.Signed & { readonly hash: Hex })[]
  /** What each rule of the policy said. */
  readonly decisions: readonly Reason[]
  /** Why it is in its state. */
  readonly because?: string
  /** How the purchase ended, of a run that is one. */
  readonly outcome?: Outcome
}

/** A run that is one purchase. */
export type Bought = Run & { readonly outcome: Outcome }

/** Where a run stands. */
export type Standing = Omit<AgentRuns.Standing, 'run' | 'seq'> & { readonly id: string }

/** Asks questions and pays for the answers. */
export type Agent<Result extends Run = Run> = {
  readonly name: string
  readonly buyer: Buyer
  /**
   * Goes on with the runs that the journal says are not at an end: call it once after a restart. What is
   * paused stays paused; a time that passed meanwhile counts once. Returns how many go on.
   */
  open(): number
  /**
   * Asks, and returns when the run ended or waits for somebody's approval; then `ended` goes on waiting.
   * `signal` cancels what is not signed yet. Throws what the work throws, `agent-paused`, `agent-stopped`.
   */
  ask(question: string, options?: { readonly signal?: AbortSignal }): Promise<Result>
  /** Asks at a time, or at once when it passed, also after a restart. Returns the run's id. */
  at(time: Date | number, question: string): Promise<string>
  /** Asks again and again, first after one `interval` (`10m`, `24h`, …). The id is good for all of them. */
  every(interval: string, question: string): Promise<string>
  /** A run's end. Throws `run-unknown`, `buyer-closed`. */
  ended(run: string): Promise<Run>
  /** Halts a run, or the agent with all of them: what is signed is gone through with, nothing else is. */
  pause(run?: string): Promise<void>
  /** Goes on with what was paused. */
  resume(run?: string): Promise<void>
  /** Ends a run, or the agent with all of them, for good. */
  stop(run?: string): Promise<void>
  /** Of a run, or of the agent: what the furthest of its runs is at. Throws `run-unknown`. */
  state(run?: string): AgentMachine.State
  /** Every run, oldest first. */
  runs(): readonly Standing[]
}

/** Makes an agent. Throws `InputError`. */
export function create(options: Asking): Agent<Bought>
export function create(options: Working): Agent
export function create(options: Options): Agent {
  const { name, buyer } = options
  if (!/^[^/\s][^/]{0,99}$/.test(name))
    throw new InputError(`expected a name of 1 to 100 characters without /, got ${name}`)
  const { journal } = buyer
  const lives = new Map<string, Effects.Live>()
  const watching = new Set<() => void>()
  let broken: { readonly error: unknown } | undefined
  const take = (run: string) => {
    const live = lives.get(run) ?? Effects.take({ buyer }, run, run !== name)
    lives.set(run, live)
    return live
  }
  const ports: Effects.Ports = {
    ...{ buyer, take, work: workOf(options) },
    onMoved(run, state) {
      for (const look of [...watching]) look()
      if (AgentMachine.isEnd(state)) lives.delete(run)
    },
    onBroken(error) {
      broken ??= { error }
      for (const look of [...watching]) look()
    },
  }
  /** Resolves when a run is where `test` wants it. */
  const until = (live: Effects.Live, test: (state: AgentMachine.State) => boolean) =>
    new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => {
        watching.delete(look)
        journal.closing.removeEventListener('abort', look)
        end()
      }
      const look = () => {
        if (test(live.standing.state)) settle(resolve)
        else if (broken !== undefined) settle(() => reject(broken!.error))
        else if (journal.closing.aborted) settle(() => reject(journal.closing.reason))
      }
      watching.add(look)
      journal.closing.addEventListener('abort', look)
      look()
    })
  const expectLive = () => {
    const state = journal.find(name)?.state
    if (state === 'paused' || state === 'stopped') throw halted(name, state)
  }
  /** Runs that are not at an end: one, those of a series, or all with the agent's own life before them. */
  const chosen = (run?: string) => {
    if (run === undefined) return [name, ...open()].map(take)
    if (!agent.runs().some(({ id }) => isOf(run, id))) throw unknown(run)
    return open()
      .filter((id) => isOf(run, id))
      .map(take)
  }
  const open = () =>
    journal
      .list(`${name}/`)
      .filter(({ state }) => !AgentMachine.isEnd(state))
      .map(({ run }) => run)
  const begin = async (
    task: { readonly question: string; readonly everyMs?: number },
    event: AgentMachine.Happening,
    caller?: AbortSignal,
  ) => {
    expectLive()
    const live = take(`${name}/${buyer.run()}`)
    live.caller = caller
    Effects.entrust(ports, live, task)
    await Effects.happen(ports, [[live, event]])
    return live
  }
  const agent: Agent = {
    ...{ name, buyer },
    open() {
      const runs = open().filter((run) => !lives.has(run))
      for (const run of runs) Effects.resume(ports, take(run))
      return runs.length
    },
    async ask(question, { signal } = {}) {
      const live = await begin({ question }, { type: 'ask' }, signal)
      await until(live, (state) => AgentMachine.isEnd(state) || state === 'awaitingApproval')
      if (live.error !== undefined) throw live.error
      return Effects.result(ports, live)
    },
    async at(time, question) {
      const wakeAtMs = Math.max(0, Math.floor(typeof time === 'number' ? time : time.getTime()))
      if (!Number.isSafeInteger(wakeAtMs)) throw new InputError('expected a time in milliseconds')
      return (await begin({ question }, { type: 'schedule', wakeAtMs })).run
    },
    async every(interval, question) {
      const everyMs = Window.read(interval)
      if (everyMs === undefined)
        throw new InputError(`expected ${Window.expected}, got ${JSON.stringify(interval)}`)
      const wakeAtMs = journal.runtime.now() + everyMs
      return (await begin({ question, everyMs }, { type: 'schedule', wakeAtMs })).run
    },
    async ended(run) {
      const known = journal.find(run)
      if (known === undefined || !run.startsWith(`${name}/`)) throw unknown(run)
      const live = lives.get(run) ?? Effects.take(ports, run, true)
      await until(live, AgentMachine.isEnd)
      return Effects.result(ports, live)
    },
    async pause(run) {
      await Effects.happen(
        ports,
        chosen(run).map((live) => [live, { type: 'pause' }]),
      )
    },
    async resume(run) {
      if (run !== undefined) expectLive()
      const nowMs = journal.runtime.now()
      await Effects.happen(
        ports,
        chosen(run).map((live) => {
          const { wakeAtMs = nowMs } = live.standing.context
          return [live, { type: 'resume', ...(live.run !== name && { wakeAtMs }) }]
        }),
      )
    },
    async stop(run) {
      await Effects.happen(
        ports,
        chosen(run).map((live) => [live, { type: 'stop' }]),
      )
    },
    state(run) {
      if (run !== undefined) {
        const last = agent.runs().findLast(({ id }) => isOf(run, id))
        if (last === undefined) throw unknown(run)
        return last.state
      }
      const own = journal.find(name)?.state ?? 'idle'
      const states = new Set(agent.runs().map(({ state }) => state))
      if (own !== 'idle') return own
      return (['working', 'awaitingApproval'] as const).find((each) => states.has(each)) ?? 'idle'
    },
    runs: () =>
      journal.list(`${name}/`).map(({ run: id, state, wakeAtMs }) => ({ id, state, wakeAtMs })),
  }
  return agent
}

function workOf(options: Options): AgentWork.Work {
  if ('work' in options) return options.work
  const { model, tools = [] } = options
  if (tools.length === 0 && 'baseUrl' in model) return AgentWork.asking(model)
  return async (task, given) => {
    // Agents without tools load no LangChain.
    const { loop } = await import('./langchain/Loop.ts')
    return loop({ model, tools })(task, given)
  }
}

/** Whether a run is this one, or one of its series. */
function isOf(run: string, id: string): boolean {
  return id === run || id.startsWith(`${run}.`)
}

function halted(name: string, state: 'paused' | 'stopped'): BaseError {
  return new BaseError(`agent ${name} is ${state}`, {
    code: state === 'paused' ? 'agent-paused' : 'agent-stopped',
    hint: state === 'paused' ? 'resume it first' : 'it takes no tasks any more: make another',
    retry: state === 'paused' ? 'safe' : 'never',
  })
}

function unknown(run: string): BaseError {
  return new BaseError(`no run ${run}`, {
    code: 'run-unknown',
    hint: 'runs() lists them',
    facts: { run },
  })
}
