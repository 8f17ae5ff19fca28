/** @module Runs a tree of budgets beside its oracle, from a seed, and throws where they differ. */
import assert from 'node:assert/strict'
import * as Budget from '../../src/policies/Budget.ts'
import type * as Freeze from '../../src/policies/Freeze.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Request from '../../src/policies/Request.ts'
import * as Rule from '../../src/policies/Rule.ts'
import { euro } from './Desk.ts'
import * as Model from './Model.ts'
import * as Random from './Random.ts'

const { one, usd, word } = Random
const compile = (rules: Model.Sentences) =>
  Policy.policy(
    'model',
    usd,
    rules.map(([sentence]) => Rule.parse(sentence, usd)),
  )
const pools = [Model.wholes, Model.slices].map((pool) =>
  pool.map((rules) => ({ rules, policy: compile(rules) })),
)
/** The whole budget, two slices of it, and a slice of the first: each with all that it is cut from. */
const paths = [[0], [1, 0], [2, 0], [3, 1, 0]] as const
/** An hour before summer time, at the end of a month in Berlin. */
const startMs = Date.UTC(2024, 2, 31, 0, 10)
const steps = [
  0, 0, 1, 200, 900, 2_000, 5_000, 7_050, 10_050, 15_000, 60_400, 3_600_000, 80_000_000,
]

/** What the runs met. */
export type Met = Map<string, number>

/** How long a run is: long enough to meet everything, short enough to add up anew each time. */
export const perRun = 100

/** How often of all operations each is met at least: a run that never got there would prove nothing. */
export const least: readonly (readonly [what: string, share: number])[] = [
  ...([
    ['allow', 0.1],
    ['deny', 0.1],
    ['review', 0.03],
    ['captured', 0.05],
    ['voided', 0.02],
  ] as const),
  ...([
    ['allow at depth 3', 0.02],
    ['deny at depth 3', 0.02],
    ['review at depth 3', 0.005],
  ] as const),
  ...([
    ['allow in euro', 0.01],
    ['deny in euro', 0.01],
    ['review in euro', 0.002],
  ] as const),
  ...([
    ['exists', 0.02],
    ['different', 0.01],
    ['of another slice', 0.004],
    ['refused', 0.02],
  ] as const),
  ...([
    ['expired', 0.03],
    ['reopened allow', 0.001],
    ['frozen', 0.02],
    ['restart', 0.003],
  ] as const),
  ...([
    ['reload', 0.01],
    ['freeze or thaw', 0.01],
    ['meters compared', 0.03],
  ] as const),
  ...([
    ['every rule compared', 0.02],
    ['stricter than exact', 0.0002],
  ] as const),
]

