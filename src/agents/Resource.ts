/**
 * @module Resources: anything on the web that answers 402 with terms of x402 version 2. Nobody signs them,
 * so what the policy decided on is the first answer's, word for word; another price, payee or asset later
 * is refused by name, and nothing is signed twice.
 */
import type * as Event from '../economy/Event.ts'
import type * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import type * as Asset from '../kernel/Asset.ts'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Json from '../kernel/Json.ts'
import type * as Requests from '../store/Requests.ts'
import * as Responses from '../store/Responses.ts'
import * as Payer from '../wallets/x402/Payer.ts'
import * as Wire from '../wallets/x402/Wire.ts'
import type { Fetching } from './Buyer.ts'
import * as Effect from './Effect.ts'
import * as Purchase from './Purchase.ts'
import * as Settling from './Settling.ts'
import * as Transport from './Transport.ts'

/** However long a seller would like: what is signed may be taken until then. */
const mostValidMs = 600_000

/** What is sent, as plain data. Throws `call-malformed`. */
export function order(
  url: string,
  init: Pick<RequestInit, 'method' | 'headers' | 'body'> | undefined,
  { run, step, mostAtoms, tool, category }: Fetching,
): Requests.Resource {
  const { body, method = 'GET' } = init ?? {}
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || url.length > 4_000)
    throw malformed('url', 'an http or https URL')
  if (parsed.username !== '' || parsed.password !== '') throw malformed('url', 'no password in it')
  if (!/^[A-Za-z]{1,20}$/.test(method)) throw malformed('method', 'an HTTP method')
  if (run.length === 0 || run.length > 200) throw malformed('run', 'a name of 1 to 200 characters')
  if (!Number.isSafeInteger(step) || step < 0) throw malformed('step', 'a count')
  if (mostAtoms !== undefined && mostAtoms <= 0n) throw malformed('mostAtoms', 'one atom or more')
  parsed.hash = ''
  const headers = [...new Headers(init?.headers)]
  const forbidden = headers.find(([name]) => /^(payment-|x-payment)/.test(name))
  if (forbidden !== undefined) throw malformed(`headers.${forbidden[0]}`, 'no payment of another')
  return {
    ...{ kind: 'resource', url: parsed.href, method: method.toUpperCase(), headers },
    body: body == null ? null : Buffer.from(bytesOf(body)).toString('base64'),
    ...(mostAtoms === undefined ? {} : { mostAtoms: String(mostAtoms) }),
    ...(tool === undefined ? {} : { tool }),
    ...(category === undefined ? {} : { category }),
  }
}

function bytesOf(body: NonNullable<RequestInit['body']>): Uint8Array {
  if (typeof body === 'string') return Hash.bytes(body)
  if (body instanceof URLSearchParams) return Hash.bytes(body.toString())
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  throw malformed('body', 'text or bytes: what is sent again must be the same')
}

function malformed(path: string, what: string): InputError {
  return new InputError(`expected a request that can be bought: ${path}: ${what}`, {
    code: 'call-malformed',
    facts: { path },
  })
}

/** Names what is asked, whatever it may cost. */
export function digest({ url, method, headers, body }: Requests.Resource): Hex.Hex {
  return Hash.digest({ url, method, headers, body })
}

/** Asks without paying: the answer has the terms. */
export const discovering: Effect.Effect = async (ports, given, context) => {
  const order = given as Requests.Resource
  try {
    const { signal } = ports
    const reply = await ask(order, signal === undefined ? {} : { signal })
    if (reply.status !== 402) {
      const free = await whole(reply)
      if (free.status < 400) return freely(free)
      const because = `expected a price (402), got HTTP ${free.status}`
      return { event: 'none', patch: { because, code: 'terms-missing' } }
    }
    const header = reply.headers.get(Wire.headerNames.required)
    const required = Payer.parseRequired({ header, body: await Transport.json(reply) })
    const chosen = choose(required, ports.asset, order)
    if (!chosen.ok) return { event: 'none', patch: { because: chosen.because, code: chosen.code } }
    const terms = termsOf(order, ports, chosen.requirements, context.requestDigest)
    return { event: 'found', patch: { terms } }
  } catch (error) {
    return Effect.refusal('none', error)
  }
}

function freely(response: Purchase.Response): Purchase.Result {
  const because = 'it asked for no money'
  return { event: 'none', patch: { because, code: 'resource-free', response } }
}

/** The first way to pay in the agent's own asset; who is paid is for the policy to allow. */
function choose({ accepts }: Wire.Required, asset: Asset.Asset, { mostAtoms }: Requests.Resource) {
  const maxAtoms = mostAtoms === undefined ? 10n ** 78n : BigInt(mostAtoms)
  const judged = accepts.map((requirements) => {
    const payTo = requirements.payTo.toLowerCase() as Hex.Hex
    const isNamed = Hex.is(payTo, 20) && BigInt(requirements.amount) > 0n
    const refused = Payer.check(requirements, { asset, payTo, maxAtoms })
    if (refused !== undefined) return refused
    if (isNamed) return { ok: true, requirements } as const
    const because = 'expected one atom or more to an address'
    return { ok: false, code: 'malformed', because } as const
  })
  return judged.find(({ ok }) => ok) ?? judged[0]!
}

