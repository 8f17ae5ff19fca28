/**
 * @module What a run of an agent does in the world, one function a state, and the interpreter that leads
 * the machine on. It keeps no state of its own: a run stands where the journal says, every transition is
 * a record before its effect, and dropping all this at any point loses nothing but time.
 */

import type * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import { assert } from '../kernel/Assert.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Receipt from '../market/Receipt.ts'
import type { Reason } from '../policies/Decision.ts'
import * as Tasks from '../store/Tasks.ts'
import type * as Agent from './Agent.ts'
import * as AgentMachine from './AgentMachine.ts'
import type * as AgentWork from './AgentWork.ts'
import type { Buyer, Outcome } from './Buyer.ts'
import { PurchaseRefused } from './Refusal.ts'
import * as Runtime from './Runtime.ts'

/** What the effects need. */
export type Ports = {
  readonly buyer: Buyer
  readonly work: AgentWork.Work
  /** The run in this process, however often it is asked for. */
  readonly take: (run: string) => Live
  /** Told after each transition, once it is durable. */
  readonly onMoved: (run: string, state: AgentMachine.State) => void
  /** Told what only ends the process: a poisoned journal, a bug. */
  readonly onBroken: (error: unknown) => void
}

/** A run at work in this process. */
export type Live = {
  readonly run: string
  standing: AgentMachine.Standing
  task?: Tasks.Task | undefined
  /** Ends the effect that goes on. */
  effect?: AbortController | undefined
  /** The work begun, also while it sleeps. */
  working?: Pass | undefined
  /** What it waits for somebody's approval of. */
  reviewed?: Hex | undefined
  /** Of the last purchase of a work that says so. */
  outcome?: Outcome | undefined
  /** Of whoever asked: cancels what is not signed yet. */
  caller?: AbortSignal | undefined
  error?: unknown
}

/** The work, gone through once from its beginning. */
type Pass = { readonly signal: AbortController; wakes?: (() => void) | undefined; sleeps: number }

/** A run as the journal knows it, or a new one. */
export function take({ buyer }: Pick<Ports, 'buyer'>, run: string, hasTask: boolean): Live {
  const { state: at = 'idle', wakeAtMs } = buyer.journal.find(run) ?? {}
  const context = { at, hasTask, ...(wakeAtMs === undefined ? {} : { wakeAtMs }) }
  return { run, standing: AgentMachine.begin(context) }
}

/** Begins what a run does where it stands: after a restart. */
export function resume(ports: Ports, live: Live): void {
  const { begins } = live.standing
  if (begins !== undefined) begin(ports, live, begins)
}

/**
 * Tells runs what happened, in one entry of the journal. Where there is no such edge nothing happens; false
 * when that is so for all. What a run did is ended at once, what it does next begins once it is recorded.
 */
export async function happen(
  ports: Ports,
  told: readonly (readonly [Live, AgentMachine.Happening])[],
): Promise<boolean> {
  const steps = told.flatMap(([live, event]) => {
    const after = AgentMachine.next(live.standing, event)
    return after === undefined ? [] : [{ live, event, after, before: live.standing.state }]
  })
  if (steps.length === 0) return false
  const recorded = ports.buyer.journal.record(
    steps.map(({ live, event, after, before }) => {
      const { wakeAtMs, because } = after.context
      return {
        run: live.run,
        transition: AgentMachine.edge(before, event.type),
        ...(live.task && isBeginning(event) && { taskDigest: Tasks.digest(live.task) }),
        ...(wakeAtMs !== undefined && { wakeAtMs }),
        ...(because !== undefined && { because: words(because) }),
      }
    }),
  )
  for (const { live, event, after } of steps) {
    live.standing = after
    end(live, event)
  }
  await recorded
  for (const { live, after } of steps) {
    // Something else may have happened while the disk was waited for.
    if (live.standing === after && after.begins !== undefined) begin(ports, live, after.begins)
    ports.onMoved(live.run, after.state)
  }
  return true
}

/** What is asked is named once, by its digest. */
function isBeginning({ type }: AgentMachine.Happening): boolean {
  return type === 'ask' || type === 'schedule'
}

/** Ends what a run does; work that sleeps, or has said its last word, is left as it is. */
function end(live: Live, { type }: AgentMachine.Happening): void {
  live.effect?.abort(new DOMException(`the run was told to ${type}`, 'AbortError'))
  live.effect = undefined
  const isLeft = type === 'pause' ? live.working?.wakes === undefined : type === 'stop'
  if (!isLeft) return
  live.working?.signal.abort(new DOMException(`the run was told to ${type}`, 'AbortError'))
  live.working = undefined
}

