/**
 * @module Choices: what each part of a scene may be for two policies to differ over it: a name for each
 * pattern and one for none, each limit and one more or less, each boundary of time. The plainest first.
 */
import * as Share from '../../kernel/Share.ts'
import * as Calendar from '../Calendar.ts'
import * as Overlap from '../check/Overlap.ts'
import * as Strictness from '../check/Strictness.ts'
import type * as Meter from '../Meter.ts'
import * as Pattern from '../Pattern.ts'
import type * as Policy from '../Policy.ts'
import { mostTrusted } from '../Request.ts'
import type * as Rule from '../Rule.ts'
import type * as Span from '../Span.ts'
import * as Window from '../Window.ts'
import type { Before, Scene } from './Scene.ts'

/** For each part of a scene, what it may be. */
export type Choices = { readonly [Part in keyof Scene]: readonly Scene[Part][] }

/** Monday 2024-01-15, 12:00 UTC: no clock changes near it. */
export const noonMs = 1_705_320_000_000

/** All choices for two policies. */
export function of(one: Policy.Policy, other: Policy.Policy): Choices {
  const rules = [...one.rules, ...other.rules]
  const units = [one.asset.id, other.asset.id]
  return {
    atMs: unique([noonMs, ...rules.flatMap(times)]),
    agent: names(rules, 'agents', ['desk']),
    asset: names(rules, 'assets', [...units, ...rules.flatMap(counted)]),
    atoms: atoms(rules),
    payee: names(rules, 'payees', ['somebody']),
    host: [...names(rules, 'hosts', ['somewhere']), undefined],
    model: [...names(rules, 'models', ['some']), undefined],
    adapter: [...names(rules, 'adapters', ['none']), undefined],
    datanet: [...names(rules, 'datanets', ['none']), undefined],
    tool: [...names(rules, 'tools', ['none']), undefined],
    category: [...names(rules, 'categories', ['none']), undefined],
    coveragePpb: shares(rules, (rule) => ('coveragePpb' in rule ? rule.coveragePpb : undefined)),
    royaltySharePpb: shares(rules, (rule) =>
      'royaltySharePpb' in rule ? rule.royaltySharePpb : undefined,
    ),
    rarityPpb: shares(rules, (rule) => ('rarityPpb' in rule ? rule.rarityPpb : undefined)),
    slippagePpb: slippages(rules),
    trustTier: [...Array.from({ length: mostTrusted + 1 }, (_, at) => mostTrusted - at), undefined],
    deviceMs: [0n, ...limits(rules, 'device-ms').flatMap((most) => [most, most + 1n]), undefined],
    drawdown: rules.flatMap(drawdowns).concat([undefined]),
    price: rules.flatMap(prices).concat([undefined]),
    approvedBy: unique([undefined, ...rules.flatMap((rule) => ('by' in rule ? rule.by : []))]),
    // Amounts of two units of account cannot stand in one history.
    before: one.asset.id === other.asset.id ? [undefined, ...befores(rules)] : [undefined],
  }
}

function unique<Value>(values: readonly Value[]): readonly Value[] {
  return [...new Set(values)]
}

/** A stand-in for each `*`: two patterns may differ in how long a name must be. */
const fillings = ['x', 'zz', '0']

function names(
  rules: readonly Rule.Rule[],
  dimension: Pattern.Dimension,
  first: readonly string[],
): readonly string[] {
  const patterns = rules.flatMap((rule) =>
    (rule.rule === 'allow' || rule.rule === 'deny') && rule.dimension === dimension
      ? rule.patterns
      : [],
  )
  const samples = patterns.flatMap((pattern) =>
    fillings.map((filling) => Overlap.sample(dimension, pattern, filling)),
  )
  const stated = samples.filter((name) => Pattern.fact(dimension, name) === name)
  return unique([...first, ...stated])
}

function counted(rule: Rule.Rule): readonly string[] {
  return rule.rule === 'count' ? [rule.asset] : []
}

function limits(rules: readonly Rule.Rule[], unit: Meter.Unit): readonly bigint[] {
  const meters = rules.flatMap((rule) => Strictness.metered(rule) ?? [])
  return unique(meters.filter((meter) => meter.unit === unit).map(({ limit }) => limit))
}

