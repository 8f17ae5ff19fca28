import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apply,
  ask,
  changeOf,
  claimOf,
  closeOf,
  evidence,
  open,
  payers,
  quoteOf,
  run,
  type Stall,
  serveOf,
  steps,
  tell,
} from '../../test/harness/Stall.ts'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Accrual from '../royalties/Accrual.ts'
import * as Economy from './Economy.ts'
import type * as Event from './Event.ts'
import * as Prepaid from './Prepaid.ts'
import * as Sales from './Sales.ts'

describe('in whatever order it happens', () => {
  test('every atom is received, receivable, claimed, claimable, carried, change or rounding', () => {
    const happened: Record<string, number> = {}
    fc.assert(
      fc.property(steps, (list) => {
        const stall = run(list, ({ economy: { sales } }) => {
          const { claimedNano, claimableNano, carryNano } = Accrual.totals(sales.accruals)
          let change = Prepaid.boundAtoms(sales)
          for (const each of sales.change.values()) {
            expect(each.availableAtoms >= 0n && each.pendingAtoms >= 0n).toBe(true)
            change += each.availableAtoms + each.pendingAtoms
          }
          const there = (sales.receivedAtoms + sales.receivableAtoms) * 10n ** 9n
          const placed = claimedNano + claimableNano + carryNano + sales.roundingNano
          expect(placed + change * 10n ** 9n).toBe(there)
        })
        for (const [{ type }] of stall.told) happened[type] = (happened[type] ?? 0) + 1
      }),
      { numRuns: 150 },
    )
    const types = ['served', 'funded', 'unfunded', 'closing', 'published', 'claimed']
    for (const type of [...types, 'accepted', 'returned'])
      expect(happened[type], type).toBeGreaterThan(40)
  })

  test('change is what is left of payments, used once, and never below nothing', () => {
    let applied = 0
    fc.assert(
      fc.property(steps, (list) => {
        run(list, (stall) => {
          let boundAtoms = 0n
          for (const payer of payers) {
            const { availableAtoms = 0n, pendingAtoms = 0n } =
              stall.economy.sales.change.get(payer) ?? {}
            const { bound, ...expected } = changeOf(stall, payer)
            expect({ available: availableAtoms, pending: pendingAtoms }).toEqual(expected)
            boundAtoms += bound
          }
          expect(Prepaid.boundAtoms(stall.economy.sales)).toBe(boundAtoms)
          const [last] = stall.told.at(-1)!
          if (last.type === 'quoted' && last.quote.changeAppliedAtoms !== '0') applied += 1
        })
      }),
      { numRuns: 100 },
    )
    expect(applied).toBeGreaterThan(50)
  })

  test('no receipt is charged above its quote’s maximum, nor paid above it', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { sales } = run(list).economy
        for (const { receipt } of sales.sales.values()) {
          const { quote } = sales.quotes.get(receipt.money.quoteHash)!
          expect(BigInt(receipt.money.chargedAtoms) <= BigInt(quote.maxAtoms)).toBe(true)
          expect(BigInt(receipt.money.paidAtoms) >= 1n).toBe(true)
          expect(BigInt(receipt.money.paidAtoms) <= BigInt(quote.maxAtoms)).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('nothing is quoted, served, funded, published or claimed a second time', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (list, at) => {
        const stall = run(list)
        const [event] = stall.told[at % stall.told.length]!
        const again = () => ask(stall, event)
        // Documents and cards told twice change nothing: they are no money.
        if (['registered', 'committed', 'revealed'].includes(event.type)) return
        expect(again()).toMatch(/./)
      }),
      { numRuns: 100 },
    )
  })

  test('a receipt is published in one epoch, and only once funded and past its window', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const stall = run(list)
        const seen = new Set<string>()
        const funded = new Map<string, number>()
        const ahead = new Set<string>()
        for (const [event, atMs] of stall.told) {
          // What was funded ahead of its answer is funded when it is served.
          if (event.type === 'funded' && event.payment) ahead.add(event.payment.nonce)
          else if (event.type === 'funded') funded.set(event.receiptHash!, atMs)
          if (event.type === 'served' && ahead.has(event.payment.nonce))
            funded.set(Receipt.hash(event.receipt), atMs)
          if (event.type !== 'closing') continue
          for (const receipt of event.receipts) {
            expect(seen.has(receipt)).toBe(false)
            seen.add(receipt)
            expect(funded.get(receipt)! + 1_000).toBeLessThanOrEqual(atMs)
          }
        }
      }),
      { numRuns: 50 },
    )
  })

  test('told again, the same books, byte for byte', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { told, economy } = run(list)
        const again = Economy.empty()
        for (const [leaf, [event, atMs]] of told.entries()) apply(again, event, { leaf, atMs })
        const bytes = ({ sales }: Economy.Economy) =>
          JSON.stringify([Accrual.snapshot(sales.accruals), [...sales.change].map(String)])
        expect(bytes(again)).toBe(bytes(economy))
        expect(again.sales.lastReceipt).toBe(economy.sales.lastReceipt)
      }),
      { numRuns: 50 },
    )
  })
})

