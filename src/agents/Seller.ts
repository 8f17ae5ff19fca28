/**
 * @module The seller as a buyer sees it over HTTP: hostile until checked. Reads what it offers, asks for
 * quotes, and sends a paid request; every answer is bounded and parsed, every failure named.
 */
import { z } from 'zod'
import { BaseError, InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Card from '../market/Card.schema.ts'
import * as Fields from '../market/Fields.schema.ts'
import * as Quote from '../market/Quote.ts'
import type * as Engine from '../models/Engine.ts'
import * as Wire from '../wallets/x402/Wire.ts'
import * as Answer from './Answer.schema.ts'
import type * as Purchase from './Purchase.ts'
import type { Answered, Offer } from './Purchase.ts'
import * as Stream from './Stream.ts'
import * as Transport from './Transport.ts'

const listing = z.looseObject({
  data: z
    .array(
      z.looseObject({
        id: z.string(),
        requite: z
          .looseObject({
            card: Card.card,
            cardHash: Fields.hash,
            seller: Fields.address,
            tokenName: Fields.label,
            tokenVersion: Fields.label,
          })
          .optional(),
      }),
    )
    .max(10_000),
})

/**
 * What came of a paid request. `refused`: a no, or an answer nobody can read; `unclear`: silence, or a
 * request to come again. Either way the chain is looked at before anything else.
 */
export type Reply =
  | { readonly kind: 'answered'; readonly answered: Answered }
  /** The money came and nothing was served; the record that says so is not checked yet. */
  | {
      readonly kind: 'returned'
      readonly returned: Purchase.Returned
      readonly because: string
    }
  | { readonly kind: 'refused' | 'unclear'; readonly because: string }

/** What a seller offers under a model's name. Throws `seller-unreachable` or `InputError`. */
export async function discover(
  baseUrl: string,
  model: string,
  signal?: AbortSignal,
): Promise<Offer> {
  const { status, body } = await request(
    `${baseUrl}/models`,
    signal === undefined ? {} : { signal },
  )
  if (status !== 200) throw unexpected('a list of models', status, body)
  const parsed = listing.safeParse(body)
  if (!parsed.success) throw unexpected('a list of models', status, body)
  const found = parsed.data.data.find(({ id }) => id === model)
  if (found?.requite === undefined)
    throw new InputError(
      `expected a seller of ${model} at ${baseUrl}, it sells ${names(parsed.data.data)}`,
      {
        code: 'model-unknown',
      },
    )
  const { card, cardHash, seller, tokenName, tokenVersion } = found.requite
  if (Card.hash(card) !== cardHash)
    throw new InputError(`the model card of ${model} is not the one its hash names`, {
      code: 'card-altered',
    })
  return { baseUrl, model, seller, card, cardHash, tokenName, tokenVersion }
}

/** A quote for a request signed by its payer. Throws `seller-unreachable`, `quote-refused`, `InputError`. */
export async function quote(
  baseUrl: string,
  signed: { readonly request: Quote.Request; readonly signature: Hex },
  signal?: AbortSignal,
): Promise<Quote.Signed> {
  const { status, body } = await request(`${baseUrl}/quotes`, {
    method: 'POST',
    body: JSON.stringify(signed),
    ...(signal === undefined ? {} : { signal }),
  })
  if (status !== 200)
    throw new BaseError(
      `the seller gave no quote: ${Transport.message(body) ?? `HTTP ${status}`}`,
      {
        code: 'quote-refused',
        retry: status >= 500 || status === 429 ? 'safe' : 'never',
      },
    )
  return Quote.parse(body)
}

/** What is sent, and who listens. */
export type Paid = {
  readonly body: unknown
  readonly payload: Wire.Payload
  readonly signal?: AbortSignal
  /** Told each part of a streamed answer as it comes, before anything of it is verified. */
  readonly onDelta?: (delta: Engine.Delta) => void
  readonly limits?: Transport.Limits
}

/** Of an answer that is told as it is made: it may take its time, but not be silent. */
const streamMs = 600_000

/** Sends a paid request; the same payload again is the same request. Never throws for the seller's faults. */
export async function send(baseUrl: string, paid: Paid): Promise<Reply> {
  const { body, payload, signal, onDelta, limits } = paid
  const isStream = (body as { stream?: unknown }).stream === true
  try {
    const reply = await Transport.send(
      `${baseUrl}/chat/completions`,
      {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { ...json, [Wire.headerNames.signature]: Wire.encode(payload) },
        ...(signal === undefined ? {} : { signal }),
      },
      { ...(isStream ? { mostMs: streamMs } : {}), ...limits },
    )
    const isEvents = /^text\/event-stream\b/i.test(reply.headers.get('content-type') ?? '')
    if (reply.status !== 200 || !isEvents) return plain(reply.status, await Transport.json(reply))
    if (!isStream) {
      reply.close()
      return { kind: 'refused', because: 'malformed answer: a stream that nobody asked for' }
    }
    const streamed = await Stream.read(reply.parts, onDelta)
    if (streamed.kind === 'whole') return { kind: 'answered', answered: fromStream(streamed) }
    const { kind, because } = streamed
    return { kind: kind === 'broken' ? 'unclear' : 'refused', because }
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    return { kind: error instanceof InputError ? 'refused' : 'unclear', because: error.message }
  }
}

function plain(status: number, body: unknown): Reply {
  const returned = status === 410 ? Answer.returned.safeParse(body) : undefined
  if (returned?.success) {
    const { record, proof } = returned.data.requite
    const because = Transport.message(body) ?? 'the payment was returned'
    return { kind: 'returned', returned: { record, proof }, because }
  }
  if (status !== 200) {
    const because = `HTTP ${status}: ${Transport.message(body) ?? 'no reason given'}`
    return { kind: status >= 500 || status === 429 ? 'unclear' : 'refused', because }
  }
  const parsed = Answer.completion.safeParse(body)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    const because = `malformed answer: ${issue.path.join('.')}: ${issue.message}`
    return { kind: 'refused', because }
  }
  const { choices, requite } = parsed.data
  const [{ message, finish_reason }] = choices as [(typeof choices)[0]]
  const toolCalls = message.tool_calls?.map(({ id, function: { name, arguments: text } }) => ({
    ...{ id, name, arguments: text },
  }))
  const output = message.content ?? ''
  const finish = finish_reason ?? 'stop'
  return { kind: 'answered', answered: answered({ output, toolCalls, finish, requite }) }
}

