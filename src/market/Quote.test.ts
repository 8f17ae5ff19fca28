import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Forger from '../../test/harness/Forger.ts'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import * as TypedData from '../kernel/TypedData.ts'
import * as Card from './Card.schema.ts'
import * as Quote from './Quote.ts'

const quote = Terms.quote()
const signature = `0x${'11'.repeat(65)}` as const
const expected: Quote.Expectation = {
  nowMs: Terms.nowMs,
  seller: Terms.address('seller'),
  payer: Terms.address('payer'),
  model: 'docs-reader',
  requestDigest: Hash.text('request'),
  asset: Terms.asset,
  card: Terms.card,
  cardHash: Card.hash(Terms.card),
}

describe('what is signed for', () => {
  test('the quote that was asked for', () => {
    expect(Quote.fault(quote, expected)).toBeUndefined()
    expect(Quote.fault(Terms.quote({ payer: null }), expected)).toBeUndefined()
    expect(Quote.fault(Terms.quote({ appliedAtoms: 3n }), expected)).toBeUndefined()
  })

  test('until it expires, and not at that moment', () => {
    const at = (nowMs: number) => Quote.fault(quote, { ...expected, nowMs })
    expect(at(quote.expiresAtMs - 1)).toBeUndefined()
    expect(at(quote.expiresAtMs)).toBe('quote expired')
    expect(at(quote.expiresAtMs + 1)).toBe('quote expired')
  })

  const max = BigInt(quote.maxAtoms)
  test.each<[string, Partial<Quote.Quote>, RegExp]>([
    ['another seller', { seller: Terms.address('other') }, /quote of seller/],
    ['another payer', { payer: Terms.address('other') }, /quote for payer/],
    ['another model', { model: 'other' }, /quote for model other/],
    ['another request', { requestDigest: Hash.text('other') }, /another request/],
    [
      'another asset of the same symbol',
      { asset: { ...Terms.asset, id: `eip155:1/erc20:${Terms.address('other')}` } },
      /quote in asset eip155:1/,
    ],
    ['other decimals', { asset: { ...Terms.asset, decimals: 5 } }, /quote in asset/],
    ['another card', { cardHash: Hash.text('other') }, /another model card/],
    ['another tokeniser', { tokenizer: 'bytes' }, /tokeniser bytes/],
    ['more tokens in', { maxTokensIn: 65 }, /limits other than/],
    ['more tokens out', { maxTokensOut: 129 }, /limits other than/],
    [
      'a maximum above its rates',
      { maxAtoms: String(max + 1n), payAtoms: String(max + 1n) },
      /its rates give/,
    ],
    [
      'a maximum below its rates',
      { maxAtoms: String(max - 1n), payAtoms: String(max - 1n) },
      /its rates give/,
    ],
    ['a payment above its maximum', { payAtoms: String(max + 1n) }, /do not sum to its maximum/],
    ['a payment below', { payAtoms: String(max - 1n) }, /do not sum to its maximum/],
    ['no payment', { payAtoms: '0', changeAppliedAtoms: String(max) }, /at least one atom/],
    [
      'change for nobody',
      { payer: null, changeAppliedAtoms: '1', payAtoms: String(max - 1n) },
      /for nobody/,
    ],
  ])('never %s', (_, altered, because) => {
    expect(Quote.fault({ ...quote, ...altered }, expected)).toMatch(because)
  })

  test('never what is dearer, whatever rate rises', () => {
    for (const key of Object.keys(Terms.rates) as (keyof Quote.Quote['rates'])[]) {
      if (key === 'premiumPpb' || key === 'qualityPpb') continue
      const rates = { ...Terms.rates, [key]: String(BigInt(Terms.rates[key]) * 2n) }
      expect(Quote.fault({ ...quote, rates }, expected), key).toMatch(/its rates give/)
    }
  })
})

test('whatever is altered, the name and the signed digest are others', () => {
  const text = JSON.stringify({ atMs: 0, causes: [], event: { type: 'quoted', quote } })
  const changes = Forger.changes([text]).filter(({ path }) => path[0] === 'event')
  expect(changes.length).toBeGreaterThan(40)
  const [hash, digest] = [Quote.hash(quote), TypedData.hash(Quote.typedData(quote))]
  for (const change of changes) {
    const altered = JSON.parse(Forger.forge([text], change)[0]!).event.quote as Quote.Quote
    expect(Quote.hash(altered)).not.toBe(hash)
    let other: string | undefined
    try {
      other = TypedData.hash(Quote.typedData(altered))
    } catch {
      // What is malformed has no digest to sign.
    }
    expect(other).not.toBe(digest)
  }
})

describe('what arrives', () => {
  test('is read as it was written', () => {
    expect(Quote.parse(JSON.parse(JSON.stringify({ quote, signature })))).toEqual({
      quote,
      signature,
    })
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['text', 'quote'],
    ['without a signature', { quote }],
    ['a short signature', { quote, signature: '0x11' }],
    ['a member too many', { quote: { ...quote, discount: '1' }, signature }],
    ['amounts as numbers', { quote: { ...quote, payAtoms: 5 }, signature }],
    ['amounts with a sign', { quote: { ...quote, payAtoms: '-5' }, signature }],
    [
      'a share above the whole',
      { quote: { ...quote, coveragePromisedPpb: '1000000001' }, signature },
    ],
    ['hex in capitals', { quote: { ...quote, seller: quote.seller.toUpperCase() }, signature }],
  ])('%s is refused, and the refusal says where', (_, value) => {
    expect(() => Quote.parse(value)).toThrow(/expected a signed quote: \S+/)
  })

  test('whatever arrives, it is read or refused', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => Quote.parse(value)).toThrow(/expected a signed quote/)
      }),
    )
  })
})

test('a payer signs for one request, seller and moment', () => {
  const request: Quote.Request = {
    ...{ v: 1, seller: Terms.address('seller'), payer: Terms.address('payer') },
    ...{ model: 'docs-reader', requestDigest: Hash.text('request'), issuedAtMs: 5 },
  }
  const digests = [
    request,
    { ...request, seller: Terms.address('other') },
    { ...request, payer: Terms.address('other') },
    { ...request, model: 'other' },
    { ...request, requestDigest: Hash.text('other') },
    { ...request, issuedAtMs: 6 },
  ].map((each) => TypedData.hash(Quote.requestTypedData(each, 31337)))
  digests.push(TypedData.hash(Quote.requestTypedData(request, 1)))
  expect(new Set(digests).size).toBe(7)
})
