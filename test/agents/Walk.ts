/**
 * @module One path through an agent's machine, walked by a real agent: its buyer, journal and policy, a
 * seller and a chain. What happens to it is scripted, with the interpreter dropped at one place of the path
 * and taken up again from the journal.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as Effects from '../../src/agents/Agent.effects.ts'
import * as AgentMachine from '../../src/agents/AgentMachine.ts'
import type * as AgentWork from '../../src/agents/AgentWork.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Market from '../harness/Market.ts'

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

/** A wallet that adds up what it signs away, by nonce: the same payment signed again counts once. */
function counting(wallet: Wallet.Wallet, signed: Map<string, bigint>): Wallet.Wallet {
  return {
    ...wallet,
    async signTypedData(data) {
      if (data.primaryType === 'TransferWithAuthorization')
        signed.set(String(data.message.nonce), BigInt(String(data.message.value)))
      return wallet.signTypedData(data)
    },
  }
}

/** What the work is told to do next, and what it has done: gone through again, it does that again. */
function script(baseUrl: string) {
  const done: { readonly what: 'sleep' | 'buy'; readonly step: number }[] = []
  let tell: ((what: string) => void) | undefined
  let waiting = () => {}
  const order = (step: number) => {
    const { body } = Market.call({ baseUrl })
    return { baseUrl, model: Market.model, step, body }
  }
  const work: AgentWork.Work = async (_task, { buy, sleep, signal }) => {
    await buy(order(0))
    for (const { what, step } of [...done]) {
      if (what === 'sleep') await sleep(hourMs)
      else await buy(order(step))
    }
    for (;;) {
      const what = await new Promise<string>((resolve, reject) => {
        tell = resolve
        waiting()
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      })
      if (what === 'finish') return 'answered'
      if (what === 'fail') throw new Error('told to fail')
      if (what === 'review') await buy(order(done.length + 1))
      done.push({ what: 'sleep', step: 0 })
      await sleep(hourMs)
    }
  }
  return {
    work,
    async tell(what: string) {
      if (tell === undefined)
        await new Promise<void>((resolve, reject) => {
          waiting = resolve
          setTimeout(reject, patienceMs, new Error(`nobody works who could be told to ${what}`))
        })
      tell!(what)
      tell = undefined
    },
    forget() {
      tell = undefined
    },
    approved: () => done.push({ what: 'buy', step: done.length + 1 }),
  }
}

/** Walks; `killAt`: after how many events the interpreter is dropped. */
export async function walk(
  market: Market.Market,
  path: readonly string[],
  killAt: number | undefined,
): Promise<Walked> {
  const signed = new Map<string, bigint>()
  const wallet = counting(Wallet.generate(), signed)
  const policy = join(market.scratch, `policy-${wallet.address}.yaml`)
  const rule = (...rules: string[]) => writeFileSync(policy, market.policyText(rules))
  rule('cap 0.01 USDC per 24h')
  const given = { wallet, policy, fundAtoms: 1_000_000n }
  let { buyer, dir } = await market.agent(given)
  const told = script(market.baseUrl)
  const wrong: string[] = []
  const states: AgentMachine.State[] = []
  let reviews = 0
  let kills = 0
  let live: Effects.Live
  const ports = (): Effects.Ports => ({
    ...{ buyer, work: told.work, onMoved: () => undefined },
    take: () => live,
    onBroken: (error) => wrong.push(`broken: ${String(error)}`),
  })
  live = Effects.take(ports(), run, true)
  Effects.entrust(ports(), live, { question: 'walk' })
  for (const [at, event] of [...path.entries()]) {
    if (killAt === at) await kill()
    await happen(event)
    look(event)
  }
  if (killAt === path.length) await kill()
  await buyer.close()
  const payments = (await market.paid(wallet.address)).length
  const sum = [...signed.values()].reduce((total, atoms) => total + atoms, 0n)
  if (sum > 10_000n) wrong.push(`signed ${sum} atoms, over the cap`)
  if (payments > signed.size) wrong.push(`${payments} payments, ${signed.size} signed`)
  const worked = path.some((event) => event === 'ask' || event === 'wake')
  return { states, kills, payments, wrong, expected: (worked ? 1 : 0) + reviews }

  async function kill() {
    const size = buyer.journal.find(run)?.seq ?? 0
    // Nothing of it lives on: what was begun is found in the journal, or is not there.
    await buyer.close()
    told.forget()
    ;({ buyer, dir } = await market.agent({ ...given, dir, fundAtoms: 0n }))
    await buyer.finish()
    const question = live.task!
    live = Effects.take(ports(), run, true)
    // A run that the journal never heard of begins anew.
    if (buyer.journal.find(run) === undefined) live.task = question
    if ((buyer.journal.find(run)?.seq ?? 0) !== size) wrong.push('dying wrote something')
    Effects.resume(ports(), live)
    kills += 1
  }

  async function happen(event: string) {
    const before = live.standing.state
    const to = (AgentMachine.table as Record<string, Record<string, string>>)[before]![event]!
    if (event === 'review') rule('cap 0.01 USDC per 24h', 'approve above 0.0001 USDC by ops')
    if (['sleep', 'review', 'finish', 'fail'].includes(event)) await told.tell(event)
    else if (event === 'approve') {
      reviews += 1
      told.approved()
      await buyer.approve(buyer.reviews()[0]!.purchase, { by: 'ops' })
    } else if (event === 'decline') {
      await buyer.decline(buyer.reviews()[0]!.purchase, { by: 'ops', because: 'no' })
    } else if (event === 'expire') market.skew(25 * 3_600)
    else {
      if (event === 'wake') market.skew(7_200)
      const nowMs = market.now()
      const wakeAtMs = nowMs + hourMs
      const told = { type: event, nowMs, because: event }
      const timed = event === 'schedule' || event === 'resume' ? { wakeAtMs } : {}
      await Effects.happen(ports(), [[live, { ...told, ...timed } as AgentMachine.Happening]])
    }
    const until = Date.now() + patienceMs
    while (buyer.journal.find(run)?.state !== to || live.standing.state !== to) {
      if (Date.now() > until) throw new Error(`${event} did not lead from ${before} to ${to}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  function look(event: string) {
    const { state } = live.standing
    states.push(state)
    for (const { rule, meter } of buyer.status())
      if (BigInt(meter.used) + BigInt(meter.held) > BigInt(meter.limit))
        wrong.push(`after ${event}: over ${rule}`)
  }
}
