/**
 * @module Price of one inference (ECONOMICS.md): execution, influence, premium, fee and gas in
 * nano-atoms, charged in whole atoms; what rounding up adds is posted, so nothing is lost.
 */
import { assert } from '../kernel/Assert.ts'
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import { nanoPerAtom } from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'

/** What a quote fixes. Rates in nano-atoms per stdUs; the rest in ppb, gas in nano-atoms. */
export type Rates = {
  readonly executionNanoPerStdUs: bigint
  readonly influenceNanoPerStdUs: bigint
  readonly premiumPpb: bigint
  readonly qualityPpb: bigint
  readonly feePpb: bigint
  readonly gasNano: bigint
}

/** One artifact's share of the answer and the rarity of what it gave. */
export type Shaped = {
  readonly artifact: Hex
  readonly sharePpb: bigint
  readonly rarityPpb: bigint
}

/** What one artifact earns in a receipt. */
export type Part = {
  readonly artifact: Hex
  readonly influenceNano: bigint
  readonly premiumNano: bigint
}

/** A price by its parts; the parts and rounding sum to `chargedAtoms`. */
export type Price = {
  readonly executionNano: bigint
  readonly parts: readonly Part[]
  readonly influenceNano: bigint
  readonly premiumNano: bigint
  readonly feeNano: bigint
  readonly gasNano: bigint
  readonly roundingNano: bigint
  readonly chargedAtoms: bigint
}

/**
 * E = g·c; Lᵢ = ⌊g·λ·sᵢ/10⁹⌋; Pᵢ = ⌊Lᵢ·β·Q·Rᵢ/10²⁷⌋; F = ⌊(E + ΣL + ΣP)·φ/10⁹⌋;
 * T = ⌈(E + ΣL + ΣP + F + k)/10⁹⌉ atoms. Throws `InputError` when shares sum above the whole.
 */
export function of(stdUs: bigint, rates: Rates, shaped: readonly Shaped[]): Price {
  assert(stdUs >= 0n, 'standard work that is not negative')
  const total = shaped.reduce((sum, { sharePpb }) => sum + sharePpb, 0n)
  if (total > Share.whole)
    throw new InputError(
      `expected shares that sum to at most the whole, got ${Share.format(total)}`,
      {
        code: 'influence-above-whole',
      },
    )
  const executionNano = stdUs * rates.executionNanoPerStdUs
  const parts = shaped.map(({ artifact, sharePpb, rarityPpb }) => {
    assert(sharePpb >= 0n && rarityPpb >= 0n, 'shares and rarities that are not negative')
    const influenceNano = (stdUs * rates.influenceNanoPerStdUs * sharePpb) / Share.whole
    const premium = influenceNano * rates.premiumPpb * rates.qualityPpb * rarityPpb
    return { artifact, influenceNano, premiumNano: premium / Share.whole ** 3n }
  })
  const influenceNano = parts.reduce((sum, part) => sum + part.influenceNano, 0n)
  const premiumNano = parts.reduce((sum, part) => sum + part.premiumNano, 0n)
  const feeNano = ((executionNano + influenceNano + premiumNano) * rates.feePpb) / Share.whole
  const { gasNano } = rates
  const exactNano = executionNano + influenceNano + premiumNano + feeNano + gasNano
  const chargedAtoms = (exactNano + nanoPerAtom - 1n) / nanoPerAtom
  const roundingNano = chargedAtoms * nanoPerAtom - exactNano
  assert(roundingNano >= 0n && roundingNano < nanoPerAtom, 'rounding below one atom')
  return {
    executionNano,
    parts,
    influenceNano,
    premiumNano,
    feeNano,
    gasNano,
    roundingNano,
    chargedAtoms,
  }
}

/** The quote's ceiling: the price of the largest work with S = 1 and R = 1. No receipt exceeds it. */
export function maximum(maxStdUs: bigint, rates: Rates): bigint {
  const everything = { artifact: '0x' as Hex, sharePpb: Share.whole, rarityPpb: Share.whole }
  return of(maxStdUs, rates, [everything]).chargedAtoms
}
