/**
 * @module Tools and schemas of LangChain as OpenAI's API writes them, whichever of the ways LangChain knows
 * they are given in.
 */
import type { BindToolsInput } from '@langchain/core/language_models/chat_models'
import { convertToOpenAITool, isLangChainTool } from '@langchain/core/utils/function_calling'
import { type JSONSchema, toJsonSchema } from '@langchain/core/utils/json_schema'
import {
  isSerializableSchema,
  type SerializableSchema,
} from '@langchain/core/utils/standard_schema'
import { getSchemaDescription, isInteropZodSchema } from '@langchain/core/utils/types'
import { InputError } from '../../kernel/Errors.ts'

/** A tool as it is offered. */
export type Tool = {
  readonly type: 'function'
  readonly function: {
    readonly name: string
    readonly description?: string
    readonly parameters?: Readonly<Record<string, unknown>>
    readonly strict?: boolean
  }
}

/** A tool as OpenAI's API writes it. Throws `tool-malformed`. */
export function toOpenAI(given: BindToolsInput): Tool {
  if (isLangChainTool(given)) return plain(convertToOpenAITool(given) as Tool)
  const tool = given as { type?: unknown; name?: unknown; function?: { name?: unknown } }
  if (tool.type === 'function' && typeof tool.function?.name === 'string')
    return plain(tool as Tool)
  if (typeof tool.name === 'string' && tool.type === undefined) {
    const { name, description, parameters, schema } = tool as {
      [key in 'name' | 'description']: string
    } & { [key in 'parameters' | 'schema']?: Record<string, unknown> }
    const said = description === undefined ? {} : { description }
    const asked = parameters ?? (schema === undefined ? undefined : jsonSchema(schema))
    const called = { name, ...said, ...(asked === undefined ? {} : { parameters: asked }) }
    return plain({ type: 'function', function: called })
  }
  throw new InputError('expected a tool of LangChain, or one as OpenAI’s API writes it', {
    code: 'tool-malformed',
  })
}

/** Nothing that JSON does not hold: what is digested is what is sent. */
function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

/** Which tools the model may or must call; `any` is what others call `required`. */
export function choice(given: unknown): unknown {
  if (given === undefined || typeof given !== 'string') return given
  if (given === 'any') return 'required'
  if (given === 'auto' || given === 'none' || given === 'required') return given
  return { type: 'function', function: { name: given } }
}

/** A schema of any kind that LangChain takes. */
export type Schema = SerializableSchema | Parameters<typeof isInteropZodSchema>[0] | object

/** A schema, its name and what it is of, as a JSON schema. */
export function named(
  given: Schema,
  name: string | undefined,
): { readonly name: string; readonly description?: string; readonly schema: object } {
  const description = getSchemaDescription(given as never)
  const told = description === undefined ? {} : { description }
  if (isInteropZodSchema(given) || isSerializableSchema(given))
    return { name: name ?? 'extract', ...told, schema: jsonSchema(given) }
  const defined = given as { name?: unknown; parameters?: unknown; title?: unknown }
  const isFunction = typeof defined.name === 'string' && typeof defined.parameters === 'object'
  const known = isFunction ? defined.name : defined.title
  return {
    name: name ?? (typeof known === 'string' && known !== '' ? known : 'extract'),
    ...told,
    schema: plain((isFunction ? defined.parameters : given) as object),
  }
}

function jsonSchema(given: unknown): Record<string, unknown> {
  const isKnown = isInteropZodSchema(given as never) || isSerializableSchema(given as never)
  return plain((isKnown ? toJsonSchema(given as JSONSchema) : given) as Record<string, unknown>)
}
