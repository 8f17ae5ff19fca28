/**
 * @module Runs in the journal: where each stands, its transitions as records, what it bought. The part of
 * a buyer that agents are made of.
 */
import type * as Event from '../economy/Event.ts'
import * as Purchases from '../economy/Purchases.ts'
import * as FoldedRuns from '../economy/Runs.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Books from '../store/Books.ts'
import type * as AgentMachine from './AgentMachine.ts'
import type { Runtime } from './Runtime.ts'

/** Where a run stands, as the journal says it. */
export type Standing = {
  readonly run: string
  readonly state: AgentMachine.State
  /** Of its next transition. */
  readonly seq: number
  readonly wakeAtMs?: number | undefined
}

/** One transition, told. */
export type Move = Omit<Event.Of<'moved'>, 'type' | 'agent' | 'seq'>

/** What somebody answered about a purchase under review; undefined while it waits. */
export type Answer = 'approve' | 'decline' | 'expire'

/** The journal's part for agents. */
export type Runs = {
  readonly runtime: Runtime
  /** Aborted when the buyer closes. */
  readonly closing: AbortSignal
  /** Transitions as one entry of the journal: all or none. Folded at once, resolves when durable. */
  record(moves: readonly Move[]): Promise<void>
  /** A run that the journal knows. */
  find(run: string): Standing | undefined
  /** Every run whose name begins so, oldest first. */
  list(beginning: string): readonly Standing[]
  /** What was decided in a run, oldest first. */
  purchases(run: string): readonly Purchases.Purchase[]
  answer(purchase: Hex): Answer | undefined
}

/** Of a buyer's books. */
export function of(ports: {
  readonly books: Books.Books
  readonly runtime: Runtime
  readonly closing: AbortSignal
}): Runs {
  const { books, runtime, closing } = ports
  const { purchases } = books.state.purchases
  return {
    ...{ runtime, closing },
    async record(moves) {
      closing.throwIfAborted()
      const next = new Map<string, number>()
      const entries = moves.map((move) => {
        const seq = next.get(move.run) ?? find(move.run)?.seq ?? 0
        next.set(move.run, seq + 1)
        return { event: { type: 'moved', agent: books.origin, seq, ...move } as const }
      })
      await books.record(entries)
    },
    find,
    list: (beginning) =>
      [...books.state.runs.values()]
        .filter(({ moved }) => moved.run.startsWith(beginning))
        .map(({ moved }) => standing(moved)),
    purchases: (run) => [...purchases.values()].filter(({ decided }) => decided.key.run === run),
    answer(id) {
      const purchase = purchases.get(id)
      const status = purchase?.status
      if (purchase?.approved !== undefined) return 'approve'
      if (Purchases.isWaiting(books.state.purchases, purchase, books.now())) return undefined
      return status === 'reviewing' ? 'expire' : 'decline'
    },
  }

  function find(run: string): Standing | undefined {
    const known = FoldedRuns.find(books.state.runs, { agent: books.origin, run })
    return known && standing(known.moved)
  }
}

function standing({ run, seq, transition, wakeAtMs }: Event.Of<'moved'>): Standing {
  return { run, state: transition.to as AgentMachine.State, seq: seq + 1, wakeAtMs }
}
