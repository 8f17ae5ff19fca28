import fc from 'fast-check'
import { expect, test } from 'vitest'
import { desk, dollars, nowMs, request, till } from '../../test/policies/Desk.ts'
import * as Clock from '../kernel/Clock.ts'
import * as Budget from './Budget.ts'
import * as Decision from './Decision.ts'
import * as Policy from './Policy.ts'

const policy = desk('cap 5 USDC per 24h', 'approve above 2 USDC by ops')
const stricter = desk('cap 2 USDC per 24h', 'at most 3 payments per hour per tool')
const open = (shadow?: Policy.Policy) =>
  Budget.open(policy, { clock: Clock.fixed(nowMs), ...(shadow && { shadow }) })

test('a policy on trial says what it would have decided, and decides nothing', () => {
  const budget = open(stricter)
  const first = budget.authorize(request(1, { atoms: dollars(2) }))
  expect([first.verdict, first.shadow?.verdict]).toEqual(['allow', 'allow'])
  const second = budget.authorize(request(2))
  expect([second.verdict, second.shadow?.verdict]).toEqual(['allow', 'deny'])
  expect(second.shadow?.policyDigest).toBe(Policy.digest(stricter))
  expect(second.policyDigest).toBe(Policy.digest(policy))
  expect(second.shadow?.decidedBy?.rule).toBe('cap 2 USDC per 24h')
  expect(budget.status().map(({ rule }) => rule)).toEqual(['cap 5 USDC per 24h'])
})

test('what is held for a request does not count against it on trial', () => {
  const budget = open(stricter)
  const { shadow } = budget.authorize(request(1, { atoms: dollars(2) }))
  expect(shadow?.reasons[1]).toMatchObject({ meter: { used: '0', held: '0' } })
})

test('a trial looser than the policy does not loosen it', () => {
  const decision = open(desk()).authorize(request(1, { atoms: dollars(6) }))
  expect([decision.verdict, decision.shadow?.verdict]).toEqual(['deny', 'allow'])
})

test('a decision with its trial is plain JSON and reads back as a decision', () => {
  const decision = open(stricter).authorize(request(1))
  const json = JSON.parse(JSON.stringify(decision))
  expect(json.shadow.verdict).toBe('allow')
  const { shadow: _, ...own } = json
  expect(Decision.fromJson(own).verdict).toBe('allow')
})

test('a budget with a trial is used exactly as one without, whatever is asked', () => {
  const met = new Map<string, number>()
  const step = fc.record({
    kind: fc.constantFrom('authorize', 'authorize', 'explain', 'capture', 'void', 'time'),
    count: fc.nat(12),
    dollars: fc.nat(4),
    isApproved: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }), (steps) => {
      const clocks = [Clock.fixed(nowMs), Clock.fixed(nowMs)] as const
      const plain = Budget.open(policy, { clock: clocks[0] })
      const tried = Budget.open(policy, { clock: clocks[1], shadow: stricter })
      for (const { kind, count, dollars: some, isApproved } of steps) {
        const atoms = dollars(some)
        const approval = { by: 'ops', payee: till, model: 'docs-reader', ceilingAtoms: atoms }
        const asked = request(count, isApproved ? { atoms, approval } : { atoms })
        if (kind === 'time') for (const clock of clocks) clock.advance(1_000_000 * some)
        else if (kind === 'capture')
          expect(tried.capture(asked.id, atoms)).toEqual(plain.capture(asked.id, atoms))
        else if (kind === 'void') expect(tried.void(asked.id)).toEqual(plain.void(asked.id))
        else {
          const [without, decision] = [plain, tried].map((each) =>
            each[kind as 'explain'](asked),
          ) as [Decision.Decision, Decision.Decision]
          expect(Decision.plain(decision)).toEqual(Decision.plain(without))
          expect(without.shadow).toBeUndefined()
          const what = `${decision.verdict} ${decision.shadow?.verdict}`
          met.set(what, (met.get(what) ?? 0) + 1)
        }
      }
      expect(JSON.stringify(Budget.toJson(tried.usage))).toBe(
        JSON.stringify(Budget.toJson(plain.usage)),
      )
      expect([...tried.usage.families.keys()]).toEqual([...plain.usage.families.keys()])
      expect(tried.status()).toEqual(plain.status())
    }),
    { numRuns: 300, seed: 8 },
  )
  for (const what of ['allow allow', 'allow deny', 'review deny', 'deny deny'])
    expect(met.get(what) ?? 0, what).toBeGreaterThan(20)
})
