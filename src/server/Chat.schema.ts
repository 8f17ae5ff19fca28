/**
 * @module Chat requests as OpenAI's clients send them: what this node reads of them, and what it refuses by
 * name because no engine here can do it. Members it does not know are left alone.
 */
import { z } from 'zod'
import { BaseError } from '../kernel/Errors.ts'

const part = z.looseObject({ type: z.string(), text: z.string().optional() })

const message = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), z.array(part)]),
})

/** The body of `POST /v1/chat/completions`. */
export const body = z.looseObject({
  model: z.string().min(1).max(200),
  messages: z.array(message).min(1).max(1_000),
  max_tokens: z.number().int().min(1).optional(),
  max_completion_tokens: z.number().int().min(1).optional(),
  n: z.number().int().optional(),
  stream: z.boolean().optional(),
  tools: z.array(z.unknown()).optional(),
  response_format: z.looseObject({ type: z.string() }).optional(),
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
