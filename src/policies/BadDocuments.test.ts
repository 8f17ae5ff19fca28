import { describe, expect, test } from 'vitest'
import * as Bad from '../../test/policies/Bad.ts'
import * as BadJson from '../../test/policies/BadJson.ts'
import { usdc } from '../../test/policies/Desk.ts'
import * as Random from '../../test/policies/Random.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Policy from './Policy.ts'

const options = { file: 'policy.yaml', assets: [usdc] }
const runs = 5_000

/** Reads each of many; all must be refused, and in the way that users see. */
function refused<Value>(
  make: (draw: Random.Draw) => Bad.Bad<Value>,
  read: (value: Value) => unknown,
) {
  const [draw, met] = [Random.from(17), new Map<string, number>()]
  for (let run = 0; run < runs; run++) {
    const { how, value } = make(draw)
    met.set(how, (met.get(how) ?? 0) + 1)
    let error: unknown
    try {
      error = ['was read as', JSON.stringify(read(value))]
    } catch (thrown) {
      error = thrown
    }
    if (!(error instanceof InputError))
      expect.fail(
        `${how}: ${String(error)}\n${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
  }
  return met
}

describe('5,000 policy files with one thing wrong', () => {
  test('are read but for that', () => {
    const draw = Random.from(18)
    for (let run = 0; run < 500; run++)
      expect(Policy.parse(Bad.goodFile(draw), options).rules.length).toBeGreaterThan(0)
  })

  test('are refused, each as its user’s mistake, none of them crashing', () => {
    const met = refused(Bad.badFile, (text) => Policy.parse(text, options))
    expect(met.size).toBe(32)
    for (const [how, count] of met) expect(count, how).toBeGreaterThanOrEqual(40)
  })
})

describe('5,000 policies as JSON with one thing wrong', () => {
  test('are read but for that', () => {
    const draw = Random.from(18)
    for (let run = 0; run < 500; run++) {
      const json = BadJson.good(draw)
      expect(Policy.fromJson(json)).toEqual(json)
    }
  })

  test('are refused, each as its user’s mistake, none of them crashing', () => {
    const met = refused(BadJson.bad, Policy.fromJson)
    expect(met.size).toBe(BadJson.hows)
    for (const [how, count] of met) expect(count, how).toBeGreaterThanOrEqual(20)
  })
})
