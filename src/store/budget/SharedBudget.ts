/**
 * @module A budget that many processes spend from: check and hold in one step, across all of them. Who takes
 * the lock of its folder is the writer; everybody else asks it, through the same functions. When the writer
 * ends, however it ends, the next one to ask takes its place, folds the journal and goes on.
 *
 * Every call names an id and may be made again: a caller that lost its answer asks again under the same id
 * and is told that it `exists`. A hold stays until somebody captures it, or voids it after having looked.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import type { Clock } from '../../kernel/Clock.ts'
import { BaseError, InputError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import type * as Budget from '../../policies/Budget.ts'
import * as Decision from '../../policies/Decision.ts'
import type * as Policy from '../../policies/Policy.ts'
import * as Files from '../Files.ts'
import * as Address from './Address.ts'
import * as BudgetBooks from './BudgetBooks.ts'
import * as Caller from './Caller.ts'
import * as Command from './Command.schema.ts'
import * as Door from './Door.ts'

export type { Hold } from './Command.schema.ts'

/** What is in force, each of its meters, and what is frozen in the whole budget. */
export type Status = {
  readonly policyDigest: Hex
  readonly rows: readonly Budget.Row[]
  readonly frozen: readonly Frozen[]
}

/** What may not pay: `everything`, `agent 0x…`, `payee lab.example` or `model docs-reader`. */
export type Frozen = {
  readonly target: string
  readonly by: string
  readonly because: string
  readonly atMs: number
}

/**
 * A budget, asked from this process. Each function throws `BaseError`: `budget-unreachable` when no writer
 * answered in time, `budget-closed`, or what the budget's journal throws.
 */
export type SharedBudget = {
  /** As `Budget.authorize`; an `allow` is on the disk before it is answered. */
  authorize(request: Budget.Request): Promise<Decision.Decision>
  /** As `Budget.authorize` would decide now; holds nothing. */
  explain(request: Budget.Request): Promise<Decision.Decision>
  /** Turns a hold into `atoms` used; at most what is held. */
  capture(id: Hex, atoms: bigint): Promise<Budget.Outcome>
  /** Frees a hold, or a review: only after a look that nothing was or will be paid under the id. */
  void(id: Hex): Promise<Budget.Outcome>
  status(): Promise<Status>
  /** All that is held or under review here and in slices of it, oldest first. */
  holds(): Promise<readonly Command.Hold[]>
  /**
   * A budget within this one, made if there is none of that name: what it authorises is held on both at
   * once, so it can only narrow, and it knows no way back. Throws `slice-differs` for a name that stands for
   * another. It needs no closing of its own.
   */
  slice(options: {
    readonly name: string
    readonly policy: Policy.Policy
  }): Promise<Omit<SharedBudget, 'close'>>
  /** Whether this process is the writer just now. */
  isWriter(): boolean
  /** Answers what it was asked as the writer, then lets another take its place. */
  close(): Promise<void>
}

/** What an operator has beside: an agent has no handle that widens its own policy. */
export type Operator = SharedBudget & {
  /** Puts a policy in force at once; usage and holds stay. Returns its digest. */
  adopt(policy: Policy.Policy): Promise<Hex>
  /** Stops what would pay from now on, in the whole budget; holds stay. `exists`: it was frozen. */
  freeze(
    target: string,
    options: { readonly by: string; readonly because: string },
  ): Promise<'ok' | 'exists'>
  /** Lets it pay again; `exists`: it was not frozen. */
  thaw(target: string, options: { readonly by: string }): Promise<'ok' | 'exists'>
}

/** How a budget is opened. */
export type Options = {
  /** The budget's own folder, on a local disk. */
  readonly dir: string
  /** Adopted if there is none in force yet; otherwise it must be the one in force. */
  readonly policy?: Policy.Policy
  /** The slice to spend from; the whole budget when left out. */
  readonly slice?: string
  readonly now?: Clock
  /** How long a call waits for a writer before it gives up; 30 seconds when left out. */
  readonly patienceMs?: number
  /** The seam for faults of `Journal.Options`. */
  readonly commit?: BudgetBooks.Options['commit']
}

