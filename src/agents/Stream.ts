/**
 * @module Stream: a paid answer that comes in chunks, as server-sent events. Text and tool calls, a reason
 * why it ended, one chunk with the receipt, `[DONE]`, and nothing after: anything else is named, not read
 * around. What was told on the way is believed by nobody before the receipt commits to it.
 */
import type { z } from 'zod'
import type * as Engine from '../models/Engine.ts'
import * as EventStream from '../models/http/EventStream.ts'
import * as Answer from './Answer.schema.ts'
import * as Spoken from './Spoken.ts'
import * as Transport from './Transport.ts'

/** What was streamed, whole; or why not: `broken` in the middle, or `malformed`. */
export type Streamed =
  | {
      readonly kind: 'whole'
      readonly spoken: Spoken.Spoken
      readonly finish: z.infer<typeof Answer.finish>
      readonly requite: z.infer<typeof Answer.proved>
    }
  | { readonly kind: 'broken' | 'malformed'; readonly because: string }

/** Reads a stream to its end, and tells each delta as it comes. Throws what reading its parts throws. */
export async function read(
  parts: AsyncIterable<Uint8Array>,
  onDelta: (delta: Engine.Delta) => void = () => {},
): Promise<Streamed> {
  const state: State = { spoken: Spoken.nothing() }
  for await (const data of EventStream.events(parts, { maxLength: Transport.maxBytes })) {
    const fault = take(state, data, onDelta)
    if (fault !== undefined) return fault
  }
  const { spoken, finish, requite, isDone } = state
  if (finish === undefined) return broken('the stream ended before the answer did')
  if (requite === undefined)
    return isDone ? malformed('no receipt') : broken('the stream ended before its receipt')
  return { kind: 'whole', spoken, finish, requite }
}

type State = {
  readonly spoken: Spoken.Spoken
  finish?: z.infer<typeof Answer.finish>
  requite?: z.infer<typeof Answer.proved>
  isDone?: boolean
}

function take(
  state: State,
  data: string,
  onDelta: (delta: Engine.Delta) => void,
): Streamed | undefined {
  if (state.isDone) return malformed('data after the end')
  if (data === '[DONE]') {
    state.isDone = true
    return undefined
  }
  if (state.requite !== undefined) return malformed('data after the receipt')
  const parsed = Answer.chunk.safeParse(json(data))
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    return malformed(`chunk: ${issue.path.join('.')}: ${issue.message}`)
  }
  const { choices, requite, error } = parsed.data
  if (error != null) return broken(error.message?.slice(0, 300) ?? 'no reason given')
  if (requite !== undefined) {
    if (state.finish === undefined || choices.length > 0)
      return malformed('a receipt before the end of the answer')
    state.requite = requite
  }
  const [choice] = choices
  if (choice === undefined) return undefined
  const delta = deltaOf(choice.delta)
  if (state.finish !== undefined)
    return delta === undefined ? undefined : malformed('an answer that goes on after its end')
  if (choice.finish_reason != null) state.finish = choice.finish_reason
  if (delta === undefined) return undefined
  const fault = Spoken.hear(state.spoken, delta)
  if (fault !== undefined) return malformed(fault)
  onDelta(delta)
  return undefined
}

function deltaOf({
  content,
  tool_calls: calls,
}: z.infer<typeof Answer.chunk>['choices'][number]['delta']): Engine.Delta | undefined {
  if (!content && !calls?.length) return undefined
  const toolCalls = calls?.map(({ index, id, function: { name, arguments: text } }) => ({
    index,
    ...(id ? { id } : {}),
    ...(name ? { name } : {}),
    ...(text == null ? {} : { arguments: text }),
  }))
  return { ...(content ? { text: content } : {}), ...(toolCalls?.length ? { toolCalls } : {}) }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function malformed(what: string): Streamed {
  return { kind: 'malformed', because: `malformed stream: ${what}` }
}

function broken(because: string): Streamed {
  return { kind: 'broken', because }
}