function begin(ports: Ports, live: Live, effect: AgentMachine.Effect): void {
  const controller = new AbortController()
  live.effect = controller
  effects[effect](ports, live, controller.signal).catch((error: unknown) => {
    if (!controller.signal.aborted && !ports.buyer.journal.closing.aborted) ports.onBroken(error)
  })
}

type Carry = (ports: Ports, live: Live, signal: AbortSignal) => Promise<unknown>

const effects: Record<AgentMachine.Effect, Carry> = {
  async idle(ports, live, signal) {
    const { wakeAtMs } = live.standing.context
    if (wakeAtMs === undefined) return
    const { runtime } = ports.buyer.journal
    await Runtime.sleepUntil(runtime, wakeAtMs, signal)
    const nowMs = runtime.now()
    await happen(ports, [[live, { type: 'wake', nowMs }], ...following(ports, live, nowMs)])
  },

  async working(ports, live) {
    const asleep = live.working
    if (asleep?.wakes !== undefined) {
      asleep.wakes()
      asleep.wakes = undefined
      return
    }
    const pass: Pass = { signal: new AbortController(), sleeps: 0 }
    live.working = pass
    const event = await work(ports, live, pass)
    if (live.working !== pass) return
    live.working = undefined
    if (event !== undefined) await happen(ports, [[live, event]])
  },

  async awaitingApproval({ buyer, ...ports }, live, signal) {
    const { journal } = buyer
    const waiting = journal.purchases(live.run).findLast(({ status }) => status === 'reviewing')
    const purchase = live.reviewed ?? waiting?.id
    for (;;) {
      // What was answered while nobody looked is found again by asking again.
      const type = purchase === undefined ? 'approve' : journal.answer(purchase)
      if (type !== undefined) {
        const because = type === 'approve' ? undefined : said[type]
        const event = { type, ...(because && { because }) } as AgentMachine.Happening
        return happen({ buyer, ...ports }, [[live, event]])
      }
      await journal.runtime.sleep(answerEveryMs, signal)
    }
  },
}

const said = { decline: 'the purchase was declined', expire: 'nobody answered the review in time' }

/** So often it is looked whether a review was answered. */
const answerEveryMs = 100

/** What comes after a run that is asked again and again: written down before its turn. */
function following(
  ports: Ports,
  live: Live,
  nowMs: number,
): (readonly [Live, AgentMachine.Happening])[] {
  const task = live.task ?? Tasks.get(ports.buyer.dir, live.run)
  live.task = task
  const everyMs = task?.everyMs
  if (task === undefined || everyMs === undefined) return []
  const { wakeAtMs = nowMs } = live.standing.context
  // Times that passed while the process was down are not made up for.
  const missed = Math.floor((nowMs - wakeAtMs) / everyMs)
  const after = ports.take(nextOf(live.run))
  after.task = { ...task, run: after.run, steps: {} }
  Tasks.put(ports.buyer.dir, after.task)
  return [[after, { type: 'schedule', wakeAtMs: wakeAtMs + (missed + 1) * everyMs }]]
}

/** `desk/3f2a` → `desk/3f2a.1` → `desk/3f2a.2`. */
function nextOf(run: string): string {
  const [, first = run, turn = '0'] = /^(.*?)(?:\.(\d+))?$/.exec(run)!
  return `${first}.${Number.parseInt(turn, 10) + 1}`
}

/** Goes through the work; what came of it, or undefined when the process ends first. */
async function work(
  ports: Ports,
  live: Live,
  pass: Pass,
): Promise<AgentMachine.Happening | undefined> {
  const { buyer } = ports
  live.error = undefined
  live.task ??= Tasks.get(buyer.dir, live.run)
  if (live.task === undefined) return { type: 'fail', because: 'the task was erased' }
  try {
    const result = await ports.work(live.task.question, tools(ports, live, pass))
    const { answer, outcome } = typeof result === 'object' ? result : { answer: result }
    live.outcome = outcome
    if (outcome !== undefined && outcome.state !== 'captured') return ended(live, outcome)
    if (answer !== undefined) keep(buyer.dir, live, { answer })
    return { type: 'finish' }
  } catch (error) {
    if (buyer.journal.closing.aborted) return undefined
    const refused = refusal(error)
    if (refused?.code === 'needs-approval') {
      live.reviewed = refused.facts.purchase as Hex
      return { type: 'review', because: refused.message }
    }
    live.error = error
    const because = error instanceof BaseError ? error.message : `the work failed: ${named(error)}`
    return { type: 'fail', because }
  }
}

function ended(live: Live, outcome: Outcome): AgentMachine.Happening {
  const { because = outcome.state, code, purchase } = outcome
  if (code !== 'needs-approval') return { type: 'fail', because }
  live.reviewed = purchase
  return { type: 'review', because }
}

