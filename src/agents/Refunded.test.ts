import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Verify from '../../examples/support/Verify.ts'
import * as Market from '../../test/harness/Market.ts'
import * as Event from '../economy/Event.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Log from '../provenance/Log.ts'
import * as Proof from '../provenance/Proof.ts'
import * as Record from '../provenance/Record.ts'
import * as Wire from '../wallets/x402/Wire.ts'
import { PurchaseRefused } from './Refusal.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

type Payment = { readonly payer: Hex; readonly nonce: Hex }

/** A record of some log that a payment was returned, and its proof. */
function returned(origin: string, payment: Payment) {
  const event = { type: 'returned', payment, because: 'the node was down' } as const
  const log = Log.create()
  const place = { v: 1, leaf: 0, origin, atMs: 1, previous: Log.previous(log) } as const
  const text = Record.encode({ ...place, id: Event.id(event), causes: [], event })
  Log.extend(log, { text })
  return { record: text, proof: Proof.of(log, { origin, leaf: 0 }) }
}

/** A seller that takes the money, serves nothing, and says what it will. */
async function keeping(say: (payment: Payment) => unknown, status = 410) {
  return market.front(async (request, ask) => {
    const header = request.headers.get('payment-signature')
    if (header === null) return ask(request)
    await ask(request)
    const { from, nonce } = Wire.decodePayload(header).payload.authorization
    const payment = { payer: from.toLowerCase() as Hex, nonce: nonce as Hex }
    const error = { code: 'payment-returned', message: 'kept as change' }
    return Response.json({ error, requite: say(payment) }, { status })
  })
}

const seller = () => market.node.wallet.address
const other = `0x${'5'.repeat(40)}` as const

describe('a seller that keeps all of it as change', () => {
  test('and proves it: refunded, spent to the policy, and the log verifies', async () => {
    const baseUrl = await keeping((payment) => returned(seller(), payment))
    const { buyer, wallet, dir } = await market.agent()
    const outcome = await buyer.buy(Market.call({ baseUrl }))
    expect(outcome).toMatchObject({ state: 'refunded', because: 'kept as change' })
    expect(outcome.states.slice(-3)).toEqual(['executing', 'verifying', 'refunded'])
    expect(await market.paid(wallet.address)).toEqual([outcome.paidAtoms])
    expect(buyer.status()[0]!.meter).toMatchObject({ used: String(outcome.paidAtoms), held: '0' })
    expect(new PurchaseRefused(outcome)).toMatchObject({ code: 'refunded', retry: 'safe' })
    await buyer.close()
    expect(Verify.folders(dir).failures).toBe(0)
  })

  test('is asked again under another attempt: the step goes on', async () => {
    let isDown = true
    const gone = await keeping((payment) => returned(seller(), payment))
    const baseUrl = await market.front(async (request, ask) => {
      if (!isDown || !request.headers.has('payment-signature')) return ask(request)
      isDown = false
      const { pathname } = new URL(request.url)
      const { headers } = request
      const body = await request.text()
      return fetch(new URL(pathname, gone), { method: 'POST', headers, body })
    })
    const { buyer, wallet } = await market.agent()
    expect((await buyer.buy(Market.call({ baseUrl }))).state).toBe('refunded')
    const again = await buyer.buy(Market.call({ baseUrl }))
    expect(again.state).toBe('captured')
    expect(await market.paid(wallet.address)).toHaveLength(2)
  })

  test.each<[string, (payment: Payment) => unknown]>([
    ['nothing', () => undefined],
    ['the word of another log', (payment) => returned(other, payment)],
    ['another payment', ({ payer }) => returned(seller(), { payer, nonce: `0x${'1'.repeat(64)}` })],
    ['another payer', ({ nonce }) => returned(seller(), { payer: other, nonce })],
    [
      'a proof that does not hold',
      (payment) => {
        const { record, proof } = returned(seller(), payment)
        return { record, proof: { ...proof, root: `0x${'1'.repeat(64)}` } }
      },
    ],
    [
      'another record',
      ({ nonce }) => ({
        record: market.node.books.text(1),
        proof: market.node.books.proof(1),
        nonce,
      }),
    ],
  ])(
    'and shows %s: disputed',
    async (_, say) => {
      const { buyer, wallet } = await market.agent()
      const outcome = await buyer.buy(Market.call({ baseUrl: await keeping(say) }))
      expect(outcome.state).toBe('disputed')
      expect(await market.paid(wallet.address)).toEqual([outcome.paidAtoms])
    },
    60_000,
  )
})
