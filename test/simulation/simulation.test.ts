/** The simulator within a run of the tests: no seed fails, and every fault did happen, often. */
import { expect, test } from 'vitest'
import { simulate, table } from './run.mjs'

/** Never fewer: what is claimed of the simulator is claimed of this many. */
const count = 50_000
/** Of each kind of fault. */
const leastFaults = 5_000
/** Of each kind of act of an operator, and of a seller that is paid ahead. */
const leastActs = 5_000
const acts = ['approval', 'refused by its review', 'review expired', 'freeze', 'thaw']
acts.push('paid ahead', 'answered ahead')
/** Of what comes of them by chance. */
const leastConsequences = 500
/** States of a process in which it crashed that often as well. */
const crashedIn = ['buyer: reviewing', 'buyer: approved', 'seller: accepted']
crashedIn.push('seller: funded ahead', 'seller: telling')
/** Steps of a simulation, on the average. */
const leastSteps = 40
/** These many show most bugs: each bug that is planted for the simulator turns this first test red. */
const few = 800

test('the first few hundred simulations keep every invariant', { timeout: 130_000 }, async () => {
  const { sum, failures } = await simulate({ count: few, limitS: 110, print: console.log })
  expect(failures).toEqual([])
  expect(sum.simulations).toBe(few)
})

test('a seed is the same simulation every time, in every process', {
  timeout: 90_000,
}, async () => {
  const [some, fewer] = await Promise.all(
    [
      { first: 1, count: 60 },
      { first: 41, count: 10 },
    ].map((which) => simulate({ ...which, mode: 'fingerprints', limitS: 80 })),
  )
  expect(some!.failures).toEqual([])
  expect(new Set(Object.values(some!.fingerprints)).size).toBe(60)
  expect(Object.keys(fewer!.fingerprints)).toHaveLength(10)
  expect(some!.fingerprints).toMatchObject(fewer!.fingerprints)
})

test('50,000 simulations of a market under fire keep every invariant', {
  timeout: 1_500_000,
}, async () => {
  const { sum, failures } = await simulate({ count, limitS: 1_480, print: console.log })
  console.log(table(sum).join('\n'))
  expect(failures).toEqual([])
  expect(sum.simulations).toBe(count)
  expect(sum.steps / count).toBeGreaterThanOrEqual(leastSteps)
  const faults = Object.entries(sum.faults as Record<string, number>)
  expect(faults.length).toBeGreaterThanOrEqual(37)
  for (const [kind, times] of faults) expect(times, kind).toBeGreaterThanOrEqual(leastFaults)
  for (const [act, times] of Object.entries(sum.acts as Record<string, number>))
    expect(times, act).toBeGreaterThanOrEqual(acts.includes(act) ? leastActs : leastConsequences)
  for (const act of acts) expect(Object.keys(sum.acts)).toContain(act)
  for (const state of crashedIn)
    expect(sum.crashedIn[state], state).toBeGreaterThanOrEqual(leastConsequences)
  expect(sum.crashes).toBeGreaterThanOrEqual(count / 2)
  expect(sum.payments).toBeGreaterThanOrEqual(count / 2)
  expect(sum.audits).toBeGreaterThanOrEqual(count / 100)
})
