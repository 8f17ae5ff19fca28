import { describe, expect, test } from 'vitest'
import { initialTransition, transition } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import * as Id from '../kernel/Id.ts'
import * as Purchase from './Purchase.ts'

const agent = `0x${'aa'.repeat(20)}` as const
const key = { agent, run: 'run', step: 0, attempt: 0 }
const requestDigest = `0x${'11'.repeat(32)}` as const
const fresh: Purchase.Context = { purchase: Id.purchase(key), key, requestDigest }
const paid = { ...fresh, payload: {} } as unknown as Purchase.Context

const working = Object.keys(Purchase.table) as Purchase.Working[]
const edges = working.flatMap((from) =>
  Object.entries(Purchase.table[from]).map(([event, to]) => ({ from, event, to: to as string })),
)

/** What the interpreter sends when an effect of `state` has answered `event`. */
function done(state: string, event: string, patch: Partial<Purchase.Context> = {}) {
  const actorId = `0.purchase.${state}`
  return { type: `xstate.done.actor.${actorId}`, actorId, output: { event, patch } } as never
}

/** The states that a purchase goes through when its effects answer so. */
function walk(context: Purchase.Context, answers: readonly string[]): string[] {
  let [snapshot] = initialTransition(Purchase.machine, context)
  const states = [snapshot.value as string]
  for (const answer of answers) {
    ;[snapshot] = transition(Purchase.machine, snapshot, done(states.at(-1)!, answer))
    states.push(snapshot.value as string)
  }
  return states
}

describe('given → event → ends', () => {
  test.each(edges)('$from → $event → $to', ({ from, event, to }) => {
    const paths = getShortestPaths(Purchase.machine, { input: fresh, events: allEvents })
    const path = paths.find(({ state }) => state.value === from)!
    const [next] = transition(Purchase.machine, path.state, done(from, event, { because: event }))
    expect(next.value).toBe(to)
    expect(next.context.because).toBe(event)
    expect(next.status).toBe(to in Purchase.table ? 'active' : 'done')
  })

  test.each([
    ['found quoted allow signed answered captured', 'captured'],
    ['none', 'refused'],
    ['found refused', 'refused'],
    ['found quoted deny', 'refused'],
    ['found quoted review', 'refused'],
    ['found quoted allow unsigned refused', 'refused'],
    ['found quoted allow signed unclear never expired', 'expired'],
    ['found quoted allow signed unclear never refused', 'refused'],
    ['found quoted allow signed unclear again answered captured', 'captured'],
    ['found quoted allow signed unclear paid disputed', 'disputed'],
    ['found quoted allow signed answered disputed', 'disputed'],
    ['found quoted allow signed answered unpaid paid captured', 'captured'],
  ])('%s → %s', (answers, ends) => {
    expect(walk(fresh, answers.split(' ')).at(-1)).toBe(ends)
  })

  test('a purchase that carries a payment begins where it is sent', () => {
    expect(walk(paid, ['answered', 'captured'])).toEqual(['executing', 'verifying', 'captured'])
  })

  test('what an effect may not answer moves nothing', () => {
    for (const from of working) {
      const [snapshot] = initialTransition(Purchase.machine, fresh)
      const [next] = transition(Purchase.machine, snapshot, done(from, 'captured'))
      expect(next.value).toBe('discovering')
    }
  })
})

const allEvents = edges.map(({ from, event }) => done(from, event))

describe('shortest paths', () => {
  const paths = getShortestPaths(Purchase.machine, { input: fresh, events: allEvents })
  const way = (path: (typeof paths)[number]) => path.steps.map(({ state }) => state.value)

  test('reach every state', () => {
    const reached = new Set(paths.map(({ state }) => state.value as string))
    const ends = ['captured', 'refused', 'expired', 'disputed', 'refunded']
    expect([...reached].sort()).toEqual([...working, ...ends].sort())
  })

  test('money leaves in `paying` only, entered only through the policy’s allow', () => {
    for (const path of paths) {
      const states = [...way(path), path.state.value] as string[]
      const sent = states.findIndex((state) =>
        ['executing', 'looking', 'verifying'].includes(state),
      )
      if (sent === -1) continue
      expect(states.slice(0, sent)).toContain('paying')
    }
    expect(edges.filter(({ to }) => to === 'paying')).toEqual([
      { from: 'deciding', event: 'allow', to: 'paying' },
    ])
    expect(edges.filter(({ to }) => to === 'executing').map(({ from }) => from)).toEqual([
      'paying',
      'looking',
    ])
  })
})

test('the states and where they lead', () => {
  const lines = working.map((state) => {
    const ways = Object.entries(Purchase.table[state]).map(([event, to]) => `${event} → ${to}`)
    return `${state}: ${ways.join(', ')}`
  })
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    discovering: found → quoting, none → refused
    quoting: quoted → deciding, refused → refused
    deciding: allow → paying, deny → refused, review → refused
    paying: signed → executing, unsigned → releasing
    executing: answered → verifying, unclear → looking
    looking: again → executing, never → releasing, paid → verifying
    releasing: expired → expired, refused → refused
    verifying: captured → captured, disputed → disputed, refunded → refunded, unpaid → looking
    "
  `)
})

describe('edges as records carry them', () => {
  test.each(edges)('$from $event', ({ from, event, to }) => {
    const edge = Purchase.edge(from, event)
    expect(edge).toEqual({ machine: Purchase.machineDigest, from, event, to })
    expect(Purchase.isEdge(edge)).toBe(true)
    expect(Purchase.isEdge({ ...edge, to: 'paying' })).toBe(to === 'paying')
    expect(Purchase.isEdge({ ...edge, machine: requestDigest })).toBe(false)
  })

  test('one that is not in the table is a bug', () => {
    expect(() => Purchase.edge('deciding', 'captured')).toThrow('expected an edge')
    const none = { machine: Purchase.machineDigest, from: 'nowhere', event: 'x', to: 'paying' }
    expect(Purchase.isEdge(none)).toBe(false)
  })
})

test('without its effects the machine does nothing', async () => {
  const [, actions] = initialTransition(Purchase.machine, fresh)
  expect(actions.map(({ type }) => type)).toContain('xstate.spawnChild')
  const spawned = actions.find(({ type }) => type === 'xstate.spawnChild') as unknown as {
    params: { src: string; input: Purchase.Context }
  }
  expect(spawned.params).toMatchObject({ src: 'discovering', input: fresh })
})
