/**
 * @module Money: bigint atoms of an asset, never a float. Splits conserve and assert that they do;
 * formatting is for eyes only.
 */
import { assert } from './Assert.ts'
import * as Asset from './Asset.ts'
import { InputError } from './Errors.ts'

/** `atoms` of an asset's smallest unit (USDC: 10⁻⁶). */
export type Money = { readonly atoms: bigint; readonly asset: Asset.Asset }

/** Nano-atoms in an atom: accrual is exact in units of 10⁻⁹ atom = 1 atom × 1 ppb. */
export const nanoPerAtom = 1_000_000_000n

/** Money of an asset. */
export function of(asset: Asset.Asset, atoms: bigint): Money {
  return { atoms, asset }
}

/**
 * Reads `'2 USDC'` or `'0.0001 USDC'`. A bare number, another symbol, a sign, an exponent or more
 * decimals than the asset has is refused.
 *
 * @example Money.parse('1.5 USDC', usdc).atoms // 1500000n
 */
export function parse(text: string, asset: Asset.Asset): Money {
  const match = /^(\d{1,30})(?:\.(\d+))? ([A-Za-z][A-Za-z0-9.]*)$/.exec(text.trim())
  if (match === null)
    throw new InputError(
      `expected an amount such as "2 ${asset.symbol}", got ${JSON.stringify(text)}`,
    )
  const [, whole, fraction = '', symbol] = match
  if (symbol !== asset.symbol)
    throw new InputError(`expected an amount in ${asset.symbol}, got ${symbol}`)
  if (fraction.length > asset.decimals)
    throw new InputError(
      `expected at most ${asset.decimals} decimals for ${asset.symbol}, got ${fraction.length}`,
    )
  return of(asset, BigInt(whole! + fraction.padEnd(asset.decimals, '0')))
}

/** For eyes only: `'0.0001 USDC'`. */
export function format(money: Money): string {
  return `${decimal(money.atoms, money.asset.decimals)} ${money.asset.symbol}`
}

/** For eyes only: an integer of 10^-`decimals` units as a decimal without trailing zeros. */
export function decimal(value: bigint, decimals: number): string {
  const sign = value < 0n ? '-' : ''
  let digits = (value < 0n ? -value : value).toString()
  if (digits.length <= decimals) digits = digits.padStart(decimals + 1, '0')
  const cut = digits.length - decimals
  let end = digits.length
  while (end > cut && digits.charCodeAt(end - 1) === zero) end--
  const whole = sign + digits.slice(0, cut)
  return end === cut ? whole : `${whole}.${digits.slice(cut, end)}`
}

const zero = 48

/** For eyes only: nano-atoms as a decimal of the asset's unit, with its symbol. */
export function formatNano(nano: bigint, asset: Asset.Asset): string {
  return `${decimal(nano, asset.decimals + 9)} ${asset.symbol}`
}

/** Sum; both must be of one asset. */
export function add(left: Money, right: Money): Money {
  assert(Asset.equal(left.asset, right.asset), 'one asset on both sides of a sum')
  return of(left.asset, left.atoms + right.atoms)
}

/**
 * Splits a non-negative total by non-negative weights, largest remainder first, ties by weight, then by
 * position; parts sum to the total exactly, and the order of the weights changes nobody's part except
 * among equals. Weights that are all 0 are a bug of the caller.
 *
 * @example Money.split(10n, [1n, 1n, 1n]) // [4n, 3n, 3n]
 */
export function split(total: bigint, weights: readonly bigint[]): bigint[] {
  let sum = 0n
  for (const weight of weights) {
    assert(weight >= 0n, 'weights that are not negative')
    sum += weight
  }
  assert(total >= 0n && sum > 0n, 'a total that is not negative and a weight above 0')
  const parts = weights.map((weight) => (total * weight) / sum)
  let left = total - parts.reduce((left, part) => left + part, 0n)
  const byRemainder = weights
    .map((weight, index) => ({ index, weight, remainder: (total * weight) % sum }))
    .sort(
      (a, b) =>
        descending(a.remainder, b.remainder) || descending(a.weight, b.weight) || a.index - b.index,
    )
  for (const { index } of byRemainder) {
    if (left === 0n) break
    parts[index]! += 1n
    left -= 1n
  }
  assert(
    parts.reduce((sum, part) => sum + part, 0n) === total,
    'parts of a split that sum to the whole',
  )
  return parts
}

/** Reads a decimal string of a non-negative integer from untrusted input. */
export function atoms(value: unknown, what: string): bigint {
  if (typeof value !== 'string' || !/^(0|[1-9]\d{0,77})$/.test(value))
    throw new InputError(
      `expected ${what} as a decimal string, got ${typeof value === 'string' ? JSON.stringify(value) : typeof value}`,
    )
  return BigInt(value)
}

function descending(left: bigint, right: bigint): number {
  return left === right ? 0 : left > right ? -1 : 1
}
