/**
 * @module Tools that spend. A tool says beforehand what one call of it may cost at most, and gets a till for
 * that much: nothing else in an agent has any way to spend, since the buyer is given to the tool's maker and
 * never stands in state, context, configuration or messages. What a model writes as arguments, and what a
 * tool brings back, is text: it can ask to spend, and only the policy can allow it.
 *
 * Purchases are named by the agent's run, its model call, the tool call and their order within it, before
 * anything is tried: a tool that runs again (retry, restart, resumed checkpoint) finds what it bought.
 */
import { type StructuredToolInterface, tool } from '@langchain/core/tools'
import { BaseError, InputError } from '../../kernel/Errors.ts'
import * as Hash from '../../kernel/Hash.ts'
import type { Buyer, Call, Fetching, Outcome } from '../Buyer.ts'
import * as State from './State.ts'

/** What a tool declares. */
export type Declaration = {
  readonly name: string
  /** The most that one call of it may cost, in atoms. */
  readonly mostAtoms: bigint
  /** Whom it pays, where that is known beforehand: an approval is asked for this payee. */
  readonly payee?: string
  /** What its purchases are for: what a policy may ask; `resource` unless given. */
  readonly category?: string
}

/** A tool's description for models, and what it declares. */
export type Fields<Schema> = Declaration & {
  readonly description: string
  /** Of its arguments: zod or JSON Schema. */
  readonly schema: Schema
}

/** What a paying tool spends with, during one call. */
export type Till = {
  /** As `Buyer.buy`, within what is left of the call's declared cost. One purchase at a time. */
  buy(call: Omit<Call, 'run' | 'step' | 'mostAtoms'>): Promise<Outcome>
  /** As `Buyer.fetch`, likewise. */
  fetch(
    url: string,
    init?: Parameters<Buyer['fetch']>[1],
    options?: Pick<Fetching, 'signal'>,
  ): Promise<Outcome>
  /** What is left of the declared cost, in atoms. */
  leftAtoms(): bigint
}

/** What a paying tool needs of a buyer. */
export type Payer = Pick<Buyer, 'buy' | 'fetch' | 'approve'>

const declarations = new WeakMap<Payer, Map<string, Declaration>>()

/** What the tools made with a buyer declare, by name. */
export function declared(buyer: Payer): ReadonlyMap<string, Declaration> {
  return declarations.get(buyer) ?? new Map()
}

const gated = new WeakMap<Payer, Set<string>>()

/** Puts the tools made so far behind `payable`'s gate; says whether there are any. */
export function gate(buyer: Payer): boolean {
  const names = [...declared(buyer).keys()]
  gated.set(buyer, new Set([...(gated.get(buyer) ?? []), ...names]))
  return names.length > 0
}

/**
 * Makes a tool that spends `buyer`'s money, for agents with `payable(buyer)`: elsewhere it throws
 * `tool-unpaid`. Throws `InputError` for a cost that is none.
 */
export function paid<Args = Record<string, unknown>>(
  buyer: Payer,
  run: (args: Args, till: Till) => Promise<unknown> | unknown,
  fields: Fields<object>,
): StructuredToolInterface {
  const { name, description, schema, ...declaration } = fields
  if (declaration.mostAtoms <= 0n)
    throw new InputError(
      'expected mostAtoms of one atom or more: a tool that is free needs no till',
    )
  const known = declarations.get(buyer) ?? new Map<string, Declaration>()
  declarations.set(buyer, known.set(name, { name, ...declaration }))
  return tool(
    async (args: unknown, runtime: unknown) => {
      const { state, toolCallId } = runtime as { state?: unknown; toolCallId?: string }
      const standing = State.read(state)
      const isGated = gated.get(buyer)?.has(name) === true
      if (standing === undefined || toolCallId === undefined || !isGated) throw unpaid(name)
      return run(args as Args, till(buyer, { name, ...declaration }, standing, toolCallId))
    },
    { name, description, schema } as never,
  ) as unknown as StructuredToolInterface
}

/** The run under which a tool call's purchases stand: fixed by the agent's own run and step. */
export function runOf({ run, step }: Pick<State.Standing, 'run' | 'step'>, id: string): string {
  return `tool/${Hash.digest({ run, step, id }).slice(2, 42)}`
}

function till(
  buyer: Payer,
  { name, mostAtoms, category }: Declaration,
  standing: State.Standing,
  id: string,
): Till {
  const run = runOf(standing, id)
  const approval = standing.approved?.[id]
  let step = 0
  let spentAtoms = 0n
  let last: Promise<unknown> = Promise.resolve()
  const leftAtoms = () => mostAtoms - spentAtoms
  const inTurn = (make: (own: { run: string; step: number }) => Promise<Outcome>) => {
    const own = { run, step: step++ }
    const made = last.then(async () => {
      if (leftAtoms() <= 0n) throw overspent(name, mostAtoms)
      const outcome = await approved(await make(own))
      spentAtoms += outcome.paidAtoms
      return outcome
    })
    last = made.catch(() => undefined)
    return made
  }
  /** What was approved before the tool ran is told the buyer once it asks. */
  const approved = async (outcome: Outcome): Promise<Outcome> => {
    if (approval === undefined || outcome.code !== 'needs-approval') return outcome
    const { by, ceilingAtoms } = approval
    const ceiling = BigInt(ceilingAtoms) < leftAtoms() ? BigInt(ceilingAtoms) : leftAtoms()
    return buyer.approve(outcome.purchase, { by, ceilingAtoms: ceiling })
  }
  return {
    leftAtoms,
    buy: (call) => inTurn((own) => buyer.buy({ ...call, ...own, mostAtoms: leftAtoms() })),
    fetch: (url, init, options = {}) =>
      inTurn((own) => {
        const told = { tool: name, ...(category === undefined ? {} : { category }) }
        return buyer.fetch(url, init, { ...options, ...told, ...own, mostAtoms: leftAtoms() })
      }),
  }
}

function unpaid(name: string): BaseError {
  return new BaseError(`the tool ${name} spends, and nobody gave it anything to spend with`, {
    code: 'tool-unpaid',
    hint: 'put payable(buyer), made after the tool, among the agent’s middleware',
  })
}

function overspent(name: string, mostAtoms: bigint): BaseError {
  return new BaseError(`the tool ${name} has spent the ${mostAtoms} atoms that it declared`, {
    code: 'tool-overspent',
    hint: 'declare more, or buy less in one call',
  })
}
