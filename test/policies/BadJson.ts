/** @module Bad policies as JSON: each is a right one with one member wrong, missing or too many. */
import type { Bad } from './Bad.ts'
import { euro, usdc } from './Desk.ts'
import { type Draw, one } from './Random.ts'

type Json = Record<string, unknown>

const notText = [
  undefined,
  null,
  5,
  Number.NaN,
  true,
  [],
  {},
  ['a'],
  5n,
  () => 'a',
  Symbol.iterator,
]
const notNumber = [null, '5', Number.NaN, Number.POSITIVE_INFINITY, -1, -0, 1.5, [], {}, true, 5n]
const huge = 2 ** 53 + 2
const windows = [...notNumber, 0, 999, 1_500, 367 * 86_400_000, huge]
const amounts = [
  ...[...notText, '', '-1', '01', '1.5', '1e3', ' 1', '٣', '１', '0x1', '+1', '-0', 'NaN', '1n'],
  ...[(2n ** 256n).toString(), (2n ** 256n - 1n).toString(), '1'.padEnd(79, '0'), '1\u200b'],
]
const shares = [...notText, '', '-1', '1000000001', '1e3', '00', '٣', '0.5', '50%', '1\u200b']
const strange = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', '']
const lists = [
  ...notText.slice(0, 5),
  [],
  {},
  { 0: 'a', length: 1 },
  'a',
  [5],
  [null],
  [''],
  ['a b'],
]
const longest = 'x'.repeat(257)

/** What is wrong in a member, by its name. */
const wrong: Readonly<Record<string, readonly unknown[]>> = {
  atoms: amounts,
  windowMs: windows,
  withinMs: windows,
  payments: [...notNumber, 0, 1_000_000_001, huge],
  seconds: [...notNumber, 0, 1_000_000_001, huge],
  coveragePpb: shares,
  royaltySharePpb: shares,
  rarityPpb: shares,
  slippagePpb: shares,
  drawdownPpb: shares,
  tier: [...notNumber, 10, huge],
  fromMinute: [...notNumber, 1_440, 360, huge],
  toMinute: [...notNumber, 1_440, 1_320, huge],
  zone: [...notText, ...strange, 'Mars/Base', '+01:00', 'Еurope/Berlin'],
  period: [...notText, ...strange, '24h', 'held', 'calendar day', 'calendar  day in UTC'],
  each: [...notText.slice(1), ...strange, 'planet', 'Payee', 'рayee', 'payees'],
  dimension: [...notText, ...strange, 'planets', 'Payees', 'рayees', 'payee'],
  patterns: [...lists, ['a', 'a'], ['a**'], ['ünï'], ['а'], [longest], ['a,b'], ['a\u0000']],
  by: [...lists, ['ops', 'ops'], ['-ops'], ['öps'], ['x'.repeat(65)], ['*'], ['__proto__']],
  decimals: [...notNumber, undefined, 37, huge],
  asset: [...notText, ...strange, 'USDC', euro.toUpperCase(), euro.slice(0, -1), `${euro}0`],
  rule: [...notText, ...strange, 'pray', 'Cap-payment', 'сap-payment'],
  name: [...notText, ...strange.slice(0, 1), '', 'a b', 'ünï', '-a', 'x'.repeat(65), 'dеsk'],
  symbol: [...notText, '', '5', 'US DC', 'ÜSD', 'X'.repeat(17), 'USDС'],
  id: [...notText, ...strange, 'USDC', usdc.id.slice(0, -1), `${usdc.id}0`, 'eip155:0/erc20:0x'],
}

