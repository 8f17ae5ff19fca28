/**
 * @module Limits: what an engine says, kept to the tokens that were sold. It counts as buyers recount:
 * text and called tools together, by `Chat.outputText`.
 */
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import * as Json from '../kernel/Json.ts'
import * as Chat from '../models/Chat.ts'
import type * as Engine from '../models/Engine.ts'

/** What was said so far. Owned and changed by the limit. */
export type Said = { text: string; readonly toolCalls: Engine.ToolCall[] }

/** A limit and what was said under it. */
export type Limit = {
  readonly said: Said
  /** The part of a delta that still fits; undefined when nothing of it does. */
  take(delta: Engine.Delta): Engine.Delta | undefined
  /** Something did not fit: nothing more is taken. */
  isFull(): boolean
}

/** Canonical JSON of one empty call counts less. */
const tokensPerCall = 64

/** A limit of so many tokens. */
export function open(maxTokens: number): Limit {
  const said: Said = { text: '', toolCalls: [] }
  /** Never less than what was said counts: joining texts adds no tokens. */
  let boundTokens = 0
  let full = false
  const fits = (next: Said, addedTokens: number) => {
    boundTokens += addedTokens
    // Counted anew only where the bound alone does not say that it fits.
    if (boundTokens > maxTokens) boundTokens = Tokenizer.count(Chat.outputText(next))
    return boundTokens <= maxTokens
  }
  return {
    said,
    isFull: () => full,
    take(delta) {
      if (full) return undefined
      const { text = '', toolCalls: pieces = [] } = delta
      const next = { text: said.text + text, toolCalls: join(said.toolCalls, pieces) }
      if (fits(next, added(said, delta))) {
        said.text = next.text
        said.toolCalls.splice(0, said.toolCalls.length, ...next.toolCalls)
        return text === '' && pieces.length === 0 ? undefined : delta
      }
      full = true
      if (said.toolCalls.length > 0) return undefined
      const kept = cut(next.text, maxTokens).slice(said.text.length)
      said.text += kept
      return kept === '' ? undefined : { text: kept }
    },
  }
}

/** The longest beginning of a text that has at most so many tokens. */
function cut(text: string, maxTokens: number): string {
  const { count, ends } = Tokenizer.all(text)
  return count <= maxTokens ? text : text.slice(0, maxTokens === 0 ? 0 : ends[maxTokens - 1])
}

function added({ toolCalls }: Said, { text = '', toolCalls: pieces = [] }: Engine.Delta): number {
  return pieces.reduce((sum, { index, id = '', name = '', arguments: json = '' }) => {
    const quoted = Tokenizer.count(Json.encode([id, name, json]))
    return sum + quoted + (toolCalls[index] === undefined ? tokensPerCall : 0)
  }, Tokenizer.count(text))
}

/** Calls with pieces joined to them. Throws for pieces of a call that is not the next. */
function join(
  calls: readonly Engine.ToolCall[],
  pieces: readonly Engine.CallDelta[],
): Engine.ToolCall[] {
  const joined = [...calls]
  for (const { index, id = '', name = '', arguments: json = '' } of pieces) {
    const before = joined[index] ?? { id: '', name: '', arguments: '' }
    if (index > joined.length) throw new Error(`expected tool call ${joined.length}, got ${index}`)
    joined[index] = {
      id: before.id + id,
      name: before.name + name,
      arguments: before.arguments + json,
    }
  }
  return joined
}
