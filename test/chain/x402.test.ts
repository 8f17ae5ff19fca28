import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { x402Client, x402HTTPClient } from '@x402/core/client'
import { x402Facilitator } from '@x402/core/facilitator'
import { x402HTTPResourceServer, x402ResourceServer } from '@x402/core/server'
import { toFacilitatorEvmSigner } from '@x402/evm'
import { ExactEvmScheme as StockClient } from '@x402/evm/exact/client'
import { ExactEvmScheme as StockFacilitator } from '@x402/evm/exact/facilitator'
import { ExactEvmScheme as StockServer } from '@x402/evm/exact/server'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BaseError } from '../../src/kernel/Errors.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import type * as Exact from '../../src/wallets/x402/Exact.ts'
import * as Payer from '../../src/wallets/x402/Payer.ts'
import * as Seller from '../../src/wallets/x402/Seller.ts'
import * as SettlementSigner from '../../src/wallets/x402/SettlementSigner.ts'
import * as Wire from '../../src/wallets/x402/Wire.ts'
import * as Setup from './Setup.ts'

let setup: Setup.Setup
const servers: Server[] = []
beforeAll(async () => {
  setup = await Setup.open()
})
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await setup.local.stop()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The least server that sells with ours: 402, then verify, settle, answer. */
function shop(requirements: Wire.Requirements): Promise<string> {
  return serve(async (request, response) => {
    const resource = { url: `http://${request.headers.host}/answer` }
    const ask = (error: string) => {
      const { headers, body } = Seller.encodeRequired({ requirements, resource, error })
      response.writeHead(402, headers).end(JSON.stringify(body))
    }
    const header = headerOf(request, Wire.headerNames.signature)
    if (header === undefined) return ask('payment required')
    const decoded = Seller.decodePayment(header)
    if (!decoded.ok) return ask(decoded.because)
    const verified = await setup.seller.verify(decoded.payload, requirements)
    if (!verified.ok) return ask(verified.because)
    const found = await setup.seller.settleOrFind({ payload: decoded.payload })
    if (found.kind !== 'paid') return ask(found.because)
    const { tx } = found.evidence
    const paid = Seller.encodeResponse({ requirements, payer: verified.payer, tx })
    response.writeHead(200, paid).end('{"answer":42}')
  })
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name.toLowerCase()]
  return Array.isArray(value) ? value[0] : value
}

const balance = () => setup.chain.balanceAtoms(setup.asset, setup.payTo)

