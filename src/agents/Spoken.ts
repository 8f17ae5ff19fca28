/**
 * @module Spoken: what a model has said so far, joined from its deltas; and a relay that tells a caller
 * each part once, however often the stream breaks and the stored answer is asked for again.
 */
import type * as Engine from '../models/Engine.ts'

/** What was said. Owned and changed by whoever listens. */
export type Spoken = {
  text: string
  readonly toolCalls: { id: string; name: string; arguments: string }[]
}

/** Nothing yet. */
export function nothing(): Spoken {
  return { text: '', toolCalls: [] }
}

/** Joins a delta to what was said; why it cannot follow, and then nothing was joined. */
export function hear(spoken: Spoken, delta: Engine.Delta): string | undefined {
  const { toolCalls } = spoken
  let known = toolCalls.length
  for (const { index, id, name } of delta.toolCalls ?? []) {
    const before = toolCalls[index]
    if (before === undefined && index >= known) {
      if (index > known) return `tool call ${index} before ${known}`
      if (!id || !name) return `tool call ${index} without id and name`
      known += 1
    }
    if (before !== undefined && (!isSame(id, before.id) || !isName(name, before)))
      return `tool call ${index} that became another`
  }
  spoken.text += delta.text ?? ''
  for (const { index, id = '', name = '', arguments: text = '' } of delta.toolCalls ?? []) {
    const before = toolCalls[index]
    if (before === undefined) toolCalls.push({ id, name, arguments: text })
    else {
      if (!isSame(name, before.name)) before.name += name
      before.arguments += text
    }
  }
  return undefined
}

/** Some models say it once, some with every piece. */
function isSame(given: string | undefined, before: string): boolean {
  return given === undefined || given === '' || given === before
}

/** A name may come in pieces, until the first of the arguments comes. */
function isName(given: string | undefined, before: Spoken['toolCalls'][number]): boolean {
  return isSame(given, before.name) || before.arguments === ''
}

/** Tells a caller what is said, each part once. */
export type Relay = {
  /** Listens to the answer from its beginning, once more. */
  readonly listen: () => (delta: Engine.Delta) => void
  /** Nothing more is told. */
  readonly stop: () => void
  /** Why an answer is not what was told; undefined while it begins with it, or ends early in it. */
  readonly fault: (answer: Answer) => string | undefined
}

type Answer = {
  readonly output: string
  readonly toolCalls?: readonly Engine.ToolCall[]
  readonly finish: Engine.Answer['finish']
}

/** A relay to `tell`, which is not called again once it threw. */
export function relay(tell: (delta: Engine.Delta) => void): Relay {
  const told = nothing()
  let isTelling = true
  const pass = (delta: Engine.Delta) => {
    if (delta.text === undefined && delta.toolCalls === undefined) return
    hear(told, delta)
    try {
      tell(delta)
    } catch {
      isTelling = false
    }
  }
  return {
    listen() {
      const heard = nothing()
      return (delta) => {
        if (!isTelling) return
        const fresh = beyond(told, heard, delta)
        if (fresh === undefined || hear(heard, delta) !== undefined) isTelling = false
        else pass(fresh)
      }
    },
    stop() {
      isTelling = false
    },
    fault(answer) {
      const { output, toolCalls = [], finish } = answer
      // Asked for again and cut short, it may end before what was told: that much less is paid.
      const isShort = finish === 'length' && told.text.startsWith(output)
      const isSame =
        (isShort || output.startsWith(told.text)) &&
        told.toolCalls.every((call, index) => {
          const given = toolCalls[index]
          return begins(given, call) || (isShort && (given === undefined || begins(call, given)))
        })
      return isSame ? undefined : 'an answer that is not what was streamed'
    },
  }
}

type Piece = NonNullable<Engine.Delta['toolCalls']>[number]

/** The part of a delta that was not told yet; undefined when it says something else than was told. */
function beyond(told: Spoken, heard: Spoken, delta: Engine.Delta): Engine.Delta | undefined {
  const text = rest(told.text, heard.text.length, delta.text ?? '')
  if (text === undefined) return undefined
  const pieces: Piece[] = []
  for (const piece of delta.toolCalls ?? []) {
    const call = told.toolCalls[piece.index]
    if (call === undefined) {
      pieces.push(piece)
      continue
    }
    const { id, arguments: given = '' } = piece
    const at = heard.toolCalls[piece.index]?.arguments.length ?? 0
    const fresh = rest(call.arguments, at, given)
    if (fresh === undefined || !isSame(id, call.id)) return undefined
    if (fresh !== '') pieces.push({ index: piece.index, arguments: fresh })
  }
  return {
    ...(text === '' ? {} : { text }),
    ...(pieces.length === 0 ? {} : { toolCalls: pieces }),
  }
}

/** What of `piece`, heard at `at`, goes beyond `told`; undefined when it contradicts it. */
function rest(told: string, at: number, piece: string): string | undefined {
  if (at >= told.length) return at === told.length ? piece : undefined
  const known = told.slice(at, at + piece.length)
  return piece.startsWith(known) ? piece.slice(known.length) : undefined
}

function begins(given: Spoken['toolCalls'][number] | undefined, told: typeof given): boolean {
  if (given === undefined || told === undefined) return given === told
  const { id, name, arguments: text } = given
  return id === told.id && name.startsWith(told.name) && text.startsWith(told.arguments)
}
