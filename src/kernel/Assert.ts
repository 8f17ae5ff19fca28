/** @module Bugs: an invariant that does not hold stops the program. Never caught, never used for bad input. */

/** Thrown only by {@link assert}; seeing one means the code is wrong, not the world. */
export class AssertionError extends Error {
  override name = 'AssertionError'
}

/** Throws unless `condition` holds. State the invariant in words. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new AssertionError(`bug: expected ${invariant}`)
}
