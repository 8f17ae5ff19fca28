/**
 * @module Dead rules: those that never decide, because others are at least as strict. Each is found against
 * rules that stay, so all of them can be left out at once and no verdict changes.
 */
import * as Money from '../../kernel/Money.ts'
import type * as Meter from '../Meter.ts'
import * as Pattern from '../Pattern.ts'
import type * as Policy from '../Policy.ts'
import * as Rule from '../Rule.ts'
import type { Finding } from './Finding.ts'
import * as Lists from './Lists.ts'
import * as Overlap from './Overlap.ts'
import * as Strictness from './Strictness.ts'

/** What never decides, and which rules do: by their places among the policy's rules. */
export type Dead = { readonly findings: readonly Finding[]; readonly standing: readonly number[] }

/** Finds what never decides. */
export function find(policy: Policy.Policy): Dead {
  const lists = Lists.dead(policy)
  const { rules } = policy
  const size = (at: number) => (rules[at] as { patterns: readonly string[] }).patterns.length
  const isGone = (at: number) => lists.filter(({ entry }) => entry.at === at).length === size(at)
  let standing = rules.flatMap((rule, at) =>
    (rule.rule === 'allow' || rule.rule === 'deny') && isGone(at) ? [] : [at],
  )
  const findings = listed(policy, lists, isGone)
  for (const at of [...rules.keys()].toReversed()) {
    if (!standing.includes(at)) continue
    const others = standing.filter((other) => other !== at)
    const found = judge(policy, at, others)
    if (found === undefined) continue
    findings.unshift(found)
    standing = others
  }
  return { findings, standing }
}

/** Findings about lists: one for a rule of which nothing remains, otherwise one for each pattern. */
function listed(
  { rules, asset }: Policy.Policy,
  lists: readonly Lists.Dead[],
  isGone: (at: number) => boolean,
): Finding[] {
  const sentence = (at: number) => Rule.format(rules[at]!, asset)
  const told = new Set<number>()
  return lists.flatMap(({ entry, by, because }): Finding[] => {
    const { at, dimension, pattern } = entry
    const whole = isGone(at)
    if (whole && told.has(at)) return []
    told.add(at)
    const mine = lists.filter((each) => each.entry.at === at)
    const against = [...new Set((whole ? mine.flatMap((each) => each.by) : by).map(({ at }) => at))]
    const reasons = whole ? mine.map((each) => `${each.entry.pattern}: ${each.because}`) : [because]
    return [
      {
        ...{ kind: 'dead', rule: sentence(at), at },
        ...(whole ? {} : { pattern }),
        against: against.map(sentence),
        because: reasons.join('; '),
        example: Overlap.sample(dimension, pattern),
      },
    ]
  })
}

/** Why the rule at a place never decides while the others stay. */
function judge(policy: Policy.Policy, at: number, others: readonly number[]): Finding | undefined {
  const { rules, asset } = policy
  const rule = rules[at]!
  const sentence = (place: number) => Rule.format(rules[place]!, asset)
  const made = (against: readonly number[], because: string): Finding => {
    const example = exampleOf(rule, policy)
    return {
      ...{ kind: 'dead', rule: sentence(at), at, against: against.map(sentence), because },
      ...(example === undefined ? {} : { example }),
    }
  }
  if (rule.rule === 'allow' || rule.rule === 'deny') return undefined
  if (rule.rule === 'freeze-hours') {
    const zone = others.filter((other) => isFreezeIn(rules[other]!, rule.zone))
    const rest = frozen(zone.map((other) => rules[other]!))
    return frozen([rule]).every((is, minute) => !is || rest[minute])
      ? made(zone, 'these hours are frozen already')
      : undefined
  }
  if (rule.rule === 'count') return counted(policy, at, others, made)
  const left = others.map((other) => rules[other]!)
  // How long reviews wait is said by the most impatient rule, even by one that never asks.
  if (rule.rule === 'approve-above' && Rule.reviewMs(left) !== Rule.reviewMs([...left, rule]))
    return undefined
  const isNamed = (each: Meter.Each) => isAsked(left, each)
  for (const other of others) {
    const why = Strictness.covers(rules[other]!, rule, isNamed)
    if (why !== undefined) return made([other], `"${sentence(other)}" ${why}`)
  }
  return undefined
}

