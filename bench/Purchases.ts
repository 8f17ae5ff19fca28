/**
 * @module Purchases a second of processor time: a buyer pays a node for an answer, with everything that it
 * does here (quote, policy, both journals on the disk, settlement on chain, attribution, receipt and proof
 * checked). Beside it the same engine over plain HTTP, and behind the official x402 packages, which verify
 * and settle and do nothing else. Buyers and sellers are in this process; the chain is not, nor its time.
 */
import { x402Facilitator } from '@x402/core/facilitator'
import type { FacilitatorClient } from '@x402/core/server'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme as ClientScheme } from '@x402/evm/exact/client'
import { ExactEvmScheme as FacilitatorScheme } from '@x402/evm/exact/facilitator'
import { ExactEvmScheme as ServerScheme } from '@x402/evm/exact/server'
import { wrapFetchWithPayment, x402Client } from '@x402/fetch'
import { paymentMiddleware, x402ResourceServer } from '@x402/hono'
import { Hono } from 'hono'
import { privateKeyToAccount } from 'viem/accounts'
import * as Tokenizer from '../src/attribution/spans/Tokenizer.ts'
import * as Asset from '../src/kernel/Asset.ts'
import * as Hash from '../src/kernel/Hash.ts'
import type * as Engine from '../src/models/Engine.ts'
import type * as Offer from '../src/server/Offer.ts'
import * as LocalChain from '../src/wallets/LocalChain.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as SettlementSigner from '../src/wallets/x402/SettlementSigner.ts'
import * as Market from '../test/harness/Market.ts'
import * as Terms from '../test/harness/Terms.ts'
import * as Report from './Report.ts'

/** In a turn; what costs hardly anything is done more often. */
const perTurn = { ours: 12, x402: 12, plain: 120 }
const turns = 7
const warmUp = 2
const lengths = [20, 500] as const

/** Words that no other document has: all of an answer is credited. */
const words = Array.from({ length: 600 }, (_, at) => `w${Hash.text(`word ${at}`).slice(2, 8)}`)
const text = words.join(' ')

const model = 'parrot'
const card: Engine.ModelCard = {
  ...Terms.card,
  ...{ model, kind: 'generative', maxTokensIn: 400, maxTokensOut: 1_200 },
}
const offer: Offer.Offer = {
  ...{ card, coveragePromisedPpb: '0', disputeWindowMs: 0, quoteTtlMs: 30_000 },
  rates: Terms.rates,
  device: { class: 'cpu', count: 1, tier: 'claimed' },
  engine: () => engine,
}

/** Says as many tokens of the document as it is asked for. */
const engine: Engine.Engine = {
  card,
  async answer({ messages }) {
    const said = answers.get(Number(/\d+/.exec(String(messages.at(-1)!.content))![0]))!
    return {
      ...{ kind: 'answered', text: said, citations: [], finish: 'stop' },
      usage: { tokensIn: 0, tokensOut: 0 },
      meter: { computeMs: 1, meter: 'engine', basis: 'wall', device: 'cpu' },
    }
  },
}

const answers = new Map(lengths.map((length) => [length as number, tokens(length)]))

function tokens(length: number): string {
  let said = ''
  for (const word of words) {
    if (Tokenizer.count(`${said} ${word}`) > length) break
    said = said === '' ? word : `${said} ${word}`
  }
  return said
}

type Subject = (length: number, turn: number) => Promise<void>

/** Measures. */
export async function measure(): Promise<Pick<Report.Report, 'rows' | 'ratios'>> {
  const documents = [{ path: 'words.md', owner: 'npm:words', text }]
  const market = await Market.open({ offers: [offer], documents })
  try {
    const subjects = {
      ours: await ours(market),
      plain: await plain(market),
      x402: await x402(market),
    }
    const rows: Report.Row[] = []
    const ratios: { [name: string]: number } = {}
    for (const length of lengths) {
      const found = await interleaved(subjects, length)
      for (const [name, perSecond] of Object.entries(found))
        rows.push({
          subject: `${name}/${length}-tokens`,
          metric: name === 'plain' ? 'answers' : 'purchases',
          ...{ value: perSecond, unit: '/CPU-s' },
        })
      ratios[`ours/x402 at ${length} tokens`] = found.ours / found.x402
      ratios[`ours/plain at ${length} tokens`] = found.ours / found.plain
    }
    const paid = perTurn.ours * (turns + warmUp) * lengths.length
    rows.push({ subject: 'ours', metric: 'purchases made', value: paid, unit: '' })
    return { rows, ratios }
  } finally {
    await market.close()
  }
}

type Name = keyof typeof perTurn

