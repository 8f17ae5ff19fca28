/**
 * @module One path through an agent's machine, walked by a real agent: its buyer, journal and policy, on a
 * stage (`Stage.ts`). What happens to it is scripted, with the interpreter dropped at one place of the path
 * and taken up again from the journal.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Effects from '../../src/agents/Agent.effects.ts'
import * as AgentMachine from '../../src/agents/AgentMachine.ts'
import type * as AgentWork from '../../src/agents/AgentWork.ts'
import * as Shop from './Shop.ts'
import * as Stage from './Stage.ts'

/** What a walk found. */
export type Walked = {
  /** State after each event, and what the journal said of it. */
  readonly states: readonly AgentMachine.State[]
  readonly kills: number
  /** Payments on chain, and how many there may be: all of them, if it was done. */
  readonly payments: number
  readonly expected: number
  readonly wrong: readonly string[]
}

const run = 'desk/walk'
const hourMs = 3_600_000
/** What a step takes at most, on a loaded machine. */
const patienceMs = 10_000
/** Two answers fit, a third does not. */
const capAtoms = (Shop.priceAtoms * 5n) / 2n
const cap = `cap ${Stage.usdc(capAtoms)} USDC per 24h`

/** What the work is told to do next, and what it has done: gone through again, it does that again. */
function script() {
  const done: { readonly what: 'sleep' | 'buy'; readonly step: number }[] = []
  let tell: ((what: string) => void) | undefined
  let waiting = () => {}
  let lives = 0
  const messages = [{ role: 'user', content: 'When does high water come?' }]
  const { baseUrl, model } = Shop
  const order = (step: number) => ({ baseUrl, model, step, body: { model, messages } })
  const work: AgentWork.Work = async (_task, { buy, sleep, signal }) => {
    const life = lives
    await buy(order(0))
    for (const { what, step } of [...done]) {
      if (what === 'sleep') await sleep(hourMs)
      else await buy(order(step))
    }
    for (;;) {
      const what = await new Promise<string>((resolve, reject) => {
        // Work whose buyer was dropped is told nothing any more.
        if (life !== lives) return
        tell = resolve
        waiting()
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
      if (what === 'finish') return 'answered'
      if (what === 'fail') throw new Error('told to fail')
      if (what === 'review' || what === 'cheated') await buy(order(done.length + 1))
      done.push({ what: 'sleep', step: 0 })
      await sleep(hourMs)
    }
  }
  return {
    work,
    /** It has done all it was told, and waits. */
    async waits() {
      if (tell !== undefined) return
      await new Promise<void>((resolve, reject) => {
        const nobody = new Error('nobody works who could be told anything')
        const late = setTimeout(reject, patienceMs, nobody)
        waiting = () => {
          clearTimeout(late)
          resolve()
        }
      })
    },
    tell(what: string) {
      tell!(what)
      tell = undefined
    },
    forget() {
      lives += 1
      tell = undefined
    },
    approved: () => done.push({ what: 'buy', step: done.length + 1 }),
  }
}

/** One walk. */
export type Way = {
  readonly path: readonly string[]
  /** After so many events the interpreter is dropped. */
  readonly killAt: number | undefined
  /** It fails because its seller lies in a quote. */
  readonly isCheated?: true
}

/** A stage for walks: who waits sleeps, and sellers lie when they are told to. */
export function open() {
  const seller = { lies: false }
  const alters: Shop.Script['alters'] = ({ quote }) => {
    if (seller.lies) Object.assign(quote, { payAtoms: '9' })
  }
  return { stage: Stage.set({ sleeps: true, capAtoms, alters }), seller }
}

/** Walks. */
export async function walk(
  { stage, seller }: ReturnType<typeof open>,
  { path, killAt, isCheated }: Way,
): Promise<Walked> {
  const policy = join(stage.dir, 'policy.yaml')
  const rule = (...rules: string[]) => writeFileSync(policy, Stage.policyText(rules))
  rule(cap)
  let buyer = await stage.open(undefined, { policy })
  const told = script()
  const { wrong } = stage
  const states: AgentMachine.State[] = []
  let reviews = 0
  let kills = 0
  let live: Effects.Live
  const ports = (): Effects.Ports => ({
    ...{ buyer, work: told.work, onMoved: () => undefined },
    take: () => live,
    onBroken: (error) => wrong.add(`broken: ${String(error)}`),
  })
  live = Effects.take(ports(), run, true)
  Effects.entrust(ports(), live, { question: 'walk' })
  for (const [at, event] of [...path.entries()]) {
    if (killAt === at) await kill()
    await happen(event)
    states.push(live.standing.state)
    stage.look(event)
  }
  if (killAt === path.length) await kill()
  await stage.close()
  stage.judge()
  const worked = path.some((event) => event === 'ask' || event === 'wake')
  const expected = (worked ? 1 : 0) + reviews
  return { states, kills, payments: stage.ledger.payments(), expected, wrong: [...wrong] }

  async function kill() {
    const size = buyer.journal.find(run)?.seq ?? 0
    // Nothing of it lives on: what was begun is found in the journal, or is not there.
    await stage.close()
    told.forget()
    buyer = await stage.open(undefined, { policy })
    await buyer.finish()
    const question = live.task!
    live = Effects.take(ports(), run, true)
    // A run that the journal never heard of begins anew.
    if (buyer.journal.find(run) === undefined) live.task = question
    if ((buyer.journal.find(run)?.seq ?? 0) !== size) wrong.add('dying wrote something')
    Effects.resume(ports(), live)
    kills += 1
  }

  async function happen(event: string) {
    const before = live.standing.state
    const to = (AgentMachine.table as Record<string, Record<string, string>>)[before]![event]!
    const isOwn = ['sleep', 'review', 'finish', 'fail'].includes(event)
    if (isOwn) await told.waits()
    if (event === 'review') rule(cap, 'approve above 0.000001 USDC by ops')
    if (event === 'fail' && isCheated) seller.lies = true
    if (isOwn) told.tell(seller.lies ? 'cheated' : event)
    else if (event === 'approve') {
      reviews += 1
      told.approved()
      await buyer.approve(buyer.reviews()[0]!.purchase, { by: 'ops' })
    } else if (event === 'decline') {
      await buyer.decline(buyer.reviews()[0]!.purchase, { by: 'ops', because: 'no' })
    } else if (event === 'expire') stage.pass(25 * hourMs)
    else if (event === 'wake') stage.pass(2 * hourMs)
    else {
      const { nowMs } = stage.pair
      const told = { type: event, nowMs, because: event }
      const isTimed = event === 'schedule' || event === 'resume'
      const timed = isTimed ? { wakeAtMs: nowMs + hourMs } : {}
      await Effects.happen(ports(), [[live, { ...told, ...timed } as AgentMachine.Happening]])
    }
    const until = Date.now() + patienceMs
    while (buyer.journal.find(run)?.state !== to || live.standing.state !== to) {
      if (Date.now() > until) throw new Error(`${event} did not lead from ${before} to ${to}`)
      await new Promise((resolve) => setImmediate(resolve))
      // Reviews are looked at every now and then.
      if (to !== 'idle') stage.pass(1)
    }
  }
}
