import {
  decodePaymentRequiredHeader,
  decodePaymentResponseHeader,
  decodePaymentSignatureHeader,
  encodePaymentRequiredHeader,
  encodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from '@x402/core/http'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Wallet from '../Wallet.ts'
import * as Exact from './Exact.ts'
import * as Payer from './Payer.ts'
import * as Seller from './Seller.ts'
import * as Wire from './Wire.ts'

const wallet = Wallet.fromPrivateKey(`0x${'0f'.repeat(32)}`)
const token = `0x${'ab'.repeat(20)}` as Hex
const payTo = `0x${'02'.repeat(20)}` as Hex
const asset = { id: `eip155:31337/erc20:${token}`, decimals: 6, symbol: 'USDC' }
const requirements: Wire.Requirements = {
  scheme: 'exact',
  network: 'eip155:31337',
  asset: token,
  amount: '1000',
  payTo,
  maxTimeoutSeconds: 60,
  extra: { name: 'USD Coin', version: '2', quote: `0x${'0a'.repeat(32)}` },
}
const resource = { url: 'http://127.0.0.1:4020/v1/chat/completions' }
const expected: Payer.Expected = { asset, payTo, maxAtoms: 1000n, quoteExpiresAtSec: 1_800_000_000 }
const terms: Payer.Terms = {
  wallet,
  nonce: `0x${'0c'.repeat(32)}`,
  validAfterSec: 1_799_999_000,
  validBeforeSec: 1_800_000_060,
  expected,
}
const sign = (change: Partial<Wire.Requirements> = {}, other: Partial<Payer.Terms> = {}) =>
  Payer.sign({ ...terms, requirements: { ...requirements, ...change }, resource, ...other })

describe('signing', () => {
  test('signs the authorisation under the nonce and times given', async () => {
    const signed = await sign()
    if (!signed.ok) throw new Error(signed.because)
    const { signature, authorization } = signed.payload.payload
    expect(authorization).toEqual({
      from: wallet.address,
      to: payTo,
      value: '1000',
      validAfter: '1799999000',
      validBefore: '1800000060',
      nonce: terms.nonce,
    })
    expect(signed.payload.accepted).toEqual(requirements)
    const data = Exact.typedData(Exact.authorization(signed.payload), {
      asset,
      name: 'USD Coin',
      version: '2',
    })
    expect(Wallet.verifyTypedData({ address: wallet.address, data, signature })).toBe(true)
  })

  test('twice is the same bytes, and so is what comes back from a journal', async () => {
    const [first, second] = await Promise.all([sign(), sign()])
    if (!first.ok || !second.ok) throw new Error('expected both signed')
    expect(second.header).toBe(first.header)
    const stored = JSON.parse(JSON.stringify(first.payload))
    const shuffled = Object.fromEntries(Object.entries(stored).reverse()) as Wire.Payload
    expect(Payer.header(shuffled)).toBe(first.header)
  })

  test.each<[string, Partial<Wire.Requirements>, Exact.Reason]>([
    ['another scheme', { scheme: 'upto' }, 'wrong-scheme'],
    ['another chain', { network: 'eip155:1' }, 'wrong-chain'],
    ['another asset', { asset: payTo }, 'wrong-asset'],
    ['another payee', { payTo: token }, 'wrong-payee'],
    ['more than the hold', { amount: '1001' }, 'over-hold'],
    [
      'another transfer method',
      { extra: { ...requirements.extra, assetTransferMethod: 'permit2' } },
      'wrong-scheme',
    ],
    ['no token name', { extra: { version: '2' } }, 'malformed'],
    ['no extra', { extra: null }, 'malformed'],
  ])('%s is refused unsigned', async (_, change, code) => {
    const refused = await sign(change)
    expect(refused).toMatchObject({ ok: false, code })
    expect(refused.ok ? '' : refused.because).toMatch(/^expected .+, got /)
  })

  test.each<[string, Partial<Payer.Terms>, Exact.Reason]>([
    ['ends before the quote does', { validBeforeSec: 1_799_999_999 }, 'expired'],
    ['ends before it begins', { validAfterSec: 1_900_000_000 }, 'expired'],
    ['reads as block numbers', { validBeforeSec: 2 ** 47 + 5 }, 'malformed'],
  ])('a payment that %s is refused unsigned', async (_, change, code) => {
    expect(await sign({}, change)).toMatchObject({ ok: false, code })
  })

  test('a random or missing nonce is a bad call', async () => {
    await expect(sign({}, { nonce: '0x12' })).rejects.toBeInstanceOf(InputError)
    await expect(sign({}, { validBeforeSec: 1.5 })).rejects.toBeInstanceOf(InputError)
  })

  test('amounts are compared as numbers, not as texts: ten thousand is above nine', async () => {
    const held = (maxAtoms: bigint) =>
      sign({ amount: '10000' }, { expected: { ...expected, maxAtoms } })
    expect(await held(9n)).toMatchObject({ ok: false, code: 'over-hold' })
    expect(await held(10_000n)).toMatchObject({ ok: true })
  })

  test('takes the way to pay that matches, not the first or the cheapest', () => {
    const required: Wire.Required = {
      x402Version: 2,
      resource,
      accepts: [
        { ...requirements, network: 'solana:mainnet', asset: 'EPjF', amount: '1' },
        { ...requirements, amount: '2000' },
        requirements,
      ],
    }
    expect(Payer.choose(required, expected)).toEqual({ ok: true, requirements })
    const { accepts } = required
    expect(Payer.choose({ ...required, accepts: accepts.slice(0, 1) }, expected)).toMatchObject({
      code: 'wrong-chain',
    })
  })
})

describe('the wire', () => {
  test('official decoders read what we write, and we read what they write', async () => {
    const signed = await sign()
    if (!signed.ok) throw new Error(signed.because)
    expect(decodePaymentSignatureHeader(signed.header)).toEqual(signed.payload)
    const theirs = encodePaymentSignatureHeader(signed.payload as never)
    expect(Seller.decodePayment(theirs)).toEqual({ ok: true, payload: signed.payload })

    const { headers, body } = Seller.encodeRequired({
      requirements,
      resource,
      extensions: { 'inference-market': { note: 'grüße' } },
      error: 'payment required',
    })
    const header = headers[Wire.headerNames.required]!
    expect(decodePaymentRequiredHeader(header)).toEqual(body)
    expect(Payer.parseRequired({ header: encodePaymentRequiredHeader(body as never) })).toEqual(
      body,
    )
    expect(Payer.parseRequired({ body: JSON.parse(JSON.stringify(body)) })).toEqual(body)

    const tx = `0x${'dd'.repeat(32)}` as Hex
    const paid = Seller.encodeResponse({ requirements, payer: wallet.address, tx })
    const response = paid[Wire.headerNames.response]!
    expect(decodePaymentResponseHeader(response)).toEqual({
      success: true,
      transaction: tx,
      network: 'eip155:31337',
      payer: wallet.address,
    })
    const echoed = encodePaymentResponseHeader(Payer.parseResponse(response) as never)
    expect(Payer.parseResponse(echoed)).toMatchObject({ success: true, transaction: tx })
    const failed = Seller.encodeResponse({ requirements, payer: wallet.address, because: 'no' })
    expect(Payer.parseResponse(failed[Wire.headerNames.response]!)).toMatchObject({
      success: false,
      errorReason: 'no',
    })
  })

  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
  const good = { x402Version: 2, resource, accepts: [requirements] }
  test.each<[string, { header?: string; body?: unknown }, string]>([
    ['nothing', {}, 'PAYMENT-REQUIRED'],
    ['not base64', { header: '<html>' }, 'base64'],
    ['not JSON', { header: Buffer.from('nonsense').toString('base64') }, 'JSON'],
    ['too long', { header: 'A'.repeat(70_000) }, 'at most'],
    ['version 1', { header: base64({ ...good, x402Version: 1 }) }, 'x402Version'],
    ['no way to pay', { body: { ...good, accepts: [] } }, 'accepts'],
    ['a float', { body: { ...good, accepts: [{ ...requirements, amount: '1.5' }] } }, 'decimal'],
    ['a number', { body: { ...good, accepts: [{ ...requirements, amount: 1000 }] } }, 'amount'],
    ['negative', { body: { ...good, accepts: [{ ...requirements, amount: '-1' }] } }, 'decimal'],
    [
      'no network',
      { body: { ...good, accepts: [{ ...requirements, network: 'base' }] } },
      'CAIP-2',
    ],
    ['a list', { body: [] }, 'the message'],
    ['null', { body: null }, 'the message'],
  ])('a hostile 402 (%s) is refused by name', (_, response, named) => {
    const act = () => Payer.parseRequired(response)
    expect(act).toThrow(InputError)
    expect(act).toThrow(named)
  })

  test('any text at all as a payment is refused as a value, never an error', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.jsonValue().map(base64), fc.base64String()),
        (header) => {
          const decoded = Seller.decodePayment(header)
          return !decoded.ok && decoded.code === 'malformed' && decoded.because.length < 600
        },
      ),
      { numRuns: 300 },
    )
  })

  test('what could not be recorded is malformed: lone surrogates, endless nesting', async () => {
    const signed = await sign()
    if (!signed.ok) throw new Error(signed.because)
    const nested = JSON.parse(`${'['.repeat(90)}${']'.repeat(90)}`)
    for (const extensions of [{ note: '\ud800' }, { nested }])
      expect(Seller.decodePayment(base64({ ...signed.payload, extensions }))).toMatchObject({
        code: 'malformed',
      })
    expect(
      Seller.decodePayment(base64({ ...signed.payload, extensions: { note: 'fine' } })).ok,
    ).toBe(true)
  })

  test('a header that Node would refuse is refused before it is sent', () => {
    const extensions = { terms: 'x'.repeat(20_000) }
    const act = () => Seller.encodeRequired({ requirements, resource, extensions })
    expect(act).toThrow(/at most 12288 bytes/)
  })
})
