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
import { signedReceipt } from '../market/Receipt.schema.ts'
import * as Wire from '../wallets/x402/Wire.ts'
import type { Answered, Offer } from './Purchase.ts'

const maxBytes = 8 * 1024 * 1024

/** How long a seller may take; a paid request takes longer because it settles. */
const timeoutMs = 60_000

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

const completion = z.looseObject({
  choices: z.array(z.looseObject({ message: z.looseObject({ content: z.string() }) })).length(1),
  requite: z.looseObject({
    ...signedReceipt.shape,
    proof: z.record(z.string(), z.unknown()),
    record: z.string(),
    promptSalt: Fields.hash,
    outputSalt: Fields.hash,
    sources: z
      .array(
        z.strictObject({
          document: z.string(),
          owner: z.string(),
          ppb: Fields.share,
          start: Fields.count,
          end: Fields.count,
          offset: Fields.count,
        }),
      )
      .max(100_000),
    earnings: z
      .array(z.strictObject({ account: z.string(), nano: Fields.amount, reason: z.string() }))
      .max(100_000),
  }),
})

/**
 * What came of a paid request. `refused`: a no, or an answer nobody can read; `unclear`: silence, or a
 * request to come again. Either way the chain is looked at before anything else.
 */
export type Reply =
  | { readonly kind: 'answered'; readonly answered: Answered }
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
    throw new BaseError(`the seller gave no quote: ${message(body) ?? `HTTP ${status}`}`, {
      code: 'quote-refused',
      retry: status >= 500 || status === 429 ? 'safe' : 'never',
    })
  return Quote.parse(body)
}

/** Sends a paid request; the same payload again is the same request. Never throws for the seller's faults. */
export async function send(
  baseUrl: string,
  paid: { readonly body: unknown; readonly payload: Wire.Payload; readonly signal?: AbortSignal },
): Promise<Reply> {
  let response: { status: number; body: unknown }
  try {
    response = await request(`${baseUrl}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(paid.body),
      headers: { [Wire.headerNames.signature]: Wire.encode(paid.payload) },
      ...(paid.signal === undefined ? {} : { signal: paid.signal }),
    })
  } catch (error) {
    const kind = error instanceof InputError ? 'refused' : 'unclear'
    return { kind, because: (error as Error).message }
  }
  const { status, body } = response
  if (status !== 200) {
    const because = `HTTP ${status}: ${message(body) ?? 'no reason given'}`
    return { kind: status >= 500 || status === 429 ? 'unclear' : 'refused', because }
  }
  const parsed = completion.safeParse(body)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    return {
      kind: 'refused',
      because: `malformed answer: ${issue.path.join('.')}: ${issue.message}`,
    }
  }
  const { choices, requite } = parsed.data
  const { receipt, signature, proof, record, promptSalt, outputSalt, sources, earnings } = requite
  return {
    kind: 'answered',
    answered: {
      output: choices[0]!.message.content,
      receipt: { receipt, signature },
      ...{ proof, record, promptSalt, outputSalt, sources, earnings },
      body: body as { [key: string]: unknown },
    },
  }
}

async function request(url: string, init: RequestInit): Promise<{ status: number; body: unknown }> {
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = init.signal == null ? timeout : AbortSignal.any([init.signal, timeout])
  try {
    const response = await fetch(url, {
      ...init,
      signal,
      redirect: 'error',
      headers: { 'content-type': 'application/json', ...init.headers },
    })
    return { status: response.status, body: await read(response) }
  } catch (cause) {
    if (cause instanceof BaseError) throw cause
    if (init.signal?.aborted === true)
      throw new BaseError('the caller cancelled the purchase', { code: 'aborted', retry: 'safe' })
    throw new BaseError(`the seller at ${new URL(url).origin} did not answer`, {
      code: 'seller-unreachable',
      hint: 'is its node running? `npm start` starts one here',
      retry: 'unknown',
      cause,
    })
  }
}

async function read(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxBytes)
      throw new InputError(`expected an answer of at most ${maxBytes} bytes`, {
        code: 'answer-too-large',
      })
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function message(body: unknown): string | undefined {
  const error = (body as { error?: { message?: unknown } } | undefined)?.error
  return typeof error?.message === 'string' ? error.message.slice(0, 300) : undefined
}

function unexpected(what: string, status: number, body: unknown): BaseError {
  return new BaseError(
    `expected ${what}, got HTTP ${status}: ${message(body) ?? 'not what was asked for'}`,
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
