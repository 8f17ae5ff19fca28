/**
 * @module Drafts: an answer while a model elsewhere says it. What came is told as it came, cut where the
 * card's tokeniser has counted enough (no quote pays for more), and put together at the end. What is told,
 * joined, is exactly what is answered; it is well-formed text whatever the model said.
 */
import * as Chat from './Chat.ts'
import type * as Engine from './Engine.ts'
import { upstreamError } from './UpstreamError.ts'

/** A call as pieces of it come; `key` tells calls apart, and need not be a place. */
export type CallPiece = {
  readonly key: string
  readonly id?: string | undefined
  readonly name?: string | undefined
  readonly arguments?: string | undefined
}

/** How an answer is drafted. */
export type Options = {
  readonly countTokens: (text: string) => number
  readonly maxTokens: number
  readonly onDelta?: Engine.AnswerOptions['onDelta']
}

/** An answer in the making. */
export type Draft = {
  /** Takes text; false once the limit is reached, and nothing more is taken. */
  say(text: string): boolean
  /** Takes a piece of a call; as {@link say}. Throws `UpstreamError` (`upstream-tool-call-malformed`). */
  call(piece: CallPiece): boolean
  /** The limit was reached. */
  readonly isFull: boolean
  /** Nothing was told yet. */
  readonly isEmpty: boolean
  /**
   * The answer. `isWhole`: the model ended it, so that calls have to be whole: a name and a JSON object.
   * Throws `UpstreamError` (`upstream-tool-call-malformed`).
   */
  end(isWhole: boolean): Pick<Engine.Answer, 'text' | 'toolCalls'> & { readonly tokensOut: number }
}

/** Most calls in one answer. */
export const maxCalls = 128

/** One code unit is at most so many tokens: six as an escape in JSON, if each were a token. */
const unitTokens = 6

type Call = { id: string; name: string; arguments: string; held: string; isTold: boolean }

/** Opens a draft. */
export function open({ countTokens, maxTokens, onDelta = () => {} }: Options): Draft {
  let text = ''
  let held = ''
  let isFull = false
  const calls = new Map<string, Call>()
  const told: Call[] = []
  let counted = 0
  let unitsSince = 0

  const count = (more: { text?: string; call?: Call; piece?: string }): number => {
    const toolCalls = told.map((call) =>
      call === more.call ? { ...call, arguments: call.arguments + more.piece } : call,
    )
    return countTokens(Chat.outputText({ text: text + (more.text ?? ''), toolCalls }))
  }
  // Counting is put off for as long as what came since cannot have reached the limit.
  const fitting = (piece: string, tokens: (part: string) => number): string => {
    unitsSince += piece.length
    if (counted + unitsSince * unitTokens <= maxTokens) return piece
    unitsSince = 0
    counted = tokens(piece)
    if (counted <= maxTokens) return piece
    isFull = true
    const first = (units: number) =>
      piece.slice(0, isHigh(piece.charCodeAt(units - 1)) ? units - 1 : units)
    let [low, high] = [0, piece.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (tokens(first(middle)) <= maxTokens) low = middle
      else high = middle - 1
    }
    return first(low)
  }
  const say = (piece: string): void => {
    const part = fitting(piece, (part) => count({ text: part }))
    text += part
    if (part !== '') onDelta({ text: part })
  }
  const begin = (call: Call): void => {
    if (call.isTold || call.name === '' || isFull) return
    told.push(call)
    unitsSince = 0
    counted = count({})
    if (counted > maxTokens) {
      told.pop()
      isFull = true
      return
    }
    call.isTold = true
    const { id, name } = call
    onDelta({ toolCalls: [{ index: told.length - 1, id, name, arguments: '' }] })
  }
  const argue = (call: Call, piece: string): void => {
    const part = fitting(piece, (part) => count({ call, piece: part }))
    call.arguments += part
    if (part !== '') onDelta({ toolCalls: [{ index: told.indexOf(call), arguments: part }] })
  }
  return {
    say(more) {
      const [piece, rest] = wellFormed(held + more)
      held = rest
      if (!isFull && piece !== '') say(piece)
      return !isFull
    },
    call({ key, id, name, arguments: more = '' }) {
      const call = calls.get(key) ?? begun(calls, key)
      if (call.id === '' && id !== undefined) call.id = id.toWellFormed()
      if (call.name === '' && name !== undefined) call.name = name.toWellFormed()
      if (call.name !== '' && call.id === '') call.id = `call_${told.length}`
      begin(call)
      const [piece, rest] = call.isTold ? wellFormed(call.held + more) : ['', call.held + more]
      call.held = rest
      if (!isFull && piece !== '') argue(call, piece)
      return !isFull
    },
    get isFull() {
      return isFull
    },
    get isEmpty() {
      return text === '' && told.length === 0
    },
    end(isWhole) {
      if (held !== '' && !isFull) say(held.toWellFormed())
      for (const call of calls.values()) {
        if (isFull || !isWhole) break
        if (!call.isTold) throw malformed('a call without a name')
        if (call.held !== '') argue(call, call.held.toWellFormed())
        // Where a tool takes nothing some models say nothing.
        else if (call.arguments === '') argue(call, '{}')
        if (!isFull && !isObject(call.arguments)) throw malformed('arguments that are no object')
      }
      const toolCalls = told.map(({ id, name, arguments: json }) => ({ id, name, arguments: json }))
      const said = { text, ...(toolCalls.length === 0 ? {} : { toolCalls }) }
      return { ...said, tokensOut: countTokens(Chat.outputText(said)) }
    },
  }
}

function begun(calls: Map<string, Call>, key: string): Call {
  if (calls.size === maxCalls) throw malformed(`more than ${maxCalls} calls`)
  const call = { id: '', name: '', arguments: '', held: '', isTold: false }
  calls.set(key, call)
  return call
}

/** Text without lone surrogates, and a half of a pair at the end whose other half may come yet. */
function wellFormed(text: string): [piece: string, rest: string] {
  const end = isHigh(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length
  return [text.slice(0, end).toWellFormed(), text.slice(end)]
}

function isHigh(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800
}

function isObject(json: string): boolean {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

function malformed(what: string) {
  return upstreamError('upstream-tool-call-malformed', `expected whole calls of tools, got ${what}`)
}
