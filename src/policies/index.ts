/** @module Policies: what an agent may spend, as sentences; budgets that hold it. */

export * as Budget from './Budget.ts'
export * as Caveats from './Caveats.ts'
export * as Cedar from './Cedar.ts'
export * as Check from './Check.ts'
export {
  allow,
  approve,
  atMost,
  cap,
  count,
  demand,
  deny,
  deviceSeconds,
  freeze,
  stop,
} from './Combinators.ts'
export * as Decision from './Decision.ts'
export * as Diff from './Diff.ts'
export * as Freeze from './Freeze.ts'
export * as History from './History.ts'
export * as Policy from './Policy.ts'
export { policy } from './Policy.ts'
export * as Request from './Request.ts'
export * as Rule from './Rule.ts'
export * as Simulation from './Simulation.ts'
export * as Usage from './Usage.ts'
