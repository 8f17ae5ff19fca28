/**
 * @module Completions: an answer as OpenAI's clients read it, whole or in chunks, with the receipt beside.
 */
import * as Json from '../kernel/Json.ts'
import type * as Quote from '../market/Quote.ts'
import * as Engine from '../models/Engine.ts'
import type * as Answers from '../store/Answers.ts'
import type * as Receipts from './Receipts.ts'

/** A sale whose answer was not erased. */
export type Shown = Receipts.View & { readonly answer: Answers.Answer }

/** What all chunks of one answer say alike. */
export type Frame = {
  readonly id: string
  readonly created: number
  readonly model: string
}

/** The frame of what a payment bought: the same whenever it is told. */
export function frame(quote: Quote.Quote, nonce: string): Frame {
  return {
    id: `chatcmpl-${nonce.slice(2, 26)}`,
    created: Math.floor(quote.issuedAtMs / 1000),
    model: quote.model,
  }
}

/** The whole answer. */
export function whole({ id, created, model }: Frame, view: Shown) {
  const { text, toolCalls, finish } = stored(view.answer)
  const calls = toolCalls.map((call) => ({ type: 'function', ...called(call) }))
  const message = {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    refusal: null,
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
  return {
    ...{ id, object: 'chat.completion', created, model },
    choices: [{ index: 0, message, logprobs: null, finish_reason: finish }],
    usage: usage(view),
    requite: proved(view),
  }
}

/** The first chunk: who speaks. */
export function opening(frame: Frame) {
  return choice(frame, { role: 'assistant', content: '' })
}

/** What was said since the chunk before. */
export function chunk(frame: Frame, { text, toolCalls }: Engine.Delta) {
  const calls = toolCalls?.map(({ index, id, ...rest }) => ({
    index,
    ...(id === undefined ? {} : { id, type: 'function' }),
    ...called(rest),
  }))
  return choice(frame, {
    ...(text === undefined ? {} : { content: text }),
    ...(calls === undefined ? {} : { tool_calls: calls }),
  })
}

/** An answer as it was stored, as one delta. */
export function replayed(answer: Answers.Answer): Engine.Delta {
  return Engine.whole(stored(answer))
}

/** The chunks after the last word: why it ended, the tokens used if they are wanted, the receipt. */
export function closing(frame: Frame, view: Shown, options: { readonly includesUsage: boolean }) {
  const { finish } = stored(view.answer)
  return [
    choice(frame, {}, finish),
    ...(options.includesUsage ? [bare(frame, { usage: usage(view) })] : []),
    bare(frame, { requite: proved(view) }),
  ]
}

function choice(frame: Frame, delta: object, finish: string | null = null) {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }]
  return bare(frame, { choices })
}

function bare({ id, created, model }: Frame, members: object) {
  return { id, object: 'chat.completion.chunk', created, model, choices: [], ...members }
}

function called({ id, name, arguments: json }: Partial<Engine.ToolCall>) {
  const given = { ...(name === undefined ? {} : { name }) }
  return {
    ...(id === undefined ? {} : { id }),
    function: { ...given, ...(json === undefined ? {} : { arguments: json }) },
  }
}

function usage({ receipt: { tokens } }: Shown) {
  return {
    prompt_tokens: tokens.in + tokens.cached,
    completion_tokens: tokens.out,
    total_tokens: tokens.in + tokens.cached + tokens.out,
  }
}

/** What proves the sale. */
function proved({ answer, ...view }: Shown) {
  const { receipt, receiptHash, signature, proof, record, sources, earnings, tx } = view
  const { promptSalt, outputSalt } = answer
  return {
    ...{ receipt, receiptHash, signature, proof, record, sources, earnings, tx },
    ...{ promptSalt, outputSalt },
  }
}

/** Text and calls of a stored answer, apart. */
function stored({ output, callsAt, ...rest }: Answers.Answer) {
  const finish: Engine.Answer['finish'] = rest.finish ?? 'stop'
  if (callsAt === undefined) return { text: output, toolCalls: [], finish }
  const toolCalls = Json.parse(output.slice(callsAt), 'stored tool calls') as Engine.ToolCall[]
  return { text: output.slice(0, callsAt - 1), toolCalls, finish }
}
