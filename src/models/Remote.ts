/**
 * @module Remote models: how whatever says an answer piece by piece becomes an engine. Pieces are told on,
 * counted by the card's tokeniser and stopped at its limit; silence, length and the caller's signal end
 * them; a call of a tool where none was offered, or one with broken arguments, is a failure.
 */
import * as Draft from './Draft.ts'
import * as Engine from './Engine.ts'
import { upstreamError } from './UpstreamError.ts'
import * as Watch from './Watch.ts'

/** What every remote model is sold as. */
export type Options = {
  readonly card: Engine.ModelCard
  /** Counts in the card's tokeniser. */
  readonly countTokens: (text: string) => number
  /** What it runs on, for the receipt; `remote` unless given. */
  readonly device?: string | undefined
  readonly limits?: Partial<Watch.Limits> | undefined
  /** Milliseconds that never go back, of which only differences are used; the process's own clock. */
  readonly elapsedMs?: (() => number) | undefined
}

/** What a piece of an answer says. */
export type Said = {
  readonly text: string
  readonly calls: readonly Draft.CallPiece[]
  /** Why it ended, once it has: what is said after is left out. */
  readonly finish?: 'stop' | 'length' | undefined
}

/** What is asked, within the card's limits. */
export type Asked = {
  readonly request: Engine.Request
  readonly maxTokensOut: number
  readonly watch: Watch.Watch
}

/** An engine of what a model says. `say` throws `UpstreamError`, and what it likes once it is stopped. */
export function engine(
  options: Options,
  say: (asked: Asked) => AsyncIterable<Said>,
): Engine.Engine {
  const { card, countTokens, device = 'remote', elapsedMs = () => performance.now() } = options
  const limits = { ...Watch.limits, ...options.limits }
  return {
    card,
    async answer(request, { onDelta } = {}) {
      const admitted = Engine.admit(request, { card, countTokens })
      if (admitted.kind === 'refused') return admitted
      const { tokensIn, maxTokensOut } = admitted
      const startedMs = elapsedMs()
      const draft = Draft.open({ countTokens, maxTokens: maxTokensOut, onDelta })
      const watch = Watch.open(limits, request.signal)
      try {
        const finish = await listen(say({ request, maxTokensOut, watch }), {
          request,
          draft,
          watch,
        })
        if (finish === undefined && draft.isEmpty)
          return Engine.refuse('cancelled', 'the caller cancelled the request')
        const { tokensOut, ...said } = draft.end(finish === 'stop' && !draft.isFull)
        const computeMs = Math.max(0, Math.round((elapsedMs() - startedMs) * 1000) / 1000)
        return {
          ...{ kind: 'answered', ...said, citations: [], usage: { tokensIn, tokensOut } },
          meter: { computeMs, meter: 'engine', basis: 'wall', device },
          finish: reason(finish, { isFull: draft.isFull, calls: said.toolCalls }),
        }
      } finally {
        watch.close()
      }
    },
  }
}

type Listening = Pick<Asked, 'request' | 'watch'> & { readonly draft: Draft.Draft }

/** Drafts what is said. Why it ended; undefined where the caller ended it. Throws `UpstreamError`. */
async function listen(pieces: AsyncIterable<Said>, listening: Listening): Promise<Said['finish']> {
  const { draft, watch } = listening
  let finish: Said['finish']
  try {
    for await (const said of pieces) {
      if (finish !== undefined) continue
      take(said, listening)
      finish = said.finish
      if (draft.isFull) return 'length'
      if (finish !== undefined) watch.hurry()
    }
  } catch (error) {
    if (finish !== undefined) return finish
    const { firstMs, silenceMs, totalMs } = watch.limits
    if (watch.ended === 'caller') return undefined
    if (watch.ended === 'silence')
      throw upstreamError('upstream-stalled', 'the model said nothing for too long', {
        ...{ firstMs, silenceMs },
      })
    if (watch.ended === 'duration')
      throw upstreamError('upstream-stalled', 'the model took too long', { totalMs })
    throw error
  }
  if (finish === undefined)
    throw upstreamError('upstream-cut', 'the answer ended before the model ended it')
  return finish
}

function take({ text, calls }: Said, { draft, request }: Listening): void {
  if (calls.length > 0 && (request.tools ?? []).length === 0)
    throw upstreamError('upstream-tool-call-malformed', 'a tool was called, and none was offered')
  if (text !== '' && !draft.say(text)) return
  for (const call of calls) if (!draft.call(call)) return
}

/** Why an answer ended, after what came of it. */
function reason(
  finish: Said['finish'],
  { isFull, calls }: { isFull: boolean; calls: readonly Engine.ToolCall[] | undefined },
): Engine.Answer['finish'] {
  if (isFull || finish !== 'stop') return 'length'
  return calls === undefined ? 'stop' : 'tool_calls'
}