/** Whether every request that leaves this name out is denied whatever else it says. */
function isAsked(rules: readonly Rule.Rule[], each: Meter.Each): boolean {
  if (each === 'payee' || each === 'agent' || each === 'asset') return true
  return rules.some(
    (rule) =>
      (rule.rule === 'allow' || rule.rule === 'deny') && Pattern.singular[rule.dimension] === each,
  )
}

/** Whether one sentence counts any payment as at least what the other does: the dearest decides. */
function countsNoLess(one: Count, other: Count): boolean {
  if ('withinMs' in one)
    return 'withinMs' in other && one.withinMs <= other.withinMs && one.decimals <= other.decimals
  if ('withinMs' in other) return false
  const [whole, otherWhole] = [10n ** BigInt(one.decimals), 10n ** BigInt(other.decimals)]
  return BigInt(one.atoms) * otherWhole >= BigInt(other.atoms) * whole
}

type Count = Extract<Rule.Rule, { rule: 'count' }>

function counted(
  { rules, asset }: Policy.Policy,
  at: number,
  others: readonly number[],
  made: (against: readonly number[], because: string) => Finding,
): Finding | undefined {
  const rule = rules[at] as Count
  // Of the unit of account itself it denies everything: a contradiction, told as such.
  if (rule.asset === asset.id) return undefined
  for (const other of others) {
    const by = rules[other]!
    if (by.rule !== 'count' || by.asset !== rule.asset || !countsNoLess(by, rule)) continue
    if (other < at || !countsNoLess(rule, by))
      return made([other], 'another sentence counts this asset as no less')
  }
  const lists = others.filter((other) => isList(rules[other]!, 'assets'))
  const isDenied = (place: number) => {
    const { rule: name, patterns } = rules[place] as { rule: string; patterns: readonly string[] }
    const isFound = patterns.some((pattern) => Pattern.compile('assets', pattern)(rule.asset))
    return name === 'deny' && isFound
  }
  const denying = lists.filter(isDenied)
  if (denying.length > 0) return made(denying, 'the asset is denied')
  const allowing = lists.filter((place) => rules[place]!.rule === 'allow')
  const isAllowed = (place: number) =>
    (rules[place] as { patterns: readonly string[] }).patterns.some((pattern) =>
      Pattern.compile('assets', pattern)(rule.asset),
    )
  return allowing.length > 0 && !allowing.some(isAllowed)
    ? made(allowing, 'the asset is not among those allowed')
    : undefined
}

function isList(rule: Rule.Rule, dimension: Pattern.Dimension): boolean {
  return (rule.rule === 'allow' || rule.rule === 'deny') && rule.dimension === dimension
}

function isFreezeIn(rule: Rule.Rule, zone: string): boolean {
  return rule.rule === 'freeze-hours' && rule.zone === zone
}

/** Of each minute of a day, whether one of the rules freezes it. */
export function frozen(rules: readonly Rule.Rule[]): readonly boolean[] {
  const day = new Array<boolean>(1440).fill(false)
  for (const rule of rules) {
    if (rule.rule !== 'freeze-hours') continue
    const length = (rule.toMinute - rule.fromMinute + 1440) % 1440
    for (let minute = 0; minute < length; minute++) day[(rule.fromMinute + minute) % 1440] = true
  }
  return day
}

/** The smallest payment that the rule would speak of. */
function exampleOf(rule: Rule.Rule, { asset }: Policy.Policy): string | undefined {
  const above = (atoms: bigint) =>
    `a payment of ${Money.format(Money.of(asset, atoms + 1n))} is denied with or without it`
  const most = rule.rule === 'approve-above' ? BigInt(rule.atoms) : Strictness.ceiling(rule)
  return most === undefined ? undefined : above(most)
}
