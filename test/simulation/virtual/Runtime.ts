/** @module The runtime on the virtual clock: who sleeps is woken by the scheduler. */
import type * as Real from '../../../src/agents/Runtime.ts'
import type { Clock } from '../../../src/kernel/Clock.ts'
import * as World from '../World.ts'

export type * from '../../../src/agents/Runtime.ts'

/** Of the party that is being opened. */
export function embedded(options: { now: Clock; salt: () => `0x${string}` }): Real.Runtime {
  const { life } = World.current().opening!
  return {
    ...options,
    step: (_name, effect) => effect(),
    sleep: (ms) => new Promise((resolve) => World.park(life, `${life!.name} wakes`, resolve, ms)),
  }
}
