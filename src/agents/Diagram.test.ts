import { expect, test } from 'vitest'
import { setup } from 'xstate'
import * as AgentMachine from './AgentMachine.ts'
import * as Diagram from './Diagram.ts'
import * as Purchase from './Purchase.ts'

test('a run of an agent', () => {
  expect(`${Diagram.toMermaid(AgentMachine.machine)}\n`).toMatchInlineSnapshot(`
    "stateDiagram-v2
      [*] --> idle
      idle --> working: ask
      idle --> idle: schedule
      idle --> working: wake
      idle --> paused: pause
      idle --> stopped: stop
      working --> idle: sleep
      working --> awaitingApproval: review
      working --> done: finish
      working --> failed: fail
      working --> paused: pause
      working --> stopped: stop
      awaitingApproval --> working: approve
      awaitingApproval --> failed: decline
      awaitingApproval --> failed: expire
      awaitingApproval --> paused: pause
      awaitingApproval --> stopped: stop
      paused --> idle: resume
      paused --> stopped: stop
      done --> [*]
      failed --> [*]
      stopped --> [*]
    "
  `)
})

test.each([
  ['an agent', AgentMachine.machine, AgentMachine.table],
  ['a purchase', Purchase.machine, Purchase.table],
])('%s is drawn with the edges of its table, and no others', (_, machine, table) => {
  const drawn = [...Diagram.toMermaid(machine).matchAll(/^ {2}(\w+) --> (\w+): (\w+)$/gm)]
  const edges = Object.entries(table).flatMap(([from, row]) =>
    Object.entries(row).map(([name, to]) => [from, to, name]),
  )
  expect(edges.length).toBeGreaterThan(15)
  expect(drawn.map((edge) => edge.slice(1)).sort()).toEqual(edges.sort())
})

test('a beginning that only chooses is drawn as the beginning', () => {
  const [, ...lines] = Diagram.toMermaid(Purchase.machine).split('\n')
  expect(lines.slice(0, 2)).toEqual(['  [*] --> executing: hasPayment', '  [*] --> discovering'])
  expect(lines.join('\n')).not.toContain('starting')
})

test('any machine: edges without a name, and to itself', () => {
  const machine = setup({}).createMachine({
    initial: 'open',
    states: {
      open: { on: { knock: {}, push: 'shut' } },
      shut: { always: 'broken' },
      broken: { type: 'final' },
    },
  })
  expect(Diagram.toMermaid(machine)).toBe(
    [
      'stateDiagram-v2',
      '  [*] --> open',
      '  open --> open: knock',
      '  open --> shut: push',
      '  shut --> broken',
      '  broken --> [*]',
    ].join('\n'),
  )
})
