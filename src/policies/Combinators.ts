/**
 * @module Rules in code: functions that give the same plain JSON as the sentences they read like. The
 * symbol of an amount is part of its type, so a rule in another money than the policy's does not compile.
 */
import { InputError } from '../kernel/Errors.ts'
import * as Share from '../kernel/Share.ts'
import type * as Meter from './Meter.ts'
import * as Pattern from './Pattern.ts'
import * as Rule from './Rule.ts'
import * as Sentence from './Sentence.ts'
import * as Span from './Span.ts'
import * as Window from './Window.ts'

type Of<Name extends Rule.Rule['rule']> = Extract<Rule.Rule, { readonly rule: Name }>

/** A rule's data with its money still in words. */
type Priced<Data, Symbol extends string> = Data extends { readonly atoms: string }
  ? Omit<Data, 'atoms'> & { readonly amount: Rule.Amount<Symbol> }
  : never

/** A function for each dimension: `payees('0x…', '*.example')`. */
type Lists<Name extends 'allow' | 'deny'> = {
  readonly [Each in Pattern.Dimension]: (...patterns: readonly string[]) => Of<Name>
}

/** `allow.payees('0x…', '*.example')`, `allow.models('docs-reader')`. Throws `InputError` for no pattern. */
export const allow: Lists<'allow'> = lists('allow')

/** `deny.tools('shell')`. Throws `InputError` for no pattern. */
export const deny: Lists<'deny'> = lists('deny')

/**
 * `cap('2 USDC').perPayment()`, `cap('50 USDC').per('24h')`, `cap('10 USDC').per('24h', 'payee')`,
 * `cap('400 USDC').per('calendar month in Europe/Berlin')`, `cap('5 USDC').exposure('payee')`,
 * `cap.slippage('1%')`.
 */
export const cap = Object.assign(capped, {
  slippage: (share: `${number}%`): Of<'cap-slippage'> =>
    made({ rule: 'cap-slippage', slippagePpb: ppb(share) }),
})

function capped<Symbol extends string>(amount: Rule.Amount<Symbol>) {
  return {
    perPayment: (): Priced<Of<'cap-payment'>, Symbol> => ({ rule: 'cap-payment', amount }),
    per: (span: Span.Text, each?: Meter.Each) =>
      ({ rule: 'cap-window', amount, ...over(span, each) }) as Priced<Of<'cap-window'>, Symbol>,
    exposure: (each?: Meter.Each): Priced<Of<'cap-exposure'>, Symbol> => ({
      ...{ rule: 'cap-exposure', amount },
      ...(each === undefined ? {} : { each }),
    }),
  }
}

/** `atMost(30).per('minute', 'agent')`: at most 30 payments per minute per agent. */
export function atMost(payments: number) {
  return {
    per: (span: Span.Text, each?: Meter.Each): Of<'rate'> =>
      made<'rate'>({ rule: 'rate', payments, ...over(span, each) }),
  }
}

/** `deviceSeconds(600).per('24h', 'model')`: at most 600 device seconds per 24h per model. */
export function deviceSeconds(seconds: number) {
  return {
    per: (span: Span.Text, each?: Meter.Each): Of<'device-time'> =>
      made<'device-time'>({ rule: 'device-time', seconds, ...over(span, each) }),
  }
}

/** `demand.coverage('50%')`, `demand.trustTier(2)`. */
export const demand = {
  coverage: (share: `${number}%`): Of<'demand-coverage'> =>
    made({ rule: 'demand-coverage', coveragePpb: ppb(share) }),
  royaltyShare: (share: `${number}%`): Of<'demand-royalty-share'> =>
    made({ rule: 'demand-royalty-share', royaltySharePpb: ppb(share) }),
  rarity: (share: `${number}%`): Of<'demand-rarity'> =>
    made({ rule: 'demand-rarity', rarityPpb: ppb(share) }),
  trustTier: (tier: number): Of<'demand-trust-tier'> => made({ rule: 'demand-trust-tier', tier }),
}

/** `approve.above('1 USDC').by('ops')`, `approve.above('1 USDC').within('15m').by('ops')`. */
export const approve = {
  above<Symbol extends string>(amount: Rule.Amount<Symbol>) {
    type Made = Priced<Of<'approve-above'>, Symbol>
    const by = (by: readonly [string, ...string[]], more = {}): Made => ({
      ...{ rule: 'approve-above', amount, by },
      ...more,
    })
    return {
      by: (...names: readonly [string, ...string[]]) => by(names),
      within: (wait: Window.Text) => ({
        by: (...names: readonly [string, ...string[]]) =>
          by(names, { withinMs: Window.parse(wait) }),
      }),
    }
  },
}

/** `freeze.from('22:00').to('06:00').in('Europe/Berlin')`. */
export const freeze = {
  from: (from: Time) => ({
    to: (to: Time) => ({
      in: (zone: string): Of<'freeze-hours'> =>
        made({ rule: 'freeze-hours', fromMinute: minute(from), toMinute: minute(to), zone }),
    }),
  }),
}

/** `stop.atDrawdown('10%').seenWithin('5m')`. */
export const stop = {
  atDrawdown: (share: `${number}%`) => ({
    seenWithin: (age: Window.Text): Of<'stop-drawdown'> =>
      made({ rule: 'stop-drawdown', drawdownPpb: ppb(share), withinMs: Window.parse(age) }),
  }),
}

/** `count('eip155:1/erc20:0x…', 6).at('1.08 USDC')`, `count('eip155:1/erc20:0x…', 18).atPrices('60s')`. */
export function count(asset: string, decimals: number) {
  const data = { rule: 'count', asset: asset.toLowerCase(), decimals } as const
  return {
    at: <Symbol extends string>(amount: Rule.Amount<Symbol>) =>
      ({ ...data, amount }) as Priced<Of<'count'>, Symbol>,
    atPrices: (age: Window.Text): Of<'count'> => made({ ...data, withinMs: Window.parse(age) }),
  }
}

type Time = `${number}:${number}`

function minute(text: string): number {
  const cursor = Sentence.open(text)
  const minute = Sentence.time(cursor)
  Sentence.end(cursor)
  return minute
}

function ppb(share: string): string {
  return Share.parse(share).toString()
}

function made<Name extends Rule.Rule['rule']>(
  data: { readonly rule: Name } & Readonly<Record<string, unknown>>,
): Of<Name> {
  return Rule.fromJson(data) as Of<Name>
}

function lists<Name extends 'allow' | 'deny'>(rule: Name): Lists<Name> {
  const list = (dimension: Pattern.Dimension) => {
    return (...patterns: readonly string[]) => {
      if (patterns.length === 0) throw new InputError(`expected at least one of ${dimension}`)
      const normal = patterns.map((pattern) => Pattern.normal(dimension, pattern))
      return made({ rule, dimension, patterns: [...new Set(normal)] })
    }
  }
  return Object.fromEntries(Pattern.dimensions.map((each) => [each, list(each)])) as Lists<Name>
}

function over(span: Span.Text, each: Meter.Each | undefined) {
  return { ...Span.parse(span), ...(each === undefined ? {} : { each }) }
}
