import { expect, test } from 'vitest'
import { ask, without } from '../../../test/policies/Desk.ts'

const sentence = 'demand trust tier 2'

test('a device that is trusted as far as demanded may work, one tier less may not', () => {
  expect(ask(sentence, { trustTier: 2 }).verdict).toBe('allow')
  expect(ask(sentence, { trustTier: 9 }).verdict).toBe('allow')
  const { verdict, decidedBy } = ask(sentence, { trustTier: 1 })
  expect(verdict).toBe('deny')
  expect(decidedBy?.because).toBe(`${sentence}: tier 1 promised`)
})

test('a device of which nothing is said is not trusted, not even as far as nothing', () => {
  for (const each of [sentence, 'demand trust tier 0']) {
    const { verdict, decidedBy } = ask(each, without('trustTier'))
    expect(verdict).toBe('deny')
    expect(decidedBy?.because).toBe(`${each}: the request states no valid trust tier`)
  }
})

test.each([10, -1, -0, 2.5, Number.NaN, Number.POSITIVE_INFINITY, '2', 2n, [2]])(
  'a tier of %s is none',
  (trustTier) => {
    expect(ask('demand trust tier 0', { trustTier: trustTier as number }).verdict).toBe('deny')
  },
)