/**
 * Opens the budget of a folder, making it if there is none. Throws `BaseError`: `budget-without-policy`,
 * `policy-differs`, `budget-unreachable`, or what its journal throws.
 */
export async function open(options: Options): Promise<SharedBudget> {
  const { adopt: _, freeze: __, thaw: ___, ...budget } = await operate(options)
  return budget
}

/** Opens a budget for its operator. Throws as {@link open} does. */
export async function operate(options: Options): Promise<Operator> {
  const { dir, policy, slice } = options
  Files.ensureFolder(dir)
  const table = createTable({ ...options, dir: fs.realpathSync(dir) })
  const on = slice === undefined ? {} : { slice }
  try {
    await table.ask({ call: 'join', ...on, ...(policy && { policy: Json.plain(policy) }) })
  } catch (error) {
    await table.close()
    throw error
  }
  return {
    ...handle(table, on),
    adopt: async (next) =>
      (await table.ask({ call: 'adopt', ...on, policy: Json.plain(next) })) as Hex,
    freeze: async (target, { by, because }) =>
      (await table.ask({ call: 'freeze', target, by, because })) as 'ok',
    thaw: async (target, { by }) => (await table.ask({ call: 'thaw', target, by })) as 'ok',
    close: table.close,
  }
}

function handle(table: Table, on: { readonly slice?: string }): Omit<SharedBudget, 'close'> {
  const decide = async (call: 'authorize' | 'explain', request: Budget.Request) =>
    Decision.fromJson(await table.ask({ call, ...on, request: Command.writeRequest(request) }))
  const outcome = async (command: { readonly [key: string]: Json.Value }) =>
    (await table.ask({ ...command, ...on })) as Budget.Outcome
  return {
    authorize: (request) => decide('authorize', request),
    explain: (request) => decide('explain', request),
    async capture(id, atoms) {
      if (typeof atoms !== 'bigint')
        throw new InputError(`expected atoms as a bigint, got ${typeof atoms}`)
      return outcome({ call: 'capture', id, atoms: atoms.toString() })
    },
    void: (id) => outcome({ call: 'void', id }),
    status: async () => Command.readStatus(await table.ask({ call: 'status', ...on })) as Status,
    async holds() {
      const found: Command.Hold[] = []
      for (let fromLeaf = 0; ; fromLeaf = found.at(-1)!.leaf + 1) {
        const page = Command.readHolds(await table.ask({ call: 'holds', ...on, fromLeaf }))
        if (page.length === 0) return found
        found.push(...page)
      }
    },
    async slice({ name, policy }) {
      await table.ask({ call: 'slice', ...on, name, policy: Json.plain(policy) })
      return handle(table, { slice: name })
    },
    isWriter: table.isWriter,
  }
}

/** One process's place: at the journal, or before the writer's door. */
type Seat = {
  readonly isWriter: boolean
  ask(command: unknown, withinMs: number): Promise<Caller.Reply>
  isLost(): boolean
  close(): Promise<void>
}

const usualPatienceMs = 30_000
/** Between two looks for a writer: a new one folds its journal before it listens. */
const lookAgainMs = { least: 2, spread: 20 }

type Table = {
  ask(command: Json.Value): Promise<unknown>
  isWriter(): boolean
  close(): Promise<void>
}