type Terms = Extract<Event.DecidedOnTerms['terms'], { kind: 'resource' }>

function termsOf(
  { url, method }: Requests.Resource,
  { runtime, asset }: Effect.Ports,
  requirements: Wire.Requirements,
  requestDigest: Hex.Hex,
): Terms {
  const { host, pathname } = new URL(url)
  const payTo = requirements.payTo.toLowerCase() as Hex.Hex
  const validMs = Math.min(mostValidMs, Math.ceil(requirements.maxTimeoutSeconds * 1_000))
  return {
    ...{ kind: 'resource', url, method, seller: payTo, payTo, asset, requestDigest },
    model: `${host}${pathname}`.slice(0, 200),
    payAtoms: requirements.amount,
    expiresAtMs: runtime.now() + validMs,
    requirements: Json.members(requirements),
  }
}

/** There is nothing to ask for: the terms are what they are. */
export const quoting: Effect.Effect = async ({ signal }) =>
  signal?.aborted ? Effect.cancelled('refused') : { event: 'quoted' }

/** Sends the same request with its payment. */
export const executing: Effect.Effect = async ({ closing }, order, context) => {
  const asked = (context.asked ?? 0) + 1
  const { denied = 0 } = context
  try {
    const reply = await ask(order as Requests.Resource, {
      headers: { [Wire.headerNames.signature]: Wire.encode(context.payload!) },
      ...(closing === undefined ? {} : { signal: closing }),
    })
    if (reply.status < 400)
      return { event: 'answered', patch: { asked, response: await whole(reply) } }
    const because = await said(reply, context.payload!.accepted)
    const isNo = reply.status < 500 && reply.status !== 429
    return { event: 'unclear', patch: { asked, denied: denied + (isNo ? 1 : 0), because } }
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    const isNo = error instanceof InputError
    const patch = { asked, denied: denied + (isNo ? 1 : 0), because: error.message }
    return { event: 'unclear', patch }
  }
}

/** What a no says; of other terms than were signed, how they differ. */
async function said(reply: Transport.Reply, signed: Wire.Requirements): Promise<string> {
  const { status, headers } = reply
  const body = await Transport.json(reply)
  if (status !== 402) return `HTTP ${status}: ${Transport.message(body) ?? 'no reason given'}`
  try {
    const header = headers.get(Wire.headerNames.required)
    const { accepts, error } = Payer.parseRequired({ header, body })
    const now = accepts.find(
      ({ network, asset }) => network === signed.network && same(asset, signed.asset),
    )
    if (now === undefined) return 'it asks for another asset now'
    if (!same(now.payTo, signed.payTo)) return `it asks for a payment to ${now.payTo} now`
    if (now.amount !== signed.amount) return `it asks for ${now.amount} atoms now`
    return `the payment was not taken: ${error ?? 'no reason given'}`
  } catch (error) {
    return (error as Error).message
  }
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

/** Captures what came once it is paid for; what is paid for and never came is disputed. */
export const verifying: Effect.Effect = async (ports, _order, context) => {
  const evidence = await Settling.evidenceOf(ports, context)
  if (evidence === undefined) return { event: 'unpaid' }
  const { purchase, response } = context
  if (response === undefined) {
    const because = `paid, but nothing was delivered: ${context.because ?? 'no answer'}`
    return Settling.dispute(ports, { ...context, evidence }, because)
  }
  const { decided } = ports.books.state.purchases.purchases.get(purchase)!
  Responses.put(ports.dir, purchase, response)
  const event = {
    type: 'captured',
    ...{ purchase, atoms: PurchaseTerms.of(decided).payAtoms },
    delivered: deliveredOf(response),
    evidence: Json.members(evidence) as typeof evidence,
    transition: Purchase.edge('verifying', 'captured'),
  } as const
  await ports.books.record([{ event, causes: Effect.cause(ports, purchase) }])
  return { event: 'captured', patch: { evidence } }
}

function deliveredOf({ status, body }: Purchase.Response) {
  return { status, bodyDigest: Hex.encode(Hash.sha256(body)), bytes: body.length }
}

/** What was bought, from the agent's own folder: a stranger gives it once. Undefined when it was erased. */
export function recall(
  dir: string,
  { id, captured }: Purchases.Purchase,
): Purchase.Response | undefined {
  const response = Responses.get(dir, id)
  if (response === undefined) return undefined
  const isSame = Json.encode(deliveredOf(response)) === Json.encode(captured!.delivered)
  return isSame ? response : undefined
}

async function ask(
  { url, method, headers, body }: Requests.Resource,
  { headers: more, signal }: { headers?: Record<string, string>; signal?: AbortSignal },
): Promise<Transport.Reply> {
  return Transport.send(url, {
    method,
    headers: [
      ...headers.map(([name, value]) => [name, value] as [string, string]),
      ...Object.entries(more ?? {}),
    ],
    ...(body === null ? {} : { body: Buffer.from(body, 'base64') }),
    ...(signal === undefined ? {} : { signal }),
  })
}

async function whole(reply: Transport.Reply): Promise<Purchase.Response> {
  const { status, headers } = reply
  return { status, headers: Object.fromEntries(headers), body: await Transport.bytes(reply) }
}
