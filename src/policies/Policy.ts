/**
 * @module Policies: a name, one unit of account and rules, as plain frozen JSON. A file of sentences and
 * combinators give the same value, and the SHA-256 of its canonical JSON is its version.
 */
import * as Asset from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as PolicyFile from './PolicyFile.ts'
import * as Rule from './Rule.ts'
import * as Untrusted from './Untrusted.ts'

/** Plain JSON; made by {@link policy}, {@link parse} or {@link fromJson}, frozen and never changed. */
export type Policy = {
  readonly name: string
  /** The unit of account: what amounts are in. */
  readonly asset: Asset.Asset
  readonly rules: readonly Rule.Rule[]
}

/**
 * A policy in code. An amount whose symbol is not the asset's does not compile if the asset's type knows
 * its symbol, and throws `InputError` if it does not.
 *
 * @example policy('desk', usdc, [allow.payees('0x…'), cap('2 USDC').perPayment()])
 */
export function policy<const Unit extends Asset.Asset>(
  name: string,
  asset: Unit,
  rules: readonly (Rule.Rule | Rule.Draft<Unit['symbol']>)[],
): Policy {
  const unit = Asset.from(asset)
  return make(
    name,
    unit,
    rules.map((rule) => Rule.from(rule, unit)),
  )
}

/** Reads a policy file. Throws `InputError` with file, line, column and what was expected. */
export function parse(yaml: string, options: PolicyFile.Options): Policy {
  const { name, asset, rules } = PolicyFile.parse(yaml, options)
  return make(name, asset, rules)
}

/** The policy as a file; {@link parse} reads it back to the same value. */
export function format(policy: Policy): string {
  return PolicyFile.format(policy)
}

/** Each rule's sentence, in their order. */
export function toSentences(policy: Policy): readonly string[] {
  return policy.rules.map((rule) => Rule.format(rule, policy.asset))
}

/** The policy's version: SHA-256 of its canonical JSON. */
export function digest(policy: Policy): Hex {
  return Hash.digest(policy)
}

/** Reads untrusted JSON. Throws `InputError`. */
export function fromJson(value: unknown): Policy {
  const { name, asset, rules } = Untrusted.record(value, 'a policy', ['name', 'asset', 'rules'])
  const { id, decimals, symbol } = Untrusted.record(asset, 'an asset', ['id', 'decimals', 'symbol'])
  if (typeof name !== 'string')
    throw new InputError(`expected name as text, got ${Untrusted.show(name)}`)
  if (
    typeof id !== 'string' ||
    typeof decimals !== 'number' ||
    Object.is(decimals, -0) ||
    typeof symbol !== 'string'
  )
    throw new InputError('expected an asset with id and symbol as text and decimals as a number')
  if (!Array.isArray(rules))
    throw new InputError(`expected rules as a list, got ${Untrusted.show(rules)}`)
  if (rules.length > PolicyFile.mostRules)
    throw new InputError(`expected at most ${PolicyFile.mostRules} rules, got ${rules.length}`)
  return make(name, Asset.from({ id, decimals, symbol }), rules.map(Rule.fromJson))
}

/** As a sentence writes an amount; with all decimals that there are, still less than a chain holds. */
const mostDigits = 30

function make(name: string, asset: Asset.Asset, rules: readonly Rule.Rule[]): Policy {
  const expected = PolicyFile.refuseName(name)
  if (expected !== undefined)
    throw new InputError(`expected ${expected}, got ${Untrusted.show(name)}`)
  if (rules.length === 0 || rules.length > PolicyFile.mostRules)
    throw new InputError(`expected from 1 to ${PolicyFile.mostRules} rules, got ${rules.length}`)
  for (const rule of rules)
    if ('atoms' in rule && rule.atoms.length > mostDigits + asset.decimals)
      throw new InputError(`expected amounts of at most ${mostDigits} digits and decimals`)
  const { id, decimals, symbol } = asset
  return freeze({ name, asset: { id, decimals, symbol }, rules })
}

function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}
