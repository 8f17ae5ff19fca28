/**
 * @module Random policies and requests that look random and are the same each time. Limits, names and times
 * are few and near each other, so that rules meet, cover and contradict one another often.
 */
import type { Hex } from '../../src/kernel/Hex.ts'
import type * as Budget from '../../src/policies/Budget.ts'
import * as Pattern from '../../src/policies/Pattern.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Rule from '../../src/policies/Rule.ts'

/** The unit of account of all policies here: one atom is 1 USD. */
export const usd = {
  id: 'eip155:8453/erc20:0x00000000000000000000000000000000000000cc',
  decimals: 0,
  symbol: 'USD',
} as const
/** Another asset. */
export const euro = 'eip155:8453/erc20:0x00000000000000000000000000000000000000ee'

/** Numbers below a bound. */
export type Draw = (below: number) => number

/** Mulberry32. */
export function from(seed: number): Draw {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** One of a list. */
export function one<Item>(draw: Draw, list: readonly Item[]): Item {
  return list[draw(list.length)]!
}

const names = ['a', 'b', 'aa', 'ab', 'a.x', 'b.x', 'a.b.x', 'ab.ba.x']
const patterns = [...names, '*', 'a*', '*x', '*.x', 'a*x', '*.*', '*b*', 'a.*.x', '*a*b*']
const hosts = ['a', 'b', 'a.x', 'b.x', 'a.x:1', 'a:1', 'a:2', 'b.x:2', '127.0.0.1:8080']
const hostPatterns = [...hosts, '*', '*.x', 'a:*', '*:1', '*.x:*', '*:*', 'a*', '127.0.0.1:*']
const assets = [usd.id, euro]
const assetPatterns = [usd.id, euro, '*', 'eip155:8453/*', '*ee', 'eip155:1/*']

/** A name that a request states of a dimension. */
export function name(draw: Draw, dimension: Pattern.Dimension): string {
  if (dimension === 'assets') return draw(4) > 0 ? usd.id : one(draw, assets)
  return one(draw, dimension === 'hosts' ? hosts : names)
}

function pattern(draw: Draw, dimension: Pattern.Dimension): string {
  if (dimension === 'assets') return one(draw, assetPatterns)
  return one(draw, dimension === 'hosts' ? hostPatterns : patterns)
}

const subjects = ['', '', ' per payee', ' per agent', ' per model', ' per host', ' per tool']
const spans = [
  ...['10s', '20s', 'minute', '61s', 'hour', '24h', '48h', '7d', '30d', '60d', 'lifetime'],
  ...['day', 'week', 'month', 'year'].map((unit) => `calendar ${unit} in UTC`),
  ...['day', 'month'].map((unit) => `calendar ${unit} in Europe/Berlin`),
]
const sizes = [0, 1, 2, 3, 5, 10, 20, 60, 120, 310, 700, 4000]
const shares = ['0%', '10%', '50%', '90%', '100%']

/** Kinds of rule, by their first word or words. */
const kinds: Readonly<Record<string, (draw: Draw) => string>> = {
  allow: (draw) => list(draw, 'allow'),
  deny: (draw) => list(draw, 'deny'),
  'cap payment': (draw) => `cap ${one(draw, sizes)} USD per payment`,
  'cap window': (draw) =>
    `cap ${one(draw, sizes)} USD per ${one(draw, spans)}${one(draw, subjects)}`,
  exposure: (draw) => `cap exposure ${one(draw, sizes)} USD${one(draw, subjects)}`,
  rate: (draw) => {
    const count = one(draw, [1, 2, 3, 5, 20, 60])
    const payments = count === 1 ? 'payment' : 'payments'
    return `at most ${count} ${payments} per ${one(draw, spans)}${one(draw, subjects)}`
  },
  device: (draw) =>
    `at most ${one(draw, [2, 3, 20])} device seconds per ${one(draw, spans)}${one(draw, subjects)}`,
  coverage: (draw) => `demand coverage ${one(draw, shares)}`,
  royalty: (draw) => `demand royalty share ${one(draw, shares)}`,
  rarity: (draw) => `demand rarity ${one(draw, shares)}`,
  slippage: (draw) => `cap slippage ${one(draw, shares)}`,
  tier: (draw) => `demand trust tier ${draw(4)}`,
  approve: (draw) => {
    const within = one(draw, ['', '', ' within 30s', ' within 2h'])
    return `approve above ${one(draw, sizes)} USD${within} by ${one(draw, ['ops', 'ops, eve', 'eve'])}`
  },
  freeze: (draw) => {
    const [from, to] = one(draw, [
      ['22:00', '06:00'],
      ['00:00', '12:00'],
      ['12:00', '00:00'],
      ['23:00', '05:00'],
      ['06:00', '22:00'],
    ] as const)
    return `freeze from ${from} to ${to} in ${one(draw, ['UTC', 'UTC', 'Europe/Berlin'])}`
  },
  stop: (draw) =>
    `stop at drawdown ${one(draw, ['0%', '10%', '20%'])} seen within ${one(draw, ['1m', '5m'])}`,
  count: (draw) => {
    const at = one(draw, ['2 USD', '0 USD', 'prices within 1m', 'prices within 5m'])
    return `count ${draw(9) > 0 ? euro : usd.id} of 1 decimals at ${at}`
  },
}

function list(draw: Draw, word: 'allow' | 'deny'): string {
  const dimension = one(draw, ['payees', 'payees', 'models', ...Pattern.dimensions] as const)
  const count = 1 + draw(3)
  const items = Array.from({ length: count }, () => pattern(draw, dimension))
  return `${word} ${dimension} ${[...new Set(items)].join(', ')}`
}

/** A policy of up to `most` rules of some kinds; mostly it allows somebody. */
export function policy(
  draw: Draw,
  options: { readonly most?: number; readonly kinds?: readonly string[] } = {},
): Policy.Policy {
  const { most = 9 } = options
  const chosen = options.kinds ?? Object.keys(kinds)
  const sentences = Array.from({ length: 1 + draw(most) }, () => kinds[one(draw, chosen)]!(draw))
  if (draw(10) > 0)
    sentences.splice(draw(sentences.length + 1), 0, `allow payees ${one(draw, ['*', 'a*', '*.x'])}`)
  return of(sentences)
}

/** A policy of sentences. */
export function of(sentences: readonly string[]): Policy.Policy {
  return Policy.policy(
    'random',
    usd,
    sentences.map((sentence) => Rule.parse(sentence, usd)),
  )
}

/** The policy without what stands at some places. */
export function without(policy: Policy.Policy, places: readonly number[]): Policy.Policy {
  const rules = policy.rules.filter((_, at) => !places.includes(at))
  return Policy.policy(policy.name, policy.asset, rules)
}

/** A number as 32 bytes. */
export function word(value: number): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`
}

/** 2023-11-14, 22:13:20 UTC. */
export const startMs = 1_700_000_000_000

/** A request that states most of what rules ask for, near the limits of {@link policy}. */
export function request(draw: Draw, id: number, nowMs: number): Budget.Request {
  const maybe = <Value>(value: Value) => (draw(12) > 0 ? value : undefined)
  const share = () => maybe(BigInt(one(draw, [0, 1, 499_999_999, 500_000_000, 900_000_000, 1e9])))
  const payee = name(draw, 'payees')
  const model = name(draw, 'models')
  const atoms = BigInt(Math.max(0, one(draw, sizes) + draw(3) - 1))
  const approval = {
    by: one(draw, ['ops', 'eve', 'mallory']),
    payee: draw(6) > 0 ? payee : 'other',
    model: draw(6) > 0 ? model : 'other',
    ceilingAtoms: atoms + BigInt(draw(8) > 0 ? 1 : -1) * BigInt(atoms > 0n ? draw(2) : 0),
  }
  const made = {
    id: word(id),
    digest: word(id),
    agent: name(draw, 'agents'),
    asset: name(draw, 'assets'),
    atoms,
    payee: maybe(payee),
    host: maybe(name(draw, 'hosts')),
    model: maybe(model),
    coveragePpb: share(),
    royaltySharePpb: share(),
    rarityPpb: share(),
    slippagePpb: maybe(BigInt(one(draw, [0, 0, 1, 100_000_000, 500_000_001, 1e9]))),
    trustTier: maybe(draw(5)),
    deviceMs: maybe(BigInt(draw(4) * 1_000)),
    adapter: maybe(name(draw, 'adapters')),
    datanet: maybe(name(draw, 'datanets')),
    tool: maybe(name(draw, 'tools')),
    category: maybe(name(draw, 'categories')),
    drawdown: maybe({
      ppb: BigInt(one(draw, [0, 99_999_999, 100_000_000, 200_000_000])),
      asOfMs: nowMs - one(draw, [0, 60_000, 60_001, 300_000, 300_001]),
    }),
    price: maybe({ atoms: BigInt(draw(30)), asOfMs: nowMs - one(draw, [0, 60_000, 300_001]) }),
    approval: draw(3) > 0 ? approval : undefined,
  }
  // A fact that is not stated is absent, as requests leave it out.
  const stated = Object.entries(made).filter(([, value]) => value !== undefined)
  return Object.fromEntries(stated) as unknown as Budget.Request
}
