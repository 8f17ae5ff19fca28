/** @module Budgets against a brute-force oracle that keeps every event and adds up anew each time. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as ModelRun from '../../test/policies/ModelRun.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Budget from './Budget.ts'
import * as Decision from './Decision.ts'
import * as Policy from './Policy.ts'
import * as Rule from './Rule.ts'

const usd = {
  id: 'eip155:31337/erc20:0x5fbdb2315678afecb367f032d93f642f64180aa3',
  decimals: 0,
  symbol: 'USD',
} as const
const startMs = 1_700_000_000_000
const hex = (value: number): Hex => `0x${value.toString(16).padStart(64, '0')}`

type Limit =
  | { readonly kind: 'payee'; readonly payees: readonly string[] }
  | { readonly kind: 'payment'; readonly limit: bigint }
  | { readonly kind: 'approve'; readonly above: bigint }
  | {
      readonly kind: 'window'
      readonly unit: 'atoms' | 'payments'
      readonly limit: bigint
      readonly windowMs: number
      readonly each?: 'payee' | 'agent'
    }

/** Sentences, and what the oracle takes them to mean. */
const policies: readonly (readonly (readonly [string, Limit])[])[] = [
  [
    ['allow payees p1, p2', { kind: 'payee', payees: ['p1', 'p2'] }],
    ['cap 40 USD per payment', { kind: 'payment', limit: 40n }],
    ['cap 100 USD per 10s', { kind: 'window', unit: 'atoms', limit: 100n, windowMs: 10_000 }],
    [
      'cap 60 USD per 10s per payee',
      { kind: 'window', unit: 'atoms', limit: 60n, windowMs: 10_000, each: 'payee' },
    ],
    ['approve above 30 USD by ops', { kind: 'approve', above: 30n }],
    [
      'at most 4 payments per 20s per agent',
      { kind: 'window', unit: 'payments', limit: 4n, windowMs: 20_000, each: 'agent' },
    ],
  ],
  [
    ['cap 70 USD per 10s', { kind: 'window', unit: 'atoms', limit: 70n, windowMs: 10_000 }],
    ['allow payees *', { kind: 'payee', payees: ['p1', 'p2', 'p3'] }],
    ['at most 6 payments per 7s', { kind: 'window', unit: 'payments', limit: 6n, windowMs: 7_000 }],
  ],
  [
    ['allow payees p1, p3', { kind: 'payee', payees: ['p1', 'p3'] }],
    [
      'cap 90 USD per minute per agent',
      { kind: 'window', unit: 'atoms', limit: 90n, windowMs: 60_000, each: 'agent' },
    ],
    ['approve above 10 USD by ops', { kind: 'approve', above: 10n }],
  ],
]

const compiled = policies.map((rules) =>
  Policy.policy(
    'model',
    usd,
    rules.map(([sentence]) => Rule.parse(sentence, usd)),
  ),
)

type Known = {
  readonly request: Budget.Request
  state: 'denied' | 'review' | 'held' | 'captured' | 'voided'
  verdict: 'allow' | 'deny' | 'review'
  captured?: { readonly atoms: bigint; readonly atMs: number }
}

/** Everything that happened, never added up in advance. */
class Oracle {
  latestMs = 0
  readonly known = new Map<Hex, Known>()

  sum(
    limit: Limit & { kind: 'window' },
    like: Budget.Request,
    exact: boolean,
    but?: Known,
  ): bigint {
    const width = Math.ceil(limit.windowMs / 63)
    const bucket = (ms: number) => Math.floor(ms / width)
    let sum = 0n
    for (const entry of this.known.values()) {
      if (entry === but) continue
      if (limit.each !== undefined && entry.request[limit.each] !== like[limit.each]) continue
      const weight = (atoms: bigint) => (limit.unit === 'atoms' ? atoms : 1n)
      if (entry.state === 'held' || entry.state === 'review') sum += weight(entry.request.atoms)
      if (entry.captured === undefined) continue
      const { atoms, atMs } = entry.captured
      const inside = exact
        ? this.latestMs - atMs <= limit.windowMs
        : bucket(this.latestMs) - bucket(atMs) < 64
      if (inside) sum += weight(atoms)
    }
    return sum
  }

