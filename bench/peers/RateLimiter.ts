/**
 * @module Five meters of rate-limiter-flexible in memory. Its windows are fixed, not rolling: it counts from
 * the first payment and starts anew when the time is over; the longest is 24 days, since a timer of 30
 * days ends at once. What one meter refuses is taken back from others.
 */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Request } from '../../src/policies/Budget.ts'

const [minute, day] = [60, 24 * 3_600]

/** Holds a payment on all meters, or on none; and gives back what was held and not paid. */
export function ledger() {
  const limit = 5_000_000_000_000
  const meter = (duration: number, points = limit) => new RateLimiterMemory({ points, duration })
  const meters = [meter(day), meter(day), meter(day), meter(24 * day), meter(minute, 100_000_000)]
  const keys = ({ agent, payee }: Request) => ['all', agent, payee, payee, agent]
  const points = (atoms: bigint) => [Number(atoms), Number(atoms), Number(atoms), Number(atoms), 1]
  return {
    async authorize(request: Request): Promise<boolean> {
      const [names, sizes] = [keys(request), points(request.atoms)]
      const done: number[] = []
      try {
        for (let at = 0; at < 5; at++) {
          await meters[at]!.consume(names[at]!, sizes[at])
          done.push(at)
        }
        return true
      } catch {
        for (const at of done) await meters[at]!.reward(names[at]!, sizes[at])
        return false
      }
    },
    async capture(request: Request, atoms: bigint): Promise<boolean> {
      if (atoms > request.atoms) return false
      if (atoms === request.atoms) return true
      const [names, rest] = [keys(request), Number(request.atoms - atoms)]
      for (let at = 0; at < 4; at++) await meters[at]!.reward(names[at]!, rest)
      return true
    },
    /** Taken in the last day. */
    day: async () => BigInt((await meters[0]!.get('all'))?.consumedPoints ?? 0),
  }
}
