import { describe, expect, test } from 'vitest'
import * as Stall from '../../test/harness/Stall.ts'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import type * as Quote from '../market/Quote.ts'
import * as Receipt from '../market/Receipt.ts'
import type * as Event from './Event.ts'
import * as Prepaid from './Prepaid.ts'
import * as Sales from './Sales.ts'

const [ann, bob] = Stall.payers as [`0x${string}`, `0x${string}`]

type Ahead = {
  readonly stall: Stall.Stall
  readonly quote: Quote.Quote
  readonly accepted: Event.Of<'accepted'>
  /** Of the payment accepted. */
  readonly served: Event.Of<'served'>
  readonly funded: Event.Of<'funded'>
  readonly unfunded: Event.Of<'unfunded'>
  readonly returned: Event.Of<'returned'>
}

/** A quote that applies change, and all that can happen to a payment of it. */
function ahead(): Ahead {
  const stall = Stall.open()
  const first = Stall.quoteOf(stall, ann)
  Stall.tell(stall, first)
  const sold = Stall.serveOf(stall, first.quote, { out: 0, ppb: 0 })
  Stall.tell(stall, sold)
  const { evidence } = Stall
  Stall.tell(stall, { type: 'funded', receiptHash: Receipt.hash(sold.receipt), evidence })
  const quoted = Stall.quoteOf(stall, ann)
  expect(quoted.quote.changeAppliedAtoms).not.toBe('0')
  Stall.tell(stall, quoted)
  const { quote } = quoted
  const accepted = Stall.acceptOf(stall, quote)
  const payment = { payer: ann, nonce: accepted.payment.nonce }
  return {
    ...{ stall, quote, accepted },
    served: Stall.serveOf(stall, quote, { out: 41, ppb: 300_000_000, payment: accepted.payment }),
    funded: { type: 'funded', payment, evidence },
    unfunded: { type: 'unfunded', payment, because: 'cancelled' },
    returned: { type: 'returned', payment, because: 'no answer in time' },
  }
}

const spendable = ({ economy, nowMs }: Stall.Stall) =>
  Sales.spendableChange(economy.sales, ann, nowMs)

/** What is owed and there, whatever order it came in. */
function standing({ economy: { sales } }: Stall.Stall) {
  const { receivedAtoms, receivableAtoms, roundingNano } = sales
  const change = sales.change.get(ann)!
  const balances = [...sales.accruals.balances].map(([account, { accruedNano }]) => [
    account,
    accruedNano,
  ])
  return { receivedAtoms, receivableAtoms, roundingNano, change, balances }
}

