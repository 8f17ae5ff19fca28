import { describe, expect, test } from 'vitest'
import * as Random from '../../test/policies/Random.ts'
import * as Budget from './Budget.ts'
import * as Diff from './Diff.ts'
import * as History from './History.ts'
import * as Policy from './Policy.ts'

const { euro, of } = Random

const base = ['allow payees a, b.x', 'cap 20 USD per payment', 'cap 50 USD per 24h']

/** What two versions say of a request, asked anew. */
function asked(
  before: Policy.Policy,
  after: Policy.Policy,
  { request, atMs, given }: Diff.Witness,
): readonly Budget.Verdict[] {
  return [before, after].map(
    (policy) => Budget.explain(History.usage(policy, given), policy, request, atMs).verdict,
  )
}

test('two versions that are the same differ in nothing', () => {
  expect(Diff.diff(of(base), of(base))).toEqual({
    ...{ added: [], removed: [], changed: [] },
    ...{ narrower: undefined, wider: undefined, tried: 0 },
  })
})

test('rules added, removed and changed, in sentences', () => {
  const { added, removed, changed } = Diff.diff(
    of([...base, 'demand coverage 50%', 'cap 9 USD per 24h per payee']),
    of([...base.slice(0, 2), 'cap 40 USD per 24h', 'demand coverage 60%', 'demand trust tier 1']),
  )
  expect({ added, removed, changed }).toEqual({
    added: ['demand trust tier 1'],
    removed: ['cap 9 USD per 24h per payee'],
    changed: [
      { before: 'cap 50 USD per 24h', after: 'cap 40 USD per 24h' },
      { before: 'demand coverage 50%', after: 'demand coverage 60%' },
    ],
  })
})

describe('a request that only one version allows', () => {
  test.each([
    ['cap 20 USD per payment', 'cap 19 USD per payment'],
    ['cap 50 USD per 24h', 'cap 49 USD per 24h'],
    ['cap 50 USD per 24h', 'cap 50 USD per 7d'],
    ['cap 50 USD per 24h', 'cap 50 USD per calendar month in Europe/Berlin'],
    ['cap 50 USD per 24h per payee', 'cap 50 USD per 24h'],
    ['cap 50 USD per 24h per payee', 'cap 50 USD per 24h per agent'],
    ['cap exposure 9 USD', 'cap exposure 8 USD'],
    ['at most 5 payments per minute', 'at most 4 payments per minute'],
    ['at most 900 payments per minute', 'at most 800 payments per minute'],
    ['at most 5 payments per minute', 'at most 5 payments per hour'],
    ['at most 9 device seconds per 24h', 'at most 8 device seconds per 24h'],
    ['demand coverage 50%', 'demand coverage 50.0000001%'],
    ['demand royalty share 50%', 'demand royalty share 51%'],
    ['demand rarity 0%', 'demand rarity 1%'],
    ['demand trust tier 1', 'demand trust tier 2'],
    ['cap slippage 1%', 'cap slippage 0.9999999%'],
    ['cap 20 USD per payment', 'cap slippage 100%'],
    ['approve above 9 USD by ops', 'approve above 8 USD by ops'],
    ['approve above 9 USD by ops, eve', 'approve above 9 USD by ops'],
    ['freeze from 22:00 to 06:00 in UTC', 'freeze from 22:00 to 06:01 in UTC'],
    ['freeze from 22:00 to 06:00 in UTC', 'freeze from 21:59 to 06:00 in UTC'],
    ['stop at drawdown 10% seen within 5m', 'stop at drawdown 9% seen within 5m'],
    ['stop at drawdown 10% seen within 5m', 'stop at drawdown 10% seen within 4m'],
    ['allow models a*', 'allow models a*x'],
    ['allow hosts a.x:*', 'allow hosts a.x:1'],
    ['deny tools shell', 'deny tools shell, she*'],
    ['allow agents a, b', 'allow agents a'],
    [`count ${euro} of 1 decimals at 2 USD`, 'cap 20 USD per payment'],
    [
      `count ${euro} of 1 decimals at prices within 5m`,
      `count ${euro} of 1 decimals at prices within 4m`,
    ],
  ])('"%s" → "%s"', (rule, stricter) => {
    const others = [...base.slice(0, 2), 'cap 500 USD per 30d']
    const [before, after] = [of([...others, rule]), of([...others, stricter])]
    const { narrower, wider } = Diff.diff(before, after, { most: 4_000 })
    expect(narrower, 'narrower').toBeDefined()
    const [allowed, other] = asked(before, after, narrower!)
    expect([allowed, other]).toEqual([narrower!.before.verdict, narrower!.after.verdict])
    expect(allowed).toBe('allow')
    expect(other).not.toBe('allow')
    if (wider !== undefined) expect(asked(before, after, wider)[1]).toBe('allow')
    // The other way round it is the other direction.
    expect(Diff.diff(after, before, { most: 4_000 }).wider).toBeDefined()
  })

  test('is said in words', () => {
    const [before, after] = [of(base), of([...base.slice(0, 2), 'cap 49 USD per 24h'])]
    const { narrower, wider, tried } = Diff.diff(before, after)
    expect(Diff.format(narrower!, before)).toBe(
      '1 USD to a at 2024-01-15T12:00:00.000Z, after 1 payments of 49 USD in all: allow before, deny (cap 49 USD per 24h: 1 asked, 49 used, 0 held) after',
    )
    expect(wider).toBeUndefined()
    expect(tried).toBeGreaterThan(100)
  })

  test('is none where only the words differ, and it says how many were tried', () => {
    const after = of([...base, 'cap 30 USD per payment', 'allow payees b.x'])
    const { narrower, wider, tried } = Diff.diff(of(base), after, { most: 2_000 })
    expect([narrower, wider]).toEqual([undefined, undefined])
    expect(tried).toBeGreaterThan(300)
    expect(tried).toBeLessThanOrEqual(2_200)
  })
})

test('what is found really differs, and what random requests find is found', () => {
  let [witnesses, differing, missed] = [0, 0, 0]
  for (let seed = 1; seed <= 60; seed++) {
    const draw = Random.from(seed)
    const before = Random.policy(draw, { most: 6 })
    const extra = Policy.toSentences(Random.policy(draw, { most: 2 }))
    const kept = Policy.toSentences(before).filter(() => draw(5) > 0)
    const after = of([...kept, ...extra])
    const { narrower, wider } = Diff.diff(before, after, { most: 1_500 })
    for (const [found, at] of [[narrower, 0] as const, [wider, 1] as const]) {
      if (found === undefined) continue
      witnesses++
      const verdicts = asked(before, after, found)
      if (verdicts[at] !== 'allow' || verdicts[1 - at] === 'allow')
        expect.fail(`seed ${seed}: ${verdicts} of ${Diff.format(found, before)}`)
    }
    // The same direction, by chance.
    const usage = Budget.empty()
    const seen = [false, false]
    for (let id = 1; id <= 400; id++) {
      const request = Random.request(draw, id, Random.startMs)
      const [one, other] = [before, after].map((policy) => {
        return Budget.explain(usage, policy, request, Random.startMs).verdict
      })
      if (one === 'allow' && other !== 'allow') seen[0] = true
      if (other === 'allow' && one !== 'allow') seen[1] = true
    }
    for (const [at, found] of [narrower, wider].entries()) {
      if (!seen[at]) continue
      differing++
      if (found === undefined) missed++
    }
  }
  expect(witnesses).toBeGreaterThan(30)
  expect(differing).toBeGreaterThan(10)
  expect(missed).toBe(0)
})