function atoms(rules: readonly Rule.Rule[]): readonly bigint[] {
  const bounds = rules.flatMap((rule) => {
    if (rule.rule === 'approve-above') return [BigInt(rule.atoms)]
    const most = Strictness.ceiling(rule)
    return most === undefined ? [] : [most]
  })
  const near = bounds.flatMap((most) => [most, most + 1n, ...(most > 0n ? [most - 1n] : [])])
  return unique([1n, 0n, ...near].filter((value) => value >> 256n === 0n))
}

function shares(
  rules: readonly Rule.Rule[],
  read: (rule: Rule.Rule) => string | undefined,
): readonly (bigint | undefined)[] {
  const least = rules.flatMap((rule) => read(rule) ?? []).map(BigInt)
  const near = least.flatMap((value) => [value, value - 1n]).filter((value) => value >= 0n)
  return [Share.whole, 0n, ...unique(near), undefined]
}

/** None first: the more, the worse. */
function slippages(rules: readonly Rule.Rule[]): readonly (bigint | undefined)[] {
  const most = rules.flatMap((rule) =>
    rule.rule === 'cap-slippage' ? [BigInt(rule.slippagePpb)] : [],
  )
  const near = most.flatMap((value) => [value, value + 1n]).filter((value) => value <= Share.whole)
  return [...unique([0n, ...near]), undefined]
}

function drawdowns(rule: Rule.Rule): readonly Scene['drawdown'][] {
  if (rule.rule !== 'stop-drawdown') return []
  const [most, withinMs] = [BigInt(rule.drawdownPpb), rule.withinMs]
  const below = most > 0n ? [most - 1n] : []
  return [
    { ppb: 0n, ageMs: 0 },
    ...[...below, most].map((ppb) => ({ ppb, ageMs: 0 })),
    ...[withinMs, withinMs + 1].map((ageMs) => ({ ppb: 0n, ageMs })),
  ]
}

function prices(rule: Rule.Rule): readonly Scene['price'][] {
  if (rule.rule !== 'count' || !('withinMs' in rule)) return []
  return [0, rule.withinMs, rule.withinMs + 1].map((ageMs) => ({ atoms: 1n, ageMs }))
}

function times(rule: Rule.Rule): readonly number[] {
  if (rule.rule !== 'freeze-hours') return []
  const { startMs } = Calendar.period('day', rule.zone, noonMs)
  return [rule.fromMinute, rule.toMinute].flatMap((minute) => {
    const atMs = startMs + minute * 60_000
    return [atMs, atMs - 60_000]
  })
}

/** More payments than this are not tried at every age. */
const many = 300
/** More than this are not tried at all. */
const most = 20_000

/** Each meter filled to its limit and one below, now and at each boundary of each span. */
function befores(rules: readonly Rule.Rule[]): readonly Before[] {
  const meters = rules.flatMap((rule) => Strictness.metered(rule) ?? [])
  const ages = unique([0, ...meters.flatMap(({ span }) => agesMs(span))])
  const subjects = unique(meters.map(({ each }) => each))
  const nothing = { count: 1, atoms: 0n, deviceMs: 0n, isHeld: false }
  const found = meters.flatMap(({ unit, limit }): Omit<Before, 'ageMs' | 'other'>[] => {
    const fills = unique([limit, limit > 0n ? limit - 1n : 0n])
    if (unit === 'payments')
      return fills
        .filter((count) => count > 0n && count <= BigInt(most))
        .map((count) => ({ ...nothing, count: Number(count) }))
    const part = unit === 'atoms' ? 'atoms' : 'deviceMs'
    return fills.flatMap((fill) => [
      { ...nothing, [part]: fill },
      { ...nothing, [part]: fill, isHeld: true },
    ])
  })
  const aged = found.flatMap((before) =>
    (before.count > many || before.isHeld ? [0] : ages).map((ageMs) => ({ ...before, ageMs })),
  )
  return aged
    .flatMap((before) =>
      subjects.map((other) => (other === undefined ? before : { ...before, other })),
    )
    .concat(subjects.includes(undefined) ? [] : aged)
}

/** The oldest that counts, and one that does not. */
function agesMs(span: Span.Span): readonly number[] {
  if ('windowMs' in span) {
    const { widthMs } = Window.open(span.windowMs)
    return [span.windowMs, Window.bucketCount * widthMs]
  }
  const [word, unit, , zone] = span.period.split(' ')
  if (word !== 'calendar') return []
  const { startMs } = Calendar.period(unit as Calendar.Unit, zone!, noonMs)
  return [noonMs - startMs, noonMs - startMs + 1]
}
