/**
 * @module Engines: a model that answers one request, and what it measured doing so. What an engine cannot
 * do it refuses by name, as a value; it never answers something else instead.
 */
import type { Hex } from '../kernel/Hex.ts'
import type { Card } from '../market/Card.schema.ts'
import * as Chat from './Chat.ts'
import type { Passage } from './Retriever.ts'

/** What a model is and how its standard work is computed: market/Card.schema. */
export type ModelCard = Card

/** A part of a message. */
export type Part = Chat.Part

/** One turn of a conversation. */
export type Message = Chat.Message

/** A call of a tool; its arguments are untrusted. */
export type ToolCall = Chat.ToolCall

/** What a request may ask beside its messages: names and shapes as in OpenAI's API. */
export type Settings = {
  readonly tools?: readonly unknown[] | null | undefined
  readonly tool_choice?: unknown
  readonly parallel_tool_calls?: boolean | null | undefined
  /** Absent or `{ type: 'text' }` asks for plain text. */
  readonly response_format?:
    | { readonly type: string; readonly [key: string]: unknown }
    | null
    | undefined
  /** Texts at which the answer ends, themselves left out. */
  readonly stop?: string | readonly string[] | null | undefined
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly seed?: number | null | undefined
  readonly presence_penalty?: number | null | undefined
  readonly frequency_penalty?: number | null | undefined
}

/** What is asked of a model. */
export type Request = Settings & {
  readonly messages: readonly Message[]
  /** At least 1; the card's limit holds as well. */
  readonly maxTokensOut: number
  /** Aborted midway it ends the answer with what there is of it. */
  readonly signal?: AbortSignal | undefined
  /** How many answers. */
  readonly n?: number | undefined
  /** Passages to answer from, laid before the last question; never billed as input. */
  readonly context?: readonly Passage[] | undefined
}

/** What came of an answer since the delta before; all joined they are its text and its tool calls. */
export type Delta = {
  readonly text?: string
  readonly toolCalls?: readonly CallDelta[]
}

/** What came of the tool call at `index`: pieces of one call are joined, member by member. */
export type CallDelta = {
  readonly index: number
  readonly id?: string
  readonly name?: string
  readonly arguments?: string
}

/** A stretch of the answer that stands word for word in a document. */
export type Citation = {
  /** The document's place in its datanet. */
  readonly docSeq: number
  /** UTF-16 offsets into the answer's text. */
  readonly start: number
  readonly end: number
  /** UTF-16 offset into the document where the same text begins. */
  readonly offset: number
}

/** Measured work: evidence on a receipt, never the billing basis. */
export type Measured = {
  /** Milliseconds × devices. */
  readonly computeMs: number
  readonly meter: 'engine'
  readonly basis: 'wall' | 'exclusive'
  /** e.g. `cpu`. */
  readonly device: string
}

/** What a model answered. */
export type Answer = {
  readonly kind: 'answered'
  readonly text: string
  /** The tools it calls, in order; absent or empty: none. */
  readonly toolCalls?: readonly ToolCall[]
  /** By `start`; they do not overlap. */
  readonly citations: readonly Citation[]
  /** In the card's tokeniser: in of `Chat.inputTexts`, out of `Chat.outputText`. */
  readonly usage: { readonly tokensIn: number; readonly tokensOut: number }
  readonly meter: Measured
  /** `length`: the limit on tokens, or the caller's signal, cut the answer short. */
  readonly finish: 'stop' | 'length' | 'tool_calls'
  /** Hashes of the receipts of what was bought for this answer. */
  readonly consumed?: readonly Hex[]
}

/** Why a request is not answered; ordered by precedence. */
export type Refusal = {
  readonly kind: 'refused'
  readonly code:
    | 'cancelled'
    | 'tools-unsupported'
    | 'schema-unsupported'
    | 'stop-unsupported'
    | 'choices-unsupported'
    | 'tools-malformed'
    | 'max-tokens-malformed'
    | 'messages-empty'
    | 'message-malformed'
    | 'images-unsupported'
    | 'input-too-large'
    | 'question-missing'
  readonly because: string
}

/** How an answer is told while it is made. */
export type AnswerOptions = {
  /** Called in order, never after the answer is there. An engine that cannot stream calls it once. */
  readonly onDelta?: ((delta: Delta) => void) | undefined
}

/** A model that answers one request. */
export type Engine = {
  readonly card: ModelCard
  answer(request: Request, options?: AnswerOptions): Promise<Answer | Refusal>
}

/** A request that a model of text can answer. */
export type Admitted = {
  readonly kind: 'admitted'
  readonly turns: readonly { readonly role: Message['role']; readonly text: string }[]
  /** The text of the last user message. */
  readonly question: string
  readonly tokensIn: number
  /** The smaller of the request's limit and the card's. */
  readonly maxTokensOut: number
}

/**
 * A request as turns of text within the card's limits, or why a model with this card cannot answer it:
 * what goes beyond plain text is taken only if the card says it can.
 */
