/** @module What simulations were exposed to: counts, added up, so that nothing passes by not happening. */
import type * as Simulation from './Simulation.ts'
import * as World from './World.ts'

/** Counts over many simulations. */
export type Exposure = {
  simulations: number
  steps: number
  crashes: number
  payments: number
  records: number
  audits: number
  checks: number
  failures: number
  cpuMs: number
  readonly faults: Record<string, number>
  readonly acts: Record<string, number>
  readonly crashedIn: Record<string, number>
  readonly ends: Record<string, number>
}

/** Of no simulation. */
export function empty(): Exposure {
  const faults = Object.fromEntries(
    [...World.kinds, ...World.tellingKinds].map((kind) => [kind, 0]),
  )
  const acts = Object.fromEntries(World.acts.map((act) => [act, 0]))
  return {
    ...{ simulations: 0, steps: 0, crashes: 0, payments: 0, records: 0, audits: 0, checks: 0 },
    ...{ failures: 0, cpuMs: 0, faults, acts, crashedIn: {}, ends: {} },
  }
}

/** Adds one simulation. */
export function add(sum: Exposure, result: Simulation.Result): void {
  sum.simulations += 1
  sum.steps += result.steps
  sum.payments += result.payments
  sum.records += result.records
  sum.checks += result.checks
  if (result.checks > 0) sum.audits += 1
  if (result.wrong.length > 0) sum.failures += 1
  for (const kind of ['faults', 'acts', 'crashedIn', 'ends'] as const)
    for (const [name, count] of Object.entries(result[kind]))
      sum[kind][name] = (sum[kind][name] ?? 0) + count
  for (const count of Object.values(result.crashedIn)) sum.crashes += count
}
