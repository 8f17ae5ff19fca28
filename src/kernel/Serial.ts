/** @module Serial: one at a time, in order of arrival; what must not interleave across an `await`. */

/** Runs each task when those before it have ended, however they ended. */
export type Serial = <T>(task: () => Promise<T>) => Promise<T>

/** A line of its own. */
export function line(): Serial {
  let last: Promise<unknown> = Promise.resolve()
  return (task) => {
    const next = last.then(task, task)
    last = next.catch(() => undefined)
    return next
  }
}
