/**
 * @module Strictness: when one rule never decides because another is at least as strict: whenever the first
 * denies, the second does, whatever was asked and used before. Where that is not certain the answer is no.
 */
import type * as Meter from '../Meter.ts'
import type * as Rule from '../Rule.ts'
import * as Span from '../Span.ts'
import * as Window from '../Window.ts'

/** What a rule that counts counts, and the most it allows, in its unit. */
export type Metered = {
  readonly unit: Meter.Unit
  readonly limit: bigint
  readonly span: Span.Span
  readonly each: Meter.Each | undefined
}

/** A rule as a meter; `undefined` if it counts nothing. */
export function metered(rule: Rule.Rule): Metered | undefined {
  switch (rule.rule) {
    case 'cap-window':
      return { unit: 'atoms', limit: BigInt(rule.atoms), span: rule, each: rule.each }
    case 'cap-exposure':
      return { unit: 'atoms', limit: BigInt(rule.atoms), span: Span.held, each: rule.each }
    case 'rate':
      return { unit: 'payments', limit: BigInt(rule.payments), span: rule, each: rule.each }
    case 'device-time':
      return {
        unit: 'device-ms',
        limit: BigInt(rule.seconds) * 1_000n,
        span: rule,
        each: rule.each,
      }
    default:
      return undefined
  }
}

/** The most that one payment can be under a rule, in atoms; `undefined` if it sets no such bound. */
export function ceiling(rule: Rule.Rule): bigint | undefined {
  if (rule.rule === 'cap-payment') return BigInt(rule.atoms)
  const meter = metered(rule)
  return meter?.unit === 'atoms' ? meter.limit : undefined
}

/** Whether a request that names no such subject is denied by other rules. */
export type Named = (each: Meter.Each) => boolean

/**
 * Why `rule` denies and reviews nothing that `by` does not, in words that go on after its sentence;
 * `undefined` if it might.
 */
export function covers(by: Rule.Rule, rule: Rule.Rule, isNamed: Named): string | undefined {
  const [stricter, meter, most] = [metered(by), metered(rule), ceiling(by)]
  if (meter !== undefined)
    return stricter !== undefined && countsAll(stricter, meter, isNamed)
      ? 'counts all that this rule counts, and allows no more'
      : undefined
  if (rule.rule === 'cap-payment')
    return most !== undefined && most <= BigInt(rule.atoms)
      ? 'denies every payment as large as that'
      : undefined
  if (rule.rule === 'approve-above') {
    if (most !== undefined && most <= BigInt(rule.atoms))
      return 'denies every payment that would have to be approved'
    const isSame = by.rule === 'approve-above' && by.by.every((name) => rule.by.includes(name))
    return isSame && BigInt(by.atoms) <= BigInt(rule.atoms)
      ? 'asks for every approval that this rule asks for, of nobody else'
      : undefined
  }
  return demandsMore(by, rule) ? 'demands at least as much' : undefined
}

/** Whether the second denies nothing that the first does not. */
function countsAll(by: Metered, rule: Metered, isNamed: Named): boolean {
  if (by.unit !== rule.unit || by.limit > rule.limit || !reaches(by.span, rule.span)) return false
  if (by.each === rule.each) return true
  return by.each === undefined && isNamed(rule.each!)
}

function demandsMore(by: Rule.Rule, rule: Rule.Rule): boolean {
  switch (rule.rule) {
    case 'demand-coverage':
      return by.rule === rule.rule && BigInt(by.coveragePpb) >= BigInt(rule.coveragePpb)
    case 'demand-royalty-share':
      return by.rule === rule.rule && BigInt(by.royaltySharePpb) >= BigInt(rule.royaltySharePpb)
    case 'demand-rarity':
      return by.rule === rule.rule && BigInt(by.rarityPpb) >= BigInt(rule.rarityPpb)
    case 'demand-trust-tier':
      return by.rule === rule.rule && by.tier >= rule.tier
    case 'cap-slippage':
      return by.rule === rule.rule && BigInt(by.slippagePpb) <= BigInt(rule.slippagePpb)
    case 'stop-drawdown':
      return (
        by.rule === rule.rule &&
        BigInt(by.drawdownPpb) <= BigInt(rule.drawdownPpb) &&
        by.withinMs <= rule.withinMs
      )
    default:
      return false
  }
}

