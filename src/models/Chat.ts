/**
 * @module Chat: which texts of a chat request are billed as input, and which text of an answer is counted,
 * attributed and committed to. Buyer and seller both count by it, so that they agree.
 */
import * as Json from '../kernel/Json.ts'

/** A part of a message; parts that are not text are for models that take them. */
export type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: string; readonly [key: string]: unknown }

/** One turn of a conversation, as in OpenAI's API. */
export type Message = {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool'
  /** Null or absent only in an assistant's message that calls tools. */
  readonly content?: string | readonly Part[] | null | undefined
  readonly name?: string | undefined
  /** Of an assistant's message: the tools it called, as in OpenAI's API. */
  readonly tool_calls?: readonly unknown[] | undefined
  /** Of a tool's message: the call it is the result of. */
  readonly tool_call_id?: string | undefined
}

/** What is billed of a chat request; members as in OpenAI's API. */
export type Body = {
  readonly messages: readonly Message[]
  readonly tools?: readonly unknown[] | null | undefined
  readonly response_format?: { readonly type: string } | null | undefined
}

/** A call of a tool. Its arguments are JSON text that a model wrote: untrusted, and maybe broken. */
export type ToolCall = {
  readonly id: string
  readonly name: string
  readonly arguments: string
}

/** The text of a message: its text parts as lines. Parts of other kinds have none. */
export function textOf({ content }: Pick<Message, 'content'>): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  const texts = (content as readonly Part[]).flatMap(
    ({ type, text }: { type: string; text?: unknown }) =>
      type === 'text' && typeof text === 'string' ? [text] : [],
  )
  return texts.join('\n')
}

/**
 * The texts billed as input: the tokens of a request are the sum over them. Of each message its text,
 * then the tools it called; then the tools offered and the response's format, as canonical JSON.
 * Throws `InputError` (`json-not-canonical`).
 */
export function inputTexts({ messages, tools, response_format: format }: Body): string[] {
  const texts: string[] = []
  for (const message of messages) {
    texts.push(textOf(message))
    if (isAny(message.tool_calls)) texts.push(Json.encode(message.tool_calls))
  }
  if (isAny(tools)) texts.push(Json.encode(tools))
  if (format !== undefined && format !== null && format.type !== 'text')
    texts.push(Json.encode(format))
  return texts
}

/**
 * The text of a request that a receipt commits to: its messages as canonical JSON, in an object with the
 * tools offered and the response's format where those are billed too. Throws `InputError`
 * (`json-not-canonical`).
 */
export function promptText({ messages, tools, response_format: format }: Body): string {
  const beside = {
    ...(isAny(tools) ? { tools } : {}),
    ...(format == null || format.type === 'text' ? {} : { response_format: format }),
  }
  return Json.encode(Object.keys(beside).length === 0 ? messages : { messages, ...beside })
}

/**
 * The text of an answer that is counted, attributed and committed to: what it says and, where it calls
 * tools, a line of canonical JSON with the calls in order. Throws `InputError` (`json-not-canonical`).
 *
 * @example outputText({ text: 'Hello' }) // 'Hello'
 */
export function outputText(answer: {
  readonly text: string
  readonly toolCalls?: readonly ToolCall[] | undefined
}): string {
  const { text, toolCalls } = answer
  if (!isAny(toolCalls)) return text
  const calls = toolCalls.map(({ id, name, arguments: json }) => ({ id, name, arguments: json }))
  return `${text}\n${Json.encode(calls)}`
}

function isAny<T>(list: readonly T[] | null | undefined): list is readonly T[] {
  return Array.isArray(list) && list.length > 0
}
