/**
 * @module Attributed engine: any engine, given passages of a datanet to answer from. What it then quotes is
 * found by the node's attribution, word for word, and earns; nothing here forces credit, and a paraphrase
 * earns none. Passages are not billed as input: nobody pays for what a seller chose to read.
 *
 * Passages are fenced as documents (Context). A document can still talk a model into something; what its
 * answer then asks for is a request like any other, and only a policy can allow spending.
 */
import * as Chat from './Chat.ts'
import * as Engine from './Engine.ts'
import type { Passage, Retriever } from './Retriever.ts'

/** What is wrapped. */
export type Options = {
  /** Lays `Request.context` before the question, as all engines here do that write answers. */
  readonly engine: Engine.Engine
  readonly retrieve: Retriever
  /** Most passages laid before a question; 4 unless given. */
  readonly mostPassages?: number | undefined
  /** Most characters of them together, whole passages only; 12,000 unless given. */
  readonly mostCharacters?: number | undefined
}

/** The engine with passages. Sold under the same card. */
export function of({
  engine,
  retrieve,
  mostPassages = 4,
  mostCharacters = 12_000,
}: Options): Engine.Engine {
  return {
    card: engine.card,
    async answer(request, options) {
      const { messages, signal, context = [] } = request
      const asked = messages.findLast(({ role }) => role === 'user')
      const question = asked === undefined ? '' : Chat.textOf(asked)
      if (question.trim() === '' || signal?.aborted) return engine.answer(request, options)
      const retrieved = Promise.resolve(retrieve(question, { most: mostPassages, signal }))
      const found = await heeding(retrieved, signal)
      if (found === undefined) return Engine.refuse('cancelled', 'the caller cancelled the request')
      const passages = fitting(found.slice(0, mostPassages), mostCharacters)
      return engine.answer({ ...request, context: [...context, ...passages] }, options)
    },
  }
}

/** Best first, those that there is room for. */
function fitting(found: readonly Passage[], mostCharacters: number): Passage[] {
  let room = mostCharacters
  return found.filter(({ text }) => {
    if (text.length > room) return false
    room -= text.length
    return true
  })
}

/** What is found; undefined once nobody waits for it. */
async function heeding<T>(found: Promise<T>, signal: AbortSignal | undefined) {
  if (signal === undefined) return found
  let onAbort = () => {}
  const abandoned = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([found, abandoned])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
