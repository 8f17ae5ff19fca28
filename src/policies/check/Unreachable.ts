/**
 * @module Limits that are never reached: others keep the sum below them, as long as all of it was spent
 * under this policy. Unlike a dead rule such a limit would decide over what a former policy let through.
 */
import * as Money from '../../kernel/Money.ts'
import type * as Meter from '../Meter.ts'
import type * as Policy from '../Policy.ts'
import * as Rule from '../Rule.ts'
import * as Span from '../Span.ts'
import type { Finding } from './Finding.ts'
import * as Strictness from './Strictness.ts'

/** Finds limits that are never reached, among the rules at the places that decide. */
export function find(policy: Policy.Policy, standing: readonly number[]): readonly Finding[] {
  const { rules, asset } = policy
  let left = [...standing]
  const findings: Finding[] = []
  for (const at of standing.toReversed()) {
    const meter = Strictness.metered(rules[at]!)
    if (meter === undefined) continue
    const others = left.filter((other) => other !== at)
    const found = bySpans(policy, meter, others) ?? byPayments(policy, meter, others)
    if (found === undefined) continue
    left = others
    findings.unshift({ kind: 'never-binds', rule: Rule.format(rules[at]!, asset), at, ...found })
  }
  return findings
}

type Found = Pick<Finding, 'against' | 'because' | 'example'>

/** So many shorter spans at their limits come to no more. */
function bySpans(
  { rules, asset }: Policy.Policy,
  meter: Strictness.Metered,
  others: readonly number[],
): Found | undefined {
  for (const other of others) {
    const by = Strictness.metered(rules[other]!)
    if (by === undefined || by.unit !== meter.unit || !isWhole(by, meter)) continue
    const count = Strictness.tiles(by.span, meter.span)
    if (count === undefined || by.limit * count > meter.limit) continue
    const sentence = Rule.format(rules[other]!, asset)
    const most = show(by.limit * count, meter.unit, asset)
    return {
      against: [sentence],
      because:
        count === 1n
          ? `"${sentence}" allows no more than ${most} in that time`
          : `it counts at most ${count} times ${Span.format(by.span)}, in which "${sentence}" allows no more than ${most} together`,
      example: `${most} can be spent, ${show(meter.limit, meter.unit, asset)} would be allowed`,
    }
  }
  return undefined
}

/** So many payments of the largest size come to no more. */
function byPayments(
  { rules, asset }: Policy.Policy,
  meter: Strictness.Metered,
  others: readonly number[],
): Found | undefined {
  if (meter.unit !== 'atoms') return undefined
  for (const size of others) {
    const payment = rules[size]!
    if (payment.rule !== 'cap-payment') continue
    for (const other of others) {
      const rate = Strictness.metered(rules[other]!)
      if (rate?.unit !== 'payments' || !isWhole(rate, meter)) continue
      const count = Strictness.tiles(rate.span, meter.span)
      if (count === undefined) continue
      const most = rate.limit * count * BigInt(payment.atoms)
      if (most > meter.limit) continue
      const against = [payment, rules[other]!].map((rule) => Rule.format(rule, asset))
      return {
        against,
        because: `${rate.limit * count} payments of ${Money.format(Money.of(asset, BigInt(payment.atoms)))} are all that "${against[0]}" and "${against[1]}" allow in that time, together ${show(most, 'atoms', asset)}`,
        example: `${show(most, 'atoms', asset)} can be spent, ${show(meter.limit, 'atoms', asset)} would be allowed`,
      }
    }
  }
  return undefined
}

/** Whether the first counts every payment that one meter of the second counts. */
function isWhole(by: Strictness.Metered, meter: Strictness.Metered): boolean {
  // Who leaves such a name out is denied by the second; the first need not know it.
  const always: readonly (Meter.Each | undefined)[] = ['payee', 'agent', 'asset']
  return by.each === meter.each || (by.each === undefined && always.includes(meter.each))
}

function show(amount: bigint, unit: Meter.Unit, asset: Policy.Policy['asset']): string {
  if (unit === 'atoms') return Money.format(Money.of(asset, amount))
  return unit === 'payments' ? `${amount} payments` : `${Money.decimal(amount, 3)} device seconds`
}