describe('a chain of receipts', () => {
  const served = (stall: Stall) => {
    const quoted = quoteOf(stall, payers[0]!)
    tell(stall, quoted)
    return serveOf(stall, quoted.quote, { out: 40, ppb: 300_000_000 })
  }
  const altered = (event: Event.Of<'served'>, receipt: Partial<Receipt.Receipt>) => ({
    ...event,
    receipt: { ...event.receipt, ...receipt },
  })

  test('has no gap, no twin and no other past', () => {
    const stall = open()
    tell(stall, served(stall))
    const event = served(stall)
    expect(ask(stall, altered(event, { seq: 0 }))).toBe('receipt 0, expected 1')
    expect(ask(stall, altered(event, { seq: 2 }))).toBe('receipt 2, expected 1')
    expect(ask(stall, altered(event, { prevHash: Hash.text('x') }))).toMatch(/does not follow/)
    expect(ask(stall, event)).toBeUndefined()
  })

  test.each<[string, (event: Event.Of<'served'>) => Event.Of<'served'>, RegExp]>([
    [
      'somebody else’s payment',
      (event) => ({ ...event, payment: { ...event.payment, payer: Terms.address('x') } }),
      /payment of somebody else/,
    ],
    [
      'another nonce',
      (event) => ({ ...event, payment: { ...event.payment, nonce: Hash.text('x') } }),
      /another nonce/,
    ],
    [
      'another payee',
      (event) => ({ ...event, payment: { ...event.payment, payTo: Terms.address('x') } }),
      /another payee/,
    ],
    [
      'an atom less',
      ({ payment, ...event }) => ({
        ...event,
        payment: { ...payment, valueAtoms: String(BigInt(payment.valueAtoms) - 1n) },
      }),
      /another amount/,
    ],
    [
      'artifacts that nobody registered',
      (event) => {
        const { receipt } = event
        const [first, ...rest] = receipt.influence.entries
        const entries = [...rest, { ...first!, artifact: Hash.text('x') }]
        return altered(event, { influence: { ...receipt.influence, entries } })
      },
      /not registered/,
    ],
  ])('is not lengthened for %s', (_, forge, because) => {
    const stall = open()
    const quoted = quoteOf(stall, payers[0]!)
    tell(stall, quoted)
    const event = serveOf(stall, quoted.quote, { out: 41, ppb: 300_000_000 })
    expect(ask(stall, event)).toBeUndefined()
    expect(ask(stall, forge(event))).toMatch(because)
  })

  test('a quote is used once, whoever pays again', () => {
    const stall = open()
    const quoted = quoteOf(stall, payers[0]!)
    tell(stall, quoted)
    tell(stall, serveOf(stall, quoted.quote, { out: 40, ppb: 0 }))
    expect(ask(stall, serveOf(stall, quoted.quote, { out: 41, ppb: 0 }))).toBe('quote used twice')
  })

  test('a payment buys one answer', () => {
    const stall = open()
    const first = served(stall)
    tell(stall, first)
    const second = served(stall)
    const { nonce } = first.payment
    const twice = altered(second, { paymentNonce: nonce })
    expect(ask(stall, { ...twice, payment: { ...second.payment, nonce } })).toBe(
      'payment used twice',
    )
  })
})

