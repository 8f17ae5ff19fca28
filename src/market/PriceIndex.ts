/**
 * @module Price index: what the market pays, and how much of it between strangers (ECONOMICS.md, "Figures
 * the market shows"). Money that comes back to where it started is no trade, and whoever pays most often
 * does not say the price. Statistics only, never a reason to withhold pay. Integers; what is listed first
 * decides nothing.
 */
import { assert } from '../kernel/Assert.ts'

/** Money settled from one party to another within a window. */
export type Flow = { readonly from: string; readonly to: string; readonly atoms: bigint }

/** What remains of a window's payments once closed circles are taken out. */
export type ArmsLength = {
  readonly grossAtoms: bigint
  readonly netAtoms: bigint
  /** One for each pair of parties, sorted, above 0, without directed cycles. */
  readonly flows: readonly Flow[]
}

/** One settled purchase as evidence of a price. */
export type Sample = {
  readonly payer: string
  /** Nano-atoms per stdUs. */
  readonly rateNano: bigint
  /** Fees and royalties to others that the payer cannot get back: what its word weighs. */
  readonly irrecoverableNano: bigint
}

/**
 * Cancels directed cycles in the payment graph, each by its smallest flow, parties in the order of their
 * names. A closed ring nets 0, every party's balance stays, and flows on no cycle are untouched.
 */
export function armsLength(payments: readonly Flow[]): ArmsLength {
  const out = new Map<string, Map<string, bigint>>()
  let grossAtoms = 0n
  for (const { from, to, atoms } of payments) {
    assert(atoms >= 0n, 'payments that are not negative')
    grossAtoms += atoms
    const row = out.get(from) ?? new Map<string, bigint>()
    row.set(to, (row.get(to) ?? 0n) + atoms)
    out.set(from, row)
  }
  const names = [...out.keys()].sort()
  const targets = new Map(names.map((name) => [name, [...out.get(name)!.keys()].sort()]))
  const done = new Set<string>()
  for (const name of names) cancelFrom(name, out, targets, done)
  const flows = names.flatMap((from) =>
    [...out.get(from)!]
      .map(([to, atoms]) => ({ from, to, atoms }))
      .filter(({ atoms }) => atoms > 0n)
      .sort((left, right) => (left.to < right.to ? -1 : 1)),
  )
  const netAtoms = flows.reduce((sum, { atoms }) => sum + atoms, 0n)
  return { grossAtoms, netAtoms, flows }
}

/**
 * Interquartile mean of the payers' medians, each payer weighing what it irrecoverably paid, rounded down;
 * undefined when nobody paid anything for good.
 */
export function index(samples: readonly Sample[]): bigint | undefined {
  const payers = new Map<string, { readonly rates: bigint[]; weight: bigint }>()
  for (const { payer, rateNano, irrecoverableNano } of samples) {
    assert(rateNano >= 0n && irrecoverableNano >= 0n, 'rates and costs that are not negative')
    const known = payers.get(payer) ?? { rates: [], weight: 0n }
    known.rates.push(rateNano)
    known.weight += irrecoverableNano
    payers.set(payer, known)
  }
  const said = [...payers.values()].map(({ rates, weight }) => ({ rate: median(rates), weight }))
  said.sort((a, b) => ascending(a.rate, b.rate))
  const whole = said.reduce((sum, { weight }) => sum + weight, 0n)
  if (whole === 0n) return undefined
  // In quarters of the whole, so that the middle half has whole bounds.
  let [at, sum] = [0n, 0n]
  for (const { rate, weight } of said) {
    const [from, to] = [at > whole ? at : whole, at + 4n * weight]
    const end = to < 3n * whole ? to : 3n * whole
    if (end > from) sum += (end - from) * rate
    at = to
  }
  return sum / (2n * whole)
}

/** Depth first from one party; every circle found on the way is cancelled. */
function cancelFrom(
  start: string,
  out: ReadonlyMap<string, Map<string, bigint>>,
  targets: ReadonlyMap<string, string[]>,
  done: Set<string>,
): void {
  const path = done.has(start) ? [] : [start]
  while (path.length > 0) {
    const party = path.at(-1)!
    const open = targets.get(party) ?? []
    const isDead = (to: string) => done.has(to) || out.get(party)!.get(to) === 0n
    while (open.length > 0 && isDead(open.at(-1)!)) open.pop()
    const next = open.at(-1)
    if (next === undefined) {
      done.add(party)
      path.pop()
      continue
    }
    const at = path.indexOf(next)
    if (at === -1) {
      path.push(next)
      continue
    }
    const circle = path.slice(at).map((from, index, all) => ({ from, to: all[index + 1] ?? next }))
    const smallest = circle.map(({ from, to }) => out.get(from)!.get(to)!).sort(ascending)[0]!
    for (const { from, to } of circle) out.get(from)!.set(to, out.get(from)!.get(to)! - smallest)
    const broken = circle.findIndex(({ from, to }) => out.get(from)!.get(to)! === 0n)
    path.length = at + broken + 1
  }
}

function median(values: readonly bigint[]): bigint {
  return [...values].sort(ascending)[(values.length - 1) >> 1]!
}

function ascending(left: bigint, right: bigint): number {
  return left === right ? 0 : left < right ? -1 : 1
}