  outcome(limit: Limit, request: Budget.Request, exact: boolean, but?: Known) {
    if (limit.kind === 'payee') return limit.payees.includes(request.payee) ? 'allow' : 'deny'
    if (limit.kind === 'payment') return request.atoms <= limit.limit ? 'allow' : 'deny'
    if (limit.kind === 'window') {
      const asked = limit.unit === 'atoms' ? request.atoms : 1n
      return this.sum(limit, request, exact, but) + asked <= limit.limit ? 'allow' : 'deny'
    }
    const { approval } = request
    const approved =
      approval?.by === 'ops' &&
      approval.payee === request.payee &&
      approval.model === request.model &&
      approval.ceilingAtoms >= request.atoms
    return request.atoms <= limit.above || approved ? 'allow' : 'review'
  }

  verdict(outcomes: readonly ('allow' | 'deny' | 'review')[]) {
    if (outcomes.includes('deny')) return 'deny'
    return outcomes.includes('review') ? 'review' : 'allow'
  }
}

/** A hold, or any id: known in whatever state, or unknown. */
type Pick = { readonly held: boolean; readonly at: number }

type Command =
  | {
      readonly kind: 'authorize'
      /** A new id, a known request again, or another request under a known id. */
      readonly as: 'new' | 'same' | 'other'
      readonly pick: number
      readonly atoms: bigint
      readonly payee: string
      readonly agent: string
      readonly ceiling: bigint | undefined
    }
  | { readonly kind: 'capture'; readonly of: Pick; readonly percent: bigint }
  | { readonly kind: 'release'; readonly of: Pick }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'policy'; readonly index: number }
  | { readonly kind: 'reopen' }

const pick = fc.record({ held: fc.integer({ min: 0, max: 4 }).map((n) => n > 0), at: fc.nat(99) })
const commands: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('authorize' as const),
      as: fc.constantFrom('new' as const, 'new', 'new', 'same', 'other'),
      pick: fc.nat(99),
      atoms: fc.bigInt({ min: 0n, max: 45n }),
      payee: fc.constantFrom('p1', 'p2', 'p3'),
      agent: fc.constantFrom('a1', 'a2'),
      ceiling: fc.constantFrom(undefined, 20n, 45n),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('capture' as const),
      of: pick,
      percent: fc.bigInt({ min: 0n, max: 110n }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), of: pick }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('time' as const),
      // Also just past a window, where a ring still counts what the exact window has let go.
      ms: fc.oneof(
        fc.integer({ min: -2_000, max: 9_000 }),
        fc.constantFrom(7_050, 10_050, 20_150, 60_400),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('policy' as const), index: fc.nat(2) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
)

/** What the run met: a property that never got there would prove nothing. */
type Met = Record<string, number>
const meet = (met: Met, what: string) => {
  met[what] = (met[what] ?? 0) + 1
}

function run(list: readonly Command[], met: Met): void {
  const oracle = new Oracle()
  let usage = Budget.empty()
  let [nowMs, active] = [startMs, 0]
  for (const command of list) {
    meet(met, command.kind)
    if (command.kind === 'time') nowMs += command.ms
    else if (command.kind === 'policy') active = command.index
    else if (command.kind === 'reopen')
      usage = Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(usage))))
    else {
      oracle.latestMs = Math.max(oracle.latestMs, nowMs)
      if (command.kind === 'authorize') authorize(command, { oracle, usage, active, nowMs, met })
      else settle(command, { oracle, usage, nowMs, met })
    }
  }
}

type World = { oracle: Oracle; usage: Budget.Usage; active: number; nowMs: number; met: Met }

