/**
 * @module The writer's half of a shared budget: its journal and the state that follows, kept in step. A
 * command is carried out at once, so that the next one sees what it holds, and answered when all that the
 * answer follows from is on the disk. Callers that ask at the same time share one flush.
 */
import type { Clock } from '../../kernel/Clock.ts'
import { BaseError } from '../../kernel/Errors.ts'
import * as Hash from '../../kernel/Hash.ts'
import type { Hex } from '../../kernel/Hex.ts'
import type * as Json from '../../kernel/Json.ts'
import { name } from '../../kernel/Name.ts'
import * as Record from '../../provenance/Record.ts'
import * as Journal from '../Journal.ts'
import * as BudgetState from './BudgetState.ts'
import * as Command from './Command.schema.ts'

/** The one writer of a budget. */
export type BudgetBooks = {
  /**
   * Carries out a command from an untrusted place. Throws `InputError`, what the budget throws, or, when
   * nothing can be promised any more, the error that {@link failure} gives from then on.
   */
  ask(command: unknown): Promise<Json.Value>
  /** Why this writer answers nothing more; undefined while it does. */
  failure(): unknown
  /** Records what is waiting and frees the budget for another writer. */
  close(): void
}

/** How the books of a budget are opened. */
export type Options = {
  readonly file: string
  readonly now: Clock
  /** The seam for faults of {@link Journal.Options}. */
  readonly commit?: Journal.Options['commit']
  /** Told once, when the writer fails. */
  readonly onFailure?: (error: unknown) => void
}

/** Nobody's address: a budget has no key of its own. */
const origin = Hash.digest(`${name}/budget`).slice(0, 42) as Hex

/**
 * Takes the journal as its one writer and folds it. Throws what `Journal.open` does (`journal-in-use`:
 * somebody else is the writer), or `journal-inconsistent`.
 */
export function open(options: Options): BudgetBooks {
  const { file, now } = options
  const journal = Journal.open<BudgetState.Event>({ ...options, origin })
  let state: BudgetState.State
  try {
    state = fold(journal, file)
  } catch (error) {
    journal.close()
    throw error
  }
  let leaf = journal.size()
  let durable: Promise<unknown> = Promise.resolve()
  let failed: { readonly error: unknown } | undefined
  const fail = (error: unknown) => {
    if (failed !== undefined) return
    failed = { error }
    options.onFailure?.(error)
  }
  const perform = (command: Command.Command) => {
    // A clock that goes back frees nothing, and a record is never before the last one.
    const atMs = Math.max(Math.trunc(now()), BudgetState.latestMs(state))
    const { result, event } = BudgetState.perform(state, command, { atMs, leaf })
    if (event === undefined) return result
    const expected = leaf
    // One record for one place: of two writers, if ever there were, the later one is stopped here.
    const draft = { id: `${expected}`, causes: [], event, atMs }
    leaf += 1
    durable = journal.append([draft]).then(
      ([appended]) => {
        if (appended?.exists !== false || appended.leaf !== expected) throw overtaken(file)
      },
      (error: BaseError) => {
        throw error.code === 'exists-with-different-record' ? overtaken(file, error) : error
      },
    )
    // Whoever waits for it is told; nobody need be waiting any more.
    durable.catch(fail)
    return result
  }
  return {
    async ask(given) {
      const command = Command.read(given)
      if (failed !== undefined) throw failed.error
      let result: Json.Value
      try {
        result = perform(command)
      } catch (error) {
        // Half done is worse than not done: only what is thrown on purpose has changed nothing.
        if (!(error instanceof BaseError)) fail(error)
        throw error
      }
      await durable
      return result
    },
    failure: () => failed?.error,
    close: () => journal.close(),
  }
}

function overtaken(file: string, cause?: unknown): BaseError {
  return new BaseError(`another process has written ${file} meanwhile`, {
    code: 'budget-overtaken',
    hint: 'end this process; never remove the lock file of a budget while one runs',
    retry: 'unknown',
    facts: { file },
    cause,
  })
}

function fold(journal: Journal.Journal<BudgetState.Event>, file: string): BudgetState.State {
  const state = BudgetState.empty()
  let leaf = 0
  for (const text of journal.read()) {
    const { event, atMs } = Record.decode(text)
    const fault = BudgetState.apply(state, event, { atMs, leaf })
    if (fault !== undefined)
      throw new BaseError(`${file}: record ${leaf} cannot follow: ${fault}`, {
        code: 'journal-inconsistent',
        hint: 'keep the folder as it is for whoever looks into it, and put back a copy',
        facts: { file, leaf },
      })
    leaf += 1
  }
  return state
}
