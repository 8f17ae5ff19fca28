/**
 * @module Engines: a model that answers one request, and what it measured doing so. What an engine cannot
 * do it refuses by name, as a value; it never answers something else instead.
 */
import type { Card } from '../market/Card.schema.ts'

/** What a model is and how its standard work is computed: market/Card.schema. */
export type ModelCard = Card

/** A part of a message; parts that are not text are for models that take them. */
export type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: string; readonly [key: string]: unknown }

/** One turn of a conversation. */
export type Message = {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly content: string | readonly Part[]
}

/** What is asked of a model. */
export type Request = {
  readonly messages: readonly Message[]
  /** At least 1; the card's limit holds as well. */
  readonly maxTokensOut: number
  readonly signal?: AbortSignal
  readonly tools?: readonly unknown[]
  /** As in OpenAI's API: absent or `{ type: 'text' }` asks for plain text. */
  readonly responseFormat?: { readonly type: string }
  /** How many answers. */
  readonly n?: number
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
  /** By `start`; they do not overlap. */
  readonly citations: readonly Citation[]
  /** In the card's tokeniser. */
  readonly usage: { readonly tokensIn: number; readonly tokensOut: number }
  readonly meter: Measured
  /** `length`: the limit on tokens cut the answer short. */
  readonly finish: 'stop' | 'length'
}

/** Why a request is not answered; ordered by precedence. */
export type Refusal = {
  readonly kind: 'refused'
  readonly code:
    | 'cancelled'
    | 'tools-unsupported'
    | 'schema-unsupported'
    | 'choices-unsupported'
    | 'max-tokens-malformed'
    | 'messages-empty'
    | 'message-malformed'
    | 'images-unsupported'
    | 'input-too-large'
    | 'question-missing'
  readonly because: string
}

/** A model that answers one request. */
export type Engine = {
  readonly card: ModelCard
  answer(request: Request): Promise<Answer | Refusal>
}

/** A request that a text-only model can answer. */
export type Admitted = {
  readonly kind: 'admitted'
  readonly turns: readonly { readonly role: Message['role']; readonly text: string }[]
  /** The text of the last user message. */
  readonly question: string
  readonly tokensIn: number
  /** The smaller of the request's limit and the card's. */
  readonly maxTokensOut: number
}

/** A request as turns of text within the card's limits, or why a text-only model cannot answer it. */
export function admit(
  request: Request,
  options: { readonly card: ModelCard; readonly countTokens: (text: string) => number },
): Admitted | Refusal {
  const { card } = options
  if (request.signal?.aborted) return refuse('cancelled', 'the caller cancelled the request')
  if (request.tools !== undefined && request.tools.length > 0)
    return refuse('tools-unsupported', `${card.model} calls no tools; leave \`tools\` out`)
  if (request.responseFormat !== undefined && request.responseFormat.type !== 'text')
    return refuse('schema-unsupported', `${card.model} answers in plain text only`)
  if (request.n !== undefined && request.n !== 1)
    return refuse('choices-unsupported', `expected n = 1, got ${request.n}`)
  if (!Number.isSafeInteger(request.maxTokensOut) || request.maxTokensOut < 1)
    return refuse(
      'max-tokens-malformed',
      `expected maxTokensOut as an integer from 1, got ${request.maxTokensOut}`,
    )
  if (request.messages.length === 0)
    return refuse('messages-empty', 'expected at least one message, got none')
  const turns: { role: Message['role']; text: string }[] = []
  let tokensIn = 0
  for (const [index, message] of request.messages.entries()) {
    const text = textOf(message, index, card)
    if (typeof text !== 'string') return text
    turns.push({ role: message.role, text })
    tokensIn += options.countTokens(text)
    if (tokensIn > card.maxTokensIn)
      return refuse('input-too-large', `expected at most ${card.maxTokensIn} tokens of input`)
  }
  const question = turns.findLast(({ role }) => role === 'user')?.text ?? ''
  if (question.trim() === '')
    return refuse('question-missing', 'expected a question in the last user message')
  const maxTokensOut = Math.min(request.maxTokensOut, card.maxTokensOut)
  return { kind: 'admitted', turns, question, tokensIn, maxTokensOut }
}

/** A refusal. */
export function refuse(code: Refusal['code'], because: string): Refusal {
  return { kind: 'refused', code, because }
}

function textOf({ role, content }: Message, index: number, card: ModelCard): string | Refusal {
  if (role === 'tool') return refuse('tools-unsupported', `${card.model} takes no results of tools`)
  if (typeof content === 'string') return content
  if (!Array.isArray(content))
    return refuse('message-malformed', `expected text as content of message ${index}`)
  const texts: string[] = []
  for (const part of content as readonly Part[]) {
    if (part.type !== 'text')
      return refuse('images-unsupported', `${card.model} takes text only, got ${part.type}`)
    if (typeof part.text !== 'string')
      return refuse('message-malformed', `expected text in a part of message ${index}`)
    texts.push(part.text)
  }
  return texts.join('\n')
}