const dayMs = 86_400_000
/** Generous both ways: clocks change, and a zone may skip a day or have one twice. */
const lengths = {
  day: { shortestMs: dayMs - 5 * 3_600_000, longestMs: 2 * dayMs },
  week: { shortestMs: 5.5 * dayMs, longestMs: 8.5 * dayMs },
  month: { shortestMs: 26.5 * dayMs, longestMs: 32.5 * dayMs },
  year: { shortestMs: 363 * dayMs, longestMs: 367.5 * dayMs },
} as const

type Unit = keyof typeof lengths

/** How many of the first fit into or touch the second, at most; of one zone. */
const within: Readonly<Partial<Record<string, number>>> = {
  'day day': 1,
  'day week': 7,
  'day month': 31,
  'day year': 366,
  'week week': 1,
  'week month': 6,
  'week year': 54,
  'month month': 1,
  'month year': 12,
  'year year': 1,
}

/** The ones of {@link within} that never stick out of the second. */
const inside = ['day day', 'day week', 'day month', 'day year', 'week week']
const nested = new Set([...inside, 'month month', 'month year', 'year year'])

/** Whether all that counts in the second span counts in the first. */
export function reaches(wide: Span.Span, narrow: Span.Span): boolean {
  if ('period' in narrow && narrow.period === 'held') return true
  if ('period' in wide) {
    if (wide.period === 'held') return false
    if (wide.period === 'lifetime') return true
    const [one, other] = [calendar(narrow), calendar(wide)]
    return one !== undefined && one.zone === other!.zone && nested.has(`${one.unit} ${other!.unit}`)
  }
  if ('windowMs' in narrow) {
    const [width, other] = [widthMs(narrow.windowMs), widthMs(wide.windowMs)]
    // A ring counts up to 64 of its buckets, and surely 63: a slightly longer window may start later.
    return width === other || Window.bucketCount * width - 1 <= (Window.bucketCount - 1) * other
  }
  const period = calendar(narrow)
  return period !== undefined && lengths[period.unit].longestMs <= wide.windowMs
}

/**
 * How many spans of the first kind, at most, hold all that one of the second counts; `undefined` if no
 * number of them does.
 */
export function tiles(short: Span.Span, long: Span.Span): bigint | undefined {
  if (reaches(short, long)) return 1n
  const [one, other] = [calendar(short), calendar(long)]
  const isEndless = other === undefined && !('windowMs' in long)
  if (isEndless || (one === undefined && !('windowMs' in short))) return undefined
  const zone = one !== undefined && one.zone === other?.zone
  const fit = zone ? within[`${one.unit} ${other!.unit}`] : undefined
  if (fit !== undefined) return BigInt(fit)
  const reachMs =
    'windowMs' in long
      ? Window.bucketCount * widthMs(long.windowMs)
      : lengths[other!.unit].longestMs
  const count =
    'windowMs' in short
      ? Math.ceil(reachMs / short.windowMs)
      : Math.ceil(reachMs / lengths[one!.unit].shortestMs) + 1
  return BigInt(count)
}

function widthMs(windowMs: number): number {
  return Window.open(windowMs).widthMs
}

function calendar(span: Span.Span): { unit: Unit; zone: string } | undefined {
  if ('windowMs' in span || !span.period.startsWith('calendar ')) return undefined
  const [, unit, , zone] = span.period.split(' ')
  return { unit: unit as Unit, zone: zone! }
}
