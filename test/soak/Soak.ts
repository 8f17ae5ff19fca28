/**
 * @module The soak: agents of a town trade with one another for weeks of the town's time. Each buys, sells,
 * closes its epochs, claims what it earned, is restarted, frozen, asked for approval; now and then a
 * request is lost or a process dies. After every epoch all money is counted again, and every evening all
 * policies are.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Acts from './Acts.ts'
import * as Conservation from './Conservation.ts'
import * as Memory from './Memory.ts'
import * as Payments from './Payments.ts'
import * as Play from './Play.ts'
import * as Recount from './Recount.ts'
import * as Town from './Town.ts'
import * as Trader from './Trader.ts'
import * as Verdict from './Verdict.ts'

/** Runs a plan to its end. */
export async function run(plan: Play.Plan, note: (text: string) => void): Promise<Verdict.Report> {
  const scratch = mkdtempSync(join(tmpdir(), 'requite-soak-'))
  const startedMs = performance.now()
  Town.drawFrom(plan.seed)
  try {
    const town = await Town.open({ seed: plan.seed, scratch })
    const traders: Trader.Trader[] = []
    try {
      const play = await settleIn(plan, town, traders)
      for (let day = 0; day < plan.days && play.wrong.length === 0; day += 1) {
        await live(play, day)
        note(Verdict.line(play, day))
      }
      if (play.wrong.length === 0) Verdict.verify(play)
      return Verdict.of(play, performance.now() - startedMs)
    } finally {
      for (const trader of traders) await trader.close()
      await town.local.stop()
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function settleIn(
  plan: Play.Plan,
  town: Town.Town,
  traders: Trader.Trader[],
): Promise<Play.Play> {
  const indices = Array.from({ length: plan.agents }, (_, index) => index)
  const addresses = indices.map((index) => Trader.buyerOf(town, index).address)
  for (const index of indices) traders.push(await Trader.create(town, index, addresses))
  for (const trader of traders) {
    // Some do not trust everybody.
    const trusted = traders.filter(({ index }) => trader.index % 8 !== 3 || index % 4 !== 1)
    trader.payees = trusted.map(({ contracts }) => contracts.till)
    await Trader.openBuyer(town, trader)
  }
  return {
    ...{ plan, town, traders, payments: Payments.create(), asked: 0 },
    recounts: indices.map(Recount.create),
    claimedBy: new Map(),
    ...{ counts: {}, refusals: {}, faults: {}, looks: [], wrong: [] },
    ...{ fingerprint: Hash.text(''), peakBytes: 0 },
  }
}

type Act = () => Promise<void>

/** One day: everything that is to happen in it, in an order of the seed's. */
async function live(play: Play.Play, day: number): Promise<void> {
  const { plan, town, traders } = play
  const acts: Act[] = []
  const startMs = Town.startMs + day * Town.dayMs
  for (const trader of traders) {
    for (let count = 0; count < plan.perDay; count += 1)
      acts.push(() => Acts.buy(play, { day, buyer: trader }))
    acts.push(() => epoch(play, trader))
  }
  // Half of them are never restarted but for the looks at memory.
  for (const trader of traders.slice(plan.agents >> 1))
    if (town.chance(0.2)) acts.push(() => Acts.restart(play, trader))
  shuffle(acts, town.below)
  const frozen = traders[day % plan.agents]!
  acts.splice(Math.floor(acts.length / 4), 0, () => Acts.freeze(play, frozen))
  acts.splice(Math.floor((3 * acts.length) / 4), 0, () => Acts.thaw(play, frozen))
  const slotMs = Math.floor(Town.dayMs / (acts.length + 1))
  for (const [slot, act] of acts.entries()) {
    await Town.pass(town, startMs + slot * slotMs + town.below(slotMs >> 1))
    await act()
    if (play.wrong.length > 0) return
  }
  await evening(play, day)
}

/** Every policy is counted again; and memory is looked at. */
async function evening(play: Play.Play, day: number): Promise<void> {
  const { plan, town, traders } = play
  await countAgain(play)
  play.peakBytes = process.resourceUsage().maxRSS * 1024
  if (!plan.looks.includes(day + 1)) return
  const records = Play.records(play)
  // What only watches is no part of what is looked at: it is made again from journals and chain.
  play.payments = Payments.create()
  play.recounts = []
  const look = await Memory.look({
    ...{ day: day + 1, records },
    end: async () => {
      for (const trader of traders) await Trader.closeProcesses(trader)
    },
    reopen: async () => {
      for (const trader of traders) await Trader.openFromJournals(town, trader)
    },
  })
  play.looks.push(look)
  play.recounts = traders.map(Recount.create)
  await countAgain(play)
}

async function countAgain(play: Play.Play): Promise<void> {
  const { town, traders, payments, recounts, wrong } = play
  await Payments.follow(payments, town)
  for (const [index, trader] of traders.entries())
    wrong.push(...Recount.follow(recounts[index]!, trader, payments.all))
}

/** A seller closes its epoch, some of its payees claim; all money is counted. */
async function epoch(play: Play.Play, trader: Trader.Trader): Promise<void> {
  const { town, traders, payments, claimedBy, wrong, counts } = play
  const published = await Acts.closeEpoch(play, trader)
  await Payments.follow(payments, town)
  if (published !== undefined) wrong.push(...(await Conservation.ofEpoch(town, trader, published)))
  wrong.push(...(await Conservation.across(town, traders, payments, claimedBy)))
  counts['counts of all money'] = (counts['counts of all money'] ?? 0) + 1
}

function shuffle<T>(items: T[], below: (limit: number) => number): void {
  for (let index = items.length - 1; index > 0; index -= 1) {
    const other = below(index + 1)
    ;[items[index], items[other]] = [items[other]!, items[index]!]
  }
}
