/**
 * @module Completions as OpenAI-compatible endpoints write them, whole or in chunks: what they say of the
 * first choice. Members it does not know are left alone; what it knows and cannot read is a failure.
 */
import type * as Draft from '../Draft.ts'
import type { Said } from '../Remote.ts'
import { upstreamError } from '../UpstreamError.ts'

type Loose = Readonly<Record<string, unknown>>

/** Reads one chunk (`delta`) or one whole completion (`message`). Throws `UpstreamError`. */
export function read(json: string, part: 'delta' | 'message'): Said {
  const value = parse(json)
  if (isObject(value.error) || typeof value.error === 'string')
    throw upstreamError('upstream-failed', 'the model failed midway', { ...codeOf(value.error) })
  if (!Array.isArray(value.choices)) throw malformed('no choices')
  const choices = value.choices.filter((each) => isObject(each) && (each.index ?? 0) === 0)
  const choice = choices[0] as Loose | undefined
  if (choice === undefined) {
    if (part === 'message') throw malformed('no choice')
    return { text: '', calls: [] }
  }
  const said = choice[part] ?? (part === 'delta' ? {} : undefined)
  if (!isObject(said)) throw malformed(`a choice without ${part}`)
  const { content, refusal, tool_calls: calls } = said
  return {
    text: textOf(content) + textOf(refusal),
    calls: callsOf(calls),
    finish: finishOf(choice.finish_reason),
  }
}

/** A code in an upstream's error that cannot be a key: short, lower case. */
export function codeOf(error: unknown): { readonly upstreamCode?: string } {
  if (!isObject(error)) return {}
  const found = [error.code, error.type].find((each) => typeof each === 'string')
  return typeof found === 'string' && /^[a-z]{2,20}(_[a-z]{1,20}){0,4}$/.test(found)
    ? { upstreamCode: found }
    : {}
}

function parse(json: string): Loose {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw malformed('no JSON')
  }
  if (!isObject(value)) throw malformed('no object')
  return value
}

function textOf(content: unknown): string {
  if (content === undefined || content === null) return ''
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) throw malformed('content that is no text')
  return content
    .map((part) => (isObject(part) && part.type === 'text' ? textOf(part.text) : ''))
    .join('')
}

/** Pieces of calls; one without an index is told by its id, or goes on with the call before. */
function callsOf(calls: unknown): Draft.CallPiece[] {
  if (calls === undefined || calls === null) return []
  if (!Array.isArray(calls)) throw malformed('calls that are no list')
  return calls.map((call: unknown, place) => {
    if (!isObject(call) || !isObject(call.function)) throw malformed('a call of no function')
    const { id, function: called } = call
    const index = call.index ?? id ?? place
    const { name, arguments: json } = called
    if (!isText(id) || !isText(name) || !isText(json) || typeof index === 'object')
      throw malformed('a call that cannot be read')
    return {
      key: String(index),
      id: id ?? undefined,
      name: name ?? undefined,
      arguments: json ?? '',
    }
  })
}

/** `content_filter` and the like cut an answer short; reasons of their own that nobody knows end it. */
function finishOf(reason: unknown): Said['finish'] {
  if (reason === null || reason === undefined || reason === '') return undefined
  return reason === 'length' || reason === 'content_filter' ? 'length' : 'stop'
}

function isObject(value: unknown): value is Loose & { readonly function?: Loose } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || typeof value === 'string'
}

function malformed(what: string) {
  return upstreamError('upstream-malformed', `expected a chat completion, got ${what}`)
}
