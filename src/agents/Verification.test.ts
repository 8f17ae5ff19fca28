import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../../test/harness/Market.ts'
import type * as Event from '../economy/Event.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Receipt from '../market/Receipt.ts'
import type { Answered } from './Purchase.ts'
import * as Verification from './Verification.ts'

let market: Market.Market
let delivery: Verification.Delivery
beforeAll(async () => {
  market = await Market.open()
  const { buyer, wallet } = await market.agent()
  const call = Market.call(market)
  const { answered, receipt } = (await buyer.buy(call)).delivered!
  const { quote } = market.node.books.state.sales.quotes.get(receipt.money.quoteHash)!
  const { body, run, step } = call
  const key = { agent: wallet.address, run, step, attempt: 0 }
  const decided = {
    quote,
    card: market.node.offers.get(Market.model)!.card,
    key,
  } as Event.Of<'decided'>
  delivery = { body, answered, decided, nonce: receipt.paymentNonce }
})
afterAll(() => market.close())

/** A delivery whose receipt was changed and signed again: a seller that lies in its own name. */
async function lie(change: (receipt: Receipt.Receipt) => Partial<Receipt.Receipt>) {
  const { receipt } = delivery.answered.receipt
  const changed = { ...receipt, ...change(receipt) }
  const signature = await market.node.wallet.signTypedData(Receipt.typedData(changed))
  const answered = { ...delivery.answered, receipt: { receipt: changed, signature } }
  return Verification.fault({ ...delivery, answered })
}

const other = `0x${'5'.repeat(40)}` as const
const digest = Hash.digest('another')

test('what was delivered holds', () => {
  expect(Verification.fault(delivery)).toBeUndefined()
})

describe('a seller that signs what is not so', () => {
  test.each<[string, (receipt: Receipt.Receipt) => Partial<Receipt.Receipt>, RegExp]>([
    ['another payer', () => ({ payer: other }), /another payer/],
    ['another payment', () => ({ paymentNonce: digest }), /another payment/],
    ['another request', () => ({ requestDigest: digest }), /another request/],
    ['another model', () => ({ model: 'other' }), /another model/],
    ['another quote', ({ money }) => ({ money: { ...money, quoteHash: digest } }), /another quote/],
    ['more work', ({ stdUs }) => ({ stdUs: `${stdUs}0` }), /standard work/],
    [
      'a higher price',
      ({ money }) => ({ money: { ...money, chargedAtoms: '9999' } }),
      /chargedAtoms 9999, recomputed/,
    ],
    [
      'tokens that nobody counts, and their work',
      ({ tokens, stdUs }) => ({
        tokens: { ...tokens, in: tokens.in + 1 },
        stdUs: String(BigInt(stdUs) + 50n),
      }),
      /recomputed|tokens in, recounted/,
    ],
    ['another answer', () => ({ outputCommitment: digest }), /another answer/],
    ['another prompt', () => ({ promptCommitment: digest }), /another prompt/],
    ['other times', () => ({ wallMs: 7 }), /not of this receipt/],
    [
      'coverage that is not the sum',
      ({ influence }) => ({ influence: { ...influence, coveragePpb: '1' } }),
      /not the sum of shares/,
    ],
    [
      'another version of the datanet',
      ({ influence }) => ({ influence: { ...influence, indexRoot: digest } }),
      /another datanet version/,
    ],
  ])('%s', async (_, change, because) => {
    expect(await lie(change)).toMatch(because)
  })
})

describe('what came with the receipt', () => {
  test.each<[string, (answered: Answered) => Partial<Answered>, RegExp]>([
    ['another text', ({ output }) => ({ output: output.replace('fifty', 'forty') }), /answer/],
    ['a longer text', ({ output }) => ({ output: `${output} more` }), /tokens out, recounted/],
    ['another salt', () => ({ outputSalt: digest }), /another answer/],
    ['a source of nothing', ({ sources }) => wrong(sources, { start: 9, end: 9 }), /outside/],
    ['a source beyond it', ({ sources }) => wrong(sources, { end: 9_999_999 }), /outside/],
    ['a malformed proof', () => ({ proof: {} }), /./],
    ['a record of nothing', () => ({ record: '{}' }), /./],
    [
      'the record of a quote, with its own proof',
      () => ({
        record: market.node.books.text(4),
        proof: { ...market.node.books.proof(4) },
      }),
      /not of this receipt/,
    ],
  ])('%s', (_, change, because) => {
    const answered = { ...delivery.answered, ...change(delivery.answered) }
    expect(Verification.fault({ ...delivery, answered })).toMatch(because)
  })

  function wrong(sources: Answered['sources'], change: Partial<Answered['sources'][number]>) {
    return { sources: [{ ...sources[0]!, ...change }] }
  }
})

test('a signature of somebody else is nobody’s receipt', async () => {
  const { wallet } = await market.agent({ fundAtoms: 0n })
  const { receipt } = delivery.answered.receipt
  const signature = await wallet.signTypedData(Receipt.typedData(receipt))
  const answered = { ...delivery.answered, receipt: { receipt, signature } }
  expect(Verification.fault({ ...delivery, answered })).toBe(
    'receipt that its provider did not sign',
  )
})

test('coverage below what was promised is a fault', () => {
  const bought = PurchaseTerms.quoted(delivery.decided)
  const quote = { ...bought.quote, coveragePromisedPpb: '1000000000' }
  const decided = { ...bought, quote }
  const { receipt } = delivery.answered.receipt
  const money = { ...receipt.money, quoteHash: Hash.digest(quote) }
  return market.node.wallet
    .signTypedData(Receipt.typedData({ ...receipt, money }))
    .then((signature) => {
      const answered = {
        ...delivery.answered,
        receipt: { receipt: { ...receipt, money }, signature },
      }
      expect(Verification.fault({ ...delivery, decided, answered })).toMatch(/promised 1000000000/)
    })
})

test('tokens are those of every text of every message', () => {
  const messages = [
    { role: 'system', content: 'one two' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'three' },
        { type: 'text', text: 'four five' },
      ],
    },
  ]
  expect(Verification.tokensIn({ messages })).toBe(5)
})