export function admit(
  request: Request,
  options: { readonly card: ModelCard; readonly countTokens: (text: string) => number },
): Admitted | Refusal {
  const { card, countTokens } = options
  if (request.signal?.aborted) return refuse('cancelled', 'the caller cancelled the request')
  const refused = beyondText(request, card)
  if (refused !== undefined) return refused
  if (!Number.isSafeInteger(request.maxTokensOut) || request.maxTokensOut < 1)
    return refuse(
      'max-tokens-malformed',
      `expected maxTokensOut as an integer from 1, got ${request.maxTokensOut}`,
    )
  if (request.messages.length === 0)
    return refuse('messages-empty', 'expected at least one message, got none')
  const turns: { role: Message['role']; text: string }[] = []
  for (const [index, message] of request.messages.entries()) {
    const fault = faultOf(message, index, card)
    if (fault !== undefined) return fault
    turns.push({ role: message.role, text: Chat.textOf(message) })
  }
  let tokensIn = 0
  for (const text of Chat.inputTexts(request)) {
    tokensIn += countTokens(text)
    if (tokensIn > card.maxTokensIn)
      return refuse('input-too-large', `expected at most ${card.maxTokensIn} tokens of input`)
  }
  const question = turns.findLast(({ role }) => role === 'user')?.text ?? ''
  if (question.trim() === '')
    return refuse('question-missing', 'expected a question in the last user message')
  const maxTokensOut = Math.min(request.maxTokensOut, card.maxTokensOut)
  return { kind: 'admitted', turns, question, tokensIn, maxTokensOut }
}

/** The settings among the members of a chat request's body. */
export function settings(body: Settings): Settings {
  return Object.fromEntries(
    names.flatMap((name) => (body[name] === undefined ? [] : [[name, body[name]]])),
  )
}

const names: readonly (keyof Settings)[] = [
  ...(['tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'stop'] as const),
  ...(['temperature', 'top_p', 'seed', 'presence_penalty', 'frequency_penalty'] as const),
]

/** A whole answer as one delta: what an engine that cannot stream tells. */
export function whole({ text, toolCalls = [] }: Pick<Answer, 'text' | 'toolCalls'>): Delta {
  return {
    ...(text === '' ? {} : { text }),
    ...(toolCalls.length === 0
      ? {}
      : { toolCalls: toolCalls.map((call, index) => ({ index, ...call })) }),
  }
}

/** A refusal. */
export function refuse(code: Refusal['code'], because: string): Refusal {
  return { kind: 'refused', code, because }
}

/** Why what is asked beyond plain text cannot be had. */
function beyondText(request: Request, { model, can = [] }: ModelCard): Refusal | undefined {
  const tools = request.tools ?? []
  if (tools.length > 0 && !can.includes('tools'))
    return refuse('tools-unsupported', `${model} calls no tools; leave \`tools\` out`)
  const format = request.response_format?.type ?? 'text'
  if (format !== 'text' && !can.includes('schema'))
    return refuse('schema-unsupported', `${model} answers in plain text only`)
  if (format !== 'text' && format !== 'json_object' && format !== 'json_schema')
    return refuse('schema-unsupported', `expected json_schema, json_object or text, got ${format}`)
  if ((request.stop?.length ?? 0) > 0 && !can.includes('stop'))
    return refuse('stop-unsupported', `${model} ends where it ends; leave \`stop\` out`)
  if (request.n !== undefined && request.n !== 1)
    return refuse('choices-unsupported', `expected n = 1, got ${request.n}`)
  if (!tools.every(isTool))
    return refuse('tools-malformed', 'expected tools as { type: "function", function: { name } }')
  return undefined
}

/** Why a model with this card cannot take a message. */
function faultOf(message: Message, index: number, card: ModelCard): Refusal | undefined {
  const { role, content } = message
  const canTools = card.can?.includes('tools') === true
  const calls = message.tool_calls ?? []
  if (role === 'tool' && !canTools)
    return refuse('tools-unsupported', `${card.model} takes no results of tools`)
  if (calls.length > 0 && !canTools)
    return refuse('tools-unsupported', `${card.model} calls no tools, and called none`)
  if (role === 'tool' && typeof message.tool_call_id !== 'string')
    return refuse('message-malformed', `expected tool_call_id in message ${index}`)
  if (calls.length > 0 && (role !== 'assistant' || !calls.every(isCall)))
    return refuse('message-malformed', `expected calls of functions in message ${index}`)
  if (typeof content === 'string') return undefined
  if ((content === null || content === undefined) && calls.length > 0) return undefined
  if (!Array.isArray(content))
    return refuse('message-malformed', `expected text as content of message ${index}`)
  for (const part of content as readonly Part[]) {
    if (part.type !== 'text')
      return refuse('images-unsupported', `${card.model} takes text only, got ${part.type}`)
    if (typeof part.text !== 'string')
      return refuse('message-malformed', `expected text in a part of message ${index}`)
  }
  return undefined
}

type Loose = { readonly [key: string]: unknown } | null | undefined

function isTool(value: unknown): boolean {
  const tool = value as Loose
  return tool?.type === 'function' && typeof (tool.function as Loose)?.name === 'string'
}

function isCall(value: unknown): boolean {
  const called = (value as Loose)?.function as Loose
  return (
    typeof (value as Loose)?.id === 'string' &&
    typeof called?.name === 'string' &&
    typeof called.arguments === 'string'
  )
}
