/** @module Rate limits: so many requests a minute for each address, in memory, bounded. */
import type { Clock } from '../kernel/Clock.ts'

/** Whether one more request of `address` may pass now. */
export type Limit = (address: string) => boolean

const mostAddresses = 10_000

/** At most `count` requests a minute for each address; windows are fixed minutes. */
export function perMinute(count: number, now: Clock): Limit {
  let minute = 0
  let seen = new Map<string, number>()
  return (address) => {
    const current = Math.floor(now() / 60_000)
    if (current !== minute || seen.size >= mostAddresses) {
      minute = current
      seen = new Map()
    }
    const used = (seen.get(address) ?? 0) + 1
    seen.set(address, used)
    return used <= count
  }
}