describe('change', () => {
  /** A payer with change, and a quote that applies all of it. */
  function saved(): { stall: Stall; quoted: Event.Of<'quoted'> } {
    const stall = open()
    const first = quoteOf(stall, payers[0]!)
    tell(stall, first)
    const sold = serveOf(stall, first.quote, { out: 0, ppb: 0 })
    tell(stall, sold)
    tell(stall, { type: 'funded', receiptHash: Receipt.hash(sold.receipt), evidence })
    const quoted = quoteOf(stall, payers[0]!)
    expect(quoted.quote.changeAppliedAtoms).not.toBe('0')
    return { stall, quoted }
  }

  test('is spendable once its payment is final, not before', () => {
    const stall = open()
    const first = quoteOf(stall, payers[0]!)
    tell(stall, first)
    tell(stall, serveOf(stall, first.quote, { out: 0, ppb: 0 }))
    expect(Sales.spendableChange(stall.economy.sales, payers[0]!, stall.nowMs)).toBe(0n)
  })

  test('reserved by one quote is not applied by another, until that one expires', () => {
    const { stall, quoted } = saved()
    const twin = { ...quoted, quote: { ...quoted.quote, salt: Hash.text('twin') } }
    tell(stall, quoted)
    expect(ask(stall, twin)).toMatch(/more than .* has/)
    stall.nowMs = quoted.quote.expiresAtMs
    const later = { issuedAtMs: stall.nowMs, expiresAtMs: stall.nowMs + 60_000 }
    expect(ask(stall, { ...twin, quote: { ...twin.quote, ...later } })).toBeUndefined()
  })

  test('of a quote that has expired is not used any more', () => {
    const { stall, quoted } = saved()
    tell(stall, quoted)
    const event = serveOf(stall, quoted.quote, { out: 3, ppb: 0 })
    stall.nowMs = quoted.quote.expiresAtMs - 1
    expect(ask(stall, event)).toBeUndefined()
    stall.nowMs = quoted.quote.expiresAtMs
    expect(ask(stall, event)).toBe('quote had expired')
  })

  test('used twice by quotes that lie about when they were given is a fault, not a crash', () => {
    const { stall, quoted } = saved()
    tell(stall, quoted)
    const twin = {
      ...quoted,
      quote: { ...quoted.quote, salt: Hash.text('twin'), issuedAtMs: quoted.quote.expiresAtMs },
    }
    tell(stall, twin)
    tell(stall, serveOf(stall, twin.quote, { out: 3, ppb: 0 }))
    expect(ask(stall, serveOf(stall, quoted.quote, { out: 3, ppb: 0 }))).toMatch(/0 are left/)
  })

  test('of a payment that never came goes back where it was', () => {
    const { stall, quoted } = saved()
    const before = Sales.spendableChange(stall.economy.sales, payers[0]!, stall.nowMs)
    tell(stall, quoted)
    const event = serveOf(stall, quoted.quote, { out: 3, ppb: 0 })
    tell(stall, event)
    expect(Sales.spendableChange(stall.economy.sales, payers[0]!, stall.nowMs)).toBe(0n)
    const receiptHash = Receipt.hash(event.receipt)
    tell(stall, { type: 'unfunded', receiptHash, because: 'cancelled' })
    expect(Sales.spendableChange(stall.economy.sales, payers[0]!, stall.nowMs)).toBe(before)
  })
})

describe('an epoch', () => {
  function due(): { stall: Stall; closing: Event.Of<'closing'> } {
    const stall = open()
    const quoted = quoteOf(stall, payers[0]!)
    tell(stall, quoted)
    const event = serveOf(stall, quoted.quote, { out: 127, ppb: 333_333_333 })
    tell(stall, event)
    tell(stall, { type: 'funded', receiptHash: Receipt.hash(event.receipt), evidence })
    stall.nowMs += 1_000
    return { stall, closing: closeOf(stall)! }
  }

  test.each<[string, (closing: Event.Of<'closing'>) => Event.Of<'closing'>, RegExp]>([
    ['the number', (closing) => ({ ...closing, epoch: 1 }), /epoch 1, expected 0/],
    ['the root', (closing) => ({ ...closing, root: Hash.text('x') }), /epoch root/],
    ['the depth', (closing) => ({ ...closing, depth: closing.depth + 1 }), /epoch depth/],
    ['the total', (closing) => ({ ...closing, totalAtoms: '1' }), /epoch total/],
    ['its receipts', (closing) => ({ ...closing, receipts: [] }), /other receipts/],
  ])('is the one that the log implies: not by %s', (_, forge, because) => {
    const { stall, closing } = due()
    expect(ask(stall, closing)).toBeUndefined()
    expect(ask(stall, forge(closing))).toMatch(because)
  })

  test('does not close before the dispute window has passed', () => {
    const { stall, closing } = due()
    stall.nowMs -= 1
    expect(ask(stall, closing)).toMatch(/epoch root/)
  })

  test('is claimed leaf by leaf, by whom it belongs to, as much as is there', () => {
    const { stall, closing } = due()
    tell(stall, closing)
    expect(ask(stall, { ...closing, epoch: 1 })).toBe('an epoch is still being published')
    tell(stall, { type: 'published', epoch: 0, evidence })
    const claim = claimOf(stall, 0)!
    const more = (by: bigint) => ({
      ...claim,
      cumulativeAtoms: String(BigInt(claim.cumulativeAtoms) + by),
    })
    expect(ask(stall, claim)).toBeUndefined()
    expect(ask(stall, { ...claim, account: Terms.address('x') })).toMatch(/it is/)
    expect(ask(stall, { ...claim, index: 31 })).toMatch(/no published root has/)
    expect(ask(stall, more(1n))).toMatch(/recomputed/)
    expect(ask(stall, { ...more(1n), atoms: String(BigInt(claim.atoms) + 1n) })).toMatch(
      /above-published/,
    )
  })
})
