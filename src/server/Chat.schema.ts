/**
 * @module Chat requests as OpenAI's clients send them: what this node reads of them, and what it refuses by
 * name because no engine here can do it. Members it does not know are left alone.
 */
import { z } from 'zod'
import { BaseError } from '../kernel/Errors.ts'

const part = z.looseObject({ type: z.string(), text: z.string().optional() })

const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(part)]).nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
  tool_call_id: z.string().optional(),
})

/** The body of `POST /v1/chat/completions`. */
export const body = z.looseObject({
  model: z.string().min(1).max(200),
  messages: z.array(message).min(1).max(1_000),
  max_tokens: z.number().int().min(1).nullish(),
  max_completion_tokens: z.number().int().min(1).nullish(),
  n: z.number().int().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  tools: z.array(z.unknown()).max(1_000).nullish(),
  tool_choice: z.unknown().optional(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z.looseObject({ type: z.string() }).nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  seed: z.number().int().nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
})

/** A chat request, read. */
export type Body = z.infer<typeof body>

/** A chat request that this node understands and will not serve. */
export class RefusedRequest extends BaseError {
  override name = 'RefusedRequest'
}

/** Reads a body. Throws `RefusedRequest` naming the path and what was expected. */
export function parse(value: unknown): Body {
  const result = body.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw new RefusedRequest(
      `expected a chat request: ${issue.path.join('.') || 'body'}: ${issue.message}`,
      {
        code: 'request-malformed',
      },
    )
  }
  return result.data
}