function authorize(command: Command & { kind: 'authorize' }, world: World): void {
  const { oracle, usage, active, nowMs, met } = world
  const request = asked(command, oracle)
  const ceiling = request.approval?.ceilingAtoms
  const rules = policies[active]!
  const before = oracle.known.get(request.id)
  const explained = Budget.explain(usage, compiled[active]!, request, nowMs)
  const decision = Budget.authorize(usage, compiled[active]!, request, nowMs)
  expect(Decision.plain(explained)).toEqual(Decision.plain(decision))
  if (before !== undefined && !(before.state === 'review' && ceiling !== undefined)) {
    const same = (['atoms', 'payee', 'agent'] as const).every(
      (key) => before.request[key] === request[key],
    )
    meet(met, same ? 'exists' : 'different')
    expect(decision.status).toBe(same ? 'exists' : 'exists-with-different-request')
    const again = before.state === 'voided' ? 'deny' : before.verdict
    expect(decision.verdict).toBe(same ? again : 'deny')
    return
  }
  const outcomes = rules.map(([, limit]) => oracle.outcome(limit, request, false, before))
  const verdict = oracle.verdict(outcomes)
  expect(decision.reasons.map(({ outcome }) => outcome)).toEqual(outcomes)
  expect(decision.verdict).toBe(verdict)
  meet(met, before === undefined ? verdict : `reopened ${verdict}`)
  const exactly = oracle.verdict(
    rules.map(([, limit]) => oracle.outcome(limit, request, true, before)),
  )
  if (exactly !== verdict) {
    meet(met, 'stricter than exact')
    expect(verdict).toBe('deny')
  }
  const state = verdict === 'allow' ? 'held' : verdict === 'deny' ? 'denied' : 'review'
  oracle.known.set(request.id, { request, state, verdict })
  if (verdict === 'deny') return
  for (const [, limit] of rules)
    if (limit.kind === 'window')
      expect(oracle.sum(limit, request, true)).toBeLessThanOrEqual(limit.limit)
}

/** The request of a command; for the same one again, only the approval is taken from the command. */
function asked(command: Command & { kind: 'authorize' }, oracle: Oracle): Budget.Request {
  const { ceiling, pick, as } = command
  const known = [...oracle.known.values()].map(({ request }) => request)
  const base = as === 'new' ? undefined : known[pick % Math.max(known.length, 1)]
  const id = base?.id ?? hex(known.length)
  const { atoms, payee, agent } = as === 'same' && base !== undefined ? base : command
  const model = 'm'
  const request = { id, digest: id, agent, asset: usd.id, atoms, payee, host: 'h', model }
  const approval = { by: 'ops', payee, model, ceilingAtoms: ceiling ?? 0n }
  return ceiling === undefined ? request : { ...request, approval }
}

/** The id of a command; one that was never asked for, if there is none of that state. */
function picked({ held, at }: Pick, oracle: Oracle): Hex {
  const entries = [...oracle.known.values()].filter(({ state }) => !held || state === 'held')
  return entries[at % (entries.length + 1)]?.request.id ?? hex(1_000_000)
}

function settle(
  command: Command & { kind: 'capture' | 'release' },
  { oracle, usage, nowMs, met }: Omit<World, 'active'>,
): void {
  const id = picked(command.of, oracle)
  const entry = oracle.known.get(id)
  const held = entry?.state === 'held' || entry?.state === 'review'
  if (command.kind === 'release') {
    const outcome = Budget.release(usage, id, nowMs)
    if (held) {
      expect(outcome).toBe('ok')
      entry.state = 'voided'
      meet(met, 'voided')
    } else if (entry?.state === 'voided') expect(outcome).toBe('exists')
    else expect(outcome).toHaveProperty('refusal')
  } else {
    const atoms = ((entry?.request.atoms ?? 1n) * command.percent) / 100n
    const outcome = Budget.capture(usage, id, atoms, nowMs)
    if (entry?.state === 'held' && atoms <= entry.request.atoms) {
      expect(outcome).toBe('ok')
      entry.state = 'captured'
      entry.captured = { atoms, atMs: oracle.latestMs }
      meet(met, 'captured')
    } else if (entry?.captured?.atoms === atoms) expect(outcome).toBe('exists')
    else {
      expect(outcome).toHaveProperty('refusal')
      meet(met, 'refused')
    }
  }
  expect(Budget.state(usage, id)).toBe(entry?.state)
}

