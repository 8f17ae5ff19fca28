import { describe, expect, test } from 'vitest'
import { AssertionError } from '../kernel/Assert.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Accrual from './Accrual.ts'
import * as Epoch from './Epoch.ts'

const receipt = Hash.text('receipt')
const other = Hash.text('another receipt')
const postings: Accrual.Posting[] = [
  { account: 'npm:zod', nano: 1_500_000_000n, reason: 'influence' },
  { account: 'npm:hono', nano: 2_999_999_999n, reason: 'influence' },
  { account: 'npm:zod', nano: 700_000_001n, reason: 'premium' },
]
const served = { receipt, postings, disputeMs: 100 }

function bytes(state: Accrual.Accruals): string {
  return JSON.stringify(Accrual.snapshot(state))
}

/** What happens, and what came of it: a receipt's whole life as a table. */
const steps: readonly (readonly [string, (state: Accrual.Accruals) => Accrual.Outcome])[] = [
  ['not-publishable', (state) => publish(state, 0)],
  ['ok', (state) => Accrual.serve(state, served)],
  ['exists', (state) => Accrual.serve(state, { ...served, postings: [...postings] })],
  [
    'exists-with-different-postings',
    (state) => Accrual.serve(state, { ...served, postings: postings.slice(1) }),
  ],
  ['exists-with-different-postings', (state) => Accrual.serve(state, { ...served, disputeMs: 0 })],
  ['not-publishable', (state) => publish(state, 1_000)],
  ['ok', (state) => Accrual.fund(state, { receipt, fundedAtMs: 1_000 })],
  ['exists', (state) => Accrual.fund(state, { receipt, fundedAtMs: 1_000 })],
  ['exists-with-different-time', (state) => Accrual.fund(state, { receipt, fundedAtMs: 1_001 })],
  ['not-publishable', (state) => publish(state, 1_099)],
  ['above-published', (state) => Epoch.claim(state, { account: 'npm:zod', cumulativeAtoms: 1n })],
  ['ok', (state) => publish(state, 1_100)],
  ['exists', (state) => publish(state, 1_100)],
  ['exists-with-different-root', (state) => publishOther(state)],
  ['published', (state) => Accrual.reverse(state, { receipt })],
  ['above-published', (state) => Epoch.claim(state, { account: 'npm:zod', cumulativeAtoms: 3n })],
  ['unknown-account', (state) => Epoch.claim(state, { account: 'npm:x', cumulativeAtoms: 1n })],
  ['ok', (state) => Epoch.claim(state, { account: 'npm:zod', cumulativeAtoms: 2n })],
  ['exists', (state) => Epoch.claim(state, { account: 'npm:zod', cumulativeAtoms: 2n })],
  ['unknown-receipt', (state) => Accrual.reverse(state, { receipt: other })],
]

function closing(state: Accrual.Accruals, nowMs: number): Epoch.Proposal {
  return Epoch.propose(state, { nowMs, scale: 1n })
}

/** Publishes the receipt at `nowMs`, due or not. */
function publish(state: Accrual.Accruals, nowMs: number): Accrual.Outcome {
  const due = closing(state, nowMs)
  if (due.receipts.length > 0) return Epoch.publish(state, due)
  if (!state.receipts.has(receipt)) return 'not-publishable'
  return Epoch.publish(state, { ...due, receipts: [receipt] })
}

function publishOther(state: Accrual.Accruals): Accrual.Outcome {
  const last = state.epochs.at(-1)!
  return Epoch.publish(state, { ...last, rootWord: other, closedAtMs: 1_100, scale: 1n })
}

test('a receipt is served, funded, published and claimed once each (ECONOMICS invariant 10)', () => {
  const state = Accrual.empty()
  for (const [index, [expected, step]] of steps.entries()) {
    const before = bytes(state)
    expect([index, step(state)]).toEqual([index, expected])
    // All but `ok` change nothing; conservation holds after every event (invariant 11).
    expect(bytes(state) === before).toBe(expected !== 'ok')
    Accrual.totals(state)
  }
  expect(Accrual.totals(state)).toEqual({
    accruedNano: 5_200_000_000n,
    claimedNano: 2_000_000_000n,
    claimableNano: 2_000_000_000n,
    carryNano: 1_200_000_000n,
  })
})