/** What the work is given: each thing it does is found again when it is gone through again. */
function tools(ports: Ports, live: Live, pass: Pass): AgentWork.Tools {
  const { buyer } = ports
  const { runtime } = buyer.journal
  const signal = anyOf(pass.signal.signal, live.caller)
  const used = new Set<string>()
  let bought = 0
  const step: AgentWork.Tools['step'] = async (name, effect) => {
    signal.throwIfAborted()
    if (used.has(name))
      throw new InputError(`expected steps of different names in one run, got ${name} twice`)
    used.add(name)
    const { steps } = live.task!
    if (!Object.hasOwn(steps, name)) {
      const value = await runtime.step(name, effect)
      keep(buyer.dir, live, { steps: { ...live.task!.steps, [name]: value ?? null } })
      signal.throwIfAborted()
    }
    return live.task!.steps[name] as never
  }
  return {
    ...{ buyer, run: live.run, signal, step },
    async buy(call) {
      signal.throwIfAborted()
      const outcome = await buyer.buy({ step: bought, ...call, run: live.run, signal })
      bought += 1
      signal.throwIfAborted()
      if (outcome.state !== 'captured') throw new PurchaseRefused(outcome)
      return outcome
    },
    async sleep(ms) {
      const nowMs = runtime.now()
      const until = await step(`sleep ${pass.sleeps++}`, async () => nowMs + ms)
      if (until <= runtime.now()) return
      const woken = new Promise<void>((resolve, reject) => {
        pass.wakes = resolve
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
      // It may be told to stop while the disk is waited for.
      woken.catch(() => undefined)
      const slept = await happen(ports, [[live, { type: 'sleep', wakeAtMs: until }]])
      assert(slept, 'a run that sleeps once at a time')
      await woken
    },
  }
}

/** Keeps what the work brought, durably. */
function keep(dir: string, live: Live, more: Partial<Tasks.Task>): void {
  live.task = { ...live.task!, ...more }
  Tasks.put(dir, live.task)
}

/** What came of a run so far, by what this process saw of it and else by the journal. */
export function result({ buyer }: Ports, live: Live): Agent.Run {
  const { run: id, outcome, standing } = live
  const { state, context } = standing
  const base = { id, state, ...(context.because !== undefined && { because: context.because }) }
  const answer = (live.task ?? Tasks.get(buyer.dir, id))?.answer
  if (outcome !== undefined) {
    const { delivered, paidAtoms: spentAtoms, reasons: decisions } = outcome
    const receipts = delivered === undefined ? [] : [receiptOf(delivered.answered.receipt)]
    return { ...base, answer, spentAtoms, decisions, outcome, receipts }
  }
  const bought = buyer.journal.purchases(id)
  return {
    ...{ ...base, answer },
    spentAtoms: bought.reduce((sum, each) => sum + paidAtoms(each), 0n),
    receipts: bought.flatMap(({ captured }) => {
      const { receipt, signature } = captured ?? {}
      return receipt && signature ? [receiptOf({ receipt, signature })] : []
    }),
    decisions: bought.flatMap(({ decided }) => decided.reasons as unknown as readonly Reason[]),
  }
}

/** Signed away, whatever came of it. */
function paidAtoms({ status, decided }: Purchases.Purchase): bigint {
  const isPaid = status === 'captured' || status === 'disputed' || status === 'refunded'
  return isPaid ? BigInt(PurchaseTerms.of(decided).payAtoms) : 0n
}

function receiptOf(signed: Receipt.Signed): Agent.Run['receipts'][number] {
  return { ...signed, hash: Receipt.hash(signed.receipt) }
}

function anyOf(signal: AbortSignal, more: AbortSignal | undefined): AbortSignal {
  return more === undefined ? signal : AbortSignal.any([signal, more])
}

/** A purchase that brought no answer, however deep a library wrapped it. */
function refusal(error: unknown): PurchaseRefused | undefined {
  for (let at = error; at instanceof Error; at = at.cause)
    if (at instanceof PurchaseRefused) return at
  return undefined
}

function named(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}

/** As much of it as a record takes. */
function words(because: string): string {
  return because.toWellFormed().slice(0, 200) || 'no reason given'
}

/** A task for a run, kept before any record names it. */
export function entrust(
  { buyer }: Pick<Ports, 'buyer'>,
  live: Live,
  given: Pick<Tasks.Task, 'question' | 'everyMs'>,
): void {
  live.task = { v: 1, run: live.run, salt: buyer.journal.runtime.salt(), steps: {}, ...given }
  Tasks.put(buyer.dir, live.task)
}
