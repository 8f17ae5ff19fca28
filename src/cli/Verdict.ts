/** @module Verdicts on the command line: their exit codes, and what may be typed to answer a review. */
import type * as Asset from '../kernel/Asset.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import type * as Decision from '../policies/Decision.ts'
import type * as Policy from '../policies/Policy.ts'
import * as Rule from '../policies/Rule.ts'
import type * as Run from './Run.ts'

/** 0 allowed, 3 denied, 4 needs approval, 5 over a budget's meter. */
export function exitCode(
  verdict: Decision.Verdict,
  reasons: readonly Decision.Reason[],
): Run.ExitCode {
  if (verdict === 'allow') return 0
  if (verdict === 'review') return 4
  const denied = reasons.find(({ outcome }) => outcome === 'deny')
  return denied?.meter === undefined ? 3 : 5
}

/** Whom a policy names to answer reviews, each once. */
export function approvers({ rules }: Pick<Policy.Policy, 'rules'>): readonly string[] {
  return [...new Set(rules.flatMap((rule) => (rule.rule === 'approve-above' ? rule.by : [])))]
}

/** Digits of a purchase's id that are shown: as many as nobody meets twice. */
const shown = 12

/** An id as it is shown; commands take it as it is. */
export function short(id: Hex): string {
  return id.slice(0, 2 + shown)
}

/**
 * What to type to let a purchase under review pass, by whom the sentences that asked name. The ceiling is
 * the price without change: what change a fresh quote applies depends on other quotes that are open.
 */
export function approveLine(
  { purchase, reasons }: { purchase: Hex; reasons: readonly Decision.Reason[] },
  options: {
    readonly asset: Asset.Asset
    readonly priceAtoms: bigint | undefined
    readonly flags: readonly string[]
  },
): string {
  const { asset, priceAtoms, flags } = options
  const asking = reasons.filter(({ outcome }) => outcome === 'review')
  const rules = asking.map(({ rule }) => Rule.parse(rule, asset))
  const [by = 'ops'] = approvers({ rules })
  const price = priceAtoms === undefined ? '' : Money.format(Money.of(asset, priceAtoms))
  const upTo = price === '' ? [] : ['--up-to', `"${price}"`]
  return ['npx requite policy approve', short(purchase), '--by', by, ...upTo, ...flags].join(' ')
}
