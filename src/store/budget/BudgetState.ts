/**
 * @module The state of a shared budget as a fold over its journal. To carry out a command and to replay what
 * it recorded are one function: a record that does not come out again word for word cannot follow.
 */
import { assert } from '../../kernel/Assert.ts'
import { BaseError, InputError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Budget from '../../policies/Budget.ts'
import * as Decision from '../../policies/Decision.ts'
import * as Freeze from '../../policies/Freeze.ts'
import * as Policy from '../../policies/Policy.ts'
import * as Request from '../../policies/Request.ts'
import * as Command from './Command.schema.ts'

/** What a budget's journal says happened. Plain JSON; no slice: the whole budget. */
export type Event =
  | (Named & { readonly type: 'adopted'; readonly policy: Json.Value; readonly digest: Hex })
  | (Named & {
      readonly type: 'sliced'
      readonly name: string
      readonly policy: Json.Value
      readonly digest: Hex
    })
  | (Named & {
      readonly type: 'decided'
      readonly request: Json.Value
      readonly verdict: Decision.Verdict
      readonly policyDigest: Hex
      /** The sentence that decided; none of what all allow. */
      readonly rule?: string
    })
  | (Named & { readonly type: 'captured'; readonly id: Hex; readonly atoms: string })
  | (Named & { readonly type: 'voided'; readonly id: Hex })
  | {
      readonly type: 'frozen'
      readonly target: string
      readonly by: string
      readonly because: string
    }
  | { readonly type: 'thawed'; readonly target: string; readonly by: string }

type Named = { readonly slice?: string }

/** The whole budget, or a slice of `of`. */
type Level = {
  policy: Policy.Policy
  readonly usage: Budget.Usage
  readonly of: string | undefined
}

/** Owned and changed by {@link perform} alone. */
export type State = {
  /** By name; the whole budget under no name. None before a policy is adopted. */
  readonly levels: Map<string | undefined, Level>
  /** Open holds, by when they were decided. */
  readonly holds: Map<Hex, Command.Hold>
}

/** Where in time and in the journal something happens. */
export type Place = { readonly atMs: number; readonly leaf: number }

/** An answer, and what must be durable before it is given; no event of what changed nothing. */
export type Performed = { readonly result: Json.Value; readonly event?: Event }

type Of<Call extends Command.Command['call']> = Extract<Command.Command, { call: Call }>

/** Open holds in one answer. */
const holdsPerPage = 1_000

/** A budget before its first record. */
export function empty(): State {
  return { levels: new Map(), holds: new Map() }
}

/** The latest time that the budget has seen. */
export function latestMs({ levels }: State): number {
  return Math.max(0, ...[...levels.values()].map(({ usage }) => usage.latestMs))
}

/**
 * Carries a command out, at once and whole. Throws `BaseError`, having changed nothing:
 * `budget-without-policy`, `slice-unknown`, `slice-differs`, `policy-differs`, or what a bad policy throws.
 */
export function perform(state: State, command: Command.Command, at: Place): Performed {
  switch (command.call) {
    case 'join':
      return join(state, command)
    case 'adopt':
      return adopt(state, command)
    case 'slice':
      return cut(state, command)
    case 'authorize':
      return authorize(state, command, at)
    case 'capture':
    case 'void':
      return settle(state, command, at)
    case 'freeze':
      return freeze(state, command, at)
    case 'thaw':
      return thaw(state, command)
    case 'explain':
      return {
        result: plain(Budget.explainAt(levelsOf(state, command.slice), command.request, at.atMs)),
      }
    case 'status':
      return { result: status(state, command, at) }
    case 'holds':
      return { result: Json.plain(page(state, command, at)) }
  }
}

/** Replays a record; says why it cannot follow, if so. */
export function apply(state: State, event: unknown, at: Place): string | undefined {
  try {
    const { event: again } = perform(state, commandOf(event as Event), at)
    if (again !== undefined && Json.encode(again) === Json.encode(event)) return undefined
    return `recomputed ${again === undefined ? 'nothing' : Json.encode(again)}`
  } catch (error) {
    if (!(error instanceof BaseError)) throw error
    return error.message
  }
}

const calls: { readonly [Type in Event['type']]: Command.Command['call'] } = {
  adopted: 'adopt',
  sliced: 'slice',
  decided: 'authorize',
  captured: 'capture',
  voided: 'void',
  frozen: 'freeze',
  thawed: 'thaw',
}

function commandOf(event: Event): Command.Command {
  const { type, ...given } = event
  if (type === 'adopted' || type === 'sliced') delete (given as { digest?: Hex }).digest
  if (type !== 'decided') return Command.read({ call: calls[type], ...given })
  const { slice, request } = given as Extract<Event, { type: 'decided' }>
  return Command.read({ call: calls.decided, slice, request })
}

function join(state: State, { slice, policy: given }: Of<'join'>): Performed {
  if (slice === undefined && !state.levels.has(undefined) && given !== undefined)
    return adopt(state, { call: 'adopt', policy: given })
  const [{ policy }] = levelsOf(state, slice)
  const inForce = Policy.digest(policy)
  if (given === undefined) return { result: inForce }
  const wanted = Policy.digest(Policy.fromJson(given))
  if (wanted === inForce) return { result: inForce }
  throw new BaseError(`expected policy ${wanted} to be in force, got ${inForce}`, {
    code: 'policy-differs',
    hint: 'open the budget without a policy to spend under the one in force; an operator adopts another',
    facts: { inForce, wanted },
  })
}

/** Usage and holds stay: they count under the new rules as if these had been there from the start. */
function adopt(state: State, { slice, policy: given }: Of<'adopt'>): Performed {
  const policy = Policy.fromJson(given)
  const level = state.levels.get(slice)
  if (level === undefined && slice !== undefined) throw unknownSlice(slice)
  expectUnit(state, policy)
  const digest = Policy.digest(policy)
  if (level !== undefined && Policy.digest(level.policy) === digest) return { result: digest }
  if (level !== undefined) level.policy = policy
  else state.levels.set(undefined, { policy, usage: Budget.empty(), of: undefined })
  const event = { type: 'adopted', policy: Json.plain(policy), digest } as const
  return { result: digest, event: { ...event, ...named(slice) } }
}

/** A slice of a level: what it authorises is held on that level too, so it can only narrow. */
function cut(state: State, { slice: of, name, policy: given }: Of<'slice'>): Performed {
  levelsOf(state, of)
  const policy = Policy.fromJson(given)
  const digest = Policy.digest(policy)
  const level = state.levels.get(name)
  if (level !== undefined && (level.of !== of || Policy.digest(level.policy) !== digest))
    throw new BaseError(`expected ${name} to be a new slice, got one of another budget or policy`, {
      code: 'slice-differs',
      hint: 'take another name; an operator adopts another policy for a slice that there is',
      facts: { name, of: level.of },
    })
  if (level !== undefined) return { result: digest }
  expectUnit(state, policy)
  state.levels.set(name, { policy, usage: Budget.empty(), of })
  const event = { type: 'sliced', name, policy: Json.plain(policy), digest } as const
  return { result: digest, event: { ...event, ...named(of) } }
}

function authorize(state: State, { slice, request }: Of<'authorize'>, at: Place): Performed {
  const { atMs, leaf } = at
  const decision = Budget.authorizeAt(levelsOf(state, slice), request, atMs)
  const { status, verdict, policyDigest, decidedBy } = decision
  const result = plain(decision)
  const { id, digest, agent = '', payee = '', asset = '', atoms = 0n } = Request.facts(request)
  // Without an id there is nothing to remember.
  if (status !== 'decided' || id === undefined || digest === undefined) return { result }
  state.holds.delete(id)
  if (verdict !== 'deny')
    state.holds.set(id, {
      ...{ id, agent, payee, asset, atoms, leaf, sinceMs: atMs, ...named(slice) },
      state: verdict === 'allow' ? 'held' : 'review',
    })
  const rule = decidedBy === undefined ? {} : { rule: decidedBy.rule }
  const written = { request: Command.writeRequest(request), verdict, policyDigest, ...rule }
  return { result, event: { type: 'decided', ...written, ...named(slice) } }
}

/** On every level of the hold; whoever asks must have the hold on its own. */
function settle(state: State, command: Of<'capture'> | Of<'void'>, { atMs }: Place): Performed {
  const { slice, id } = command
  const act = ({ usage }: { readonly usage: Budget.Usage }) =>
    command.call === 'capture'
      ? Budget.capture(usage, id, command.atoms, atMs)
      : Budget.release(usage, id, atMs)
  const [own] = levelsOf(state, slice)
  const outcome = act(own)
  if (outcome !== 'ok') return { result: Json.plain(outcome) }
  for (const level of levelsOf(state, state.holds.get(id)?.slice))
    if (level !== own) assert(typeof act(level) === 'string', 'one hold on all levels of a budget')
  state.holds.delete(id)
  const event =
    command.call === 'capture'
      ? ({ type: 'captured', id, atoms: command.atoms.toString() } as const)
      : ({ type: 'voided', id } as const)
  return { result: outcome, event: { ...event, ...named(slice) } }
}

function freeze(state: State, { target: text, by, because }: Of<'freeze'>, at: Place): Performed {
  const [{ usage }] = levelsOf(state, undefined)
  const target = Freeze.parse(text)
  const key = Freeze.key(target)
  if (usage.freezes.has(key)) return { result: 'exists' }
  Budget.freeze(usage, { target, by, because, atMs: at.atMs })
  return { result: 'ok', event: { type: 'frozen', target: key, by, because } }
}

function thaw(state: State, { target: text, by }: Of<'thaw'>): Performed {
  const [{ usage }] = levelsOf(state, undefined)
  const target = Freeze.parse(text)
  if (!Budget.thaw(usage, target)) return { result: 'exists' }
  return { result: 'ok', event: { type: 'thawed', target: Freeze.key(target), by } }
}

function status(state: State, { slice }: Of<'status'>, { atMs }: Place): Json.Value {
  const [{ usage, policy }] = levelsOf(state, slice)
  const rows = Budget.status(usage, policy, atMs)
  const whole = levelsOf(state, slice).at(-1)!
  const frozen = [...whole.usage.freezes].map(([target, { by, because, atMs }]) => {
    return { target, by, because, atMs }
  })
  return Json.plain({ policyDigest: Policy.digest(policy), rows, frozen })
}

function page(state: State, { slice, fromLeaf }: Of<'holds'>, { atMs }: Place): Command.Hold[] {
  const [own] = levelsOf(state, slice)
  const found: Command.Hold[] = []
  for (const hold of state.holds.values()) {
    if (found.length === holdsPerPage) break
    if (hold.leaf < fromLeaf) continue
    const levels = levelsOf(state, hold.slice)
    const expiresAtMs = levels[0].usage.reviews.get(hold.id) ?? Number.POSITIVE_INFINITY
    const isExpired = hold.state === 'review' && expiresAtMs <= atMs
    if (!isExpired && levels.includes(own)) found.push(hold)
  }
  return found
}

/** A slice, what it is cut from, and so on to the whole budget. */
function levelsOf(state: State, slice: string | undefined): readonly [Level, ...Level[]] {
  const { levels } = state
  const whole = levels.get(undefined)
  if (whole === undefined) throw withoutPolicy()
  if (slice === undefined) return [whole]
  const level = levels.get(slice)
  if (level === undefined) throw unknownSlice(slice)
  return [level, ...levelsOf(state, level.of)]
}

function named(slice: string | undefined): Named {
  return slice === undefined ? {} : { slice }
}

/** One unit of account for a whole tree: what is held on one level is held on all. */
function expectUnit({ levels }: State, { asset }: Policy.Policy): void {
  for (const { policy } of levels.values())
    if (policy.asset.id !== asset.id)
      throw new InputError(`expected a policy in ${policy.asset.id}, got ${asset.id}`)
}

function plain(decision: Decision.Decision): Json.Value {
  return Json.plain(Decision.plain(decision))
}

function withoutPolicy(): BaseError {
  return new BaseError('expected a policy in force, found none', {
    code: 'budget-without-policy',
    hint: 'open the budget with a policy first: the first one is adopted',
    retry: 'safe',
  })
}

function unknownSlice(name: string): BaseError {
  return new BaseError(`expected a slice of this budget, got ${name}`, {
    code: 'slice-unknown',
    hint: 'cut the slice from the budget first',
    facts: { name },
  })
}
