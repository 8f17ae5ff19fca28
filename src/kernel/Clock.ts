/** @module Clock: time as an argument. Pure code never reads it; the edge passes `now`. */

/** Milliseconds since 1970, UTC. */
export type Clock = () => number

/** A clock that stands where it is put: for tests and simulations. */
export function fixed(startMs: number): Clock & { advance(ms: number): void } {
  let nowMs = startMs
  return Object.assign(() => nowMs, {
    advance(ms: number) {
      nowMs += ms
    },
  })
}
