/**
 * @module A brute-force oracle of a tree of budgets: it keeps every purchase and adds all of them up anew
 * for every question, rolling windows once by buckets as the engine does and once exactly, calendars by
 * what the platform says the date is. Amounts here are small whole numbers, not money.
 */
import { euro } from './Desk.ts'

/** What a sentence means. */
export type Limit =
  | { readonly kind: 'payees'; readonly names: readonly string[] }
  | { readonly kind: 'payment'; readonly most: number }
  | { readonly kind: 'approve'; readonly above: number; readonly withinMs: number }
  /** Tenths of a unit of another asset count as so many units of account. */
  | { readonly kind: 'count'; readonly each: number }
  | Meter

type Meter = {
  readonly kind: 'meter'
  readonly unit: 'atoms' | 'payments' | 'deviceMs'
  readonly most: number
  readonly span: number | ((atMs: number) => string) | 'lifetime' | 'held'
  readonly each?: 'payee' | 'agent' | 'tool'
}

/** What is asked. */
export type Asked = {
  readonly digest: number
  readonly atoms: number
  readonly isEuro: boolean
  readonly payee: string
  readonly agent: string
  readonly tool: string
  readonly deviceMs: number
  readonly ceiling: number | undefined
}

export type State = 'denied' | 'review' | 'held' | 'captured' | 'voided'
type Verdict = 'allow' | 'deny' | 'review'

/** A purchase, and where it stands on each level of its path; levels are numbers. */
export type Entry = {
  readonly at: number
  asked: Asked
  verdict: Verdict
  states: Record<number, State>
  /** In units of account, by level. */
  worth: Record<number, number>
  expiresAtMs: number
  captured?: { readonly atoms: number; readonly atMs: Record<number, number> }
}

const date = (zone: string, parts: Intl.DateTimeFormatOptions) => {
  const written = new Intl.DateTimeFormat('en-CA', { timeZone: zone, ...parts })
  const known = new Map<number, string>()
  return (atMs: number) => {
    // No zone of today changes within a quarter of an hour.
    const quarter = Math.floor(atMs / 900_000)
    const found = known.get(quarter) ?? written.format(quarter * 900_000)
    known.set(quarter, found)
    return found
  }
}
const month = date('Europe/Berlin', { year: 'numeric', month: '2-digit' })
const day = date('UTC', { year: 'numeric', month: '2-digit', day: '2-digit' })

const meter = (
  most: number,
  span: Meter['span'],
  each?: Meter['each'],
  unit: Meter['unit'] = 'atoms',
) => ({ kind: 'meter', unit, most, span, ...(each && { each }) }) as const
const everybody = ['allow payees *', { kind: 'payees', names: ['p', 'q', 'r'] }] as const
const count = (each: number) =>
  [`count ${euro} of 1 decimals at ${each} USD`, { kind: 'count', each }] as const
const approve = (above: number, seconds: number) =>
  [
    `approve above ${above} USD within ${seconds}s by ops`,
    { kind: 'approve', above, withinMs: 1_000 * seconds },
  ] as const

export type Sentences = readonly (readonly [string, Limit])[]

/** Policies of a whole budget: they name payees. */
export const wholes: readonly Sentences[] = [
  [
    everybody,
    count(3),
    ['cap 160 USD per 10s', meter(160, 10_000)],
    ['cap 400 USD per calendar month in Europe/Berlin', meter(400, month)],
    ['cap exposure 90 USD per payee', meter(90, 'held', 'payee')],
    approve(38, 15),
  ],
  [
    ['allow payees p, q', { kind: 'payees', names: ['p', 'q'] }],
    ['cap 40 USD per payment', { kind: 'payment', most: 40 }],
    ['cap 300 USD per calendar day in UTC per agent', meter(300, day, 'agent')],
    ['at most 9 payments per 20s', meter(9, 20_000, undefined, 'payments')],
    ['at most 90 device seconds per minute per tool', meter(90_000, 60_000, 'tool', 'deviceMs')],
  ],
  [everybody, count(12), ['cap 900 USD per lifetime', meter(900, 'lifetime')], approve(25, 60)],
]

