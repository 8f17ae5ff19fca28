/** @module The real library, built once: it follows from the datanet's version alone. */
import * as Real from '../../../src/server/Library.ts'
import * as Engine from './Engine.ts'

export type * from '../../../src/server/Library.ts'
export { folder } from '../../../src/server/Library.ts'

let known: Real.Library | undefined
let reading: ReturnType<typeof Real.reader> | undefined

/** As the real one; every simulation sells from the same documents, and asks of a few questions. */
export function open(options: Parameters<typeof Real.open>[0]): Real.Library {
  known ??= Real.open(options)
  return known
}

/** As the real one, with a memory; what is told is said in pieces. */
export function reader(...options: Parameters<typeof Real.reader>): ReturnType<typeof Real.reader> {
  reading ??= remembering(Real.reader(...options))
  return reading
}

function remembering(engine: ReturnType<typeof Real.reader>): ReturnType<typeof Real.reader> {
  const answers = new Map<string, ReturnType<typeof engine.answer>>()
  return {
    ...engine,
    async answer({ signal, ...request }, options = {}) {
      const key = JSON.stringify(request)
      const found = answers.get(key) ?? engine.answer(request)
      answers.set(key, found)
      const question = Engine.questionOf(request)
      if (question === undefined) return found
      const answer = await found
      return answer.kind === 'refused'
        ? answer
        : Engine.say(answer, question, { ...options, signal })
    },
  }
}
