import { beforeAll, describe, expect, test } from 'vitest'
import * as Ahead from '../../test/harness/Ahead.ts'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Record from '../provenance/Record.ts'
import * as Economy from './Economy.ts'
import * as Event from './Event.ts'
import * as PolicyRequest from './PolicyRequest.ts'
import * as PurchaseTerms from './PurchaseTerms.ts'

let records: readonly Record.Record[]
beforeAll(async () => {
  const { buyer } = await Ahead.tell()
  records = buyer.texts.map(Record.decode)
})

/** Where the event of a type stands that is about terms of a kind. */
function find<T extends Event.Type>(
  type: T,
  kind: 'inference' | 'resource' | 'call',
): { readonly leaf: number; readonly event: Event.Of<T> } {
  const of = new Map<string, string>()
  for (const { leaf, event } of records) {
    const told = Event.parse(event)
    if (told.type === 'decided') of.set(told.purchase, PurchaseTerms.of(told).kind)
    if (told.type === type && of.get((told as Event.Of<'held'>).purchase) === kind)
      return { leaf, event: told as Event.Of<T> }
  }
  throw new Error(`no ${type} of ${kind}`)
}

/** What the fold says of an event in the place of a record. */
function ask(leaf: number, event: object): string | undefined {
  const economy = Economy.empty()
  for (const record of records.slice(0, leaf)) Economy.apply(economy, record)
  const id = Event.id(Event.parse(event))
  return Economy.apply(economy, { ...records[leaf]!, id, event: event as Event.Event })
}

/** A decision on terms, changed. */
function decided(kind: 'resource' | 'call', change: object) {
  const { leaf, event } = find('decided', kind)
  return ask(leaf, { ...event, terms: { ...event.terms, ...change } })
}

describe('what a policy is asked', () => {
  test('about a resource: its host, its path, its payee', () => {
    const { event } = find('decided', 'resource')
    expect(event.request).toMatchObject({
      ...{ host: 'news.example', model: 'news.example/today', payee: Ahead.stranger },
      ...{ category: 'resource', tool: 'browser', atoms: '250', royaltySharePpb: '0' },
    })
    expect(event.request).not.toHaveProperty('coveragePpb')
  })

  test('about a call: what was measured before it', () => {
    const { event } = find('decided', 'call')
    expect(event.request).toMatchObject({
      ...{ host: 'none', model: 'swap', payee: Ahead.exchange, category: 'call', atoms: '900' },
      slippagePpb: '5000000',
      drawdown: { ppb: '10000000' },
      price: { atoms: '1000000' },
    })
  })

  test('is what the terms say, whatever the record states', () => {
    for (const kind of ['resource', 'call'] as const) {
      const { leaf, event } = find('decided', kind)
      const request = { ...event.request, atoms: '1' }
      expect(ask(leaf, { ...event, request })).toMatch(/does not follow/)
      const other = { ...event.request, host: 'elsewhere.example' }
      expect(ask(leaf, { ...event, request: other })).toMatch(/does not follow/)
    }
  })

  test('names and cuts a resource as a label', () => {
    expect(PurchaseTerms.modelOf('https://a.example:8443/b/c?d=e#f')).toBe('a.example:8443/b/c')
    expect(PurchaseTerms.modelOf(`http://a.example/${'b'.repeat(300)}`)).toHaveLength(200)
  })

  test('defaults to no tool and to its kind', () => {
    const { key, terms } = find('decided', 'call').event as Event.DecidedOnTerms
    const request = PolicyRequest.of({ key, terms }, { hold: Hash.text('hold') })
    expect(request).toMatchObject({ tool: 'none', category: 'call' })
  })
})

describe('terms', () => {
  test.each<['resource' | 'call', object, RegExp]>([
    ['resource', { seller: Terms.address('x') }, /another seller than is paid/],
    ['resource', { model: 'news.example/yesterday' }, /it is news.example\/today/],
    ['call', { to: Terms.address('x') }, /another contract than is paid/],
    ['call', { payAtoms: '901' }, /does not follow/],
  ])('of a %s are one thing: not with %j', (kind, change, because) => {
    expect(decided(kind, {})).toBeUndefined()
    expect(decided(kind, change)).toMatch(because)
  })

  test.each<[Event.Type, 'inference' | 'resource' | 'call', object, RegExp]>([
    ['held', 'resource', { atoms: '249' }, /another amount/],
    ['paying', 'call', { nonce: Hash.text('x') }, /nonce that is not/],
    ['captured', 'resource', { atoms: '249' }, /another amount/],
    ['captured', 'call', { atoms: '899' }, /another amount/],
    ['captured', 'resource', { delivered: undefined }, /do not fit/],
    [
      'captured',
      'call',
      { delivered: { status: 200, bodyDigest: Hash.text(''), bytes: 0 } },
      /do not fit/,
    ],
    [
      'captured',
      'inference',
      { receipt: undefined, signature: undefined, proof: undefined },
      /without its receipt/,
    ],
  ])('%s of a %s does not follow with %j', (type, kind, change, because) => {
    const { leaf, event } = find(type, kind)
    expect(ask(leaf, event)).toBeUndefined()
    expect(ask(leaf, { ...event, ...change })).toMatch(because)
  })

  test('bring no receipt, and are refunded by nobody', () => {
    const { leaf, event } = find('captured', 'resource')
    const { receipt, signature, proof } = find('captured', 'inference').event
    const { delivered: _, ...captured } = event
    const forged = { ...captured, receipt, signature, proof }
    expect(ask(leaf, forged)).toBe('receipt under terms that nobody signed')
    const { purchase, atoms } = event
    const refund = { ...find('refunded', 'inference').event, purchase, atoms }
    expect(ask(leaf, refund)).toBe('refund by a seller that keeps no books')
  })

  test('count as spent like answers do', () => {
    const economy = Economy.empty()
    let atoms = 0n
    for (const record of records) {
      expect(Economy.apply(economy, record)).toBeUndefined()
      const event = Event.parse(record.event)
      if (event.type === 'captured' || event.type === 'refunded') atoms += BigInt(event.atoms)
    }
    expect(economy.purchases.spentAtoms).toBe(atoms)
    const statuses = [...economy.purchases.purchases.values()].map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set(['captured', 'refunded', 'voided', 'paying']))
  })
})

describe('an event is of one thing or the other', () => {
  const both = 'expected'
  test.each<[string, () => object]>([
    [
      'a decision on a quote and on terms',
      () => ({
        ...find('decided', 'inference').event,
        terms: find('decided', 'call').event.terms,
      }),
    ],
    ['a decision on nothing', () => ({ ...find('decided', 'call').event, terms: undefined })],
    [
      'a decision on a quote without its card',
      () => ({ ...find('decided', 'inference').event, card: undefined }),
    ],
    [
      'a capture with half a receipt',
      () => ({ ...find('captured', 'inference').event, proof: undefined }),
    ],
    [
      'funding of a receipt and of a payment',
      () => ({
        ...{ type: 'funded', evidence: { chainId: 1, tx: Hash.text('') } },
        ...{
          receiptHash: Hash.text(''),
          payment: { payer: Terms.address('x'), nonce: Hash.text('') },
        },
      }),
    ],
    ['a reversal of nothing', () => ({ type: 'unfunded', because: 'cancelled' })],
    [
      'a resource that is not on the web',
      () => {
        const { event } = find('decided', 'resource')
        return { ...event, terms: { ...event.terms, url: 'file:///etc/passwd' } }
      },
    ],
  ])('not %s', (_, event) => {
    expect(() => Event.parse(event())).toThrow(both)
  })
})
