/**
 * @module Rules: the closed union of what `rules/` holds. A rule is plain JSON; its sentence is its
 * syntax, its documentation and its explanation. `format` and `parse` are each other's inverse.
 */
import type * as Asset from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Money from '../kernel/Money.ts'
import type * as Kind from './Kind.ts'
import * as Allow from './rules/Allow.ts'
import * as ApproveAbove from './rules/ApproveAbove.ts'
import * as CapExposure from './rules/CapExposure.ts'
import * as CapPayment from './rules/CapPayment.ts'
import * as CapSlippage from './rules/CapSlippage.ts'
import * as CapWindow from './rules/CapWindow.ts'
import * as Count from './rules/Count.ts'
import * as DemandCoverage from './rules/DemandCoverage.ts'
import * as DemandRarity from './rules/DemandRarity.ts'
import * as DemandRoyaltyShare from './rules/DemandRoyaltyShare.ts'
import * as DemandTrustTier from './rules/DemandTrustTier.ts'
import * as Deny from './rules/Deny.ts'
import * as DeviceTime from './rules/DeviceTime.ts'
import * as FreezeHours from './rules/FreezeHours.ts'
import * as Rate from './rules/Rate.ts'
import * as StopDrawdown from './rules/StopDrawdown.ts'
import * as Sentence from './Sentence.ts'
import * as Untrusted from './Untrusted.ts'

/** One rule as plain JSON, amounts as decimal strings of the policy's asset. */
export type Rule =
  | Allow.Allow
  | Deny.Deny
  | CapPayment.CapPayment
  | CapWindow.CapWindow
  | CapExposure.CapExposure
  | CapSlippage.CapSlippage
  | Rate.Rate
  | DeviceTime.DeviceTime
  | DemandCoverage.DemandCoverage
  | DemandRoyaltyShare.DemandRoyaltyShare
  | DemandRarity.DemandRarity
  | DemandTrustTier.DemandTrustTier
  | ApproveAbove.ApproveAbove
  | FreezeHours.FreezeHours
  | StopDrawdown.StopDrawdown
  | Count.Count

/** An amount with its symbol, as one writes it. */
export type Amount<Symbol extends string> = `${number} ${Symbol}`

/** A rule whose money is still text, so that its symbol can be checked by type: what combinators make. */
export type Draft<Symbol extends string> = Drafted<Rule, Symbol>

type Drafted<Data, Symbol extends string> = Data extends { readonly atoms: string }
  ? Omit<Data, 'atoms'> & { readonly amount: Amount<Symbol> }
  : Data

const kinds = [
  ...[Allow.kind, Deny.kind],
  ...[CapPayment.kind, CapWindow.kind, CapExposure.kind, CapSlippage.kind],
  ...[Rate.kind, DeviceTime.kind],
  ...[DemandCoverage.kind, DemandRoyaltyShare.kind, DemandRarity.kind, DemandTrustTier.kind],
  ...[ApproveAbove.kind, FreezeHours.kind, StopDrawdown.kind, Count.kind],
] as readonly unknown[] as readonly Kind.Kind<Rule>[]

/** Reads a sentence. Throws `Mistake` (an `InputError`) with the place and what was expected there. */
export function parse(sentence: string, asset: Asset.Asset): Rule {
  const mistakes: Sentence.Mistake[] = []
  for (const kind of kinds) {
    try {
      return kind.read(Sentence.open(sentence), asset)
    } catch (error) {
      if (!(error instanceof Sentence.Mistake)) throw error
      mistakes.push(error)
    }
  }
  throw furthest(sentence, mistakes)
}

/** The sentence of a rule, in the one way it is written. */
export function format(rule: Rule, asset: Asset.Asset): string {
  return kindOf(rule).format(rule, asset)
}

/** Reads untrusted JSON. Throws `InputError`. */
export function fromJson(value: unknown): Rule {
  const { rule } = Untrusted.record(value, 'a rule', ['rule'], Object.keys(Object(value)))
  const kind = kinds.find((kind) => kind.rule === rule)
  if (kind === undefined)
    throw new InputError(
      `expected rule as ${kinds.map(({ rule }) => rule).join(', ')}, got ${Untrusted.show(rule)}`,
    )
  return kind.fromJson(value as Readonly<Record<string, unknown>>)
}

/** Reads a draft's money in the asset. Throws `InputError` for another symbol or too many decimals. */
export function from(draft: Rule | Draft<string>, asset: Asset.Asset): Rule {
  if (!('amount' in draft)) return fromJson(draft)
  const { amount, ...rest } = draft
  if (typeof amount !== 'string')
    throw new InputError(
      `expected an amount such as "2 ${asset.symbol}", got ${Untrusted.show(amount)}`,
    )
  return fromJson({ ...rest, atoms: Money.parse(amount, asset).atoms.toString() })
}

/** A policy's rules compiled, in their order. */
export function compile(rules: readonly Rule[], asset: Asset.Asset): readonly Kind.Judge[] {
  return rules.map((rule) => {
    const sentence = format(rule, asset)
    const siblings = rules.filter((sibling) => sibling.rule === rule.rule)
    return kindOf(rule).judge(rule, { asset, sentence, siblings })
  })
}

/** How long a review waits for an answer, in milliseconds: as the most impatient rule says. */
export function reviewMs(rules: readonly Rule[]): number {
  const waits = rules.flatMap((rule) =>
    rule.rule === 'approve-above' ? [rule.withinMs ?? ApproveAbove.patienceMs] : [],
  )
  return waits.length === 0 ? ApproveAbove.patienceMs : Math.min(...waits)
}

/** A right sentence of each form. */
export function examples(symbol: string): readonly string[] {
  return kinds.flatMap((kind) => kind.examples(symbol))
}

function kindOf(rule: Rule): Kind.Kind<Rule> {
  return kinds.find((kind) => kind.rule === rule.rule)!
}

/** The mistake of the form that was followed longest; forms followed equally long are told together. */
function furthest(sentence: string, mistakes: readonly Sentence.Mistake[]): Sentence.Mistake {
  const offset = Math.max(...mistakes.map((mistake) => mistake.offset))
  const nearest = mistakes.filter((mistake) => mistake.offset === offset)
  const cursor = Sentence.open(sentence)
  const at = cursor.tokens.findIndex((token) => token.offset === offset)
  cursor.at = at < 0 ? cursor.tokens.length : at
  const expected = [...new Set(nearest.map((mistake) => mistake.expected))].join(' or ')
  const candidates = new Set(nearest.flatMap((mistake) => mistake.candidates))
  return new Sentence.Mistake(cursor, expected, [...candidates])
}