/** One run of so many operations. Throws an `AssertionError` where engine and oracle differ. */
export function run(seed: number, operations: number, met: Met): void {
  const draw = Random.from(seed)
  const meet = (what: string) => met.set(what, (met.get(what) ?? 0) + 1)
  let nowMs = startMs
  const clock = () => nowMs
  const usages = paths.map(() => Budget.empty())
  const chosen = paths.map((_, level) => one(draw, pools[level === 0 ? 0 : 1]!))
  const latest = paths.map(() => 0)
  const frozen = paths.map(() => new Set<string>())
  const entries: Model.Entry[] = []
  let budgets: Budget.Budget[] = []
  const open = () => {
    const whole = Budget.open(chosen[0]!.policy, { clock, usage: usages[0]! })
    const cut = (above: Budget.Budget, level: number) =>
      above.slice(chosen[level]!.policy, { usage: usages[level]! })
    const first = cut(whole, 1)
    budgets = [whole, first, cut(whole, 2), cut(first, 3)]
  }
  open()

  const request = (index: number, asked: Model.Asked): Budget.Request => {
    const { digest, atoms, isEuro, payee, agent, tool, deviceMs, ceiling } = asked
    const made = {
      id: word(index),
      digest: word(digest),
      agent,
      atoms: BigInt(atoms),
      payee,
      tool,
      host: 'h',
      model: 'm',
    }
    const whole = { ...made, asset: isEuro ? euro : usd.id, deviceMs: BigInt(deviceMs) }
    return ceiling === undefined
      ? whole
      : { ...whole, approval: { by: 'ops', payee, model: 'm', ceilingAtoms: BigInt(ceiling) } }
  }
  const ask = (): Model.Asked => ({
    digest: draw(1e9),
    atoms: draw(46),
    isEuro: draw(5) === 0,
    payee: one(draw, ['p', 'p', 'q', 'q', 'r']),
    agent: one(draw, ['a', 'b']),
    tool: one(draw, ['s', 't']),
    deviceMs: 1_000 * draw(20),
    ceiling: draw(3) === 0 ? 20 + draw(40) : undefined,
  })
  const isFrozen = (level: number, { agent, payee }: Model.Asked) =>
    ['everything', `agent ${agent}`, `payee ${payee}`, 'model m'].some((key) =>
      frozen[level]!.has(key),
    )

  /** A known id again, on its own level or on one that never heard of it. */
  const again = () => {
    const index = draw(4) === 0 ? draw(entries.length) : Math.max(0, entries.length - 1 - draw(4))
    const entry = entries[index]!
    const isForeign = draw(6) === 0
    const levels = [...paths.keys()].filter(
      (level) => (entry.states[level] === undefined) === isForeign,
    )
    const level = isForeign ? one(draw, [...levels, entry.at]) : entry.at
    const change = draw(3) === 0 ? ask() : entry.asked
    decide(index, level, { ...change, ceiling: draw(2) === 0 ? 60 : undefined })
  }

  const decide = (index: number, level: number, asked: Model.Asked) => {
    const path = paths[level]!
    const atMs = Math.max(nowMs, ...path.map((each) => latest[each]!))
    const entry = entries[index]
    const made = draw(2) === 0 ? request(index, asked) : Request.from(request(index, asked))
    const explained = budgets[level]!.explain(made)
    const decision = budgets[level]!.authorize(made)
    assert.equal(explained.verdict, decision.verdict)
    assert.equal(explained.status, decision.status)
    for (const each of path) {
      latest[each] = atMs
      for (const other of entries) {
        const state = Model.standing(other, each, atMs)
        if (state === 'voided' && other.states[each] === 'review') meet('expired')
        if (state !== undefined) other.states[each] = state
      }
    }
    if (entry !== undefined && entry.at !== level) {
      meet('of another slice')
      assert.equal(decision.verdict, 'deny')
      return
    }
    const isReopened = entry?.states[level] === 'review' && asked.ceiling !== undefined
    if (entry !== undefined && !isReopened) {
      const same = (['digest', 'atoms', 'payee', 'agent', 'isEuro'] as const).every(
        (key) => entry.asked[key] === asked[key],
      )
      meet(same ? 'exists' : 'different')
      assert.equal(decision.status, same ? 'exists' : 'exists-with-different-request')
      const stands = entry.states[level] === 'voided' ? 'deny' : entry.verdict
      assert.equal(decision.verdict, same ? stands : 'deny')
      return
    }
    const said = (exact: boolean) =>
      path.map((each) => {
        const at = { level: each, nowMs: atMs, exact, but: entry }
        return Model.outcomes(chosen[each]!.rules, entries, asked, at)
      })
    const denied = path.some(
      (each) => isFrozen(each, asked) || Model.worth(chosen[each]!.rules, asked) === undefined,
    )
    const buckets = said(false)
    const verdict = denied ? 'deny' : Model.verdict(buckets.flat())
    assert.equal(decision.verdict, verdict)
    if (draw(8) === 0 && !denied) {
      meet('every rule compared')
      assert.deepEqual(
        decision.reasons.map(({ outcome }) => outcome),
        buckets.flat(),
      )
    }
    if (path.some((each) => isFrozen(each, asked))) meet('frozen')
    const exactly = denied ? 'deny' : Model.verdict(said(true).flat())
    if (exactly !== verdict) {
      meet('stricter than exact')
      assert.equal(verdict, 'deny')
    }
    meet(entry === undefined ? verdict : `reopened ${verdict}`)
    meet(`${verdict} at depth ${path.length}`)
    if (asked.isEuro) meet(`${verdict} in euro`)
    const state = ({ allow: 'held', review: 'review', deny: 'denied' } as const)[verdict]
    entries[index] = {
      at: level,
      asked,
      verdict,
      states: Object.fromEntries(path.map((each) => [each, state])),
      worth: Object.fromEntries(
        path.map((each) => [each, Model.worth(chosen[each]!.rules, asked) ?? asked.atoms]),
      ),
      expiresAtMs:
        state === 'review' ? atMs + Model.waitMs(path.map((each) => chosen[each]!.rules)) : 0,
    }
  }

  const settle = () => {
    const held = [...entries.keys()].filter(
      (each) => entries[each]!.states[entries[each]!.at] === 'held',
    )
    const index = held.length > 0 && draw(8) > 0 ? one(draw, held) : draw(entries.length)
    const entry = entries[index]!
    const { at, asked, states } = entry
    const path = paths[at]!
    for (const level of path.slice(0, 1)) latest[level] = Math.max(latest[level]!, nowMs)
    const own = states[at]
    if (draw(4) === 0) {
      const outcome = budgets[at]!.void(word(index))
      const isDone = own === 'held' || own === 'review' || own === 'voided'
      assert.equal(typeof outcome, isDone ? 'string' : 'object')
      if (!isDone) return
      assert.equal(outcome, own === 'voided' ? 'exists' : 'ok')
      meet('voided')
      for (const level of path) {
        latest[level] = Math.max(latest[level]!, nowMs)
        states[level] = 'voided'
      }
      return
    }
    const atoms = draw(5) === 0 ? asked.atoms + draw(2) : draw(asked.atoms + 1)
    const outcome = budgets[at]!.capture(word(index), BigInt(atoms))
    if (own === 'held' && atoms <= asked.atoms) {
      assert.equal(outcome, 'ok')
      meet('captured')
      for (const level of path) {
        latest[level] = Math.max(latest[level]!, nowMs)
        states[level] = 'captured'
      }
      entry.captured = {
        atoms,
        atMs: Object.fromEntries(path.map((each) => [each, latest[each]!])),
      }
    } else if (entry.captured?.atoms === atoms) {
      assert.equal(outcome, 'exists')
      for (const level of path) latest[level] = Math.max(latest[level]!, nowMs)
    } else {
      meet('refused')
      assert.equal(typeof outcome, 'object')
    }
  }

  const look = () => {
    const level = draw(paths.length)
    const atMs = Math.max(nowMs, latest[level]!)
    const rows = budgets[level]!.status()
    const meters = chosen[level]!.rules.flatMap(([sentence, limit]) =>
      limit.kind === 'meter' ? [{ sentence, limit }] : [],
    )
    for (const { sentence, limit } of meters) {
      const { used, held } = Model.sum(limit, entries, { level, nowMs: atMs })
      const own = rows.filter(({ rule }) => rule === sentence)
      const total = (part: 'used' | 'held') =>
        own.reduce((sum, { meter }) => sum + BigInt(meter[part]), 0n)
      assert.equal(total('used'), BigInt(used))
      assert.equal(total('held'), BigInt(held))
      meet('meters compared')
    }
  }

  const freeze = () => {
    const level = draw(paths.length)
    const key = one(draw, ['everything', 'agent a', 'payee q', 'model m', 'model n'])
    const [kind, name] = key.split(' ')
    const target = (name === undefined ? { kind } : { kind, name }) as Freeze.Target
    if (draw(3) === 0) {
      Budget.freeze(usages[level]!, { target, by: 'ops', because: 'x', atMs: nowMs })
      frozen[level]!.add(key)
    } else assert.equal(Budget.thaw(usages[level]!, target), frozen[level]!.delete(key))
    meet('freeze or thaw')
  }

  const change = (kind: number) => {
    const level = draw(paths.length)
    if (kind === 0)
      usages[level] = Budget.fromJson(JSON.parse(JSON.stringify(Budget.toJson(usages[level]!))))
    else chosen[level] = one(draw, pools[level === 0 ? 0 : 1]!)
    meet(kind === 0 ? 'restart' : 'reload')
    open()
  }

  for (let operation = 0; operation < operations; operation++) {
    const dice = draw(200)
    if (dice < 90 || entries.length === 0) decide(entries.length, draw(paths.length), ask())
    else if (dice < 105) again()
    else if (dice < 150) settle()
    else if (dice < 180) nowMs += draw(12) === 0 ? -draw(3_000) : one(draw, steps)
    else if (dice < 190) look()
    else if (dice < 195) freeze()
    else change(dice === 195 ? 0 : 1)
    meet('operation')
  }
}
