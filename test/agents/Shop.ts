/**
 * @module Sellers of these tests, scripted, without sockets: one of answers, with a log, keys and prices of
 * its own (`harness/Pair.ts`), and one of a plain resource. Either can be made to lie.
 */

import * as Event from '../../src/economy/Event.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Card from '../../src/market/Card.schema.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Chat from '../../src/models/Chat.ts'
import * as Log from '../../src/provenance/Log.ts'
import * as Proof from '../../src/provenance/Proof.ts'
import * as Record from '../../src/provenance/Record.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Pair from '../harness/Pair.ts'
import * as Trade from '../harness/Trade.ts'

/** What the seller makes of a paid request. */
export type Paid = {
  /** The request is lost on its way. */
  readonly lost?: true
  /** It takes the money, if it can: unless told otherwise. */
  readonly settles?: false
  /** `answer` unless told. */
  readonly says?: 'answer' | 'silence' | 'no' | 'garbage' | 'returned' | Lie
  /** Before anybody hears of it: the payment's time passes, its nonce goes elsewhere, or blocks are slow. */
  readonly next?: 'late' | 'elsewhere' | 'cancelled' | 'slow'
}

/** How it lies in an answer. */
export type Lie = (answer: Answer) => void
type Answer = {
  readonly choices: [{ message: { content: string } }]
  readonly requite: {
    receipt: { [key: string]: unknown }
    signature: string
    record: string
    proof: { [key: string]: unknown }
  }
}

/** What the sellers do. */
export type Script = {
  /** Nobody is there. */
  readonly gone?: true
  /** A lie in the quote, before it is signed, or after. */
  readonly quotes?: Partial<Quote.Quote>
  readonly alters?: (signed: { quote: { [key: string]: unknown }; signature: string }) => void
  /** A lie in what it is said to sell. */
  readonly shows?: (model: { card: { [key: string]: unknown }; cardHash: Hex }) => void
  /** Paid requests, one after the other; the last stands for all after it. */
  readonly paid?: readonly Paid[]
}

/** The money's side, as a seller uses it. */
export type Till = {
  /** Takes a payment. */
  settle(payload: Wire.Payload): void
  next(what: NonNullable<Paid['next']>, payload: Wire.Payload): void
  /** Keeps a payment as change. */
  returned(payload: Wire.Payload): void
  /** Looks at a payload that came. */
  look(payload: Wire.Payload): void
}

/** A connection that breaks, or is none. */
export class Broken extends Error {}

/** Where the sellers are. */
export const baseUrl = 'http://127.0.0.1:4020/v1'
export const resourceUrl = 'http://127.0.0.1:4021/tides'
export const { model } = Pair.card

/** The most that an answer costs, and what the resource costs. */
export const priceAtoms = Quote.maximum(Pair.card, Quote.rates({ rates: Pair.rates }))

const answer = 'High water comes about fifty minutes later each day.'

