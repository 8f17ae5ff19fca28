/**
 * @module Messages between LangChain and OpenAI's API: what is said, as it is bought and sent, so that the
 * same conversation is the same request; and what was bought, as LangChain reads it.
 */
import { AIMessage, type BaseMessage, type ToolMessage } from '@langchain/core/messages'
import { InputError } from '../../kernel/Errors.ts'
import type { ToolCall } from '../../models/Engine.ts'

const roles: Readonly<Record<string, string>> = {
  human: 'user',
  ai: 'assistant',
  system: 'system',
  developer: 'developer',
  tool: 'tool',
}

/** Parts of a model's own message that other members tell, or that nobody else can read. */
const untold = /^(tool_use|tool_call|tool_call_chunk|input_json_delta|reasoning|thinking)$/

/** A message as OpenAI's API writes it. Throws `message-unsupported`. */
export function toOpenAI(message: BaseMessage): { readonly [key: string]: unknown } {
  const { type, content, name } = message
  const role = type === 'generic' ? (message as BaseMessage & { role?: string }).role : roles[type]
  if (role === undefined)
    throw new InputError(`expected a message of system, human, ai or tool, got ${type}`, {
      code: 'message-unsupported',
    })
  const said = { role, content: textOf(content, role), ...(name === undefined ? {} : { name }) }
  if (role === 'tool') return { ...said, tool_call_id: (message as ToolMessage).tool_call_id }
  if (!AIMessage.isInstance(message) || !message.tool_calls?.length) return said
  return { ...said, tool_calls: message.tool_calls.map(calledBefore) }
}

/** Parts without what LangChain keeps for itself: the same text is the same request. */
function textOf(content: BaseMessage['content'], role: string): unknown {
  if (typeof content === 'string') return content
  const parts = role === 'assistant' ? content.filter(({ type }) => !untold.test(type)) : content
  if (role === 'assistant' && parts.length === 0) return ''
  return parts.map((part) =>
    part.type === 'text' ? { type: 'text', text: (part as { text?: unknown }).text } : part,
  )
}

type Called = NonNullable<AIMessage['tool_calls']>[number]

function calledBefore({ id, name, args }: Called, index: number) {
  const called = { name, arguments: JSON.stringify(args) }
  return { id: id ?? `call_${index}`, type: 'function', function: called }
}

/** Tool calls as LangChain reads them: what is no JSON object is told as invalid, never thrown. */
export function calls(
  given: readonly ToolCall[] = [],
): Pick<AIMessage, 'tool_calls' | 'invalid_tool_calls'> {
  const valid: NonNullable<AIMessage['tool_calls']> = []
  const invalid: NonNullable<AIMessage['invalid_tool_calls']> = []
  for (const { id, name, arguments: text } of given) {
    const args = object(text)
    if (args !== undefined) valid.push({ type: 'tool_call', id, name, args })
    else {
      const error = 'expected arguments as a JSON object'
      invalid.push({ type: 'invalid_tool_call', id, name, args: text, error })
    }
  }
  return { tool_calls: valid, invalid_tool_calls: invalid }
}

function object(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
