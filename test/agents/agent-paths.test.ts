/**
 * Every simple path of an agent’s machine, walked by a real agent, once as it is and once for each place
 * of it with the interpreter dropped there: never over the cap, never paid twice, every path as told.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getSimplePaths } from 'xstate/graph'
import * as AgentMachine from '../../src/agents/AgentMachine.ts'
import * as Market from '../harness/Market.ts'
import * as Walk from './Walk.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

/** Paths that no other goes on from; those that wait for a time differ from those that do not. */
function paths(): string[][] {
  const names = new Set(Object.values(AgentMachine.table).flatMap((row) => Object.keys(row)))
  const events = [...names].map(
    (type) => ({ type, nowMs: 7, wakeAtMs: 7, because: type }) as unknown as AgentMachine.Happening,
  )
  const found = getSimplePaths(AgentMachine.machine, {
    input: { at: 'idle', hasTask: true },
    events,
    serializeState: ({ value, context }) => `${value} ${context.wakeAtMs ?? ''}`,
  }).map(({ steps }) => steps.map(({ event }) => event.type as string).slice(1))
  const texts = found.map((path) => path.join(' '))
  return found.filter((_, at) => !texts.some((other) => other.startsWith(`${texts[at]} `)))
}

test('all simple paths, with a kill at every place: paid once, never over the cap', async () => {
  // No simple path takes the one edge that leads back to where it was.
  const given = [...paths(), ['ask', 'review', 'approve', 'finish']]
  const walks = given.flatMap((path) => [
    { path, killAt: undefined },
    ...[...path, ''].map((_, killAt) => ({ path, killAt })),
  ])
  const wrong: string[] = []
  const sums = { steps: 0, kills: 0, payments: 0 }
  const edges = new Set<string>()
  for (const { path, killAt } of walks) {
    const name = `${path.join(' ')} (killed at ${killAt})`
    const walked = await Walk.walk(market, path, killAt).catch((error: unknown) => String(error))
    if (typeof walked === 'string') {
      wrong.push(`${name}: ${walked}`)
      if (wrong.length > 5) break
      continue
    }
    const { states, kills, payments, expected } = walked
    for (const [at, event] of path.entries()) edges.add(`${states[at - 1] ?? 'idle'} ${event}`)
    const isWrong = states.at(-1) === 'done' ? payments !== expected : payments > expected
    if (isWrong) wrong.push(`${name}: paid ${payments} times, expected ${expected}`)
    for (const each of walked.wrong) wrong.push(`${name}: ${each}`)
    sums.steps += states.length
    sums.kills += kills
    sums.payments += payments
  }
  const all = Object.values(AgentMachine.table).flatMap((row) => Object.keys(row)).length
  console.log(`${given.length} paths, ${walks.length} walks`, sums, `${edges.size} of ${all} edges`)
  expect(wrong).toEqual([])
  expect(given.length).toBeGreaterThanOrEqual(30)
  expect(sums.kills).toBeGreaterThanOrEqual(150)
  expect(sums.payments).toBeGreaterThanOrEqual(100)
  expect(edges.size).toBe(all)
}, 300_000)