describe('orders of events', () => {
  test('money may be final before the answer is served', () => {
    const [early, late] = [Accrual.empty(), Accrual.empty()]
    expect(Accrual.fund(early, { receipt, fundedAtMs: 50 })).toBe('ok')
    expect(Accrual.fund(early, { receipt, fundedAtMs: 50 })).toBe('exists')
    expect(Accrual.fund(early, { receipt, fundedAtMs: 51 })).toBe('exists-with-different-time')
    expect(Accrual.totals(early).accruedNano).toBe(0n)
    expect(Accrual.serve(early, served)).toBe('ok')
    expect(Accrual.fund(early, { receipt, fundedAtMs: 50 })).toBe('exists')
    Accrual.serve(late, served)
    Accrual.fund(late, { receipt, fundedAtMs: 50 })
    expect(bytes(early)).toBe(bytes(late))
  })

  test('the dispute window opens when both are true: served and funded', () => {
    const state = Accrual.empty()
    Accrual.fund(state, { receipt, fundedAtMs: 50 })
    Accrual.serve(state, { ...served, servedAtMs: 500 })
    expect(closing(state, 599).receipts).toEqual([])
    expect(closing(state, 600).receipts).toEqual([receipt])
  })

  test('what is reversed was never earned, and cannot be funded after', () => {
    const state = Accrual.empty()
    Accrual.serve(state, served)
    Accrual.serve(state, { receipt: other, postings: postings.slice(0, 1), disputeMs: 0 })
    Accrual.fund(state, { receipt, fundedAtMs: 1 })
    expect(Accrual.reverse(state, { receipt })).toBe('ok')
    expect(Accrual.reverse(state, { receipt })).toBe('exists')
    expect(Accrual.reverse(state, { receipt: other })).toBe('ok')
    expect(Accrual.fund(state, { receipt: other, fundedAtMs: 9 })).toBe('reversed')
    expect(Accrual.serve(state, served)).toBe('exists')
    expect(Accrual.totals(state)).toEqual({
      accruedNano: 0n,
      claimedNano: 0n,
      claimableNano: 0n,
      carryNano: 0n,
    })
    expect(closing(state, 1_000)).toMatchObject({ receipts: [], leaves: [], totalAtoms: 0n })
  })
})

test.each([
  ['a negative amount', { postings: [{ ...postings[0]!, nano: -1n }] }],
  ['an account that is none', { postings: [{ ...postings[0]!, account: 'zod' }] }],
  ['an unknown reason', { postings: [{ ...postings[0]!, reason: 'luck' as 'fee' }] }],
  ['a receipt that is no hash', { receipt: '0x12' as Hex }],
  ['a window that is no time', { disputeMs: -1 }],
  ['a fraction of a millisecond', { servedAtMs: 0.5 }],
])('%s is malformed and changes nothing', (_, change) => {
  const state = Accrual.empty()
  expect(Accrual.serve(state, { ...served, ...change })).toBe('malformed')
  expect(bytes(state)).toBe(bytes(Accrual.empty()))
})

test('books that do not balance stop the program', () => {
  const tampered: ((balance: Accrual.Balance) => void)[] = [
    (balance) => {
      balance.accruedNano += 1n
    },
    (balance) => {
      balance.publishableNano += 1n
    },
    (balance) => {
      balance.publishedAtoms += 1n
    },
    (balance) => {
      balance.claimedAtoms += 10n
    },
  ]
  for (const tamper of tampered) {
    const state = Accrual.empty()
    Accrual.serve(state, served)
    Accrual.fund(state, { receipt, fundedAtMs: 0 })
    Epoch.publish(state, closing(state, 100))
    Accrual.totals(state)
    tamper(state.balances.get('npm:zod')!)
    expect(() => Accrual.totals(state)).toThrow(AssertionError)
  }
})

test('nobody is starved by small payments (ECONOMICS, why nano-atoms)', () => {
  const state = Accrual.empty()
  const accounts = Array.from({ length: 100 }, (_, index) => `npm:author-${index}`)
  for (let round = 0; round < 200; round++) {
    const hash = Hash.text(`round ${round}`)
    const list = accounts.map((account) => ({
      account,
      nano: 10_000_000n,
      reason: 'influence' as const,
    }))
    Accrual.serve(state, { receipt: hash, postings: list, disputeMs: 0 })
    Accrual.fund(state, { receipt: hash, fundedAtMs: 0 })
  }
  Epoch.publish(state, closing(state, 0))
  expect([...state.balances.values()].map(({ publishedAtoms }) => publishedAtoms)).toEqual(
    accounts.map(() => 2n),
  )
})