describe('a payment settled ahead of its answer', () => {
  test('comes to the same as one settled after, in either order', () => {
    const orders = [
      ({ served }: Ahead) => [
        served,
        { type: 'funded', receiptHash: Receipt.hash(served.receipt), evidence: Stall.evidence },
      ],
      ({ accepted, funded, served }: Ahead) => [accepted, funded, served],
      ({ accepted, served }: Ahead) => [
        accepted,
        served,
        { type: 'funded', receiptHash: Receipt.hash(served.receipt), evidence: Stall.evidence },
      ],
    ] as const
    const ends = orders.map((order) => {
      const given = ahead()
      for (const event of order(given)) Stall.tell(given.stall, event as Event.Event)
      const { sales } = given.stall.economy
      expect(sales.sales.get(Receipt.hash(given.served.receipt))?.status).toBe('funded')
      expect(Prepaid.open(sales)).toEqual([])
      return standing(given.stall)
    })
    expect(ends[1]).toEqual(ends[0])
    expect(ends[2]).toEqual(ends[0])
  })

  test('binds its change and its money until it is served: nobody applies them', () => {
    const { stall, accepted, funded, served, quote } = ahead()
    Stall.tell(stall, accepted)
    expect(spendable(stall)).toBe(0n)
    expect(Prepaid.boundAtoms(stall.economy.sales)).toBe(BigInt(quote.changeAppliedAtoms))
    Stall.tell(stall, funded)
    expect(spendable(stall)).toBe(0n)
    expect(Prepaid.boundAtoms(stall.economy.sales)).toBe(BigInt(quote.maxAtoms))
    // Long after its quote and the reservation in it have expired.
    stall.nowMs = quote.expiresAtMs + 60_000
    expect(spendable(stall)).toBe(0n)
    Stall.tell(stall, served)
    const left = BigInt(quote.maxAtoms) - BigInt(served.receipt.money.chargedAtoms)
    expect(spendable(stall)).toBe(left)
  })

  test('never served is all change again; never paid, the change that it applied', () => {
    const back = ahead()
    for (const event of [back.accepted, back.funded, back.returned]) Stall.tell(back.stall, event)
    expect(spendable(back.stall)).toBe(BigInt(back.quote.maxAtoms))
    expect(Prepaid.boundAtoms(back.stall.economy.sales)).toBe(0n)
    const never = ahead()
    for (const event of [never.accepted, never.unfunded]) Stall.tell(never.stall, event)
    expect(spendable(never.stall)).toBe(BigInt(never.quote.changeAppliedAtoms))
    const later = ahead()
    for (const event of [later.accepted, later.served]) Stall.tell(later.stall, event)
    const receiptHash = Receipt.hash(later.served.receipt)
    Stall.tell(later.stall, { type: 'unfunded', receiptHash, because: 'cancelled' })
    expect(spendable(later.stall)).toBe(BigInt(later.quote.changeAppliedAtoms))
  })

  type Name = 'accepted' | 'served' | 'funded' | 'unfunded' | 'returned'
  test.each<[Name[], Record<string, RegExp>]>([
    [
      [],
      {
        funded: /never accepted/,
        unfunded: /never accepted/,
        returned: /never accepted/,
      },
    ],
    [['accepted'], { accepted: /used twice/, returned: /return of a payment that is accepted/ }],
    [
      ['accepted', 'funded'],
      { accepted: /used twice/, funded: /that is funded/, unfunded: /that is funded/ },
    ],
    [
      ['accepted', 'served'],
      {
        ...{ accepted: /used twice/, served: /receipt 1, expected 2/ },
        ...{ funded: /that is served/, unfunded: /that is served/, returned: /that is served/ },
      },
    ],
    [
      ['accepted', 'funded', 'served'],
      {
        ...{ accepted: /used twice/, served: /receipt 1, expected 2/ },
        ...{ funded: /that is served/, unfunded: /that is served/, returned: /that is served/ },
      },
    ],
    [
      ['accepted', 'unfunded'],
      {
        ...{ accepted: /used twice/, served: /that is unfunded/ },
        ...{ funded: /that is unfunded/, unfunded: /that is unfunded/, returned: /unfunded/ },
      },
    ],
    [
      ['accepted', 'funded', 'returned'],
      {
        ...{ accepted: /used twice/, served: /that is returned/ },
        ...{ funded: /that is returned/, unfunded: /that is returned/, returned: /returned/ },
      },
    ],
    [
      ['served'],
      {
        ...{ accepted: /used twice/, served: /used twice/, funded: /never accepted/ },
        ...{ unfunded: /never accepted/, returned: /never accepted/ },
      },
    ],
  ])('after %j is not %j', (before, refused) => {
    const given = ahead()
    for (const name of before) Stall.tell(given.stall, given[name])
    for (const [name, because] of Object.entries(refused))
      expect(Stall.ask(given.stall, given[name as Name]), name).toMatch(because)
    const follows = (['accepted', 'served', 'funded', 'unfunded', 'returned'] as const).filter(
      (name) => Stall.ask(given.stall, given[name]) === undefined,
    )
    expect([...follows, ...Object.keys(refused)].sort()).toEqual(
      ['accepted', 'served', 'funded', 'unfunded', 'returned'].sort(),
    )
  })

  test.each<[string, (event: Event.Of<'accepted'>) => Event.Of<'accepted'>, RegExp]>([
    ['no quote', (event) => ({ ...event, quoteHash: Hash.text('x') }), /without a quote/],
    ['somebody else', (event) => paidBy(event, { payer: bob }), /somebody else/],
    ['another payee', (event) => paidBy(event, { payTo: Terms.address('x') }), /another payee/],
    ['another amount', (event) => paidBy(event, { valueAtoms: '1' }), /another amount/],
  ])('is not accepted for %s', (_, forge, because) => {
    const { stall, accepted } = ahead()
    expect(Stall.ask(stall, accepted)).toBeUndefined()
    expect(Stall.ask(stall, forge(accepted))).toMatch(because)
  })

  test('is accepted before its quote expires, and served whenever', () => {
    const { stall, accepted, served, quote } = ahead()
    stall.nowMs = quote.expiresAtMs
    expect(Stall.ask(stall, accepted)).toBe('quote had expired')
    stall.nowMs -= 1
    Stall.tell(stall, accepted)
    stall.nowMs += 1_000_000
    expect(Stall.ask(stall, served)).toBeUndefined()
  })

  test('is answered under its own quote, by its own payload', () => {
    const { stall, accepted, served } = ahead()
    const other = Stall.quoteOf(stall, null)
    Stall.tell(stall, other)
    Stall.tell(stall, accepted)
    const { payment } = accepted
    expect(Stall.ask(stall, { ...served, payment: { ...payment, validBeforeSec: 2 } })).toMatch(
      /not the one accepted/,
    )
    const elsewhere = Stall.serveOf(stall, other.quote, { out: 41, ppb: 0, payment })
    const valueAtoms = other.quote.payAtoms
    expect(Stall.ask(stall, { ...elsewhere, payment: { ...payment, valueAtoms } })).toMatch(
      /another quote/,
    )
    const again = Stall.serveOf(stall, accepted && quoteOf(stall, accepted), { out: 41, ppb: 0 })
    expect(Stall.ask(stall, again)).toBe('quote used twice')
  })

  test('uses its quote, whoever pays it again', () => {
    const { stall, accepted } = ahead()
    Stall.tell(stall, accepted)
    const twin = paidBy(accepted, { nonce: Hash.text('twin') })
    expect(Stall.ask(stall, twin)).toBe('quote used twice')
  })

  test('does not apply change that is gone', () => {
    const { stall, quote } = ahead()
    const twin = {
      ...{ ...quote, salt: Hash.text('twin'), issuedAtMs: quote.expiresAtMs },
      expiresAtMs: quote.expiresAtMs + 60_000,
    }
    Stall.tell(stall, { type: 'quoted', quote: twin, signature: Stall.signature })
    Stall.tell(stall, Stall.acceptOf(stall, twin))
    expect(Stall.ask(stall, Stall.acceptOf(stall, quote))).toMatch(/0 are left/)
  })
})

function paidBy(
  event: Event.Of<'accepted'>,
  other: Partial<Event.Of<'accepted'>['payment']>,
): Event.Of<'accepted'> {
  return { ...event, payment: { ...event.payment, ...other } }
}

function quoteOf({ economy }: Stall.Stall, { quoteHash }: Event.Of<'accepted'>): Quote.Quote {
  return economy.sales.quotes.get(quoteHash)!.quote
}
