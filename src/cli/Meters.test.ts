import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Hex from '../kernel/Hex.ts'
import * as Budget from '../policies/Budget.ts'
import * as Policy from '../policies/Policy.ts'
import * as Rule from '../policies/Rule.ts'
import * as Meters from './Meters.ts'

const usdc = { id: `eip155:31337/erc20:0x${'5f'.repeat(20)}`, decimals: 6, symbol: 'USDC' }
const startMs = Date.parse('2026-03-01T00:00Z')
const hourMs = 3_600_000

/** A budget in which so many atoms were captured so many minutes after the start. */
function paid(sentences: readonly string[], payments: readonly (readonly [number, bigint])[]) {
  const rules = ['allow payees *', ...sentences].map((text) => Rule.parse(text, usdc))
  const policy = Policy.policy('desk', usdc, rules)
  let nowMs = startMs
  const budget = Budget.open(policy, { clock: () => nowMs })
  for (const [index, [minutes, atoms]] of payments.entries()) {
    nowMs = startMs + minutes * 60_000
    const id = Hex.word(BigInt(index + 1))
    const names = { agent: 'desk', payee: 'lab', host: 'lab.example', model: 'reader' }
    budget.authorize({ id, digest: id, asset: usdc.id, atoms, ...names })
    budget.capture(id, atoms)
  }
  return { policy, usage: budget.usage, nowMs }
}

describe('when the next of a meter frees', () => {
  const spans = ['24h', 'minute', '7d', 'calendar day in Europe/Berlin', 'calendar week in UTC']

  test.each(spans)('per %s: not a millisecond before, and as much as it says', (span) => {
    const payment = fc.tuple(fc.nat({ max: 40_000 }), fc.bigInt({ min: 1n, max: 1_000n }))
    fc.assert(
      fc.property(fc.array(payment, { minLength: 1, maxLength: 20 }), (given) => {
        const payments = given.toSorted(([one], [other]) => one - other)
        const { policy, usage, nowMs } = paid([`cap 1 USDC per ${span}`], payments)
        const used = (atMs: number) => Meters.rows(usage, policy, atMs)[0]!.used
        const { frees } = Meters.rows(usage, policy, nowMs)[0]!
        expect(frees!.amount).toBeGreaterThan(0n)
        expect(used(frees!.atMs - 1)).toBe(used(nowMs))
        expect(used(frees!.atMs)).toBe(used(nowMs) - frees!.amount)
      }),
      { numRuns: 60 },
    )
  })

  test('of a lifetime, of nothing used and of nothing but holds: never', () => {
    const { policy, usage, nowMs } = paid(['cap 1 USDC per lifetime', 'cap exposure 1 USDC'], [])
    expect(Meters.rows(usage, policy, nowMs).every(({ frees }) => frees === undefined)).toBe(true)
    const spent = paid(['cap 1 USDC per lifetime', 'cap exposure 1 USDC'], [[0, 5n]])
    for (const { frees } of Meters.rows(spent.usage, spent.policy, spent.nowMs))
      expect(frees).toBeUndefined()
  })
})

test('a review that nobody answered in time holds nothing', () => {
  const { policy, usage } = paid(['cap 1 USDC per 24h', 'approve above 0 USDC by ops'], [[0, 5n]])
  const at = (atMs: number) => Meters.rows(usage, policy, atMs)[0]!.held
  expect([at(startMs), at(startMs + hourMs - 1), at(startMs + hourMs)]).toEqual([5n, 5n, 0n])
})

describe('a bar', () => {
  test.each([
    [0n, 0n, 100n, '░'.repeat(24)],
    [50n, 0n, 100n, '█'.repeat(12) + '░'.repeat(12)],
    [50n, 25n, 100n, '█'.repeat(12) + '▒'.repeat(6) + '░'.repeat(6)],
    [1n, 0n, 1_000_000n, `█${'░'.repeat(23)}`],
    [0n, 1n, 1_000_000n, `▒${'░'.repeat(23)}`],
    [1n, 1n, 1_000_000n, `█▒${'░'.repeat(22)}`],
    [100n, 0n, 100n, '█'.repeat(24)],
    [99n, 0n, 100n, `${'█'.repeat(23)}░`],
    [99n, 1n, 100n, `${'█'.repeat(23)}▒`],
    // A limit that was lowered below what is used.
    [300n, 10n, 100n, '█'.repeat(24)],
    [0n, 0n, 0n, '░'.repeat(24)],
  ])('%s used, %s held of %s', (used, held, limit, drawn) => {
    expect(Meters.bar({ used, held, limit })).toBe(drawn)
  })
})

test('two lines say a meter in its own unit', () => {
  const nowMs = Date.parse('2026-03-29T00:30Z')
  const base = { rule: 'r', subject: 'lab', used: 1_500_000n, held: 0n, limit: 2_000_000n }
  const frees = { atMs: Date.parse('2026-03-29T02:35Z'), amount: 1n }
  expect(Meters.format({ ...base, unit: 'atoms', frees }, usdc, nowMs)).toMatch(
    /^r · lab\n {2}█{18}░{6} 1\.5 used, 0 held, 0\.5 left of 2 USDC; 0\.000001 frees in 2 h 5 min \(2026-03-29 02:35 UTC\)$/,
  )
  const counted = { rule: 'r', subject: '', unit: 'payments', held: 0n } as const
  expect(Meters.format({ ...counted, used: 1n, limit: 1n }, usdc, nowMs)).toContain(
    '1 used, 0 held, 0 left of 1 payment',
  )
  const timed = { ...counted, unit: 'device-ms', used: 1_500n, limit: 600_000n } as const
  expect(Meters.format(timed, usdc, nowMs)).toContain('1.5 used, 0 held, 598.5 left of 600 s')
})
