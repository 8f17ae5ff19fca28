/**
 * @module Orders: chat requests as this node reads them, checked against the card of what they ask for.
 */
import * as Tokenizer from '../attribution/spans/Tokenizer.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Chat from '../models/Chat.ts'
import * as Engine from '../models/Engine.ts'
import * as Schema from './Chat.schema.ts'
import type * as Node from './Node.ts'
import * as Offer from './Offer.ts'

/** What a chat request asks, of which offer. */
export type Order = {
  readonly offer: Offer.Sold
  readonly requestDigest: Hex
  /** Canonical JSON of all that is billed as input: what the receipt commits to. */
  readonly prompt: string
  readonly request: Engine.Request
  readonly tokensIn: number
  readonly maxTokensOut: number
  /** Answered in chunks as it is made, the payment settled first. */
  readonly isStreamed: boolean
  /** A chunk with the tokens used is wanted. */
  readonly includesUsage: boolean
}

/** Reads and checks a chat request. Throws `RefusedRequest` with what was expected. */
export function read(node: Pick<Node.Node, 'offers'>, value: unknown): Order {
  const body = Schema.parse(value)
  const offer = node.offers.get(body.model)
  if (offer === undefined)
    throw new Schema.RefusedRequest(
      `expected model ${Offer.names(node.offers)}, got ${JSON.stringify(body.model)}`,
      { code: 'model-unknown', hint: 'GET /v1/models lists what is sold here' },
    )
  const { card } = offer
  const { messages, n } = body
  const request: Engine.Request = {
    ...Engine.settings(body as Engine.Settings),
    messages: messages as readonly Engine.Message[],
    maxTokensOut: body.max_completion_tokens ?? body.max_tokens ?? card.maxTokensOut,
    ...(n == null ? {} : { n }),
  }
  const admitted = Engine.admit(request, { card, countTokens: Tokenizer.count })
  if (admitted.kind === 'refused')
    throw new Schema.RefusedRequest(admitted.because, { code: admitted.code })
  return {
    offer,
    requestDigest: Hash.digest(value),
    prompt: Chat.promptText(request),
    request,
    tokensIn: admitted.tokensIn,
    maxTokensOut: admitted.maxTokensOut,
    isStreamed: body.stream === true,
    includesUsage: body.stream_options?.include_usage === true,
  }
}
