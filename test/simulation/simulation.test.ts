/** The simulator within a run of the tests: no seed fails, and every fault did happen, often. */
import { expect, test } from 'vitest'
import { simulate, table } from './run.mjs'

/** As many as a run of all tests has time for; `npm run test:simulation` does 50,000. */
const count = 3_000

test(`${count} simulations of a market under fire keep every invariant`, {
  timeout: 260_000,
}, async () => {
  const { sum, failures } = await simulate({ count, limitS: 240, print: console.log })
  console.log(table(sum).join('\n'))
  expect(failures).toEqual([])
  expect(sum.simulations).toBe(count)
  expect(sum.steps / count).toBeGreaterThanOrEqual(40)
  for (const [kind, times] of Object.entries(sum.faults as Record<string, number>))
    expect(times, kind).toBeGreaterThanOrEqual(count / 10)
  expect(sum.audits).toBeGreaterThanOrEqual(count / 100)
})