function fromStream({
  spoken,
  finish,
  requite,
}: Extract<Stream.Streamed, { kind: 'whole' }>): Answered {
  return answered({ output: spoken.text, toolCalls: spoken.toolCalls, finish, requite })
}

type Said = Pick<Answered, 'output' | 'finish'> & {
  readonly toolCalls: Answered['toolCalls'] | undefined
  readonly requite: z.infer<typeof Answer.proved>
}

function answered({ output, toolCalls = [], finish, requite }: Said): Answered {
  const { receipt, signature, proof, record, promptSalt, outputSalt, sources, earnings } = requite
  return {
    ...{ output, finish },
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    receipt: { receipt, signature },
    ...{ proof, record, promptSalt, outputSalt, sources, earnings },
  }
}

const json = { 'content-type': 'application/json' }

async function request(url: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
  const reply = await Transport.send(url, { ...init, headers: json })
  return { status: reply.status, body: await Transport.json(reply) }
}

function unexpected(what: string, status: number, body: unknown): BaseError {
  return new BaseError(
    `expected ${what}, got HTTP ${status}: ${Transport.message(body) ?? 'not what was asked for'}`,
    {
      code: 'seller-malformed',
      retry: 'safe',
    },
  )
}

function names(list: readonly { id: string }[]): string {
  return (
    list
      .map(({ id }) => JSON.stringify(id.slice(0, 60)))
      .slice(0, 5)
      .join(', ') || 'nothing'
  )
}