const rules = (draw: Draw): readonly Json[] => {
  const atoms = one(draw, ['0', '1', '2000000', (2n ** 53n + 1n).toString(), '1'.padEnd(36, '0')])
  const span = one<Json>(draw, [
    { windowMs: 60_000 },
    { period: 'lifetime' },
    { period: 'calendar day in UTC' },
  ])
  const each = one<Json>(draw, [{}, { each: 'payee' }, { each: 'tool' }])
  const dimension = one(draw, ['payees', 'models', 'agents'])
  return [
    { rule: 'allow', dimension, patterns: ['a', 'b*'] },
    { rule: 'deny', dimension, patterns: ['c'] },
    { rule: 'cap-payment', atoms },
    { rule: 'cap-window', atoms, ...span, ...each },
    { rule: 'cap-exposure', atoms, ...each },
    { rule: 'rate', payments: 1 + draw(9), ...span, ...each },
    { rule: 'device-time', seconds: 1 + draw(9), ...span, ...each },
    { rule: 'demand-coverage', coveragePpb: '500000000' },
    { rule: 'demand-royalty-share', royaltySharePpb: '0' },
    { rule: 'demand-rarity', rarityPpb: '1000000000' },
    { rule: 'cap-slippage', slippagePpb: '10000000' },
    { rule: 'demand-trust-tier', tier: draw(10) },
    {
      rule: 'approve-above',
      atoms,
      by: ['ops', 'eve'],
      ...one<Json>(draw, [{}, { withinMs: 60_000 }]),
    },
    { rule: 'freeze-hours', fromMinute: 1_320, toMinute: 360, zone: 'Europe/Berlin' },
    { rule: 'stop-drawdown', drawdownPpb: '100000000', withinMs: 60_000 },
    {
      rule: 'count',
      asset: euro,
      decimals: 6,
      ...one<Json>(draw, [{ atoms }, { withinMs: 60_000 }]),
    },
  ]
}

/** A right policy. */
export function good(draw: Draw): Json & { rules: Json[] } {
  const all = rules(draw)
  const some = Array.from({ length: 1 + draw(5) }, () => ({ ...one(draw, all) }))
  return { name: 'desk', asset: { ...usdc }, rules: some }
}

const optional = ['each', 'withinMs']
/** An own member of any name, as reading JSON makes it. */
const withOwn = (json: Json, key: string): Json =>
  Object.defineProperty({ ...json }, key, { value: 'x', enumerable: true })
const extra = ['more', '__proto__', 'constructor', 'toString', 'Rule', 'windowMS', 'atomѕ', '']

type Spoil = (draw: Draw, json: Json) => Json | undefined

/** Of any object: a member wrong, a member missing, a member too many, or members of somebody else. */
const spoils: Readonly<Record<string, Spoil>> = {
  wrong(draw, json) {
    const key = one(
      draw,
      Object.keys(json).filter((each) => each in wrong),
    )
    return { ...json, [key]: one(draw, wrong[key]!) }
  },
  missing(draw, json) {
    const left = Object.keys(json).filter(
      (each) => !optional.includes(each) || json.rule !== 'approve-above',
    )
    const key = one(
      draw,
      left.filter((each) => each !== 'each'),
    )
    const { [key]: _, ...rest } = json
    return rest
  },
  extra: (draw, json) => withOwn(json, one(draw, extra)),
  inherited: (_, json) => Object.create(json),
}

const whole: Readonly<Record<string, (draw: Draw, json: Json & { rules: Json[] }) => unknown>> = {
  'no policy': (draw) => one(draw, [...notText, 'desk', [[]], Number.NaN]),
  'rules that are no list': (draw, json) => ({
    ...json,
    rules: one(draw, [...notText.slice(0, 5), [], {}, 'x', { 0: json.rules[0], length: 1 }]),
  }),
  'a rule that is none': (draw, json) => ({
    ...json,
    rules: [...json.rules, one(draw, [...notText, 'cap 2 USDC per payment'])],
  }),
  'an asset that is none': (draw, json) => ({ ...json, asset: one(draw, [...notText, usdc.id]) }),
  'too many rules': (_, json) => ({ ...json, rules: new Array(1_025).fill(json.rules[0]) }),
  'two spans': (_, json) => ({
    ...json,
    rules: [{ rule: 'rate', payments: 1, windowMs: 1_000, period: 'lifetime' }],
  }),
}

const parts = ['policy', 'asset', 'rule'] as const

/** How many ways there are to be wrong, members of each kind of rule apart. */
export const hows = Object.keys(whole).length + 8 + 4 * 16

/** A policy as JSON with one thing wrong. */
export function bad(draw: Draw): Bad<unknown> {
  const json = good(draw)
  if (draw(8) === 0) {
    const how = one(draw, Object.keys(whole))
    return { how, value: whole[how]!(draw, json) }
  }
  const [part, kind] = [
    one(draw, [...parts, 'rule', 'rule', 'rule', 'rule']),
    one(draw, Object.keys(spoils)),
  ]
  const spoil = spoils[kind]!
  if (part === 'policy') return { how: `policy: ${kind}`, value: spoil(draw, json) }
  if (part === 'asset')
    return { how: `asset: ${kind}`, value: { ...json, asset: spoil(draw, json.asset as Json) } }
  const rule = one(draw, rules(draw))
  const value = { ...json, rules: [...json.rules, spoil(draw, rule)] }
  return { how: `${rule.rule}: ${kind}`, value }
}
