/**
 * @module Memos: answers of pure functions, kept for the few names and numbers that come back again and
 * again. Bounded: a memo that is full starts anew, so no stranger can fill it with names.
 */

/** How many answers a memo keeps. */
export const most = 1_024

/** The same function, remembering. An answer of `undefined` is not remembered. */
export function of<Key, Value>(answer: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>()
  return (key) => {
    const found = known.get(key)
    if (found !== undefined) return found
    const value = answer(key)
    if (value === undefined) return value
    if (known.size >= most) known.clear()
    known.set(key, value)
    return value
  }
}