describe('outside clients and servers', () => {
  const spendControls = () => ({
    allowedAssets: [
      { network: 'eip155:31337' as const, asset: setup.token, maxAmountPerPayment: '5000' },
    ],
  })

  /** What `@x402/fetch` does, with the client it wraps. */
  async function payWith(client: x402Client, url: string) {
    const http = new x402HTTPClient(client)
    const first = await fetch(url)
    expect(first.status).toBe(402)
    const required = http.getPaymentRequiredResponse(
      (name) => first.headers.get(name),
      await first.json(),
    )
    const headers = http.encodePaymentSignatureHeader(await http.createPaymentPayload(required))
    const second = await fetch(url, { headers })
    return {
      second,
      settled: () => http.getPaymentSettleResponse((name) => second.headers.get(name)),
    }
  }

  test('the official client with its own scheme pays our seller', async () => {
    const before = await balance()
    const url = await shop(setup.seller.requirements({ amountAtoms: 2500n, maxTimeoutSec: 600 }))
    const account = privateKeyToAccount(LocalChain.devKeys[2]!)
    const client = x402Client.fromConfig({
      schemes: [{ network: 'eip155:31337', client: new StockClient(account) }],
      spendControls: spendControls(),
    })
    const { second, settled } = await payWith(client, url)
    expect(second.status).toBe(200)
    expect(settled()).toMatchObject({ success: true, payer: setup.payer.address })
    expect((await balance()) - before).toBe(2500n)
  })

  test('the official client with our scheme pays under our nonce', async () => {
    const requirements = setup.seller.requirements({ amountAtoms: 300n, maxTimeoutSec: 600 })
    const url = await shop(requirements)
    const nonce = Setup.freshNonce()
    const { asset, payTo, payer } = setup
    const scheme = Payer.scheme({
      wallet: payer,
      nonce,
      validAfterSec: 0,
      validBeforeSec: (await Setup.chainSec(setup)) + 600,
      expected: { asset, payTo, maxAtoms: 300n },
    })
    const client = x402Client.fromConfig({
      schemes: [{ network: 'eip155:31337', client: scheme }],
      spendControls: spendControls(),
    })
    expect((await payWith(client, url)).second.status).toBe(200)
    const payment = { asset, payer: payer.address, nonce, payTo, valueAtoms: 300n }
    expect(await setup.chain.lookUpPayment(payment)).toMatchObject({ kind: 'paid' })
  })

  test('our payer pays an unmodified official server', async () => {
    const { chain, gasPayer, asset, payTo, payer, token } = setup
    const signer = toFacilitatorEvmSigner(SettlementSigner.from(chain, gasPayer, () => {}))
    const facilitator = new x402Facilitator().register(chain.network, new StockFacilitator(signer))
    const resources = new x402ResourceServer({
      verify: (payload, requirements) => facilitator.verify(payload, requirements),
      settle: (payload, requirements) => facilitator.settle(payload, requirements),
      getSupported: async () => facilitator.getSupported() as never,
    }).register(chain.network, new StockServer())
    const price = { amount: '700', asset: token, extra: { name: 'USD Coin', version: '2' } }
    const accepts = { scheme: 'exact', network: chain.network, payTo, price }
    const official = new x402HTTPResourceServer(resources, { 'GET /paid': { accepts } })
    await official.initialize()
    const url = await serve(async (request, response) => {
      const adapter = {
        getHeader: (name: string) => headerOf(request, name),
        getMethod: () => 'GET',
        getPath: () => '/paid',
        getUrl: () => `http://${request.headers.host}/paid`,
        getAcceptHeader: () => 'application/json',
        getUserAgent: () => 'test',
      }
      const result = await official.processHTTPRequest({ adapter, path: '/paid', method: 'GET' })
      if (result.type === 'payment-error')
        return response
          .writeHead(result.response.status, result.response.headers)
          .end(JSON.stringify(result.response.body))
      if (result.type !== 'payment-verified') return response.writeHead(500).end()
      const { paymentPayload, paymentRequirements } = result
      const settled = await official.processSettlement(paymentPayload, paymentRequirements)
      response.writeHead(settled.success ? 200 : 402, settled.headers).end('{}')
    })

    const before = await balance()
    const first = await fetch(`${url}/paid`)
    const required = Payer.parseRequired({ header: first.headers.get('PAYMENT-REQUIRED') })
    const expected = { asset, payTo, maxAtoms: 700n }
    const chosen = Payer.choose(required, expected)
    if (!chosen.ok) throw new Error(chosen.because)
    const signed = await Payer.sign({
      wallet: payer,
      requirements: chosen.requirements,
      resource: required.resource,
      nonce: Setup.freshNonce(),
      validAfterSec: 0,
      validBeforeSec: (await Setup.chainSec(setup)) + 600,
      expected,
    })
    if (!signed.ok) throw new Error(signed.because)
    const second = await fetch(`${url}/paid`, {
      headers: { [Wire.headerNames.signature]: signed.header },
    })
    expect(second.status).toBe(200)
    const response = Payer.parseResponse(second.headers.get(Wire.headerNames.response)!)
    expect(response).toMatchObject({ success: true })
    expect((await balance()) - before).toBe(700n)
  })
})