function createTable(options: Options): Table {
  const { dir, patienceMs = usualPatienceMs } = options
  let seat: Seat | undefined
  let finding: Promise<Seat | undefined> | undefined
  let failed: { readonly error: unknown } | undefined
  let closing: Promise<void> | undefined
  const open = () => {
    if (failed !== undefined) throw failed.error
    if (closing !== undefined) throw closed(dir)
  }
  /** All who ask at the same time look for a seat once. */
  const sit = (withinMs: number): Promise<Seat | undefined> => {
    finding ??= find(options, { withinMs, onFailure: fail })
      .then((found) => {
        seat = found
        // Others may have asked through the door before it was known here.
        if (failed !== undefined) void found?.close()
        return found
      })
      .finally(() => {
        finding = undefined
      })
    return finding
  }
  /** What is in memory and what is on the disk may differ: this process is done, others go on. */
  function fail(error: unknown) {
    failed ??= { error }
    void seat?.close()
  }
  async function ask(command: Json.Value): Promise<unknown> {
    const untilMs = performance.now() + patienceMs
    for (;;) {
      open()
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0) throw unreachable(dir, patienceMs)
      if (seat === undefined || seat.isLost()) {
        seat = undefined
        await sit(leftMs)
        continue
      }
      const reply = await seat.ask(command, leftMs)
      if (reply.kind === 'answered') return reply.result
      if (reply.kind === 'failed') throw reply.error
    }
  }
  return {
    ask,
    isWriter: () => seat?.isWriter === true && failed === undefined && closing === undefined,
    close() {
      closing ??= (async () => {
        await finding?.catch(() => undefined)
        await seat?.close()
      })()
      return closing
    },
  }
}

type Finding = { readonly withinMs: number; readonly onFailure: (error: unknown) => void }

/** Connects to the writer or becomes it; undefined when neither came about in time. */
async function find(options: Options, { withinMs, onFailure }: Finding): Promise<Seat | undefined> {
  const untilMs = performance.now() + withinMs
  for (let leftMs = withinMs; leftMs > 0; leftMs = untilMs - performance.now()) {
    const address = Address.find(options.dir)
    const caller = address && (await Caller.connect(address, leftMs))
    if (caller !== undefined) return { isWriter: false, ...caller }
    const seat = await write(options, onFailure)
    if (seat !== undefined) return seat
    const waitMs = lookAgainMs.least + Math.random() * lookAgainMs.spread
    await new Promise((resolve) => setTimeout(resolve, Math.min(waitMs, leftMs)))
  }
  return undefined
}

/** Becomes the writer; undefined when another is. */
async function write(
  options: Options,
  onFailure: (error: unknown) => void,
): Promise<Seat | undefined> {
  const { dir, now = Date.now, commit } = options
  let books: BudgetBooks.BudgetBooks
  try {
    const seam = commit === undefined ? {} : { commit }
    books = BudgetBooks.open({ file: path.join(dir, 'budget.db'), now, onFailure, ...seam })
  } catch (error) {
    if (error instanceof BaseError && error.code === 'journal-in-use') return undefined
    throw error
  }
  const hasFailed = () => books.failure() !== undefined
  let door: Door.Door
  try {
    door = await Door.open({ dir, ask: books.ask, hasFailed })
  } catch (error) {
    books.close()
    throw error
  }
  let closing: Promise<void> | undefined
  return {
    isWriter: true,
    async ask(command) {
      try {
        return { kind: 'answered', result: await books.ask(command) }
      } catch (error) {
        if (error instanceof BaseError) return { kind: 'failed', error }
        throw error
      }
    },
    isLost: () => false,
    close() {
      // The door first: what the next writer opens must not be closed by this one.
      closing ??= door.close().finally(books.close)
      return closing
    },
  }
}

function unreachable(dir: string, patienceMs: number): BaseError {
  return new BaseError(`no writer of the budget in ${dir} answered within ${patienceMs} ms`, {
    code: 'budget-unreachable',
    hint: 'ask again under the same id; see whether the process that holds its lock is stopped',
    retry: 'safe',
    facts: { dir },
  })
}

function closed(dir: string): BaseError {
  return new BaseError(`the budget in ${dir} is closed`, {
    code: 'budget-closed',
    hint: 'open it again',
    facts: { dir },
  })
}
