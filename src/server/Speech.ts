/**
 * @module Speech: an engine at work on one answer. What it says is kept to the tokens sold and can be
 * heard while it is said, by one listener who may be slower; stopped midway, what it said is the answer.
 */
import type { Clock } from '../kernel/Clock.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Chat from '../models/Chat.ts'
import * as Engine from '../models/Engine.ts'
import * as Limit from './Limit.ts'
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
  const limit = Limit.open(order.maxTokensOut)
  const stopping = new AbortController()
  const stopped = new Promise<'stopped'>((resolve) => {
    const later = () => void setTimeout(() => resolve('stopped'), graceMs).unref()
    stopping.signal.addEventListener('abort', later, { once: true })
  })
  const queue = pile()
  const hear = (delta: Engine.Delta) => {
    if (stopping.signal.aborted) return
    const kept = limit.take(delta)
    if (kept !== undefined) queue.add(kept)
    if (limit.isFull()) stopping.abort()
  }
  const startedMs = now()
  const wallMs = () => Math.max(0, now() - startedMs)
  const work = async (): Promise<Spoken | Engine.Refusal> => {
    const { signal } = stopping
    const asked = { ...request, signal }
    let answer: Engine.Answer | Engine.Refusal | 'stopped' | undefined
    try {
      answer = await Promise.race([offer.engine.answer(asked, { onDelta: hear }), stopped])
      if (answer !== 'stopped' && answer.kind === 'answered' && !signal.aborted) {
        expectReceipts(answer.consumed ?? [])
        hear(untold(limit.said, answer))
      }
    } catch (cause) {
      // Who throws when it is stopped has said what it said.
      if (!signal.aborted) throw failed(offer.card.model, cause)
    }
    if (typeof answer === 'object' && answer.kind === 'refused' && !signal.aborted) return answer
    const { text, toolCalls } = limit.said
    if (signal.aborted && !limit.isFull() && text === '' && toolCalls.length === 0)
      return Engine.refuse('cancelled', 'the request was given up before anything was said')
    return { kind: 'spoken', answer: said(limit, { answer, signal, wallMs }), wallMs: wallMs() }
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

type Came = {
  readonly answer: Engine.Answer | Engine.Refusal | 'stopped' | undefined
  readonly signal: AbortSignal
  readonly wallMs: () => number
}

/** What was said as an answer; what a stopped engine did not tell of its work is left out. */
function said({ said: { text, toolCalls } }: Limit.Limit, came: Came): Engine.Answer {
  const { answer, signal, wallMs } = came
  const measured = typeof answer === 'object' && answer.kind === 'answered' ? answer : undefined
  const computeMs = wallMs()
  return {
    kind: 'answered',
    text,
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    citations: [],
    usage: measured?.usage ?? { tokensIn: 0, tokensOut: 0 },
    meter: measured?.meter ?? { computeMs, meter: 'engine', basis: 'wall', device: 'unknown' },
    finish: signal.aborted ? 'length' : (measured?.finish ?? 'stop'),
    ...(measured?.consumed === undefined ? {} : { consumed: measured.consumed }),
  }
}

/** What an engine answered and did not tell. Throws when what it told is not the answer. */
function untold(said: Limit.Said, { text, toolCalls = [] }: Engine.Answer): Engine.Delta {
  const isTold = said.toolCalls.length > 0
  const isSame = Chat.outputText({ text: '', toolCalls }) === Chat.outputText({ ...said, text: '' })
  if (!text.startsWith(said.text) || (isTold && !isSame))
    throw new Error('it told one thing and answered another')
  return Engine.whole({ text: text.slice(said.text.length), ...(isTold ? {} : { toolCalls }) })
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
