import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import * as Account from './Account.ts'
import * as Accrual from './Accrual.ts'
import * as Epoch from './Epoch.ts'

const hash = (seed: number) => Hash.text(`receipt ${seed}`)
const account = (seed: number) =>
  seed % 2 === 0 ? `npm:author-${seed}` : `0x${seed.toString(16).padStart(40, '0')}`

/** Everything that can happen to the books, as data. */
type Event =
  | { type: 'serve'; receipt: number; postings: { to: number; nano: bigint }[]; disputeMs: number }
  | { type: 'fund'; receipt: number }
  | { type: 'reverse'; receipt: number }
  | { type: 'publish' }
  | { type: 'claim'; to: number; permille: bigint }

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('serve' as const),
      receipt: fc.nat(15),
      postings: fc.array(
        fc.record({
          to: fc.integer({ min: 1, max: 9 }),
          nano: fc.bigInt({ min: 0n, max: 50_000_000_000n }),
        }),
        { maxLength: 5 },
      ),
      disputeMs: fc.constantFrom(0, 3),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('fund' as const), receipt: fc.nat(15) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('reverse' as const), receipt: fc.nat(15) }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('publish' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('claim' as const),
      to: fc.integer({ min: 1, max: 9 }),
      permille: fc.bigInt({ min: 0n, max: 3_000n }),
    }),
  },
)

/** One event at `nowMs`; returns what came of it. */
function apply(state: Accrual.Accruals, event: Event, nowMs: number, scale: bigint) {
  switch (event.type) {
    case 'serve': {
      const postings = event.postings.map(({ to, nano }) => ({
        account: account(to),
        nano,
        reason: 'influence' as const,
      }))
      const { disputeMs } = event
      return Accrual.serve(state, { receipt: hash(event.receipt), postings, disputeMs })
    }
    case 'fund':
      return Accrual.fund(state, { receipt: hash(event.receipt), fundedAtMs: nowMs })
    case 'reverse':
      return Accrual.reverse(state, { receipt: hash(event.receipt) })
    case 'publish':
      return Epoch.publish(state, Epoch.propose(state, { nowMs, scale }))
    case 'claim': {
      const published = state.balances.get(account(event.to))?.publishedAtoms ?? 0n
      const cumulativeAtoms = (published * event.permille) / 1_000n
      return Epoch.claim(state, { account: account(event.to), cumulativeAtoms })
    }
  }
}

/** The balances a naive reader computes from the receipts, without any running sum. */
function recount(state: Accrual.Accruals) {
  const sums = new Map<string, { accruedNano: bigint; publishableNano: bigint }>()
  for (const { status, postings } of state.receipts.values())
    for (const { account, nano } of postings) {
      const sum = sums.get(account) ?? { accruedNano: 0n, publishableNano: 0n }
      if (status !== 'reversed') sum.accruedNano += nano
      if (status === 'published') sum.publishableNano += nano
      sums.set(account, sum)
    }
  return sums
}