/** Purchases a CPU second of each, median of the turns. */
async function interleaved(
  subjects: Readonly<Record<Name, Subject>>,
  length: number,
): Promise<Record<Name, number>> {
  const found: Record<Name, number[]> = { ours: [], x402: [], plain: [] }
  for (let turn = 0; turn < turns + warmUp; turn += 1)
    for (const name of Object.keys(found) as Name[]) {
      const before = process.cpuUsage()
      const { [name]: times } = perTurn
      for (let count = 0; count < times; count += 1)
        await subjects[name](length, turn * times + count)
      const { user, system } = process.cpuUsage(before)
      if (turn >= warmUp) found[name].push((times * 1e6) / (user + system))
    }
  const { ours, x402, plain } = found
  return { ours: Report.median(ours), x402: Report.median(x402), plain: Report.median(plain) }
}

const body = (length: number) => ({
  model,
  messages: [{ role: 'user', content: `Say ${length} tokens.` }],
})

async function ours(market: Market.Market): Promise<Subject> {
  const { buyer } = await market.agent({
    rules: [
      'allow models parrot',
      'cap 2 USDC per payment',
      'cap 50 USDC per 24h',
      'cap 10 USDC per 24h per payee',
      'cap 400 USDC per calendar month in Europe/Berlin',
      'at most 100000 payments per minute per agent',
      'approve above 1 USDC by ops',
    ],
    fundAtoms: 1_000_000_000n,
  })
  const { baseUrl } = market
  return async (length, step) => {
    const call = { baseUrl, model, body: body(length), run: `tokens-${length}`, step }
    const outcome = await buyer.buy(call)
    const covered = outcome.delivered?.receipt.influence.coveragePpb
    if (outcome.state !== 'captured' || !(Number(covered) > 900_000_000))
      Report.stop(`expected a credited answer, got ${outcome.state} ${outcome.because} ${covered}`)
  }
}

/** The same engine for nothing. */
async function plain(market: Market.Market): Promise<Subject> {
  const app = new Hono()
  app.post('/v1/chat/completions', (context) => reply(context.req.raw))
  const url = await served(market, app)
  return (length) => expectAnswer(post(fetch, url, length), length)
}

/** The same engine behind the official packages, unmodified, settling through a sender as ours does. */
async function x402(market: Market.Market): Promise<Subject> {
  const { chain, contracts } = market
  const gasPayer = Wallet.fromPrivateKey(LocalChain.devKeys[6]!)
  const signer = toFacilitatorEvmSigner(SettlementSigner.from(chain, gasPayer, () => {}))
  const facilitator = new x402Facilitator().register(chain.network, new FacilitatorScheme(signer))
  const client: FacilitatorClient = {
    verify: (...given) => facilitator.verify(...given),
    settle: (...given) => facilitator.settle(...given),
    getSupported: async () => facilitator.getSupported() as never,
  }
  const { address: asset } = Asset.parts(contracts.asset.id)
  const server = new x402ResourceServer(client).register(chain.network, new ServerScheme())
  const accepts = {
    ...{ scheme: 'exact', network: chain.network, payTo: contracts.till, maxTimeoutSeconds: 60 },
    price: { amount: '1000', asset, extra: { name: 'USD Coin', version: '2' } },
  }
  const app = new Hono()
  app.use(paymentMiddleware({ 'POST /v1/chat/completions': { accepts } }, server))
  app.post('/v1/chat/completions', (context) => reply(context.req.raw))
  const url = await served(market, app)
  const key = Hash.text('a stranger of the bench')
  const wallet = Wallet.fromPrivateKey(key)
  await market.agent({ wallet, fundAtoms: 1_000_000_000n })
  const { network } = chain
  const paying = x402Client.fromConfig({
    schemes: [{ network, client: new ClientScheme(privateKeyToAccount(key)) }],
    spendControls: { allowedAssets: [{ network, asset, maxAmountPerPayment: '50000' }] },
  })
  const fetchPaid = wrapFetchWithPayment(fetch, paying)
  return async (length) => {
    const response = await post(fetchPaid as typeof fetch, url, length)
    if (!response.headers.has('payment-response')) Report.stop('expected that x402 was paid')
    return expectAnswer(Promise.resolve(response), length)
  }
}

async function reply(request: Request): Promise<Response> {
  const answer = await engine.answer((await request.json()) as Engine.Request)
  if (answer.kind === 'refused') return Response.json(answer, { status: 400 })
  const message = { role: 'assistant', content: answer.text }
  return Response.json({
    ...{ id: 'chatcmpl-x', object: 'chat.completion', created: 0, model },
    choices: [{ index: 0, message, finish_reason: 'stop' }],
  })
}

function post(fetching: typeof fetch, url: string, length: number): Promise<Response> {
  return fetching(`${url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body(length)),
  })
}

async function expectAnswer(asked: Promise<Response>, length: number): Promise<void> {
  const { choices } = (await (await asked).json()) as Said
  if (choices[0]!.message.content !== answers.get(length)) Report.stop('expected another answer')
}

type Said = { readonly choices: readonly { readonly message: { readonly content: string } }[] }

function served(market: Market.Market, app: Hono): Promise<string> {
  return market.front(async (request) => app.fetch(request))
}
