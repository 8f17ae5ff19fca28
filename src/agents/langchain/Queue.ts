/**
 * @module A queue between what is told and who iterates: nothing is lost, nobody waits for a reader.
 */

/** Told on one side, iterated on the other. */
export type Queue<T> = {
  push(value: T): void
  /** Nothing more comes. */
  end(): void
  readonly values: AsyncGenerator<T, void, undefined>
}

/** An empty queue. */
export function open<T>(): Queue<T> {
  const waiting: T[] = []
  let isEnded = false
  let wake = () => {}
  async function* iterate(): AsyncGenerator<T, void, undefined> {
    for (;;) {
      while (waiting.length > 0) yield waiting.shift()!
      if (isEnded) return
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    push(value) {
      waiting.push(value)
      wake()
    },
    end() {
      isEnded = true
      wake()
    },
    values: iterate(),
  }
}