describe('any order of events', () => {
  test('conserves, never lowers a leaf, and replays to the same bytes (invariants 10, 11, 17)', () => {
    const seen: Record<string, number> = {}
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 60, size: 'max' }),
        fc.constantFrom(1n, 3n),
        (events, scale) => {
          const state = Accrual.empty()
          let leaves: readonly Epoch.Leaf[] = []
          for (const [nowMs, event] of events.entries()) {
            const before = JSON.stringify(Accrual.snapshot(state))
            const proposal = Epoch.propose(state, { nowMs, scale })
            expect(JSON.stringify(Accrual.snapshot(state))).toBe(before)
            const outcome = apply(state, event, nowMs, scale)
            seen[`${event.type} ${outcome}`] = (seen[`${event.type} ${outcome}`] ?? 0) + 1
            if (outcome !== 'ok') expect(JSON.stringify(Accrual.snapshot(state))).toBe(before)
            Accrual.totals(state)
            if (event.type !== 'publish' || outcome !== 'ok') continue

            const next = Epoch.leaves(state, { scale })
            expect(next).toEqual(proposal.leaves)
            for (const [index, leaf] of leaves.entries()) {
              expect(next[index]).toMatchObject({ index, account: leaf.account, named: leaf.named })
              expect(next[index]!.cumulative >= leaf.cumulative).toBe(true)
            }
            leaves = next
            const sum = leaves.reduce((sum, leaf) => sum + leaf.cumulative, 0n)
            expect(Epoch.total(proposal.rootWord)).toBe(sum)
            expect(proposal.totalAtoms).toBe(sum * scale)
            for (const [account, { publishableNano }] of recount(state)) {
              const leaf = Epoch.leafOf(state, { account, scale })
              expect(leaf?.cumulative ?? 0n).toBe(publishableNano / nanoPerAtom / scale)
            }
          }
          for (const [account, sum] of recount(state))
            expect(
              state.balances.get(account) ?? { accruedNano: 0n, publishableNano: 0n },
            ).toMatchObject(sum)

          const replayed = Accrual.empty()
          for (const [nowMs, event] of events.entries()) apply(replayed, event, nowMs, scale)
          expect(JSON.stringify(Accrual.snapshot(replayed))).toBe(
            JSON.stringify(Accrual.snapshot(state)),
          )
        },
      ),
      { numRuns: 300 },
    )
    const outcomes = [
      'serve ok',
      'serve exists-with-different-postings',
      'fund ok',
      'reverse ok',
      'reverse published',
      'publish ok',
      'claim ok',
      'claim above-published',
      'claim exists',
    ]
    for (const outcome of outcomes)
      expect([outcome, (seen[outcome] ?? 0) > 20]).toEqual([outcome, true])
  })

  test('an event told twice counts once', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40, size: 'max' }), (events) => {
        const [once, twice] = [Accrual.empty(), Accrual.empty()]
        for (const [nowMs, event] of events.entries()) {
          const proposal = Epoch.propose(once, { nowMs, scale: 1n })
          apply(once, event, nowMs, 1n)
          for (let time = 0; time < 2; time++)
            if (event.type === 'publish') Epoch.publish(twice, proposal)
            else if (event.type === 'claim') {
              const claimed = once.balances.get(account(event.to))?.claimedAtoms ?? 0n
              Epoch.claim(twice, { account: account(event.to), cumulativeAtoms: claimed })
            } else apply(twice, event, nowMs, 1n)
        }
        expect(Accrual.snapshot(twice)).toEqual(Accrual.snapshot(once))
      }),
      { numRuns: 200 },
    )
  })
})

