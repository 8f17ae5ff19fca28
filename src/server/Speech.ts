/**
 * @module Speech: an engine at work on one answer. What it says is kept to the tokens sold and can be
 * heard while it is said, by one listener who may be slower; stopped midway, what it said is the answer.
 */
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Chat from '../models/Chat.ts'
import * as Draft from '../models/Draft.ts'
import * as Engine from '../models/Engine.ts'
import type * as Order from './Order.ts'

/** An answer as it was said, and how long the engine took. */
export type Spoken = {
  readonly kind: 'spoken'
  readonly answer: Engine.Answer
  readonly wallMs: number
}

/** An engine at work. */
export type Speech = {
  /** All that came since the last call, as one delta, once there is something; undefined at the end. */
  next(): Promise<Engine.Delta | undefined>
  /** `next` would not wait. */
  isReady(): boolean
  /** The whole answer, or why there is none. Rejects with `engine-failed`. */
  readonly ended: Promise<Spoken | Engine.Refusal>
  /** Ends it here: what was said is the answer; nothing said, there is none. */
  stop(): void
}

/** How long an engine may go on after it was stopped; then it is left alone. */
const graceMs = 2_000

/** Lets the engine of an order begin. */
export function begin(order: Order.Order, now: Clock): Speech {
  const { offer, request } = order
  const stopping = new AbortController()
  const stopped = new Promise<'stopped'>((resolve) => {
    const later = () => void setTimeout(() => resolve('stopped'), graceMs).unref()
    stopping.signal.addEventListener('abort', later, { once: true })
  })
  const queue = pile()
  const { maxTokensOut: maxTokens } = order
  const draft = Draft.open({ countTokens: Tokenizer.count, maxTokens, onDelta: queue.add })
  const heard = { units: 0, calls: 0 }
  const hear = ({ text = '', toolCalls = [] }: Engine.Delta) => {
    if (stopping.signal.aborted) return
    heard.units += text.length
    heard.calls += toolCalls.length
    draft.say(text)
    for (const { index, ...piece } of toolCalls) draft.call({ key: String(index), ...piece })
    if (draft.isFull) stopping.abort()
  }
  const startedMs = now()
  const wallMs = () => Math.max(0, now() - startedMs)
  const work = async (): Promise<Spoken | Engine.Refusal> => {
    const { signal } = stopping
    const asked = { ...request, signal }
    let answer: Came['answer']
    let isEnded = false
    try {
      answer = await Promise.race([offer.engine.answer(asked, { onDelta: hear }), stopped])
      if (answer !== 'stopped' && answer.kind === 'answered' && !signal.aborted) {
        expectReceipts(answer.consumed ?? [])
        const { text, toolCalls = [] } = answer
        isEnded = true
        // Not every engine tells all that it answers.
        const untold = heard.calls > 0 ? {} : { toolCalls }
        hear(Engine.whole({ text: text.slice(heard.units), ...untold }))
      }
    } catch (cause) {
      // Who throws when it is stopped has said what it said.
      if (!signal.aborted) throw failed(offer.card.model, cause)
    }
    if (typeof answer === 'object' && answer.kind === 'refused' && !signal.aborted) return answer
    if (signal.aborted && !draft.isFull && draft.isEmpty)
      return Engine.refuse('cancelled', 'the request was given up before anything was said')
    const told = draft.end(false)
    if (isEnded && !isTold(answer as Engine.Answer, { ...told, isCut: draft.isFull }))
      throw failed(offer.card.model, new Error('it told one thing and answered another'))
    return { kind: 'spoken', answer: said(told, { answer, signal, wallMs }), wallMs: wallMs() }
  }
  const ended = work().finally(queue.end)
  // Whoever listens hears of it from `ended`; nobody may be listening yet.
  ended.catch(() => undefined)
  return { next: queue.next, isReady: queue.isReady, ended, stop: () => stopping.abort() }
}

/**
 * The whole answer, as long as it comes in time; else the engine is stopped. Rejects with `engine-failed`,
 * and `answer-late`.
 */
export async function inTime(speech: Speech, withinMs: number): Promise<Spoken | Engine.Refusal> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const tooLate = () => {
      speech.stop()
      reject(
        new BaseError('the answer was not ready while its quote held', {
          code: 'answer-late',
          hint: 'nothing was paid; ask for fewer tokens, or ask another seller',
          retry: 'safe',
        }),
      )
    }
    timer = setTimeout(tooLate, Math.max(0, withinMs))
  })
  try {
    return await Promise.race([speech.ended, late])
  } finally {
    clearTimeout(timer)
  }
}

type Told = Pick<Engine.Answer, 'text' | 'toolCalls'>

type Came = {
  readonly answer: Engine.Answer | Engine.Refusal | 'stopped' | undefined
  readonly signal: AbortSignal
  readonly wallMs: () => number
}

/** What was said as an answer; what a stopped engine did not tell of its work is left out. */
function said({ text, toolCalls }: Told, came: Came): Engine.Answer {
  const { answer, signal, wallMs } = came
  const measured = typeof answer === 'object' && answer.kind === 'answered' ? answer : undefined
  const computeMs = wallMs()
  return {
    kind: 'answered',
    text,
    ...(toolCalls === undefined ? {} : { toolCalls }),
    citations: [],
    usage: measured?.usage ?? { tokensIn: 0, tokensOut: 0 },
    meter: measured?.meter ?? { computeMs, meter: 'engine', basis: 'wall', device: 'unknown' },
    finish: signal.aborted ? 'length' : (measured?.finish ?? 'stop'),
    ...(measured?.consumed === undefined ? {} : { consumed: measured.consumed }),
  }
}

/** Whether what an engine told is what it answered, as far as it was sold. */
function isTold(
  { text, toolCalls = [] }: Engine.Answer,
  told: Told & { readonly isCut: boolean },
): boolean {
  if (told.isCut) return text.toWellFormed().startsWith(told.text)
  const calls = (of: readonly Engine.ToolCall[]) => Chat.outputText({ text: '', toolCalls: of })
  return text.toWellFormed() === told.text && calls(toolCalls) === calls(told.toolCalls ?? [])
}

/** A record that names what cannot be could never be read again. */
function expectReceipts(consumed: readonly string[]): void {
  if (consumed.length <= 1_000 && consumed.every((hash) => /^0x[0-9a-f]{64}$/.test(hash))) return
  throw new Error('it names receipts that cannot be')
}

function failed(model: string, cause: unknown): BaseError {
  return new BaseError(`the engine of ${model} failed`, {
    code: 'engine-failed',
    hint: 'no answer was recorded; ask again',
    retry: 'safe',
    cause,
  })
}

/** Deltas that wait for their listener, told as one. */
function pile() {
  let waiting: Engine.Delta | undefined
  let isOver = false
  let wake = () => {}
  return {
    add(delta: Engine.Delta) {
      waiting = waiting === undefined ? delta : merge(waiting, delta)
      wake()
    },
    end() {
      isOver = true
      wake()
    },
    isReady: () => waiting !== undefined || isOver,
    async next() {
      if (waiting === undefined && !isOver)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      const delta = waiting
      waiting = undefined
      return delta
    },
  }
}

function merge(before: Engine.Delta, after: Engine.Delta): Engine.Delta {
  const text = (before.text ?? '') + (after.text ?? '')
  const toolCalls = [...(before.toolCalls ?? []), ...(after.toolCalls ?? [])]
  return {
    ...(text === '' ? {} : { text }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  }
}
