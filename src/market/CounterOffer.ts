/**
 * @module Counter-offers: a buyer names the most it would pay, and a seller gives way as far as its own
 * share goes. Execution is the seller's to give up; the influence rate is not: nobody haggles away what
 * belongs to those whose work shapes the answer.
 */
import { assert } from '../kernel/Assert.ts'
import type * as Card from './Card.schema.ts'
import type * as Price from './Price.ts'
import * as Quote from './Quote.ts'

/** How far a seller goes down. */
export type Floor = {
  /** The least it executes for, in nano-atoms a stdUs. */
  readonly executionNanoPerStdUs: bigint
}

/**
 * The highest rates not above the seller's own whose maximum is at most `mostAtoms`; where even the floor
 * is more, the floor's: the seller's last word, and the buyer's to refuse.
 */
export function concede(
  card: Card.Card,
  rates: Price.Rates,
  { floor, mostAtoms }: { readonly floor: Floor; readonly mostAtoms: bigint },
): Price.Rates {
  const at = (executionNanoPerStdUs: bigint) => ({ ...rates, executionNanoPerStdUs })
  const fits = (execution: bigint) => Quote.maximum(card, at(execution)) <= mostAtoms
  let [low, high] = [floor.executionNanoPerStdUs, rates.executionNanoPerStdUs]
  assert(low >= 0n && low <= high, 'a floor between nothing and the seller’s own rate')
  if (fits(high)) return rates
  if (!fits(low)) return at(low)
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if (fits(middle)) low = middle
    else high = middle
  }
  return at(low)
}
