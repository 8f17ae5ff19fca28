import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import type * as Event from './Event.ts'
import * as Runs from './Runs.ts'

const agent = Terms.address('desk')
const machine = Hash.text('machine')

function moved(run: string, seq: number, [from, to]: readonly [string, string]): Event.Of<'moved'> {
  const transition = { machine, from, event: 'go', to }
  return { type: 'moved', agent, run, seq, transition, ...(seq === 2 && { wakeAtMs: 7 }) }
}

test('runs begin idle, and each goes on from where it is, whatever the others do', () => {
  const step = fc.record({ run: fc.constantFrom('a', 'b', 'c'), to: fc.constantFrom('x', 'y') })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const runs = Runs.empty()
      const known = new Map<string, { state: string; seq: number }>()
      for (const [leaf, { run, to }] of steps.entries()) {
        const { state, seq } = known.get(run) ?? { state: 'idle', seq: 0 }
        const at = { leaf, atMs: leaf }
        for (const wrong of [seq + 1, seq - 1].filter((each) => each >= 0))
          expect(Runs.moved(runs, moved(run, wrong, [state, to]), at)).toMatch(/^transition \d+ of/)
        expect(Runs.moved(runs, moved(run, seq, ['elsewhere', to]), at)).toMatch(/from elsewhere/)
        expect(Runs.moved(runs, moved(run, seq, [state, to]), at)).toBeUndefined()
        known.set(run, { state: to, seq: seq + 1 })
        expect(Runs.find(runs, { agent, run })).toEqual({
          leaf,
          moved: moved(run, seq, [state, to]),
        })
      }
      expect(runs.size).toBe(known.size)
    }),
    { numRuns: 60 },
  )
})

test('two agents’ runs of one name are two runs', () => {
  const runs = Runs.empty()
  const at = { leaf: 0, atMs: 0 }
  Runs.moved(runs, moved('a', 0, ['idle', 'x']), at)
  const other = { ...moved('a', 0, ['idle', 'x']), agent: Terms.address('other') }
  expect(Runs.moved(runs, other, at)).toBeUndefined()
  expect(runs.size).toBe(2)
})
