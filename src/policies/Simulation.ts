/**
 * @module Simulations: a policy over recorded traffic. Each request is judged at its time, after what the
 * policy itself allowed before it. What it allows is paid as it was recorded; what was not allowed then and
 * is now is taken to be paid in full, so a policy is never shown more generous than it would be.
 */
import * as Budget from './Budget.ts'
import type * as Decision from './Decision.ts'
import * as History from './History.ts'
import * as Policy from './Policy.ts'
import type { Request } from './Request.ts'

/** One request as it went. */
export type Recorded = {
  readonly request: Request
  readonly atMs: number
  readonly outcome: Decision.Verdict
  /** What was paid in the end; of an allowed request without it, nothing was. */
  readonly capturedAtoms?: bigint
  /** When it was paid or given up; at once, if it does not say. */
  readonly settledAtMs?: number
}

/** What a policy makes of it. Atoms as decimal strings, of requests in the unit of account. */
export type Simulation = {
  /** Requests that were judged; an id that comes again is not, unless it brings an approval. */
  readonly judged: number
  readonly repeated: number
  readonly verdicts: Readonly<Record<Decision.Verdict, Tally>>
  readonly capturedAtoms: string
  /** Which rules decided, those that did so most often first. */
  readonly deciding: readonly Deciding[]
  /** Sentences that decided nothing. */
  readonly silent: readonly string[]
  /** Where it says other than was recorded, in the order of the traffic. */
  readonly differing: readonly Differing[]
}

/** How many requests, and what they asked for. */
export type Tally = { readonly requests: number; readonly atoms: string }

/** A rule that decided. */
export type Deciding = Tally & {
  readonly rule: string
  readonly verdict: Decision.Verdict
  readonly first: { readonly at: number; readonly id: string; readonly because: string }
}

/** A request that would go otherwise. `at`: its place in the traffic. */
export type Differing = {
  readonly at: number
  readonly id: string
  readonly recorded: Decision.Verdict
  readonly verdict: Decision.Verdict
  readonly because?: string
}

/** What was paid before the first request. */
export type Options = { readonly given?: readonly History.Past[] }

/** Simulates. Throws `InputError` for a history that cannot have been. */
export function simulate(
  policy: Policy.Policy,
  traffic: readonly Recorded[],
  { given = [] }: Options = {},
): Simulation {
  const usage = History.usage(policy, given)
  const books = open()
  const order = [...traffic.entries()].toSorted(([, one], [, other]) => one.atMs - other.atMs)
  const pending: Pending[] = []
  for (const [at, recorded] of order) {
    const { request, atMs, outcome, settledAtMs = atMs } = recorded
    settle(usage, books, pending, atMs)
    const decision = Budget.authorize(usage, policy, request, atMs)
    if (decision.status === 'exists') {
      books.repeated++
      continue
    }
    count(books, policy, { at, recorded, decision })
    if (decision.verdict !== 'allow') continue
    const paid = recorded.capturedAtoms ?? (outcome === 'allow' ? undefined : request.atoms)
    const isCounted = request.asset === policy.asset.id
    pending.push({ settledAtMs: Math.max(atMs, settledAtMs), request, paid, isCounted })
  }
  settle(usage, books, pending, Number.MAX_SAFE_INTEGER)
  return report(books, policy)
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other
}

type Pending = {
  readonly settledAtMs: number
  readonly request: Request
  readonly paid: bigint | undefined
  readonly isCounted: boolean
}

type Books = {
  judged: number
  repeated: number
  captured: bigint
  readonly verdicts: Record<Decision.Verdict, { requests: number; atoms: bigint }>
  readonly deciding: Map<string, Count>
  readonly differing: Differing[]
}

type Count = Pick<Deciding, 'rule' | 'verdict' | 'first'> & { requests: number; atoms: bigint }

function open(): Books {
  const none = () => ({ requests: 0, atoms: 0n })
  return {
    ...{ judged: 0, repeated: 0, captured: 0n, deciding: new Map<string, Count>(), differing: [] },
    verdicts: { allow: none(), deny: none(), review: none() },
  }
}

/** Pays or gives up what was settled by then, in the order in which it was. */
function settle(usage: Budget.Usage, books: Books, pending: Pending[], byMs: number): void {
  const due = pending.filter(({ settledAtMs }) => settledAtMs <= byMs)
  if (due.length === 0) return
  const rest = pending.filter(({ settledAtMs }) => settledAtMs > byMs)
  pending.splice(0, pending.length, ...rest)
  for (const { settledAtMs, request, paid, isCounted } of due.toSorted(
    (one, other) => one.settledAtMs - other.settledAtMs,
  )) {
    if (paid === undefined) {
      Budget.release(usage, request.id, settledAtMs)
      continue
    }
    const atoms = least(paid, request.atoms)
    Budget.capture(usage, request.id, atoms, settledAtMs)
    if (isCounted) books.captured += atoms
  }
}

function count(
  books: Books,
  { asset }: Policy.Policy,
  one: { readonly at: number; readonly recorded: Recorded; readonly decision: Decision.Decision },
): void {
  const { at, recorded, decision } = one
  const { request, outcome } = recorded
  const { verdict, decidedBy } = decision
  // What states no valid amount asks for nothing that could be added up.
  const isCounted = request.asset === asset.id && typeof request.atoms === 'bigint'
  const atoms = isCounted ? request.atoms : 0n
  books.judged++
  books.verdicts[verdict].requests++
  books.verdicts[verdict].atoms += atoms
  const { id } = request
  if (decidedBy !== undefined) {
    const { rule, because } = decidedBy
    const key = `${verdict} ${rule}`
    const first = { at, id, because }
    const found = books.deciding.get(key) ?? { rule, verdict, requests: 0, atoms: 0n, first }
    found.requests++
    found.atoms += atoms
    books.deciding.set(key, found)
  }
  if (verdict === outcome) return
  const why = decidedBy === undefined ? {} : { because: decidedBy.because }
  books.differing.push({ at, id, recorded: outcome, verdict, ...why })
}

function report(books: Books, policy: Policy.Policy): Simulation {
  const { judged, repeated, captured, verdicts, deciding, differing } = books
  const written = <Row extends { readonly atoms: bigint }>(row: Row) => ({
    ...row,
    atoms: row.atoms.toString(),
  })
  const rules = [...deciding.values()].toSorted((one, other) => other.requests - one.requests)
  const loud = new Set(rules.map(({ rule }) => rule))
  return {
    ...{ judged, repeated, capturedAtoms: captured.toString() },
    verdicts: {
      allow: written(verdicts.allow),
      deny: written(verdicts.deny),
      review: written(verdicts.review),
    },
    deciding: rules.map(written),
    silent: Policy.toSentences(policy).filter((sentence) => !loud.has(sentence)),
    differing: differing.toSorted((one, other) => one.at - other.at),
  }
}
