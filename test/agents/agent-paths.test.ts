/**
 * Every simple path of an agent’s machine, walked by a real agent, once as it is and once for each place
 * of it with the interpreter dropped there: never over the cap, never paid twice, every path as told.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { getSimplePaths } from 'xstate/graph'
import * as AgentMachine from '../../src/agents/AgentMachine.ts'
import * as Stage from './Stage.ts'
import * as Walk from './Walk.ts'

vi.mock(import('../../src/store/Books.ts'), async (original) =>
  (await import('./Seams.ts')).books(await original()),
)
vi.mock(import('../../src/agents/Runtime.ts'), async (original) =>
  (await import('./Seams.ts')).runtime(await original()),
)
vi.mock(import('../../src/wallets/Wallet.ts'), async (original) =>
  (await import('./Seams.ts')).wallets(await original()),
)
vi.mock(import('../../src/wallets/NoteKey.ts'), async (original) =>
  (await import('./Seams.ts')).noteKeys(await original()),
)

let stage: Stage.Stage
beforeAll(() => {
  const ask = (url: string | URL | Request, init?: RequestInit) => stage.fetch(String(url), init)
  vi.stubGlobal('fetch', ask)
})
afterAll(() => void vi.unstubAllGlobals())

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
  const walks = given.flatMap((path): Walk.Way[] => {
    const places = [undefined, ...[...path, ''].keys()]
    const plain = places.map((killAt) => ({ path, killAt }))
    if (!path.includes('fail')) return plain
    return [...plain, ...plain.map((way) => ({ ...way, isCheated: true as const }))]
  })
  const wrong: string[] = []
  const sums = { steps: 0, kills: 0, payments: 0, cheated: 0 }
  const edges = new Set<string>()
  for (const way of walks) {
    const { path, killAt, isCheated = false } = way
    const name = `${path.join(' ')} (killed at ${killAt}${isCheated ? ', cheated' : ''})`
    const opened = Walk.open()
    stage = opened.stage
    const walked = await Walk.walk(opened, way)
      .catch((error: unknown) => String(error))
      .finally(() => Stage.strike(stage))
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
    if (isCheated) sums.cheated += 1
    sums.steps += states.length
    sums.kills += kills
    sums.payments += payments
  }
  const all = Object.values(AgentMachine.table).flatMap((row) => Object.keys(row)).length
  console.log(`${given.length} paths, ${walks.length} walks`, sums, `${edges.size} of ${all} edges`)
  expect(wrong).toEqual([])
  expect(given.length).toBeGreaterThanOrEqual(45)
  expect(sums.kills).toBeGreaterThanOrEqual(200)
  expect(sums.payments).toBeGreaterThanOrEqual(150)
  expect(sums.cheated).toBeGreaterThanOrEqual(10)
  expect(edges.size).toBe(all)
}, 120_000)