test('whatever happens in whatever order, a budget decides as the oracle, across changes and restarts', () => {
  const met: Met = {}
  fc.assert(
    fc.property(fc.array(commands, { minLength: 40, maxLength: 90, size: 'max' }), (list) =>
      run(list, met),
    ),
    // The same each time, so that what it meets is the same too.
    { numRuns: 900, seed: 13 },
  )
  for (const what of [
    'allow',
    'deny',
    'review',
    'reopened allow',
    'reopened review',
    'exists',
    'different',
    'captured',
    'voided',
    'refused',
    'reopen',
    'policy',
    'stricter than exact',
  ])
    expect(met[what] ?? 0, what).toBeGreaterThan(20)
})

describe('captured + held ≤ cap at every instant (invariant 13)', () => {
  const cap = 100n
  const policy = Policy.policy(
    'race',
    usd,
    ['allow payees *', `cap ${cap} USD per hour`, `cap 35 USD per hour per payee`].map((sentence) =>
      Rule.parse(sentence, usd),
    ),
  )
  const payments = 1_000

  const request = (index: number, atoms: bigint): Budget.Request => ({
    id: hex(index),
    digest: hex(index),
    agent: 'desk',
    asset: usd.id,
    atoms,
    payee: `p${index % 5}`,
    host: 'h',
    model: 'm',
  })

  /** Numbers that look random and are the same each time (mulberry32). */
  function random(seed: number): (below: number) => number {
    let state = seed
    return (below) => {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
    }
  }

  test('1,000 payments at once, a hundred times: never over, no hold left, and the cap is used', () => {
    let [captures, voids, denials] = [0, 0, 0]
    for (let seed = 1; seed <= 100; seed++) {
      const pick = random(seed)
      const usage = Budget.empty()
      const steps: (() => void)[] = []
      let [capturedAtoms, heldAtoms] = [0n, 0n]
      for (let index = 0; index < payments; index++)
        steps.push(() => {
          const asked = BigInt(1 + pick(3))
          const { verdict } = Budget.authorize(usage, policy, request(index, asked), startMs)
          if (verdict === 'deny') {
            denials++
            return
          }
          heldAtoms += asked
          const spent = pick(8) === 0 ? undefined : asked - BigInt(pick(2))
          steps.push(() => {
            heldAtoms -= asked
            if (spent === undefined) {
              expect(Budget.release(usage, hex(index), startMs)).toBe('ok')
              voids++
            } else {
              expect(Budget.capture(usage, hex(index), spent, startMs)).toBe('ok')
              capturedAtoms += spent
              captures++
            }
          })
        })
      while (steps.length > 0) {
        const [next] = steps.splice(pick(steps.length), 1)
        next!()
        if (capturedAtoms + heldAtoms > cap) expect.fail(`over the cap with seed ${seed}`)
      }
      const [row] = Budget.status(usage, policy, startMs)
      expect(row?.meter).toMatchObject({ used: `${capturedAtoms}`, held: '0' })
      expect(capturedAtoms).toBeGreaterThan(cap - 10n)
    }
    expect(Math.min(captures, voids, denials)).toBeGreaterThan(1_000)
  })

  test('checking first and recording later would go over: what holding is for', () => {
    const usage = Budget.empty()
    const checked = Array.from({ length: payments }, (_, index) => request(index, 1n)).filter(
      (asked) => Budget.explain(usage, policy, asked, startMs).verdict === 'allow',
    )
    expect(checked).toHaveLength(payments)
  })
})

describe('a tree of budgets beside a brute-force oracle', () => {
  const operations = 300_000

  test('decides, holds and counts as the oracle, whatever happens in whatever order', () => {
    const met: ModelRun.Met = new Map()
    for (let seed = 1; seed <= operations / ModelRun.perRun; seed++)
      ModelRun.run(seed, ModelRun.perRun, met)
    expect(met.get('operation')).toBe(operations)
    for (const [what, least] of ModelRun.least)
      expect(met.get(what) ?? 0, what).toBeGreaterThanOrEqual(least * operations)
  }, 120_000)
})
