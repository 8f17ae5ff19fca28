/**
 * @module What the town's processes keep: the heap after all garbage is collected, three times at one
 * moment: as they have run so far, with all of them ended, and as their journals alone make them anew.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** One look, in bytes. */
export type Look = {
  readonly day: number
  readonly records: number
  /** As they have run so far. */
  readonly liveBytes: number
  /** With every process ended: what modules and the town itself keep. */
  readonly endedBytes: number
  /** Opened again from their journals: what these must hold. */
  readonly freshBytes: number
  /** Timers, sockets, files and the like that keep a process up, by kind; of processes open and ended. */
  readonly liveHandles: Readonly<Record<string, number>>
  readonly endedHandles: Readonly<Record<string, number>>
}

/** How to look. */
export type Options = {
  readonly day: number
  readonly records: number
  readonly end: () => Promise<void>
  readonly reopen: () => Promise<void>
}

/** Looks; every process is another afterwards. */
export async function look({ day, records, end, reopen }: Options): Promise<Look> {
  const [liveBytes, liveHandles] = [await heap(), handles()]
  await end()
  const [endedBytes, endedHandles] = [await heap(), handles()]
  await reopen()
  const freshBytes = await heap()
  return { day, records, liveBytes, endedBytes, freshBytes, liveHandles, endedHandles }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that are reached. What is dropped behind a finaliser is gone with the next collection. */
async function heap(): Promise<number> {
  for (let round = 0; round < 4; round += 1) {
    collect()
    await turn()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function handles(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  // Connections kept alive between requests come and go by themselves.
  for (const kind of ['TCPSocketWrap', 'TCPSOCKETWRAP', 'Immediate']) delete counts[kind]
  return counts
}
