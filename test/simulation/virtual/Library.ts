/** @module The real library, built once: it follows from the datanet's version alone. */
import * as Real from '../../../src/server/Library.ts'

export type * from '../../../src/server/Library.ts'
export { folder } from '../../../src/server/Library.ts'

let known: Real.Library | undefined

/** As the real one; every simulation sells from the same documents, and asks of a few questions. */
export function open(options: Parameters<typeof Real.open>[0]): Real.Library {
  known ??= remembering(Real.open(options))
  return known
}

function remembering(library: Real.Library): Real.Library {
  const { engine } = library
  const answers = new Map<string, ReturnType<typeof engine.answer>>()
  return {
    ...library,
    engine: {
      ...engine,
      answer(request) {
        const key = JSON.stringify(request)
        const answer = answers.get(key) ?? engine.answer(request)
        answers.set(key, answer)
        return answer
      },
    },
  }
}
