import { expect, test } from 'vitest'
import * as Clock from './Clock.ts'

test('a fixed clock stands until it is moved', () => {
  const clock = Clock.fixed(1000)
  expect([clock(), clock()]).toEqual([1000, 1000])
  clock.advance(5)
  expect(clock()).toBe(1005)
})
