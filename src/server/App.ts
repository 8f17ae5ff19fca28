/**
 * @module App: a node's public HTTP face. OpenAI-compatible chat behind x402, signed quotes, receipts with
 * their pages, proofs. Every body is bounded, every stranger rate-limited, every error a problem with a hint.
 */
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import { BaseError, InputError, problem } from '../kernel/Errors.ts'
import * as Json from '../kernel/Json.ts'
import * as Money from '../kernel/Money.ts'
import * as QuoteSchema from '../market/Quote.schema.ts'
import * as Quote from '../market/Quote.ts'
import * as Accrual from '../royalties/Accrual.ts'
import * as Epoch from '../royalties/Epoch.ts'
import * as Wallet from '../wallets/Wallet.ts'
import * as AgentCard from './AgentCard.ts'
import * as Schema from './Chat.schema.ts'
import * as Inference from './Inference.ts'
import type * as Node from './Node.ts'
import * as Offer from './Offer.ts'
import * as Page from './Page.ts'
import * as RateLimit from './RateLimit.ts'
import * as Receipts from './Receipts.ts'
import * as Sale from './Sale.ts'

const maxBodyBytes = 256 * 1024
/** A signed quote request is good for this long: a stolen one cannot reserve change for ever. */
const requestFreshMs = 60_000

const quoteRequest = z.strictObject({
  request: QuoteSchema.request,
  signature: z.string().regex(/^0x[0-9a-f]{130}$/, 'expected a signature of 65 bytes'),
})

/** The app; `address` tells who asks, for rate limits. */
export function create(
  node: Node.Node,
  options: { address?: (context: Context) => string } = {},
): Hono {
  const app = new Hono()
  const limit = RateLimit.perMinute(1_200, node.now)
  const address = options.address ?? (() => 'local')

  app.use(async (context, next) => {
    if (!limit(address(context)))
      return refuse(context, 429, 'too many requests', 'rate-limited', 'wait a minute')
    await next()
    context.header('X-Content-Type-Options', 'nosniff')
  })
  app.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: (context) => {
        // The rest of the body is not read: another request on this connection would never be.
        context.header('Connection', 'close')
        const title = `expected a body of at most ${maxBodyBytes} bytes`
        return refuse(context, 413, title, 'body-too-large')
      },
    }),
  )
  app.onError((error, context) => fail(context, error))
  app.notFound((context) =>
    refuse(context, 404, `nothing at ${context.req.path}`, 'not-found', 'GET / lists what is here'),
  )

  app.get('/', (context) => page(context, Page.home(node)))
  app.get('/.well-known/agent-card.json', (context) => {
    context.header('Cache-Control', 'no-store')
    const baseUrl = new URL('/v1', context.req.url).href
    return context.json(AgentCard.of(node, { baseUrl }))
  })
  app.get('/v1/models', (context) => context.json(models(node)))
  app.post('/v1/quotes', async (context) => context.json(await quote(node, await body(context))))
  app.post('/v1/chat/completions', async (context) =>
    Sale.handle(node, context, await body(context)),
  )
  app.get('/v1/economy', (context) => context.json(economy(node)))
  app.get('/v1/receipts/:hash', (context) => {
    const found = Receipts.find(node, context.req.param('hash'))
    return found === undefined ? missing(context, 'receipt') : context.json(found)
  })
  app.get('/r/:hash', (context) => {
    const found = Receipts.find(node, context.req.param('hash'))
    return found === undefined
      ? missing(context, 'receipt')
      : page(context, Page.receipt(node, found))
  })
  app.get('/v1/records/:leaf', (context) => {
    const text = context.req.param('leaf')
    const leaf = /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
    if (leaf >= node.books.size()) return missing(context, 'record')
    return context.json({ record: node.books.text(leaf), proof: node.books.proof(leaf) })
  })
  app.get('/v1/accounts/:account', (context) => {
    const found = account(node, context.req.param('account'))
    return found === undefined ? missing(context, 'account') : context.json(found)
  })
  return app
}

async function body(context: Context): Promise<unknown> {
  return Json.parse(await context.req.text(), 'the body')
}

