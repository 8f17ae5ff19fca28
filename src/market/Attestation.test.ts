import { describe, expect, test } from 'vitest'
import * as Terms from '../../test/harness/Terms.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Attestation from './Attestation.ts'
import * as Quote from './Quote.ts'
import * as Receipt from './Receipt.ts'

const quote = Terms.quote()
const receipt = Terms.receipt(quote, {
  shaped: [{ artifact: Hash.text('a'), sharePpb: 400_000_000n, rarityPpb: 0n }],
})
const { payer } = receipt
const tx = Hash.text('tx')

// Who signed what stands in the signature: enough to tell them apart.
const sign = (address: Hex, digest: unknown) =>
  `0x${address.slice(2)}${String(digest).slice(2)}${'0'.repeat(26)}` as Hex
const world: Attestation.World = {
  asset: Terms.asset,
  verifySignature: ({ address, data, signature }) =>
    signature === sign(address, data.message.digest),
  paymentFault: (evidence, payment) =>
    evidence.tx === tx && payment.payTo === quote.payTo && payment.payer === payer
      ? undefined
      : 'not paid',
}
const signedQuote = { quote, signature: sign(quote.seller, Quote.hash(quote)) }
const signedReceipt = (body: Receipt.Receipt, by = quote.seller) => ({
  ...{ receipt: body, signature: sign(by, Receipt.hash(body)) },
})

const praise: Attestation.Attestation = {
  ...{ v: 1, payer, isGood: true, quote: signedQuote, receipt: signedReceipt(receipt) },
  ...{ paymentNonce: receipt.paymentNonce, evidence: { chainId: 31_337, tx } },
  atMs: Terms.nowMs,
}
const { receipt: _, ...undelivered } = { ...praise, isGood: false, because: 'nothing came' }
const signed = (attestation: Attestation.Attestation, by = attestation.payer) => ({
  ...{ attestation, signature: sign(by, Hash.digest(attestation)) },
})
const altered = (change: Partial<Receipt.Receipt>) => signedReceipt({ ...receipt, ...change })
const money = (change: Partial<Receipt.Receipt['money']>) =>
  altered({ money: { ...receipt.money, ...change } })

describe('a word on an answer', () => {
  test('holds when seller, payer and chain agree, with a receipt or without one', () => {
    expect(Attestation.fault(signed(praise), world)).toBeUndefined()
    expect(Attestation.fault(signed(undelivered), world)).toBeUndefined()
    expect(Attestation.fault(signed({ ...praise, isGood: false }), world)).toBeUndefined()
  })

  const another = Terms.address('another')
  test.each<[string, Attestation.Signed]>([
    ['attestation of a seller about itself', signed({ ...praise, payer: quote.seller })],
    ['attestation that its payer did not sign', signed(praise, another)],
    [
      'quote that its seller did not sign',
      signed({ ...praise, quote: { ...signedQuote, signature: sign(another, quote.salt) } }),
    ],
    ['quote for another payer', signed({ ...praise, payer: another })],
    ['praise without a receipt', signed({ ...undelivered, isGood: true })],
    [
      'receipt that its seller did not sign',
      signed({ ...praise, receipt: signedReceipt(receipt, another) }),
    ],
    ['receipt of another seller', signed({ ...praise, receipt: altered({ provider: another }) })],
    ['receipt for another payer', signed({ ...praise, receipt: altered({ payer: another }) })],
    ['receipt for another payment', signed({ ...praise, paymentNonce: tx })],
    ['receipt for another quote', signed({ ...praise, receipt: money({ quoteHash: tx }) })],
    [
      'receipt of another amount than quoted',
      signed({ ...praise, receipt: money({ paidAtoms: '1' }) }),
    ],
    [
      'receipt whose parts do not sum to what it charges',
      signed({ ...praise, receipt: money({ influenceNano: '1' }) }),
    ],
    ['not paid', signed({ ...praise, evidence: { chainId: 31_337, tx: payerTx() } })],
  ])('does not: %s', (because, attestation) => {
    expect(Attestation.fault(attestation, world)).toBe(because)
  })

  test('does not when it was paid in a token that anybody could have made', () => {
    const asset = { ...Terms.asset, id: `eip155:31337/erc20:${Terms.address('play money')}` }
    expect(Attestation.fault(signed(praise), { ...world, asset })).toBe('payment in another asset')
  })

  test('does not when it charges more than was quoted', () => {
    const chargedAtoms = String(BigInt(quote.maxAtoms) + 1n)
    const rest = ['influenceNano', 'premiumNano', 'feeNano', 'gasNano', 'roundingNano']
    const none = Object.fromEntries(rest.map((key) => [key, '0']))
    const all = { ...none, executionNano: `${chargedAtoms}000000000`, chargedAtoms }
    const attestation = signed({ ...praise, receipt: money(all) })
    expect(Attestation.fault(attestation, world)).toBe('receipt that charges more than was quoted')
  })

  test('travels as JSON, and nothing else is taken for one', () => {
    const given = signed({
      ...praise,
      quote: { quote, signature: `0x${'1'.repeat(130)}` },
      receipt: { receipt, signature: `0x${'1'.repeat(130)}` },
    })
    const travelled = { ...given, signature: `0x${'2'.repeat(130)}` as Hex }
    expect(Attestation.parse(JSON.parse(JSON.stringify(travelled)))).toEqual(travelled)
    expect(() => Attestation.parse({ ...travelled, weight: 9 })).toThrow(InputError)
  })
})

describe('it weighs', () => {
  test('the fee and the royalties of its receipt', () => {
    const { feeNano, influenceNano, premiumNano } = receipt.money
    const irrecoverableNano = BigInt(feeNano) + BigInt(influenceNano) + BigInt(premiumNano)
    expect(irrecoverableNano > 0n).toBe(true)
    expect(Attestation.evidence(praise)).toEqual({
      ...{ seller: quote.seller, isGood: true, irrecoverableNano, atMs: Terms.nowMs },
    })
  })

  test('no more than the quoted fee where nothing was delivered', () => {
    const fee = BigInt(quote.maxAtoms) * BigInt(quote.rates.feePpb)
    expect(Attestation.evidence(undelivered).irrecoverableNano).toBe(fee)
  })

  test('once a payment, the latest word', () => {
    const later = { ...undelivered, atMs: praise.atMs + 1 }
    const elsewhere = { ...undelivered, paymentNonce: tx }
    for (const list of [
      [praise, later, elsewhere],
      [elsewhere, later, praise, later],
    ]) {
      const found = Attestation.latest(list)
      expect(found).toHaveLength(2)
      expect(found).toEqual(expect.arrayContaining([later, elsewhere]))
    }
  })
})

function payerTx(): Hex {
  return Hash.text('another transaction')
}
