/**
 * @module An engine that speaks: what the reader would answer, in pieces, when the scheduler lets it. It
 * fails, refuses, and takes being stopped in one of the ways that engines do.
 */
import * as Engine from '../../../src/models/Engine.ts'
import * as Market from '../Market.ts'
import * as World from '../World.ts'

/** The question of a request, if its answer is told. */
export function questionOf({ messages }: Engine.Request): string | undefined {
  const question = String(messages.at(-1)?.content)
  return Market.spoken.includes(question) ? question : undefined
}

/** Says an answer. */
export function say(
  answer: Engine.Answer,
  question: string,
  asked: { readonly signal: AbortSignal | undefined } & Engine.AnswerOptions,
): Promise<Engine.Answer | Engine.Refusal> {
  const { signal, onDelta } = asked
  const world = World.current()
  const { life } = World.party('seller')
  const utterance = { question, whole: answer.text, said: '', isTold: false, isRunning: true }
  world.utterances.push(utterance)
  const pieces = cut(answer.text)
  const wayToStop = world.below(3)
  return new Promise<Engine.Answer | Engine.Refusal>((resolve, reject) => {
    const speak = (index: number) => {
      if (index === 0 && world.strikes('engine failed', 0.15)) return reject(new Error('no tokens'))
      if (index === 0 && world.strikes('engine refused', 0.19))
        return resolve(Engine.refuse('question-missing', 'this engine will not say'))
      if (index > 0 && world.strikes('engine failed midway', 0.18))
        return reject(new Error('it fell over'))
      const text = pieces[index]!
      if (utterance.isRunning) utterance.said += text
      onDelta?.({ text })
      if (index + 1 === pieces.length) resolve(answer)
      else later(index + 1)
    }
    const later = (index: number) =>
      World.park(life, 'seller speaks', () => speak(index), world.below(300))
    const stop = () => {
      utterance.isRunning = false
      if (wayToStop === 0) reject(new Error('stopped'))
      if (wayToStop === 1) resolve({ ...answer, text: utterance.said, finish: 'length' })
    }
    if (signal?.aborted === true) stop()
    else signal?.addEventListener('abort', stop, { once: true })
    later(0)
  }).finally(() => {
    utterance.isRunning = false
  })
}

function cut(text: string): string[] {
  const { below } = World.current()
  const ends = [below(text.length), below(text.length), text.length].sort((a, b) => a - b)
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end)).filter((each) => each)
}
