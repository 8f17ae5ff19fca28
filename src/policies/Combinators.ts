/**
 * @module Rules in code: functions that give the same plain JSON as the sentences they read like. The
 * symbol of an amount is part of its type, so a rule in another money than the policy's does not compile.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Share from '../kernel/Share.ts'
import type * as Meter from './Meter.ts'
import type * as Pattern from './Pattern.ts'
import * as Rule from './Rule.ts'
import type { Allow } from './rules/Allow.ts'
import * as AllowRule from './rules/Allow.ts'
import type { ApproveAbove } from './rules/ApproveAbove.ts'
import type { CapPayment } from './rules/CapPayment.ts'
import type { CapWindow } from './rules/CapWindow.ts'
import * as Demand from './rules/DemandCoverage.ts'
import type { Rate } from './rules/Rate.ts'
import * as Window from './Window.ts'

type Priced<Data, Symbol extends string> = Omit<Data, 'atoms'> & {
  readonly amount: Rule.Amount<Symbol>
}

/**
 * `allow.payees('0x…', '*.example')`, `allow.hosts('127.0.0.1:*')`, `allow.models('docs-reader')`.
 * Throws `InputError` for what is no pattern.
 */
export const allow = {
  payees: (...patterns: readonly string[]) => allowed('payees', patterns),
  hosts: (...patterns: readonly string[]) => allowed('hosts', patterns),
  models: (...patterns: readonly string[]) => allowed('models', patterns),
}

/** `cap('2 USDC').perPayment()`, `cap('50 USDC').per('24h')`, `cap('10 USDC').per('24h', 'payee')`. */
export function cap<Symbol extends string>(amount: Rule.Amount<Symbol>) {
  return {
    perPayment: (): Priced<CapPayment, Symbol> => ({ rule: 'cap-payment', amount }),
    per: (window: Window.Text, each?: Meter.Each): Priced<CapWindow, Symbol> => ({
      rule: 'cap-window',
      amount,
      ...over(window, each),
    }),
  }
}

/** `atMost(30).per('minute', 'agent')`: at most 30 payments per minute per agent. */
export function atMost(payments: number) {
  return {
    per: (window: Window.Text, each?: Meter.Each): Rate =>
      Rule.fromJson({ rule: 'rate', payments, ...over(window, each) }) as Rate,
  }
}

/** `demand.coverage('50%')`. */
export const demand = {
  coverage: (share: `${number}%`): Demand.DemandCoverage => Demand.from(Share.parse(share)),
}

/** `approve.above('1 USDC').by('ops')`. */
export const approve = {
  above: <Symbol extends string>(amount: Rule.Amount<Symbol>) => ({
    by: (...by: readonly [string, ...string[]]): Priced<ApproveAbove, Symbol> => ({
      rule: 'approve-above',
      amount,
      by,
    }),
  }),
}

function allowed(dimension: Pattern.Dimension, patterns: readonly string[]): Allow {
  if (patterns.length === 0) throw new InputError(`expected at least one of ${dimension}`)
  return Rule.fromJson(AllowRule.from(dimension, patterns)) as Allow
}

function over(window: Window.Text, each: Meter.Each | undefined) {
  return { windowMs: Window.parse(window), ...(each === undefined ? {} : { each }) }
}
