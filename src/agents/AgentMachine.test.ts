import { describe, expect, test } from 'vitest'
import { initialTransition } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import * as AgentMachine from './AgentMachine.ts'

const asked: AgentMachine.Context = { at: 'idle', hasTask: true }
const live = Object.keys(AgentMachine.table) as AgentMachine.Live[]
const edges = live.flatMap((from) =>
  Object.entries(AgentMachine.table[from]).map(([event, to]) => ({
    from,
    event,
    to: to as string,
  })),
)

/** An event that its guard lets pass. */
function event(type: string): AgentMachine.Happening {
  return { type, nowMs: 7, wakeAtMs: 7, because: type } as never
}

const all = [...new Set(edges.map(({ event }) => event))].map(event)

function walk(context: AgentMachine.Context, events: readonly string[]): AgentMachine.Standing {
  return events.reduce(
    (standing, name) => AgentMachine.next(standing, event(name)) ?? standing,
    AgentMachine.begin(context),
  )
}

describe('given → event → ends', () => {
  test.each(edges)('$from → $event → $to', ({ from, event: name, to }) => {
    const before = AgentMachine.begin({ ...asked, at: from, wakeAtMs: 7 })
    const after = AgentMachine.next(before, event(name))!
    expect(after.state).toBe(to)
    expect(after.context.at).toBe(to)
    expect(AgentMachine.isEnd(after.state)).toBe(!live.includes(to as never))
    const hasEffect = ['idle', 'working', 'awaitingApproval']
    expect(after.begins).toBe(hasEffect.includes(to) ? to : undefined)
    expect(after.ends).toBe(hasEffect.includes(from) ? from : undefined)
  })

  test.each([
    ['ask finish', 'done'],
    ['ask fail', 'failed'],
    ['ask review approve finish', 'done'],
    ['ask review decline', 'failed'],
    ['ask review expire', 'failed'],
    ['ask sleep wake finish', 'done'],
    ['schedule wake finish', 'done'],
    ['schedule pause resume wake finish', 'done'],
    ['ask pause resume wake review pause resume wake review approve finish', 'done'],
    ['ask pause stop resume ask', 'stopped'],
    ['ask finish stop pause ask', 'done'],
  ])('%s → %s', (events, ends) => {
    expect(walk(asked, events.split(' ')).state).toBe(ends)
  })

  test('what is not in the table moves nothing', () => {
    let refused = 0
    for (const at of [...live, 'done', 'failed', 'stopped'] as AgentMachine.State[])
      for (const one of all) {
        if (edges.some(({ from, event }) => from === at && event === one.type)) continue
        expect(
          AgentMachine.next(AgentMachine.begin({ ...asked, at, wakeAtMs: 7 }), one),
        ).toBeUndefined()
        refused += 1
      }
    expect(refused).toBe(7 * all.length - edges.length)
  })
})

describe('guards', () => {
  test.each([
    [6, 'idle'],
    [7, 'working'],
    [8, 'working'],
  ])('what waits until 7 is at %s %s', (nowMs, state) => {
    const waits = AgentMachine.begin({ ...asked, wakeAtMs: 7 })
    expect((AgentMachine.next(waits, { type: 'wake', nowMs }) ?? waits).state).toBe(state)
    expect(AgentMachine.isDue({ wakeAtMs: 7 }, nowMs)).toBe(nowMs >= 7)
  })

  test('what waits for nothing is never woken', () => {
    const waits = AgentMachine.begin(asked)
    expect(AgentMachine.next(waits, { type: 'wake', nowMs: 2 ** 50 })).toBeUndefined()
  })

  test('without a task there is nothing to work on', () => {
    const agent = { ...asked, hasTask: false, wakeAtMs: 7 }
    expect(AgentMachine.hasTask(agent)).toBe(false)
    expect(walk(agent, ['ask', 'schedule', 'wake']).state).toBe('idle')
    expect(walk(agent, ['pause', 'resume', 'ask', 'stop']).state).toBe('stopped')
  })
})

describe('a time to go on at', () => {
  const at = (events: readonly AgentMachine.Happening[]) =>
    events.reduce((one, next) => AgentMachine.next(one, next)!, AgentMachine.begin(asked)).context

  test('outlives a pause, and is gone once it came', () => {
    const until = { type: 'schedule', wakeAtMs: 50 } as const
    expect(at([until]).wakeAtMs).toBe(50)
    expect(at([until, { type: 'pause' }]).wakeAtMs).toBe(50)
    expect(at([until, { type: 'pause' }, { type: 'resume' }]).wakeAtMs).toBe(50)
    expect(at([until, { type: 'wake', nowMs: 50 }]).wakeAtMs).toBeUndefined()
    expect(at([until, { type: 'schedule', wakeAtMs: 60 }]).wakeAtMs).toBe(60)
  })

  test('is given on resuming to what had none', () => {
    const resumed = at([{ type: 'ask' }, { type: 'pause' }, { type: 'resume', wakeAtMs: 3 }])
    expect(resumed.wakeAtMs).toBe(3)
  })
})

test('money leaves while working only: nothing else is begun that could spend', () => {
  const [, actions] = initialTransition(AgentMachine.machine, asked)
  expect(actions.map(({ type }) => type)).toContain('xstate.spawnChild')
  const entered = edges.filter(({ to }) => to === 'working').map(({ event }) => event)
  expect(entered.sort()).toEqual(['approve', 'ask', 'wake'])
})

test('shortest paths reach every state', () => {
  const paths = getShortestPaths(AgentMachine.machine, {
    input: asked,
    events: all,
    serializeState: ({ value, context }) => `${value} ${context.wakeAtMs ?? ''}`,
  })
  const reached = new Set(paths.map(({ state }) => state.value as string))
  expect([...reached].sort()).toEqual([...live, 'done', 'failed', 'stopped'].sort())
})

describe('edges as records carry them', () => {
  test.each(edges)('$from $event', ({ from, event, to }) => {
    const edge = AgentMachine.edge(from, event)
    expect(edge).toEqual({ machine: AgentMachine.machineDigest, from, event, to })
    expect(AgentMachine.isEdge(edge)).toBe(true)
    expect(AgentMachine.isEdge({ ...edge, to: 'nowhere' })).toBe(false)
    expect(AgentMachine.isEdge({ ...edge, machine: `0x${'1'.repeat(64)}` })).toBe(false)
  })

  test('one that is not in the table is a bug', () => {
    expect(() => AgentMachine.edge('done', 'ask')).toThrow('expected an edge')
    expect(() => AgentMachine.edge('idle', 'finish')).toThrow('expected an edge')
  })
})