describe('what a seller refuses, unpaid', () => {
  type Draft = { payload: Wire.Payload; requirements: Wire.Requirements }
  const accept = (change: Partial<Wire.Requirements>) => (draft: Draft) => ({
    ...draft,
    payload: { ...draft.payload, accepted: { ...draft.payload.accepted, ...change } },
  })
  const alter = (change: Record<string, string>) => (draft: Draft) => {
    const { payload } = draft.payload
    const authorization = { ...payload.authorization, ...change }
    return { ...draft, payload: { ...draft.payload, payload: { ...payload, authorization } } }
  }
  const far = `0x${'ee'.repeat(20)}`

  test.each<[string, (draft: Draft) => Draft, Exact.Reason]>([
    ['another scheme', accept({ scheme: 'upto' }), 'wrong-scheme'],
    ['another chain', accept({ network: 'eip155:1' }), 'wrong-chain'],
    ['another asset', accept({ asset: far }), 'wrong-asset'],
    ['another payee in the terms', accept({ payTo: far }), 'wrong-payee'],
    ['another payee in what was signed', alter({ to: far }), 'wrong-payee'],
    ['another amount in the terms', accept({ amount: '1' }), 'wrong-amount'],
    ['less than asked', alter({ value: '999' }), 'wrong-amount'],
    ['more than asked', alter({ value: '1001' }), 'wrong-amount'],
    ['another quote', accept({ extra: { name: 'USD Coin', version: '2' } }), 'other-terms'],
    ['expired', alter({ validBefore: '1700000000' }), 'expired'],
    ['not yet valid', alter({ validAfter: '4000000000' }), 'not-yet-valid'],
    ['times as block numbers', alter({ validBefore: String(2 ** 47 + 9) }), 'malformed'],
    ['another nonce than signed', alter({ nonce: far + '00'.repeat(12) }), 'bad-signature'],
    ['another payer than signed', alter({ from: far }), 'bad-signature'],
  ])('%s', async (_, change, code) => {
    const before = await balance()
    const requirements = setup.seller.requirements({
      amountAtoms: 1000n,
      maxTimeoutSec: 600,
      extra: { quote: 'q1' },
    })
    const { payload } = await Setup.signed(setup, { requirements })
    const draft = change({ payload, requirements })
    const refused = await setup.seller.verify(draft.payload, draft.requirements)
    expect(refused).toMatchObject({ ok: false, code })
    expect(refused.ok ? '' : refused.because).toMatch(/^expected .+, got ./)
    expect(await setup.seller.settle(draft.payload, draft.requirements)).toMatchObject({
      kind: 'failed',
    })
    expect(await balance()).toBe(before)
    expect(await setup.seller.verify(payload, requirements)).toMatchObject({ ok: true })
  })

  test('a payer without the money', async () => {
    const poor = setup.stranger
    const { payload, requirements } = await Setup.signed(setup, { wallet: poor })
    expect(await setup.seller.verify(payload, requirements)).toMatchObject({ code: 'no-funds' })
    expect(await setup.seller.settleOrFind({ payload })).toMatchObject({ kind: 'unclear' })
  })

  test('a replayed payment', async () => {
    const { payload, requirements } = await Setup.signed(setup)
    expect(await setup.seller.settleOrFind({ payload })).toMatchObject({ kind: 'paid' })
    const before = await balance()
    const refused = await setup.seller.verify(payload, requirements)
    expect(refused).toMatchObject({ code: 'nonce-used', because: expect.stringContaining('paid') })
    expect(await setup.seller.settleOrFind({ payload })).toMatchObject({ kind: 'paid' })
    expect(await balance()).toBe(before)
  })

  test('a payment that somebody hands in after it was verified is found, and paid once', async () => {
    const { payload, requirements } = await Setup.signed(setup)
    const before = await balance()
    expect(await setup.seller.verify(payload, requirements)).toMatchObject({ ok: true })
    const { tx } = await Setup.submit(setup, setup.stranger, payload)
    const found = await setup.seller.settleOrFind({ payload, isFresh: true })
    expect(found).toMatchObject({ kind: 'paid', evidence: { tx } })
    expect((await balance()) - before).toBe(BigInt(requirements.amount))
  })

  test('what was verified is sent as it was simulated, once; without that the official way', async () => {
    const { payload, requirements } = await Setup.signed(setup)
    const sent = async (isFresh: boolean) => {
      const from = await setup.chain.blockNumber()
      const found = await setup.seller.settleOrFind({ payload, isFresh })
      return { found, blocks: (await setup.chain.blockNumber()) - from }
    }
    await setup.seller.verify(payload, requirements)
    expect(await sent(true)).toMatchObject({ found: { kind: 'paid' }, blocks: 1 })
    expect(await sent(true)).toMatchObject({ found: { kind: 'paid' }, blocks: 0 })
    const other = await Setup.signed(setup)
    expect(
      await setup.seller.settleOrFind({ payload: other.payload, isFresh: true }),
    ).toMatchObject({ kind: 'paid' })
  })

  test('a payment to somebody else is not settled', async () => {
    const { payload } = await Setup.signed(setup)
    const foreign = alter({ to: far })({ payload, requirements: payload.accepted })
    await expect(setup.seller.settleOrFind({ payload: foreign.payload })).rejects.toThrow(
      /payment to us/,
    )
  })

  test('no header, or one that is nonsense', () => {
    for (const header of [undefined, null, '', 'nonsense!', 'bm9uc2Vuc2U=', 'e30='])
      expect(Seller.decodePayment(header)).toMatchObject({ ok: false, code: 'malformed' })
  })

  test('nothing is judged while the chain is silent', async () => {
    let silent = false
    const node = await Setup.faulty(setup.local.rpcUrl, (method) =>
      silent && method !== 'eth_blockNumber' ? 'lose-request' : 'none',
    )
    try {
      const { chainId } = setup.local
      const chain = await Chain.open({ rpcUrl: node.rpcUrl, chainId })
      const seller = Seller.open({ ...setup.sellerOptions, chain })
      const { payload, requirements } = await Setup.signed(setup)
      silent = true
      await expect(seller.verify(payload, requirements)).rejects.toMatchObject({
        code: 'chain-unreachable',
        retry: 'safe',
      })
    } finally {
      await node.close()
    }
  })

  test('a silence while the official scheme looks is not taken for a bad signature', async () => {
    const { payload, requirements } = await Setup.signed(setup)
    const silence = new BaseError('silent', { code: 'chain-unreachable', retry: 'safe' })
    const quiet = { ...setup.chain, code: () => Promise.reject(silence) }
    const seller = Seller.open({ ...setup.sellerOptions, chain: quiet })
    await expect(seller.verify(payload, requirements)).rejects.toMatchObject({
      code: 'chain-unreachable',
    })
    expect(await seller.settle(payload, requirements)).toMatchObject({ retry: 'unknown' })
  })
})
