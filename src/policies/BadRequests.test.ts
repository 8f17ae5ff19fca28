import { describe, expect, test } from 'vitest'
import * as Bad from '../../test/policies/BadRequests.ts'
import { bare, id, nowMs, request } from '../../test/policies/Desk.ts'
import * as Random from '../../test/policies/Random.ts'
import * as Clock from '../kernel/Clock.ts'
import * as Budget from './Budget.ts'
import * as Request from './Request.ts'

const runs = 10_000

/** The rules in an order of their own. */
const shuffled = (draw: Random.Draw) =>
  bare(
    ...Bad.sentences
      .map((each) => [draw(1e6), each] as const)
      .sort(([a], [b]) => a - b)
      .map(([, each]) => each),
  )

describe('10,000 requests with one fact wrong', () => {
  test('are allowed but for that', () => {
    const draw = Random.from(19)
    for (let count = 0; count < 500; count++) {
      const decision = Budget.explain(Budget.empty(), shuffled(draw), Bad.good(draw, count), nowMs)
      expect(decision.verdict, decision.decidedBy?.because).toBe('allow')
    }
  })

  test('are never allowed, hold nothing that is denied, and crash nothing, in a budget and in a slice', () => {
    const [draw, met] = [Random.from(20), new Map<string, number>()]
    const policies = Array.from({ length: 20 }, () => shuffled(draw))
    const verdicts = { allow: 0, deny: 0, review: 0 }
    for (let run = 0; run < runs; run++) {
      const { how, value } = Bad.bad(draw, run)
      met.set(how, (met.get(how) ?? 0) + 1)
      const policy = policies[run % policies.length]!
      const whole = Budget.open(policy, { clock: Clock.fixed(nowMs) })
      const budget = run % 2 === 0 ? whole : whole.slice(bare('cap 9 USDC per payment'))
      const asked = run % 3 === 0 ? Request.from(value) : value
      const explained = budget.explain(asked).verdict
      const { verdict, reasons } = budget.authorize(asked)
      if (verdict === 'allow') expect.fail(`${how}: ${JSON.stringify(reasons)}`)
      expect(explained).toBe(verdict)
      verdicts[verdict]++
      // What lacks no more than an approval waits for one.
      expect(verdict, how).toBe(how.startsWith('approval') ? 'review' : 'deny')
      const isHeld = whole.status().some(({ meter }) => meter.held !== '0')
      expect(isHeld).toBe(verdict === 'review')
      const again = Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(whole.usage))))
      expect(again.entries.size).toBe(whole.usage.entries.size)
    }
    expect(verdicts.deny).toBeGreaterThan(8_000)
    expect(verdicts.review).toBeGreaterThan(1_000)
    expect(met.size).toBe(Bad.hows)
    for (const [how, count] of met) expect(count, how).toBeGreaterThanOrEqual(35)
  })
})

test('what is no request at all is denied, and remembered under no id', () => {
  const draw = Random.from(21)
  for (const value of Bad.nothing) {
    const usage = Budget.empty()
    for (const asked of [value, Request.from(value as Budget.Request)] as Budget.Request[])
      expect(Budget.authorize(usage, shuffled(draw), asked, nowMs).verdict).toBe('deny')
    expect(usage.entries.size).toBe(0)
    for (const name of [value, '__proto__', 'constructor'] as never[]) {
      expect(Budget.capture(usage, name, 1n, nowMs)).toMatchObject({ refusal: 'unknown-id' })
      expect(Budget.release(usage, name, nowMs)).toMatchObject({ refusal: 'unknown-id' })
      expect(Budget.state(usage, name)).toBeUndefined()
    }
  }
})

test('facts too many change nothing', () => {
  const policy = bare(...Bad.sentences)
  const decide = (more: object) => {
    const asked = Object.defineProperties(request(1), Object.getOwnPropertyDescriptors(more))
    const { verdict, reasons } = Budget.authorize(Budget.empty(), policy, asked, nowMs)
    return JSON.stringify([verdict, reasons])
  }
  const plain = decide({})
  for (const key of [
    '__proto__',
    'constructor',
    'toString',
    'askedAtoms',
    'verdict',
    'Payee',
    'counted',
    '',
  ])
    for (const value of [0n, 'allow', { payee: 'x' }, null])
      expect(decide(JSON.parse(`{${JSON.stringify(key)}: 0}`)), key).toBe(decide({ [key]: value }))
  expect(plain).toContain('"allow"')
  expect(decide({ askedAtoms: 0n })).toBe(plain)
})

test('amounts that are none capture nothing', () => {
  for (const atoms of [
    -1n,
    2n ** 256n,
    1,
    '1',
    Number.NaN,
    -0,
    null,
    undefined,
    {},
    [],
    Object(1n),
    2 ** 53 + 2,
  ]) {
    const [usage, policy] = [Budget.empty(), bare(...Bad.sentences)]
    Budget.authorize(usage, policy, request(1), nowMs)
    expect(Budget.capture(usage, id(1), atoms as bigint, nowMs)).toHaveProperty('refusal')
    expect(Budget.state(usage, id(1))).toBe('held')
  }
})
