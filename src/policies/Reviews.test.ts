import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { desk, dollars, hourMs, id, nowMs, open, request, till } from '../../test/policies/Desk.ts'
import * as Clock from '../kernel/Clock.ts'
import * as Budget from './Budget.ts'
import * as Decision from './Decision.ts'

const approval: Budget.Approval = {
  by: 'ops',
  payee: till,
  model: 'docs-reader',
  ceilingAtoms: dollars(9),
}
const approved = (count: number, more: Partial<Budget.Request> = {}) =>
  request(count, { approval, ...more })

describe('a review holds until it expires, and then no longer', () => {
  const sentences = ['approve above 0.5 USDC within 15m by ops', 'cap 1 USDC per 24h'] as const
  const lastMs = nowMs + 15 * 60_000 - 1

  test('its room is nobody else’s to the last millisecond, and free in the next', () => {
    const budget = open(...sentences)
    expect(budget.pay()).toBe('review')
    expect(budget.sums()).toEqual([['0', '1000000']])
    expect(budget.pay({ atoms: 1n }, lastMs)).toBe('deny')
    expect(budget.pay({ atoms: dollars(1) / 2n }, lastMs + 1)).toBe('allow')
    expect(budget.sums(lastMs + 1)).toEqual([['0', '500000']])
  })

  test('whoever asks how the meters stand is told so, though nobody was decided since', () => {
    const budget = open(...sentences)
    budget.pay()
    expect(budget.sums(lastMs)).toEqual([['0', '1000000']])
    expect(budget.sums(lastMs + 1)).toEqual([['0', '0']])
    expect(budget.sums(lastMs)).toEqual([['0', '1000000']])
  })

  test('it is void then, for good: not approved, not captured, not asked for again', () => {
    const budget = open(...sentences)
    budget.pay()
    const late = Budget.authorize(budget.usage, budget.policy, approved(1), lastMs + 1)
    expect([late.verdict, late.status]).toEqual(['deny', 'exists'])
    expect(late.decidedBy?.because).toBe('voided: a new attempt needs a new id')
    expect(Budget.state(budget.usage, id(1))).toBe('voided')
    expect(budget.capture(1, 0n, lastMs + 1)).toMatchObject({ refusal: 'voided' })
    expect(budget.release(1, lastMs + 1)).toBe('exists')
    const again = Budget.authorize(budget.usage, budget.policy, request(1), lastMs + 2)
    expect(again.verdict).toBe('deny')
    expect(budget.usage.reviews.size).toBe(0)
  })

  test('an approval in the last millisecond is in time, and what it allows expires no more', () => {
    const budget = open(...sentences)
    budget.pay()
    const decision = Budget.authorize(budget.usage, budget.policy, approved(1), lastMs)
    expect(decision.verdict).toBe('allow')
    expect(budget.usage.reviews.size).toBe(0)
    expect(budget.pay({ atoms: 1n }, lastMs + 100 * hourMs)).toBe('deny')
    expect(budget.capture(1, dollars(1), lastMs + 100 * hourMs)).toBe('ok')
  })

  test('what is reviewed again waits anew', () => {
    const budget = open(...sentences)
    budget.pay()
    const cheap = approved(1, { approval: { ...approval, ceilingAtoms: 1n } })
    expect(Budget.authorize(budget.usage, budget.policy, cheap, lastMs).verdict).toBe('review')
    const fresh = Budget.authorize(budget.usage, budget.policy, approved(1), lastMs + 1)
    expect(fresh.verdict).toBe('allow')
  })

  test('asking again without an approval does not let it wait longer', () => {
    const budget = open(...sentences)
    budget.pay()
    const again = Budget.authorize(budget.usage, budget.policy, request(1), lastMs)
    expect([again.verdict, again.status]).toEqual(['review', 'exists'])
    expect(budget.pay({ atoms: 1n }, lastMs + 1)).toBe('allow')
    expect(Budget.state(budget.usage, id(1))).toBe('voided')
  })

  test('a clock that goes back keeps no review alive', () => {
    const budget = open(...sentences)
    budget.pay()
    budget.pay({ atoms: 0n }, lastMs + 1)
    const decision = Budget.authorize(budget.usage, budget.policy, approved(1), nowMs)
    expect(decision.verdict).toBe('deny')
  })
})

