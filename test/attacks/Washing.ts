/** @module Attacks by dealing with oneself: wash purchases, rings, pumped indices. */
import { nanoPerAtom } from '../../src/kernel/Money.ts'
import * as PriceIndex from '../../src/market/PriceIndex.ts'
import type * as Attack from './Attack.ts'
import * as Corpus from './Corpus.ts'
import * as Sale from './Sale.ts'

const purchases = 30
/** What a market that rewards volume would add: 5 %. */
const emission = 0.05

/** What a washer paid and what came back, in nano-atoms. */
export type Washed = {
  readonly paidNano: bigint
  readonly earnedNano: bigint
  readonly feeNano: bigint
  readonly gasNano: bigint
  readonly purchases: number
}

/** One's own agent buys answers made of one's own document, from somebody else's node. */
export function elsewhere(): Attack.Measure & Washed {
  const washed = wash(Sale.address('node'))
  const { paidNano, earnedNano, feeNano } = washed
  return {
    attack: 'wash purchases',
    unit: 'returned of 1 paid',
    ours: ratio(earnedNano, paidNano),
    bound: 1 - ratio(feeNano, paidNano),
    naive: { rule: 'free work, 5 % emission', gain: 1 + emission },
    ...washed,
  }
}

/** The same from one's own node: execution and fee come back too; what the chain took does not. */
export function atHome(): Attack.Measure & Washed {
  const washed = wash(Sale.address('eve'))
  const { paidNano, earnedNano, gasNano } = washed
  // The node is paid back for gas that it spent on chain.
  const kept = ratio(earnedNano - gasNano, paidNano)
  return {
    attack: 'wash, own node',
    unit: 'returned of 1 paid',
    ours: kept,
    bound: 1 - ratio(gasNano, paidNano),
    naive: { rule: '5 % emission', gain: kept + emission },
    ...washed,
  }
}

/** A ring of one's own agents trades ten times what the market does: its part of the volume shown. */
export function ring(): Attack.Measure & { readonly outsideAtoms: bigint } {
  const draw = Corpus.random(23)
  const honest = Array.from({ length: 200 }, () => ({
    from: `buyer ${draw(40)}`,
    to: `seller ${draw(6)}`,
    atoms: BigInt(500 + draw(500)),
  }))
  const rounds = Array.from({ length: 10 }, (_, round) =>
    Array.from({ length: 6 }, (_, at) => ({
      from: `eve:${at}`,
      to: `eve:${(at + 1) % 6}`,
      atoms: 20_000n + BigInt(round),
    })),
  ).flat()
  const all = [...honest, ...rounds]
  const { flows, grossAtoms } = PriceIndex.armsLength(all)
  const eves = (list: readonly PriceIndex.Flow[]) =>
    sum(list.filter(({ from }) => Corpus.isEve(from)))
  const outsideAtoms = sum(flows) - eves(flows)
  return {
    attack: 'ring of own agents',
    unit: "% of the volume shown is the ring's",
    ours: 100 * ratio(eves(flows), sum(flows)),
    bound: 0,
    naive: { rule: 'gross volume', gain: 100 * ratio(eves(all), grossAtoms) },
    outsideAtoms,
  }
}

/** Eighty of one's own payers pay three times the price to oneself, beside forty who pay it to others. */
export function pumping(): Attack.Measure {
  const draw = Corpus.random(29)
  const trueRate = 60_000_000n
  const honest = Array.from({ length: 200 }, (_, at) => ({
    payer: `buyer ${at % 40}`,
    rateNano: (trueRate * BigInt(950 + draw(101))) / 1_000n,
    // Royalties to others, and the fee.
    irrecoverableNano: 64_000_000n,
  }))
  const pumped = Array.from({ length: 400 }, (_, at) => ({
    payer: `eve:${at % 80}`,
    rateNano: 3n * trueRate,
    // The royalties are its own; the fee on three times the price is not.
    irrecoverableNano: 10_000_000n,
  }))
  const all = [...honest, ...pumped]
  const meanNano = all.reduce((total, { rateNano }) => total + rateNano, 0n) / BigInt(all.length)
  return {
    attack: 'index pumping',
    unit: '× the true price',
    ours: ratio(PriceIndex.index(all)!, trueRate),
    bound: 1.02,
    naive: { rule: 'mean of the volume', gain: ratio(meanNano, trueRate) },
  }
}

function wash(provider: `0x${string}`): Washed {
  const { texts, victims } = Corpus.load()
  const own = { owner: Sale.address('eve'), text: victims[0]!.text }
  const node = Sale.open([own, ...texts.slice(1, 20)], provider)
  const draw = Corpus.random(19)
  let [paidNano, feeNano, gasNano] = [0n, 0n, 0n]
  for (let purchase = 0; purchase < purchases; purchase++) {
    const answer = Corpus.passage(own.text, 120, draw)
    const made = Sale.deal(node, { answer, payer: Sale.address('agent of eve') })
    const { money } = made.receipt
    paidNano += BigInt(money.chargedAtoms) * nanoPerAtom
    feeNano += BigInt(money.feeNano)
    gasNano += BigInt(money.gasNano)
    Sale.settle(node, made)
  }
  const earnedNano = node.sales.accruals.balances.get(own.owner)!.accruedNano
  return { paidNano, earnedNano, feeNano, gasNano, purchases }
}

function sum(list: readonly PriceIndex.Flow[]): bigint {
  return list.reduce((total, { atoms }) => total + atoms, 0n)
}

/** For eyes and bounds only. */
function ratio(part: bigint, whole: bigint): number {
  return Number((part * 1_000_000_000n) / whole) / 1e9
}
