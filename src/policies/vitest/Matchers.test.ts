import { expect, test } from 'vitest'
import * as Random from '../../../test/policies/Random.ts'
import * as Budget from '../Budget.ts'
import type * as Policy from '../Policy.ts'
import { matchers, type PolicyMatchers } from './index.ts'

expect.extend(matchers)

declare module 'vitest' {
  interface Matchers<T> extends PolicyMatchers<T> {}
}

const { of, usd, word } = Random

const desk = of([
  'allow payees a, b',
  'cap 20 USD per payment',
  'cap 50 USD per 24h',
  'freeze from 22:00 to 06:00 in UTC',
  'approve above 15 USD by ops',
])
const atMs = Date.UTC(2026, 0, 15, 12)
const request = {
  ...{ id: word(1), digest: word(1), agent: 'desk', asset: usd.id, atoms: 15n },
  ...{ payee: 'a', host: 'a', model: 'm' },
}
const dear = { ...request, atoms: 16n }
const given = [{ request: { ...request, id: word(2), atoms: 36n }, atMs, capturedAtoms: 36n }]

/** What a test that fails says. */
function complaint(policy: Policy.Policy, fail: (policy: Policy.Policy) => void): string {
  try {
    fail(policy)
  } catch (error) {
    return (error as Error).message
  }
  return 'it passed'
}

test('a policy is expected to allow, to deny and to review', () => {
  expect(desk).toAllow(request)
  expect(desk).toDeny({ ...request, payee: 'mallory' })
  expect(desk).toDeny({ ...request, atoms: 21n }, 'cap 20 USD per payment')
  expect(desk).toReview(dear, 'approve above 15 USD by ops')
  expect(desk).not.toAllow(dear)
  expect(desk).not.toDeny(dear)
})

test('what was paid before counts, as a list or as the usage of a budget', () => {
  expect(desk).toDeny(request, { atMs, given, by: 'cap 50 USD per 24h' })
  expect(desk).toAllow(request, { atMs: atMs + 25 * 3_600_000, given })
  const usage = Budget.empty()
  Budget.authorize(usage, desk, { ...request, id: word(3) }, atMs)
  expect(desk).toAllow(request, { atMs, given: usage })
  for (const id of [4, 5]) Budget.authorize(usage, desk, { ...request, id: word(id) }, atMs)
  expect(desk).toDeny(request, { atMs, given: usage, by: 'cap 50 USD per 24h' })
  expect(usage.entries.size).toBe(3)
})

test('the time of day counts', () => {
  expect(desk).toDeny(request, {
    atMs: Date.UTC(2026, 0, 15, 23),
    by: 'freeze from 22:00 to 06:00 in UTC',
  })
})

test('a test that fails prints every reason', () => {
  expect(complaint(desk, (policy) => expect(policy).toAllow(dear))).toBe(
    `expected random to allow; its verdict is review:
  allow  allow payees: a is allowed
  allow  cap 20 USD per payment: 16 asked
  allow  cap 50 USD per 24h: 16 asked, 0 used, 0 held
  allow  freeze from 22:00 to 06:00 in UTC: it is 12:00
  review approve above 15 USD by ops: 16 asked, not approved yet`,
  )
  expect(complaint(desk, (policy) => expect(policy).not.toAllow(request))).toContain(
    'expected random not to allow; its verdict is allow:',
  )
})

test('the right verdict by another sentence does not pass', () => {
  const text = complaint(desk, (policy) =>
    expect(policy).toDeny({ ...request, atoms: 21n }, 'cap 50 USD per 24h'),
  )
  expect(text).toContain('expected random to deny by "cap 50 USD per 24h"; its verdict is deny:')
})

test('a history that cannot have been is refused, not passed over', () => {
  const twice = [...given, ...given]
  expect(() => expect(desk).toAllow(request, { atMs, given: twice })).toThrow(/id/)
  const more = [{ ...given[0]!, capturedAtoms: 37n }]
  expect(() => expect(desk).not.toAllow(request, { atMs, given: more })).toThrow(/37 asked/)
})
