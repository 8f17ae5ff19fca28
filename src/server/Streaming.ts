/**
 * @module Streaming: an answer told while it is made, as server-sent events (WHATWG HTML § 9.2). A reader who
 * is slow is waited for and holds nobody else up; one who stops reading is given up.
 */
import { problem } from '../kernel/Errors.ts'
import * as Completion from './Completion.ts'
import type * as Speech from './Speech.ts'

/** How long a reader may leave an event unread. */
const stallMs = 60_000

/** What is told while an answer is made. */
export type Telling = {
  readonly frame: Completion.Frame
  readonly speech: Pick<Speech.Speech, 'next' | 'isReady'>
  /** The sale, once it is recorded. */
  readonly sold: Promise<Completion.Shown>
  readonly includesUsage: boolean
  /** The first word is about to go out. */
  readonly onHeard: () => void
  /** The first word is out, or is not said yet: it is held up by nothing that is done now. */
  readonly onIdle: () => void
}

/** The events of an answer; of one that fails, an error where its end would be. */
export async function* events(telling: Telling): AsyncGenerator<object | string, void, undefined> {
  const { frame, speech, sold, includesUsage, onHeard, onIdle } = telling
  yield Completion.opening(frame)
  if (!speech.isReady()) onIdle()
  for (let delta = await speech.next(); delta !== undefined; delta = await speech.next()) {
    onHeard()
    yield Completion.chunk(frame, delta)
    onIdle()
  }
  onIdle()
  try {
    yield* Completion.closing(frame, await sold, { includesUsage })
    yield '[DONE]'
  } catch (error) {
    const details = problem(error)
    yield { error: { ...details, message: details.title, type: details.code } }
  }
}

/** The events of an answer that was stored. */
export async function* replayed(
  frame: Completion.Frame,
  view: Completion.Shown,
  options: { readonly includesUsage: boolean },
): AsyncGenerator<object | string, void, undefined> {
  yield Completion.opening(frame)
  yield Completion.chunk(frame, Completion.replayed(view.answer))
  yield* Completion.closing(frame, view, options)
  yield '[DONE]'
}

/** A response that tells events as they are read. */
export function response(
  source: AsyncGenerator<object | string, void, undefined>,
  options: { readonly headers: Readonly<Record<string, string>>; readonly onGone?: () => void },
): Response {
  const { headers, onGone = () => {} } = options
  const encoder = new TextEncoder()
  let stalled: NodeJS.Timeout | undefined
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      clearTimeout(stalled)
      const { done, value } = await source.next()
      if (done) return controller.close()
      const data = typeof value === 'string' ? value : JSON.stringify(value)
      controller.enqueue(encoder.encode(`data: ${data}\n\n`))
      const giveUp = () => {
        onGone()
        controller.error(new Error('nobody reads this answer'))
      }
      stalled = setTimeout(giveUp, stallMs).unref()
    },
    cancel() {
      clearTimeout(stalled)
      onGone()
    },
  })
  return new Response(body, {
    headers: {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
      ...headers,
    },
  })
}