describe('how long a review waits', () => {
  const waits = (...sentences: string[]) => {
    const budget = open(...sentences)
    expect(budget.pay()).toBe('review')
    return budget.usage.reviews.get(id(1))! - nowMs
  }

  test('is an hour if no sentence says', () => {
    expect(waits('approve above 0.5 USDC by ops')).toBe(hourMs)
  })

  test('is what the sentence says, also if that is longer', () => {
    expect(waits('approve above 0.5 USDC within 90s by ops')).toBe(90_000)
    expect(waits('approve above 0.5 USDC within 3d by ops')).toBe(72 * hourMs)
  })

  test('is what the most impatient says, in whatever order, even if that one does not ask', () => {
    const [slow, quick] = [
      'approve above 0.5 USDC within 2h by ops',
      'approve above 99 USDC within 1m by ops',
    ]
    expect(waits(slow, quick)).toBe(60_000)
    expect(waits(quick, slow)).toBe(60_000)
    expect(waits(slow, 'approve above 0.7 USDC by ops')).toBe(hourMs)
  })

  test('in a slice is what the most impatient level says, and those that never ask say nothing', () => {
    const clock = Clock.fixed(nowMs)
    const ask = (above: string[], own: string[]) => {
      const slice = Budget.open(desk(...above), { clock }).slice(desk(...own))
      expect(slice.authorize(request(1)).verdict).toBe('review')
      return slice.usage.reviews.get(id(1))! - nowMs
    }
    const [slow, quick] = [
      'approve above 0.5 USDC within 2h by ops',
      'approve above 0.5 USDC within 1m by ops',
    ]
    expect(ask([slow], [quick])).toBe(60_000)
    expect(ask([quick], [slow])).toBe(60_000)
    expect(ask([slow], [])).toBe(2 * hourMs)
    expect(ask([], [slow])).toBe(2 * hourMs)
  })
})

test('an approval binds payee, model and ceiling, and leads back to quoting', () => {
  const sentence = 'approve above 0.5 USDC by ops'
  const judged = (more: Partial<Budget.Request>) => {
    const budget = open(sentence)
    budget.pay()
    const fresh = { ...approved(1), digest: id(77), ...more }
    return Budget.authorize(budget.usage, budget.policy, fresh, nowMs).verdict
  }
  expect(judged({ atoms: dollars(9) })).toBe('allow')
  expect(judged({ atoms: dollars(9) + 1n })).toBe('review')
  expect(judged({ payee: '0x00000000000000000000000000000000000000bb' })).toBe('review')
  expect(judged({ model: 'another' })).toBe('review')
  expect(judged({ approval: { ...approval, by: 'intern' } })).toBe('review')
  expect(judged({ approval: { ...approval, by: 'OPS' } })).toBe('review')
})

test('two rules with different approvers need both, so one approval leaves it under review', () => {
  const budget = open('approve above 0.5 USDC by ops', 'approve above 0.7 USDC by finance')
  expect(budget.pay()).toBe('review')
  expect(Budget.authorize(budget.usage, budget.policy, approved(1), nowMs).verdict).toBe('review')
})