function models(node: Node.Node) {
  const { asset, till, tokenName, tokenVersion } = node.contracts
  const seller = node.wallet.address
  const data = [...node.offers.values()].map(({ card, cardHash, rates, description }) => ({
    ...{ id: card.model, object: 'model', created: 0, owned_by: seller },
    ...(description === undefined ? {} : { description }),
    requite: {
      ...{ card, cardHash, seller, asset, payTo: till, tokenName, tokenVersion, rates },
      indexRoot: node.library.indexRoot,
    },
  }))
  return { object: 'list', data }
}

async function quote(node: Node.Node, value: unknown): Promise<Quote.Signed> {
  const result = quoteRequest.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw new InputError(
      `expected a quote request: ${issue.path.join('.') || 'body'}: ${issue.message}`,
    )
  }
  const { request, signature } = result.data
  const { chainId } = node.chain
  if (request.seller !== node.wallet.address)
    throw new InputError(
      `expected a request to seller ${node.wallet.address}, got ${request.seller}`,
    )
  const offer = node.offers.get(request.model)
  if (offer === undefined)
    throw new InputError(`expected model ${Offer.names(node.offers)}, got ${request.model}`)
  if (Math.abs(node.now() - request.issuedAtMs) > requestFreshMs)
    throw new InputError('expected a quote request of the last minute', {
      code: 'quote-request-stale',
    })
  const data = Quote.requestTypedData(request, chainId)
  if (!Wallet.verifyTypedData({ address: request.payer, data, signature }))
    throw new InputError('expected a quote request signed by its payer', {
      code: 'signature-wrong',
    })
  const { requestDigest, payer, mostAtoms } = request
  const asked = { offer, requestDigest, ...(mostAtoms && { mostAtoms: BigInt(mostAtoms) }) }
  const { quote, signature: signed } = await Inference.quote(node, asked, payer)
  return { quote, signature: signed }
}

/** Totals in nano-atoms as decimal strings. */
function economy(node: Node.Node) {
  const { sales } = node.books.state
  return Json.plain({
    ...Accrual.totals(sales.accruals),
    receivedNano: sales.receivedAtoms * Money.nanoPerAtom,
    roundingNano: sales.roundingNano,
    receipts: sales.sales.size,
    records: node.books.size(),
  })
}

/** What an account earned, and what it needs to claim: its leaf under the last published root. */
function account(node: Node.Node, name: string) {
  const { accruals, epochs } = node.books.state.sales
  const balance = accruals.balances.get(name)
  if (balance === undefined) return undefined
  const last = epochs.findLast((epoch) => epoch.published !== undefined)
  const index = last === undefined ? -1 : accruals.leaves.indexOf(name)
  const claim =
    last === undefined || index < 0 || index >= last.proposal.leaves.length
      ? undefined
      : {
          leafWord: Epoch.encodeLeaf(last.proposal.leaves[index]!),
          proof: Epoch.proof(Epoch.tree(last.proposal.leaves, last.proposal.depth), index),
          rootWord: last.proposal.rootWord,
          vault: node.contracts.vault,
        }
  return Json.plain({ account: name, ...balance, ...Accrual.standing(balance), index, claim })
}

function page(context: Context, html: string) {
  context.header(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",
  )
  context.header('Referrer-Policy', 'no-referrer')
  return context.html(html)
}

function missing(context: Context, what: string) {
  return refuse(context, 404, `no such ${what}`, 'not-found')
}

function refuse(
  context: Context,
  status: ContentfulStatusCode,
  title: string,
  code: string,
  hint?: string,
) {
  const error = { code, title, ...(hint === undefined ? {} : { hint }) }
  return context.json({ error: { ...error, message: title, type: code } }, status)
}

/** An error as OpenAI's clients read it, with our problem details beside. */
function fail(context: Context, error: unknown) {
  const details = problem(error)
  const status =
    error instanceof InputError || error instanceof Schema.RefusedRequest ? 400 : statusOf(error)
  return context.json(
    { error: { ...details, message: details.title, type: details.code } },
    status as ContentfulStatusCode,
  )
}

function statusOf(error: unknown): number {
  return error instanceof BaseError && error.retry !== 'never' ? 503 : 500
}
