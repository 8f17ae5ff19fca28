/**
 * @module Books: a journal and the state that follows from it, kept in step. An event is folded the moment
 * it is put in line, so that the next decision already sees it, and its writer goes on only once it is
 * durable. Nothing takes effect outside before that.
 */
import * as Economy from '../economy/Economy.ts'
import * as Event from '../economy/Event.ts'
import { assert } from '../kernel/Assert.ts'
import type { Clock } from '../kernel/Clock.ts'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Note from '../provenance/Note.ts'
import type * as Proof from '../provenance/Proof.ts'
import * as Record from '../provenance/Record.ts'
import type * as Journal from './Journal.ts'
import * as Keeper from './Keeper.ts'

/** Journal and state of one process. */
export type Books = {
  readonly state: Economy.Economy
  readonly origin: Hex
  /**
   * Folds the events at once, in one atomic batch, and resolves when they are durable. Events that cannot
   * follow are a bug: decide on `state` first, in the same turn.
   */
  record(
    entries: readonly Entry[],
    options?: { readonly atMs: number },
  ): Promise<readonly Record.Cause[]>
  /** The clock of the log: never before its last record. */
  now(): number
  /** Canonical text of a record. */
  text(leaf: number): string
  proof(leaf: number): Proof.Proof
  /** Number of durable records. */
  size(): number
  /** What to wait for while something folded is not durable yet; undefined when all is. */
  unsettled(): Promise<unknown> | undefined
  close(): void
}

/** An event and what led to it. */
export type Entry = { readonly event: Event.Event; readonly causes?: readonly Record.Cause[] }

/** How books are opened. */
export type Options = {
  readonly file: string
  readonly origin: Hex
  readonly now: Clock
  /** Signs the log's checkpoints, and seals what is kept of its state: `wallets/NoteKey`. */
  readonly signer?: Note.Signer | undefined
  /** Told once when state and journal may differ: the process must end, and fold anew when it is back. */
  readonly onPoisoned?: (error: unknown) => void
  /** Told in words why a kept state is not used, or could not be kept. */
  readonly onNote?: ((text: string) => void) | undefined
  /** The seam for faults of {@link Journal.Options}. */
  readonly commit?: Journal.Options['commit']
}

/**
 * Opens the journal (this process becomes its one writer) and folds what it holds, or what came since
 * its state was last kept. Throws what {@link Journal.open} does, `journal-inconsistent`, and
 * `journal-rewritten` for a journal that is not the one its own key signed for.
 */
export function open(options: Options): Books {
  const keeper = Keeper.open(options)
  const { journal, economy: state } = keeper
  let leaf = journal.size()
  let nowMs = keeper.atMs
  const now = () => {
    nowMs = Math.max(nowMs, options.now())
    return nowMs
  }
  let poisoned: { readonly error: unknown } | undefined
  let closed = false
  let last: Promise<unknown> = Promise.resolve()
  const fold = (entry: Entry, atMs: number) => {
    const { event, causes = [] } = entry
    const draft = { id: Event.id(event), atMs, causes, event }
    const place = { v: 1, leaf, origin: options.origin, previous: Record.genesis } as const
    const fault = Economy.apply(state, { ...draft, ...place })
    assert(fault === undefined, `an event that follows from the books: ${event.type}: ${fault}`)
    leaf += 1
    return draft
  }
  const append = async (entries: readonly Entry[], atMs: number) => {
    const first = leaf
    const appended = await journal.append(entries.map((entry) => fold(entry, atMs)))
    // What is folded and not durable yet is not kept.
    if (leaf === journal.size()) keeper.keepWhenDue(nowMs)
    return appended.map(({ leaf: at, exists }, index) => {
      assert(!exists && at === first + index, 'the journal to keep step with the books')
      return { origin: options.origin, leaf: at }
    })
  }
  async function record(entries: readonly Entry[], { atMs } = { atMs: now() }) {
    assert(atMs <= now(), 'a record that is not of the future')
    if (poisoned !== undefined) throw poisoned.error
    const appending = append(entries, atMs)
    last = appending.catch(() => undefined)
    try {
      return await appending
    } catch (error) {
      poisoned ??= { error }
      options.onPoisoned?.(error)
      throw error
    }
  }
  return {
    state,
    origin: options.origin,
    record,
    now,
    text: (at) => {
      for (const text of journal.read(at)) return text
      throw new BaseError(`no record ${at}`, { code: 'record-missing', retry: 'never' })
    },
    proof: (at) => journal.proof(at),
    size: () => journal.size(),
    unsettled: () => (leaf === journal.size() || poisoned !== undefined ? undefined : last),
    close() {
      if (poisoned === undefined && !closed && leaf === journal.size()) keeper.keep(nowMs)
      closed = true
      journal.close()
    },
  }
}