describe('a proposal', () => {
  const receipt = hash(1)

  function books() {
    const state = Accrual.empty()
    const postings = [
      { account: account(2), nano: 999_999_999n, reason: 'influence' as const },
      { account: account(4), nano: 7_000_000_000n, reason: 'influence' as const },
      { account: account(1), nano: 3_500_000_000n, reason: 'execution' as const },
    ]
    Accrual.serve(state, { receipt, postings, disputeMs: 0 })
    Accrual.fund(state, { receipt, fundedAtMs: 5 })
    return state
  }

  test('gives a leaf to whoever has a unit, in order of first appearance, and carries the rest', () => {
    const state = books()
    const first = Epoch.propose(state, { nowMs: 5, scale: 1n })
    expect(first).toMatchObject({
      receipts: [receipt],
      depth: 1,
      totalAtoms: 10n,
      increaseAtoms: 10n,
    })
    expect(first.leaves).toEqual([
      { index: 0, named: true, account: Account.leaf(account(4)).address, cumulative: 7n },
      { index: 1, named: false, account: account(1), cumulative: 3n },
    ])
    Epoch.publish(state, first)
    const late = [{ account: account(2), nano: 1n, reason: 'influence' as const }]
    Accrual.serve(state, { receipt: hash(2), postings: late, disputeMs: 0 })
    Accrual.fund(state, { receipt: hash(2), fundedAtMs: 6 })
    const second = Epoch.propose(state, { nowMs: 6, scale: 1n })
    expect(second.leaves.map(({ index, cumulative }) => [index, cumulative])).toEqual([
      [0, 7n],
      [1, 3n],
      [2, 1n],
    ])
    expect(second).toMatchObject({ depth: 2, totalAtoms: 11n, increaseAtoms: 1n })
  })

  test('floors to vault units of `scale` atoms', () => {
    const { leaves, totalAtoms } = Epoch.propose(books(), { nowMs: 5, scale: 3n })
    expect(leaves.map(({ cumulative }) => cumulative)).toEqual([2n, 1n])
    expect(totalAtoms).toBe(9n)
    expect(() => Epoch.propose(books(), { nowMs: 5, scale: 0n })).toThrow(InputError)
  })

  test('above what the vault takes is refused, with the limit; a larger scale helps', () => {
    const earning = (units: bigint) => {
      const state = Accrual.empty()
      const huge = { account: account(1), nano: units * nanoPerAtom, reason: 'fee' as const }
      Accrual.serve(state, { receipt, postings: [huge], disputeMs: 0 })
      Accrual.fund(state, { receipt, fundedAtMs: 0 })
      return state
    }
    const most = (1n << 63n) - 1n
    expect(Epoch.propose(earning(most), { nowMs: 0, scale: 1n }).totalAtoms).toBe(most)
    expect(() => Epoch.propose(earning(most + 1n), { nowMs: 0, scale: 1n })).toThrow(
      expect.objectContaining({
        code: 'epoch-above-63-bits',
        message: `expected a total of at most ${most} vault units (2^63 - 1), got ${most + 1n}`,
        hint: expect.stringMatching(/vault deployed with a larger scale/),
        facts: { maxUnits: String(most), units: String(most + 1n), scale: '1' },
      }),
    )
    const scaled = Epoch.propose(earning(most + 1n), { nowMs: 0, scale: 2n })
    expect(scaled.totalAtoms).toBe(most + 1n)
  })

  test.each([
    ['root-mismatch', { totalAtoms: 11n }],
    ['root-mismatch', { depth: 0 }],
    ['root-mismatch', { depth: 2 }],
    ['root-mismatch', { depth: 32 }],
    ['root-mismatch', { rootWord: hash(9) }],
    ['root-mismatch', { scale: 2n }],
    ['malformed', { scale: 0n }],
    ['not-publishable', { closedAtMs: 4 }],
    ['not-publishable', { receipts: [receipt, receipt] }],
    ['unknown-receipt', { receipts: [receipt, hash(3)] }],
    ['root-mismatch', { receipts: [] }],
  ] as const)('is %s when altered (%#)', (outcome, change) => {
    const state = books()
    const before = JSON.stringify(Accrual.snapshot(state))
    const proposal = Epoch.propose(state, { nowMs: 5, scale: 1n })
    expect(Epoch.publish(state, { ...proposal, ...change })).toBe(outcome)
    expect(JSON.stringify(Accrual.snapshot(state))).toBe(before)
    expect(Epoch.publish(state, proposal)).toBe('ok')
  })

  test('receipts that come in while an epoch is being published wait for the next', () => {
    const state = books()
    const proposal = Epoch.propose(state, { nowMs: 5, scale: 1n })
    const late = [{ account: account(2), nano: 5_000_000_000n, reason: 'influence' as const }]
    Accrual.serve(state, { receipt: hash(2), postings: late, disputeMs: 0 })
    Accrual.fund(state, { receipt: hash(2), fundedAtMs: 5 })
    expect(Epoch.publish(state, proposal)).toBe('ok')
    expect(Epoch.leafOf(state, { account: account(2), scale: 1n })).toBeUndefined()
    expect(Epoch.leafOf(state, { account: account(1), scale: 1n })).toMatchObject({ index: 1 })
    expect(Epoch.propose(state, { nowMs: 5, scale: 1n }).receipts).toEqual([hash(2)])
  })
})
