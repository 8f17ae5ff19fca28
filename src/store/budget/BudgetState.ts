/**
 * @module The state of a shared budget as a fold over its journal. To carry out a command and to replay what
 * it recorded are one function: a record that does not come out again word for word cannot follow.
 */
import { BaseError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Budget from '../../policies/Budget.ts'
import * as Decision from '../../policies/Decision.ts'
import * as Policy from '../../policies/Policy.ts'
import * as Request from '../../policies/Request.ts'
import * as Command from './Command.schema.ts'

/** What a budget's journal says happened. Plain JSON. */
export type Event =
  | { readonly type: 'adopted'; readonly policy: Json.Value; readonly digest: Hex }
  | {
      readonly type: 'decided'
      readonly request: Json.Value
      readonly verdict: Decision.Verdict
      readonly policyDigest: Hex
      /** The sentence that decided; none of what all allow. */
      readonly rule?: string
    }
  | { readonly type: 'captured'; readonly id: Hex; readonly atoms: string }
  | { readonly type: 'voided'; readonly id: Hex }

/** Owned and changed by {@link perform} alone. */
export type State = {
  policy: Policy.Policy | undefined
  readonly usage: Budget.Usage
  /** Open holds, by when they were decided. */
  readonly holds: Map<Hex, Command.Hold>
}

/** Where in time and in the journal something happens. */
export type Place = { readonly atMs: number; readonly leaf: number }

/** An answer, and what must be durable before it is given; no event of what changed nothing. */
export type Performed = { readonly result: Json.Value; readonly event?: Event }

/** Open holds in one answer. */
const holdsPerPage = 1_000

/** A budget before its first record. */
export function empty(): State {
  return { policy: undefined, usage: Budget.empty(), holds: new Map() }
}

/**
 * Carries a command out, at once and whole. Throws `BaseError`, having changed nothing: `budget-without-policy`,
 * `policy-differs`, or what a bad policy throws.
 */
export function perform(state: State, command: Command.Command, at: Place): Performed {
  switch (command.call) {
    case 'join':
      return join(state, command.policy)
    case 'adopt':
      return adopt(state, command.policy)
    case 'authorize':
      return authorize(state, command.request, at)
    case 'capture':
      return settle(state, command.id, {
        outcome: Budget.capture(state.usage, command.id, command.atoms, at.atMs),
        event: { type: 'captured', id: command.id, atoms: command.atoms.toString() },
      })
    case 'void':
      return settle(state, command.id, {
        outcome: Budget.release(state.usage, command.id, at.atMs),
        event: { type: 'voided', id: command.id },
      })
    case 'explain': {
      const decision = Budget.explain(state.usage, policyOf(state), command.request, at.atMs)
      return { result: plain(decision) }
    }
    case 'status': {
      const policy = policyOf(state)
      const rows = Budget.status(state.usage, policy, at.atMs)
      return { result: Json.plain({ policyDigest: Policy.digest(policy), rows }) }
    }
    case 'holds':
      return { result: Json.plain(page(state, command.fromLeaf, at.atMs)) }
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

function commandOf(event: Event): Command.Command {
  switch (event.type) {
    case 'adopted':
      return Command.read({ call: 'adopt', policy: event.policy })
    case 'decided':
      return Command.read({ call: 'authorize', request: event.request })
    case 'captured':
      return Command.read({ call: 'capture', id: event.id, atoms: event.atoms })
    case 'voided':
      return Command.read({ call: 'void', id: event.id })
    default:
      return Command.read(event)
  }
}

function join(state: State, given: unknown): Performed {
  if (state.policy === undefined) {
    if (given !== undefined) return adopt(state, given)
    throw missing()
  }
  const inForce = Policy.digest(state.policy)
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
function adopt(state: State, given: unknown): Performed {
  const policy = Policy.fromJson(given)
  const digest = Policy.digest(policy)
  if (state.policy !== undefined && Policy.digest(state.policy) === digest)
    return { result: digest }
  const event = { type: 'adopted', policy: Json.plain(policy), digest } as const
  state.policy = policy
  return { result: digest, event }
}

function authorize(state: State, request: Request.Request, { atMs, leaf }: Place): Performed {
  const decision = Budget.authorize(state.usage, policyOf(state), request, atMs)
  const { status, verdict, policyDigest, decidedBy } = decision
  const result = plain(decision)
  const { id, digest, agent = '', payee = '', asset = '', atoms = 0n } = Request.facts(request)
  // Without an id there is nothing to remember.
  if (status !== 'decided' || id === undefined || digest === undefined) return { result }
  state.holds.delete(id)
  if (verdict !== 'deny')
    state.holds.set(id, {
      ...{ id, agent, payee, asset, atoms, leaf, sinceMs: atMs },
      state: verdict === 'allow' ? 'held' : 'review',
    })
  const rule = decidedBy === undefined ? {} : { rule: decidedBy.rule }
  const written = Command.writeRequest(request)
  return { result, event: { type: 'decided', request: written, verdict, policyDigest, ...rule } }
}

function settle(
  state: State,
  id: Hex,
  { outcome, event }: { readonly outcome: Budget.Outcome; readonly event: Event },
): Performed {
  if (outcome !== 'ok') return { result: Json.plain(outcome) }
  state.holds.delete(id)
  return { result: outcome, event }
}

function page({ holds, usage }: State, fromLeaf: number, atMs: number): readonly Command.Hold[] {
  const found: Command.Hold[] = []
  for (const hold of holds.values()) {
    const expiresAtMs = usage.reviews.get(hold.id) ?? Number.POSITIVE_INFINITY
    if (hold.state === 'review' && expiresAtMs <= atMs) holds.delete(hold.id)
    else if (hold.leaf >= fromLeaf) found.push(hold)
    if (found.length === holdsPerPage) break
  }
  return found
}

function plain(decision: Decision.Decision): Json.Value {
  return Json.plain(Decision.plain(decision))
}

function policyOf({ policy }: State): Policy.Policy {
  if (policy === undefined) throw missing()
  return policy
}

function missing(): BaseError {
  return new BaseError('expected a policy in force, found none', {
    code: 'budget-without-policy',
    hint: 'open the budget with a policy first: the first one is adopted',
    retry: 'safe',
  })
}
