/**
 * @module Calls as a buyer takes them: one answer to a conversation, with tools, a schema, stop sequences
 * or a stream. What the seller's card cannot do is refused before anything is signed: a seller's no comes
 * after the payment left.
 */
import { z } from 'zod'
import { InputError } from '../kernel/Errors.ts'
import type { Card } from '../market/Card.schema.ts'
import * as Fields from '../market/Fields.schema.ts'

const part = z.looseObject({
  type: z.literal('text', {
    error: 'expected parts of text: no model sold here sees anything else',
  }),
  text: z.string(),
})

const text = z.union([z.string(), z.array(part).max(1_000)])
const name = z.string().min(1).max(256)

const toolCall = z.looseObject({
  id: name,
  type: z.literal('function'),
  function: z.looseObject({ name, arguments: z.string().max(1_000_000) }),
})

const message = z.discriminatedUnion(
  'role',
  [
    z.looseObject({ role: z.enum(['system', 'developer', 'user']), content: text }),
    z
      .looseObject({
        role: z.literal('assistant'),
        content: text.nullish(),
        tool_calls: z.array(toolCall).min(1).max(1_000).optional(),
      })
      .refine(({ content, tool_calls }) => (content ?? tool_calls) !== undefined, {
        error: 'expected content or tool calls',
      }),
    z.looseObject({ role: z.literal('tool'), content: text, tool_call_id: name }),
  ],
  { error: 'expected system, developer, user, assistant or tool' },
)

const tool = z.looseObject({
  type: z.literal('function'),
  function: z.looseObject({
    name,
    description: z.string().optional(),
    parameters: z.record(z.string(), z.unknown()).optional(),
  }),
})

const stop = z.string().min(1).max(256)

const body = z.looseObject({
  model: Fields.label,
  messages: z.array(message).min(1).max(1_000),
  max_tokens: z.int().min(1).optional(),
  max_completion_tokens: z.int().min(1).optional(),
  n: z.literal(1, { error: 'expected one answer' }).optional(),
  stream: z.boolean().optional(),
  tools: z.array(tool).max(128).optional(),
  stop: z.union([stop, z.array(stop).max(4)]).optional(),
  response_format: z
    .looseObject({ type: z.enum(['text', 'json_object', 'json_schema']) })
    .optional(),
})

const call = z
  .looseObject({
    baseUrl: z.url({ protocol: /^https?$/, error: 'expected an http or https URL' }),
    model: Fields.label,
    body,
    /** Any name; with `step` it fixes the purchase's id. */
    run: Fields.label,
    step: Fields.count,
  })
  .refine(({ model, body }) => model === body.model, {
    path: ['body', 'model'],
    error: 'expected the model that is bought',
  })
  .refine(({ body }) => asks(body.messages), {
    path: ['body', 'messages'],
    error: 'expected a question in the last user message',
  })

/** Checks a call before anything happens. Throws `InputError` (`call-malformed`) with the path. */
export function check(value: unknown): void {
  const result = call.safeParse(value)
  if (result.success) return
  const issue = result.error.issues[0]!
  const path = issue.path.join('.') || 'call'
  throw new InputError(`expected a call that can be bought: ${path}: ${issue.message}`, {
    code: 'call-malformed',
    facts: { path },
  })
}

/** What a model may be able to do beyond plain text, as its card says. */
export type Ability = NonNullable<Card['can']>[number]

const lacking = {
  tools: 'calls no tools',
  schema: 'answers in plain text and keeps to no schema',
  stop: 'knows no stop sequences',
} as const

/** What a body asks for that its seller's card does not say it can; undefined when it can all. */
export function beyond(
  order: { readonly [key: string]: unknown },
  { model, can = [] }: Pick<Card, 'model' | 'can'>,
): { readonly code: `${Ability}-unsupported`; readonly because: string } | undefined {
  for (const ability of ['tools', 'schema', 'stop'] as const)
    if (asked[ability](order) && !can.includes(ability))
      return { code: `${ability}-unsupported`, because: `${model} ${lacking[ability]}` }
  return undefined
}

type Body = { readonly [key: string]: unknown }

const asked: Readonly<Record<Ability, (body: Body) => boolean>> = {
  tools: ({ tools, messages }) =>
    isSome(tools) ||
    (messages as Body[]).some(({ role, tool_calls }) => role === 'tool' || isSome(tool_calls)),
  schema: ({ response_format: format }) => format !== undefined && (format as Body).type !== 'text',
  stop: ({ stop }) => typeof stop === 'string' || isSome(stop),
}

function isSome(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0
}

/** A question of the user's, or results of tools, which the model asked for. */
function asks(messages: readonly z.infer<typeof message>[]): boolean {
  if (messages.at(-1)?.role === 'tool') return true
  const last = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const said = typeof last === 'string' ? last : last.map(({ text }) => text).join('\n')
  return said.trim() !== ''
}
