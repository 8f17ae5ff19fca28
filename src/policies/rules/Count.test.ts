import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ask,
  bare,
  desk,
  dollars,
  euro,
  hourMs,
  id,
  nowMs,
  open,
  request,
  without,
} from '../../../test/policies/Desk.ts'
import * as Budget from '../Budget.ts'

const parity = `count ${euro} of 2 decimals at 1.08 USDC`
const priced = `count ${euro} of 2 decimals at prices within 1m`
const euros = (cents: bigint) => ({ asset: euro, atoms: cents })
const price = (agoMs: number) => ({ atoms: 1_100_000n, asOfMs: nowMs - agoMs })

test('an asset that nothing counts is denied, whatever else is allowed', () => {
  const { verdict, decidedBy } = ask('allow assets *', euros(1n))
  expect(verdict).toBe('deny')
  expect(decidedBy?.because).toContain(`${euro} asked`)
})

describe('by a declared parity', () => {
  test('another asset counts as so much of the unit of account', () => {
    const budget = open(parity, 'cap 108 USDC per 24h')
    expect(budget.pay(euros(10_001n))).toBe('deny')
    expect(budget.pay(euros(10_000n))).toBe('allow')
    expect(budget.sums()).toEqual([['0', '108000000']])
    expect(budget.pay({ atoms: 1n })).toBe('deny')
  })

  test('what is not whole is rounded up, so that small parts count no less', () => {
    const coarse = `count ${euro} of 18 decimals at 1 USDC`
    const budget = open(coarse, 'cap 0.000003 USDC per 24h')
    expect([1, 2, 3, 4].map(() => budget.pay(euros(1n)))).toEqual([
      'allow',
      'allow',
      'allow',
      'deny',
    ])
  })

  test('a capture below the hold counts in proportion, rounded up; all of it counts as all', () => {
    const budget = open(parity, 'cap 500 USDC per 24h')
    budget.pay(euros(7n))
    expect(budget.sums()).toEqual([['0', '75600']])
    expect(budget.capture(1, 8n)).toMatchObject({ refusal: 'capture-above-hold' })
    expect(budget.capture(1, 2n)).toBe('ok')
    expect(budget.sums()).toEqual([['21600', '0']])
    budget.pay(euros(3n))
    budget.capture(2, 3n)
    expect(budget.sums()).toEqual([['54000', '0']])
    const small = open(`count ${euro} of 18 decimals at 1 USDC`, 'cap 1 USDC per 24h')
    small.pay(euros(3n))
    small.capture(1, 1n)
    expect(small.sums()).toEqual([['1', '0']])
  })

  test('a capture never counts for more than its hold did, and for nothing only if nothing left', () => {
    fc.assert(
      fc.property(
        fc.bigInt(1n, 10n ** 20n),
        fc.bigInt(0n, 10n ** 9n),
        fc.nat(18),
        fc.nat(100),
        (asked, cents, decimals, percent) => {
          const worth = `${cents / 1_000_000n}.${(cents % 1_000_000n).toString().padStart(6, '0')}`
          const budget = open(
            `count ${euro} of ${decimals} decimals at ${worth} USDC`,
            'cap 100000000000000000000000000000 USDC per 24h',
          )
          expect(budget.pay(euros(asked))).toBe('allow')
          const held = BigInt(budget.sums()[0]![1]!)
          const left = (asked * BigInt(percent)) / 100n
          expect(budget.capture(1, left)).toBe('ok')
          const used = BigInt(budget.sums()[0]![0]!)
          expect(used).toBeLessThanOrEqual(held)
          if (left > 0n && cents > 0n) expect(used).toBeGreaterThan(0n)
          if (left === asked) expect(used).toBe(held)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('every rule judges in the unit of account: payments, exposure, approvals', () => {
    expect(ask('cap 1.08 USDC per payment', euros(100n)).verdict).toBe('deny')
    const of = (sentence: string, cents: bigint) =>
      Budget.explain(Budget.empty(), desk(parity, sentence), request(1, euros(cents)), nowMs)
        .verdict
    expect(of('cap 1.08 USDC per payment', 100n)).toBe('allow')
    expect(of('cap 1.08 USDC per payment', 101n)).toBe('deny')
    expect(of('cap exposure 1.08 USDC', 101n)).toBe('deny')
    expect(of('approve above 1.08 USDC by ops', 101n)).toBe('review')
    expect(of('approve above 1.08 USDC by ops', 100n)).toBe('allow')
  })
})

describe('by a price', () => {
  test('the price of the request counts as long as it is fresh', () => {
    const budget = open(priced, 'cap 1.1 USDC per 24h')
    expect(budget.pay({ ...euros(101n), price: price(0) })).toBe('deny')
    expect(budget.pay({ ...euros(100n), price: price(60_000) })).toBe('allow')
    expect(budget.sums()).toEqual([['0', '1100000']])
  })

  test.each([
    ['a millisecond too old', price(60_001), 'the price is of 60 s ago'],
    ['of the future', price(-1_000), 'the price is of 1 s in the future'],
    ['below nothing', { atoms: -1n, asOfMs: nowMs }, 'states no valid price'],
    ['a number', { atoms: 1, asOfMs: nowMs } as never, 'states no valid price'],
    ['absent', undefined, 'states no valid price'],
  ])('a price that is %s denies, naming the rule', (_, of, because) => {
    const { verdict, reasons } = ask(priced, { ...euros(1n), price: of })
    expect(verdict).toBe('deny')
    expect(reasons.find(({ rule }) => rule === priced)?.because).toContain(because)
  })

  test('a hold keeps what it counted as, whatever the price becomes', () => {
    const budget = open(priced, 'cap 2.2 USDC per 24h')
    budget.pay({ ...euros(100n), price: price(0) })
    budget.capture(1, 50n, nowMs + hourMs)
    expect(budget.sums(nowMs + hourMs)).toEqual([['550000', '0']])
  })
})

test('what counts as more than any chain holds is denied, and the budget can be read back', () => {
  const usage = Budget.empty()
  const asked = request(1, { asset: euro, atoms: 2n ** 256n - 1n })
  const { verdict, reasons } = Budget.authorize(
    usage,
    desk(`count ${euro} of 0 decimals at 1 USDC`),
    asked,
    nowMs,
  )
  expect(verdict).toBe('deny')
  expect(reasons.at(-1)?.because).toContain('what is asked cannot be counted')
  const again = Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(usage))))
  expect(Budget.state(again, id(1))).toBe('denied')
})

describe('of several sentences about one asset', () => {
  const verdicts = (sentences: readonly string[], more: Partial<Budget.Request>) =>
    [sentences, sentences.toReversed()].map(
      (order) =>
        Budget.explain(Budget.empty(), bare('allow payees *', ...order), request(1, more), nowMs)
          .verdict,
    )

  test('the dearest counts, in whatever order they stand', () => {
    const sentences = [parity, `count ${euro} of 2 decimals at 2 USDC`, 'cap 1.08 USDC per payment']
    expect(verdicts(sentences, euros(100n))).toEqual(['deny', 'deny'])
    expect(verdicts(sentences, euros(54n))).toEqual(['allow', 'allow'])
  })

  test('a stale price denies, even beside a parity', () => {
    expect(verdicts([parity, priced], { ...euros(1n), price: price(60_001) })).toEqual([
      'deny',
      'deny',
    ])
    expect(verdicts([parity, priced], { ...euros(1n), price: price(0) })).toEqual([
      'allow',
      'allow',
    ])
  })
})

test('payments in the unit of account are what they are', () => {
  expect(ask(parity, { atoms: dollars(3) }).verdict).toBe('allow')
  expect(ask(priced, without('price')).verdict).toBe('allow')
})
