/**
 * @module Chat model engine: any chat model of LangChain as an engine, streamed or not. Its usage counts are
 * left out of account, for the card's tokeniser counts; what it throws is not repeated, for it may hold a
 * key. LangChain itself is not imported: a chat model is known by what it does.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Context from './Context.ts'
import type * as Draft from './Draft.ts'
import type * as Engine from './Engine.ts'
import * as Remote from './Remote.ts'
import { upstreamError } from './UpstreamError.ts'

/** What can be streamed: a chat model, or one with tools bound to it. */
export type Streamable = { stream(input: never, options?: never): Promise<AsyncIterable<unknown>> }

/** A chat model of LangChain: `BaseChatModel` of `@langchain/core`. */
export type ChatModel = Streamable & {
  bindTools?(tools: never, options?: never): Streamable
}

/** The model and how it is sold. */
export type Options = Remote.Options & { readonly model: ChatModel }

/** Opens an engine. Throws `InputError` for a card with tools and a model that knows none. */
export function open(options: Options): Engine.Engine {
  const { model, card } = options
  if (card.can?.includes('tools') === true && model.bindTools === undefined)
    throw new InputError(`expected a chat model with bindTools, for ${card.model} can call tools`)
  return Remote.engine(options, async function* (asked) {
    let isEnded = false
    for await (const chunk of await ask(model, asked)) {
      const said = read(chunk)
      isEnded ||= said.finish !== undefined
      yield said
    }
    if (!isEnded) yield { text: '', calls: [], finish: 'stop' }
  })
}

async function ask(model: ChatModel, { request, watch }: Remote.Asked) {
  const { tools, tool_choice, parallel_tool_calls, stop, ...settings } = request
  const options = given({
    ...{ signal: watch.signal, stop: typeof stop === 'string' ? [stop] : stop },
    ...pick(settings),
  })
  const failed = (error: unknown) => failure(error)
  const bound = given({ tool_choice, parallel_tool_calls })
  const asked = isAny(tools) ? model.bindTools!(tools as never, bound as never) : model
  const messages = Context.lay(request).map(messageOf)
  const stream = asked.stream(messages as never, options as never).catch((error: unknown) => {
    throw failed(error)
  })
  return watch.read(await watch.wait(stream), { sizeOf, failed })
}

/** Options that models which know them are called with. */
function pick(settings: Engine.Settings): object {
  const { response_format, temperature, top_p, seed } = settings
  const { presence_penalty, frequency_penalty } = settings
  return { response_format, temperature, top_p, seed, presence_penalty, frequency_penalty }
}

function given(members: object): object {
  const all = Object.entries(members)
  return Object.fromEntries(all.filter(([, value]) => value !== undefined && value !== null))
}

/** A message in the form that LangChain reads: as OpenAI's, with content and whole calls. */
function messageOf({ content, tool_calls: calls, ...message }: Engine.Message): object {
  return { ...message, content: content ?? '', ...(isAny(calls) ? { tool_calls: calls } : {}) }
}

type Loose = Readonly<Record<string, unknown>>

/** What a chunk says, or a whole message of a model that does not stream. */
function read(chunk: unknown): Remote.Said {
  const message = loose(chunk)
  const pieces = list(message.tool_call_chunks).map((call, place): Draft.CallPiece => {
    const { index, id, name, args } = loose(call)
    const key = String(index ?? id ?? place)
    return { key, id: text(id), name: text(name), arguments: text(args) }
  })
  if (pieces.length === 0 && list(message.invalid_tool_calls).length > 0)
    throw upstreamError('upstream-tool-call-malformed', 'expected calls of tools as JSON')
  const whole = list(message.tool_calls).map((call, place): Draft.CallPiece => {
    const { id, name, args } = loose(call)
    return {
      ...{ key: text(id) ?? String(place), id: text(id), name: text(name) },
      arguments: JSON.stringify(args ?? {}),
    }
  })
  return {
    text: textOf(message.content),
    calls: pieces.length === 0 ? whole : pieces,
    finish: finishOf(loose(message.response_metadata)),
  }
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  const parts = list(content).map(loose)
  return parts
    .map(({ type, text: said }) => (/^text/.test(String(type)) ? text(said) : ''))
    .join('')
}

/** Vendors have names of their own for a reason to end. None is told in most chunks. */
function finishOf(metadata: Loose): Remote.Said['finish'] {
  const names = ['finish_reason', 'finishReason', 'stop_reason', 'stopReason', 'done_reason']
  const reason = names.map((name) => metadata[name]).find((each) => text(each))
  if (reason === undefined) return undefined
  return /^(length|max_tokens|content_filter)$/i.test(String(reason)) ? 'length' : 'stop'
}

/** A failure that says what kind it was, and nothing of what the model said about it. */
function failure(error: unknown) {
  const { status, name } = loose(error)
  const facts = given({
    status: typeof status === 'number' ? status : undefined,
    error: /^[A-Za-z]{1,60}$/.test(String(name)) ? name : undefined,
  })
  if (typeof status === 'number' && (status === 429 || status === 503))
    return upstreamError('upstream-busy', `the model is busy: HTTP ${status}`, { ...facts })
  if (typeof status === 'number' && status >= 400 && status < 500)
    return upstreamError('upstream-refused', `the model refused: HTTP ${status}`, { ...facts })
  return upstreamError('upstream-failed', 'the model failed', { ...facts })
}

function sizeOf(chunk: unknown): number {
  const { text: said, calls } = read(chunk)
  return calls.reduce((sum, call) => sum + (call.arguments?.length ?? 0), said.length)
}

function loose(value: unknown): Loose {
  return typeof value === 'object' && value !== null ? (value as Loose) : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function isAny<T>(all: readonly T[] | null | undefined): all is readonly T[] {
  return Array.isArray(all) && all.length > 0
}