/** Sellers with a book and a memory of their own. */
export function open(pair: Pair.Pair, script: Script, till: Till) {
  const quotes = new Map<Hex, Awaited<ReturnType<typeof Trade.quote>>>()
  const answers = new Map<string, unknown>()
  let asked = 0

  return { fetch: handle, paidRequests: () => asked }

  async function handle(url: string, init: RequestInit): Promise<Response> {
    if (script.gone) throw new Broken('nobody listens there')
    const { pathname } = new URL(url)
    const header = new Headers(init.headers).get(Wire.headerNames.signature)
    if (pathname === '/tides') return header === null ? required() : paid(header, () => resource())
    if (pathname === '/v1/models') return Response.json({ data: [offer()] })
    const body = JSON.parse(String(init.body))
    if (pathname === '/v1/quotes') return Response.json(await quote(body.request))
    return paid(header!, (payload) => served(payload, body))
  }

  function offer() {
    const model = {
      ...{ card: { ...Pair.card }, cardHash: Card.hash(Pair.card) },
      ...{ seller: pair.seller.wallet.address, tokenName: 'USD Coin', tokenVersion: '2' },
    }
    script.shows?.(model)
    return { id: Pair.card.model, requite: model }
  }

  async function quote({ requestDigest }: Quote.Request) {
    const made = await Trade.quote(pair, requestDigest, script.quotes)
    quotes.set(Quote.hash(made.quote), made)
    const signed = structuredClone({ quote: made.quote, signature: made.signature })
    script.alters?.(signed)
    return signed
  }

  /** The same payment again brings the same answer, whatever the script says. */
  async function paid(header: string, serve: (payload: Wire.Payload) => Promise<unknown>) {
    const payload = Wire.decodePayload(header)
    till.look(payload)
    const { nonce } = payload.payload.authorization as { nonce: string }
    const { paid: list = [] } = script
    const told = list[Math.min(asked, list.length - 1)] ?? {}
    asked += 1
    if (told.lost !== true && told.settles !== false) till.settle(payload)
    const { says = 'answer' } = told
    const made = told.lost ? undefined : (answers.get(nonce) ?? (await say(says, payload, serve)))
    if (told.next !== undefined) till.next(told.next, payload)
    if (made === undefined) throw new Broken('the connection broke')
    if (made instanceof Response) return made
    answers.set(nonce, made)
    return Response.json(made)
  }

  async function say(
    says: NonNullable<Paid['says']>,
    payload: Wire.Payload,
    serve: (payload: Wire.Payload) => Promise<unknown>,
  ) {
    if (says === 'silence') return undefined
    if (says === 'no') return Response.json({ error: { message: 'no' } }, { status: 403 })
    if (says === 'garbage') return new Response('garbage', { status: 200 })
    if (says === 'returned') {
      till.returned(payload)
      return Response.json(returned(payload), { status: 410 })
    }
    const made = (await serve(payload)) as Answer
    if (says !== 'answer') says(made)
    return made
  }

  async function served(payload: Wire.Payload, body: Chat.Body): Promise<Answer> {
    const quoted = quotes.get(payload.accepted.extra!.quote as Hex)!
    const paid = payload.payload.authorization as { [key: string]: string }
    const payment = {
      ...{ asset: Pair.asset, payer: paid.from!.toLowerCase() as Hex, nonce: paid.nonce as Hex },
      ...{ payTo: Pair.till, valueAtoms: BigInt(paid.value!), leaf: 0 },
      ...{ validBeforeSec: Number(paid.validBefore), payload: { ...payload } },
    }
    const order = { question: Chat.inputTexts(body).join('\n'), answer }
    const prompt = Chat.promptText(body)
    const { receipt, receiptHash, signature, leaf } = await Trade.serve(pair, {
      ...{ quoted, payment, order, prompt },
    })
    const { promptSalt, outputSalt } = pair.answers.get(receiptHash)!
    const { origin } = Record.decode(pair.seller.texts[leaf]!)
    return structuredClone({
      choices: [{ message: { content: answer }, finish_reason: 'stop' }],
      requite: {
        ...{ receipt, signature, record: pair.seller.texts[leaf]!, promptSalt, outputSalt },
        proof: Proof.of(pair.seller.log, { origin: origin as Hex, leaf }),
        ...{ sources: [], earnings: [] },
      },
    }) as never
  }

  function returned(payload: Wire.Payload) {
    const { from, nonce } = payload.payload.authorization as { from: string; nonce: Hex }
    const payment = { payer: from.toLowerCase() as Hex, nonce }
    const event = { type: 'returned', payment, because: 'the node was down' } as const
    const log = Log.create()
    const origin = pair.seller.wallet.address
    const place = { v: 1, leaf: 0, origin, atMs: 1, previous: Log.previous(log) } as const
    const record = Record.encode({ ...place, id: Event.id(event), causes: [], event })
    Log.extend(log, { text: record })
    const error = { code: 'payment-returned', message: 'kept as change' }
    return { error, requite: { record, proof: Proof.of(log, { origin, leaf: 0 }) } }
  }
}

async function resource() {
  return { tides: 'fifty minutes later each day' }
}

function required(): Response {
  const accepted: Wire.Requirements = {
    ...{ scheme: 'exact', network: Asset.network(Pair.asset), asset: Pair.token },
    ...{ amount: String(priceAtoms), payTo: Pair.till, maxTimeoutSeconds: 60 },
    extra: { name: 'USD Coin', version: '2' },
  }
  const body = { x402Version: 2, resource: { url: resourceUrl }, accepts: [accepted] }
  return Response.json(body, { status: 402 })
}
