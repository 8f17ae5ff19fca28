/** Empty royalty wrappers change nothing (ECONOMICS invariant 6). */
import { expect, test } from 'vitest'
import * as Attack from './Attack.ts'
import * as Wrapping from './Wrapping.ts'

test('behind four empty wrappers 300,000 stays 300,000; a cut at each hop would leave 2,430', () => {
  const measure = Wrapping.empty()
  expect(Attack.holds(measure)).toBe(true)
  expect(measure).toMatchObject({ dataNano: 300_000n, naiveNano: 2_430n })
})
