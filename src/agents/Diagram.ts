/**
 * @module Diagram: a machine as a Mermaid state chart, read off the machine itself, so that a picture in a
 * document can be held to the code.
 */
import type { AnyStateMachine } from 'xstate'

type Target = {
  readonly key: string
}
type Edge = {
  readonly eventType: string
  readonly target?: readonly Target[] | undefined
  readonly guard?: unknown
}
type Node = {
  readonly key: string
  readonly type: string
  readonly states: Readonly<Record<string, Node>>
  readonly initial: { readonly target: readonly Target[] }
  readonly transitions: ReadonlyMap<string, readonly Edge[]>
  readonly always?: readonly Edge[] | undefined
}

/**
 * Text of a `stateDiagram-v2`: every state, every edge under the name of what happened. A first state that
 * only chooses where to begin is drawn as the beginning itself.
 *
 * @example
 * toMermaid(Purchase.machine).split('\n')[1] // '  [*] --> executing: hasPayment'
 */
export function toMermaid(machine: AnyStateMachine): string {
  const { initial, states } = machine.root as unknown as Node
  const first = initial.target[0]!.key
  const lines = Object.values(states).flatMap((node) => {
    const isChoice = node.key === first && node.transitions.size === 0 && node.always !== undefined
    const from = isChoice ? '[*]' : node.key
    const edges = [...(node.always ?? []), ...[...node.transitions.values()].flat()]
    const drawn = edges.map((edge) => line(from, edge))
    return [
      ...(node.key === first && !isChoice ? [`  [*] --> ${first}`] : []),
      ...drawn,
      ...(node.type === 'final' ? [`  ${node.key} --> [*]`] : []),
    ]
  })
  return ['stateDiagram-v2', ...lines].join('\n')
}

function line(from: string, edge: Edge): string {
  const to = edge.target?.[0]?.key ?? from
  const name = label(edge)
  return `  ${from} --> ${to}${name === '' ? '' : `: ${name}`}`
}

/** An effect's end is told by what it answered, a beginning by its guard, all else by its event. */
function label({ eventType, guard }: Edge): string {
  if (eventType !== '' && !eventType.startsWith('xstate.done.')) return eventType
  if (typeof guard === 'string') return guard
  const { params, type } = (guard ?? {}) as { params?: Record<string, string>; type?: string }
  return Object.values(params ?? {})[0] ?? type ?? ''
}
