/**
 * @module Calls as a buyer takes them: one plain answer to a question in text. What no model sold here can
 * do is refused before anything is quoted or signed: a seller's no comes after the payment left.
 */
import { z } from 'zod'
import { InputError } from '../kernel/Errors.ts'
import * as Fields from '../market/Fields.schema.ts'

const part = z.looseObject({
  type: z.literal('text', {
    error: 'expected parts of text: no model sold here sees anything else',
  }),
  text: z.string(),
})

const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant'], {
    error: 'expected system, developer, user or assistant: no model sold here calls tools',
  }),
  content: z.union([z.string(), z.array(part)]),
})

const body = z.looseObject({
  model: Fields.label,
  messages: z.array(message).min(1).max(1_000),
  max_tokens: z.int().min(1).optional(),
  max_completion_tokens: z.int().min(1).optional(),
  n: z.literal(1, { error: 'expected one answer' }).optional(),
  stream: z.literal(false, { error: 'expected no stream: no model sold here streams' }).optional(),
  tools: z.array(z.unknown()).max(0, 'expected none: no model sold here calls tools').optional(),
  response_format: z
    .looseObject({
      type: z.literal('text', { error: 'expected text: no model sold here keeps to a schema' }),
    })
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
  .refine(({ body }) => question(body.messages).trim() !== '', {
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

function question(messages: readonly z.infer<typeof message>[]): string {
  const last = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  return typeof last === 'string' ? last : last.map(({ text }) => text).join('\n')
}
