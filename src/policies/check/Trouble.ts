/**
 * @module Trouble: policies that allow nothing at all, and policies that allow what few would want. A
 * contradiction is certain: whatever is asked, by whom and when, it is not allowed.
 */
import * as Money from '../../kernel/Money.ts'
import * as Pattern from '../Pattern.ts'
import type * as Policy from '../Policy.ts'
import * as Rule from '../Rule.ts'
import * as Dead from './Dead.ts'
import type { Finding } from './Finding.ts'
import * as Lists from './Lists.ts'
import * as Strictness from './Strictness.ts'

/** Rules that together allow nothing. */
export function contradictions(policy: Policy.Policy): readonly Finding[] {
  const { rules, asset } = policy
  const sentence = (rule: Rule.Rule) => Rule.format(rule, asset)
  const findings: Finding[] = Lists.emptied(policy).map((entries) => {
    const { dimension } = entries[0]!
    const against = [...new Set(entries.map(({ at }) => sentence(rules[at]!)))]
    return { kind: 'contradiction', against, because: `all ${dimension} are denied` }
  })
  for (const zone of new Set(rules.flatMap((rule) => ('zone' in rule ? [rule.zone] : [])))) {
    const freezes = rules.filter((rule) => rule.rule === 'freeze-hours' && rule.zone === zone)
    if (Dead.frozen(freezes).every(Boolean))
      findings.push({
        kind: 'contradiction',
        against: freezes.map(sentence),
        because: 'every hour of the day is frozen',
        example: `at 12:00 in ${zone} and at any other time`,
      })
  }
  for (const rule of rules)
    if (rule.rule === 'stop-drawdown' && rule.drawdownPpb === '0')
      findings.push({
        ...{ kind: 'contradiction', rule: sentence(rule) },
        because: 'an account that has lost nothing has lost 0%: it stops before it begins',
      })
  return [...findings, ...noAsset(policy)]
}

/** No asset that a request can be in is both allowed and counted. */
function noAsset({ rules, asset }: Policy.Policy): readonly Finding[] {
  const counts = rules.filter((rule) => rule.rule === 'count')
  const isSelf = counts.some((rule) => rule.asset === asset.id)
  const known = [...(isSelf ? [] : [asset.id]), ...counts.map((rule) => rule.asset)]
  const lists = rules.flatMap((rule) =>
    rule.rule === 'allow' && rule.dimension === 'assets' ? [rule] : [],
  )
  const patterns = lists.flatMap((rule) => rule.patterns)
  const find = Pattern.matcher('assets', patterns)
  const isAllowed = (id: string) => lists.length === 0 || find(id) !== undefined
  const paid = known.filter((id) => id !== asset.id || !isSelf).filter(isAllowed)
  const self = counts.filter((rule) => rule.asset === asset.id)
  const found: Finding[] = self.map((rule) => ({
    ...{ kind: 'warning', rule: Rule.format(rule, asset) },
    because: `it counts ${asset.symbol} itself, so that no payment in ${asset.symbol} is allowed`,
  }))
  if (paid.filter((id) => id !== asset.id || !isSelf).length === 0)
    found.push({
      kind: 'contradiction',
      against: [...lists, ...self].map((rule) => Rule.format(rule, asset)),
      because: `neither ${asset.symbol} nor any counted asset is allowed`,
    })
  return found
}

/** What few would want. */
export function warnings(policy: Policy.Policy): readonly Finding[] {
  const { rules, asset } = policy
  const warn = (because: string, rule?: Rule.Rule): Finding => ({
    kind: 'warning',
    ...(rule === undefined ? {} : { rule: Rule.format(rule, asset) }),
    because,
  })
  const found: Finding[] = []
  const caps = rules.filter((rule) => Strictness.ceiling(rule) !== undefined)
  if (caps.length === 0) found.push(warn('no rule caps what is spent'))
  else if (!rules.some((rule) => rule.rule === 'cap-window'))
    found.push(warn('no rule caps what is spent in any length of time: payments add up for ever'))
  const payees = rules.filter((rule) => rule.rule === 'allow' && rule.dimension === 'payees')
  if (payees.length === 0)
    found.push(
      warn('no sentence allows payees: by itself it allows nothing; only as a slice it may'),
    )
  for (const rule of rules) {
    const isAny = rule.rule === 'allow' && rule.patterns.includes('*')
    if (isAny && rule.dimension === 'payees') found.push(warn('anybody may be paid', rule))
    if (rule.rule === 'count' && 'atoms' in rule && rule.atoms === '0')
      found.push(warn('the asset counts as nothing: no cap ever sees it', rule))
    const most = Strictness.ceiling(rule)
    if (most === 0n)
      found.push(warn(`only what costs ${Money.format(Money.of(asset, 0n))} is allowed`, rule))
  }
  const waits = rules.filter((rule) => rule.rule === 'approve-above')
  for (const rule of waits)
    if (rule.withinMs !== undefined && rule.withinMs > Rule.reviewMs(rules))
      found.push(warn('another rule gives reviews less time, and the least counts', rule))
  return found
}