describe('explaining says what authorising would, around every expiry', () => {
  const sentences = [
    'approve above 2 USDC within 10s by ops',
    'cap 12 USDC per minute',
    'cap exposure 10 USDC per payee',
    'at most 6 payments per 20s',
  ]

  /** Authorises on a copy, which is what explaining must not have done to the original. */
  function check(usage: Budget.Usage, asked: Budget.Request, atMs: number): Decision.Decision {
    const policy = desk(...sentences)
    const before = JSON.stringify(Budget.toJson(usage))
    const explained = Decision.plain(Budget.explain(usage, policy, asked, atMs))
    expect(JSON.stringify(Budget.toJson(usage))).toBe(before)
    const decided = Decision.plain(Budget.authorize(usage, policy, asked, atMs))
    expect(decided).toEqual(explained)
    return decided
  }

  test('whatever was asked before, and whether or not the budget was restarted in between', () => {
    const met = new Map<string, number>()
    const step = fc.record({
      again: fc.integer({ min: 0, max: 3 }).map((dice) => dice < 2),
      count: fc.integer({ min: 1, max: 3 }),
      atoms: fc.bigInt(0n, 5n).map((each) => each * dollars(1)),
      isApproved: fc.nat(2).map((dice) => dice === 0),
      afterMs: fc.constantFrom(0, 1, 4_999, 5_000, 9_999, 10_000, 10_001),
      isRestarted: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 25, size: 'max' }), (steps) => {
        let usage = Budget.empty()
        let atMs = nowMs
        const asked = new Map<number, bigint>()
        for (const [place, each] of steps.entries()) {
          atMs += each.afterMs
          if (each.isRestarted)
            usage = Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(usage))))
          const count = each.again ? Math.max(0, place - each.count) : place
          const expired = [...usage.reviews].filter(([, untilMs]) => untilMs <= atMs)
          const make = each.isApproved ? approved : request
          const atoms = (each.again && asked.get(count)) || each.atoms
          asked.set(count, atoms)
          const decision = check(usage, make(count, { atoms }), atMs)
          for (const [key] of expired) expect(Budget.state(usage, key)).toBe('voided')
          const what = `${decision.status} ${decision.verdict}`
          met.set(what, (met.get(what) ?? 0) + 1)
          if (expired.length > 0) met.set('expired', (met.get('expired') ?? 0) + 1)
        }
      }),
      { numRuns: 300, seed: 7 },
    )
    for (const what of [
      'decided allow',
      'decided deny',
      'decided review',
      'exists deny',
      'exists review',
      'expired',
    ])
      expect(met.get(what) ?? 0, what).toBeGreaterThan(30)
  })
})

test('a restart keeps what is held, what waits and until when', () => {
  const sentences = ['approve above 0.5 USDC within 15m by ops', 'cap 3 USDC per 24h'] as const
  const budget = open(...sentences)
  budget.pay()
  budget.pay({ atoms: dollars(1) / 2n })
  budget.pay({ atoms: 7n })
  budget.capture(3, 5n)
  budget.pay({ atoms: 9n })
  budget.release(4)
  budget.pay({ atoms: dollars(50) })
  const text = JSON.stringify(Budget.toJson(budget.usage))
  const again = Budget.fromJson(JSON.parse(text))
  expect(JSON.parse(JSON.stringify(Budget.toJson(again)))).toEqual(JSON.parse(text))
  expect([1, 2, 3, 4, 5, 6].map((count) => Budget.state(again, id(count)))).toEqual([
    'review',
    'held',
    'captured',
    'voided',
    'denied',
    undefined,
  ])
  expect([...again.reviews]).toEqual([[id(1), nowMs + 15 * 60_000]])
  const rows = (usage: Budget.Usage, atMs: number) => Budget.status(usage, budget.policy, atMs)
  expect(rows(again, nowMs)).toEqual(rows(budget.usage, nowMs))
  for (const usage of [budget.usage, again])
    expect(Budget.authorize(usage, budget.policy, approved(1), nowMs + 15 * 60_000).verdict).toBe(
      'deny',
    )
  expect(rows(again, nowMs + hourMs)).toEqual(rows(budget.usage, nowMs + hourMs))
})

describe('what is under review cannot be read back from JSON', () => {
  const budget = open('approve above 0.5 USDC by ops')
  budget.pay()
  const json = () => JSON.parse(JSON.stringify(Budget.toJson(budget.usage)))

  test.each([
    ['without its expiry', (entry: Record<string, unknown>) => delete entry.expiresAtMs],
    [
      'with an expiry that is no time',
      (entry: Record<string, unknown>) => Object.assign(entry, { expiresAtMs: '5' }),
    ],
    [
      'as held with an expiry',
      (entry: Record<string, unknown>) => Object.assign(entry, { state: 'held' }),
    ],
    [
      'as captured of nothing',
      (entry: Record<string, unknown>) => Object.assign(entry, { state: 'captured' }),
    ],
  ])('%s', (_, change) => {
    expect(Budget.fromJson(json()).reviews.size).toBe(1)
    const changed = json()
    change(changed.entries[0])
    expect(() => Budget.fromJson(changed)).toThrow('expected')
  })
})