/** Policies of slices. */
export const slices: readonly Sentences[] = [
  [['cap 70 USD per 7s', meter(70, 7_000)], count(5), ['cap exposure 60 USD', meter(60, 'held')]],
  [
    ['cap 250 USD per calendar day in UTC', meter(250, day)],
    ['at most 5 payments per minute per payee', meter(5, 60_000, 'payee', 'payments')],
    approve(15, 5),
  ],
  [count(3), count(7), ['cap 500 USD per lifetime per tool', meter(500, 'lifetime', 'tool')]],
  [
    ['cap 35 USD per payment', { kind: 'payment', most: 35 }],
    ['cap 90 USD per 10s per agent', meter(90, 10_000, 'agent')],
  ],
]

/** What an amount in another asset counts as; `undefined` if nothing says so. */
export function worth(rules: Sentences, { isEuro, atoms }: Asked): number | undefined {
  if (!isEuro) return atoms
  const found = rules.flatMap(([, limit]) =>
    limit.kind === 'count' ? [Math.ceil((atoms * limit.each) / 10)] : [],
  )
  return found.length === 0 ? undefined : Math.max(...found)
}

/** What of an entry counts for a meter of a level when so much of it leaves. */
function weight({ unit }: Meter, entry: Entry, level: number, atoms: number): number {
  if (unit === 'payments') return 1
  if (unit === 'deviceMs') return entry.asked.deviceMs
  if (!entry.asked.isEuro) return atoms
  return entry.asked.atoms === 0 ? 0 : Math.ceil((atoms * entry.worth[level]!) / entry.asked.atoms)
}

/** Where an entry stands on a level at a moment: a review that nobody answered is void. */
export function standing(entry: Entry, level: number, nowMs: number): State | undefined {
  const state = entry.states[level]
  return state === 'review' && entry.expiresAtMs <= nowMs ? 'voided' : state
}

/** Used and held of a meter on a level, from all that ever happened. */
export function sum(
  limit: Meter,
  entries: readonly Entry[],
  at: { level: number; nowMs: number; exact?: boolean; like?: Asked; but?: Entry | undefined },
): { used: number; held: number } {
  const { level, nowMs, exact = false, like, but } = at
  let [used, held] = [0, 0]
  for (const entry of entries) {
    if (entry === but || entry.states[level] === undefined) continue
    if (limit.each && like && entry.asked[limit.each] !== like[limit.each]) continue
    const state = standing(entry, level, nowMs)
    if (state === 'held' || state === 'review')
      held += weight(limit, entry, level, entry.asked.atoms)
    if (state !== 'captured') continue
    const { atoms, atMs } = entry.captured!
    if (isWithin(limit.span, atMs[level]!, nowMs, exact)) used += weight(limit, entry, level, atoms)
  }
  return { used, held }
}

function isWithin(span: Meter['span'], atMs: number, nowMs: number, exact: boolean): boolean {
  if (span === 'held') return false
  if (span === 'lifetime') return true
  if (typeof span === 'function') return span(atMs) === span(nowMs)
  if (exact) return nowMs - atMs <= span
  const width = Math.ceil(span / 63)
  return Math.floor(nowMs / width) - Math.floor(atMs / width) < 64
}

/** What each rule of a level says. */
export function outcomes(
  rules: Sentences,
  entries: readonly Entry[],
  asked: Asked,
  at: { level: number; nowMs: number; exact: boolean; but: Entry | undefined },
): Verdict[] {
  const atoms = worth(rules, asked) ?? asked.atoms
  const isCounted = worth(rules, asked) !== undefined
  return rules.map(([, limit]) => {
    if (limit.kind === 'payees') return limit.names.includes(asked.payee) ? 'allow' : 'deny'
    if (limit.kind === 'payment') return atoms <= limit.most ? 'allow' : 'deny'
    if (limit.kind === 'count') return isCounted ? 'allow' : 'deny'
    if (limit.kind === 'approve')
      return atoms <= limit.above || (asked.ceiling ?? -1) >= atoms ? 'allow' : 'review'
    const { used, held } = sum(limit, entries, { ...at, like: asked })
    const more = { atoms, payments: 1, deviceMs: asked.deviceMs }[limit.unit]
    return used + held + more <= limit.most ? 'allow' : 'deny'
  })
}

/** How long a review of these policies waits. */
export function waitMs(policies: readonly Sentences[]): number {
  const waits = policies
    .flat()
    .flatMap(([, limit]) => (limit.kind === 'approve' ? [limit.withinMs] : []))
  return Math.min(...waits)
}

/** Deny before review before allow. */
export function verdict(said: readonly Verdict[]): Verdict {
  if (said.includes('deny')) return 'deny'
  return said.includes('review') ? 'review' : 'allow'
}
