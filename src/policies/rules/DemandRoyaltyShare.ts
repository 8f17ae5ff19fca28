/**
 * @module `demand royalty share 50%`: the quote must promise at least this share of the price to those whose work
 * shaped the answer.
 */

import * as Demand from '../Demand.ts'
import type { Kind } from '../Kind.ts'

/** The rule as plain JSON; parts per billion as a decimal string. */
export type DemandRoyaltyShare = {
  readonly rule: 'demand-royalty-share'
  readonly royaltySharePpb: string
}

/** Reads, writes and judges `demand royalty share …`. */
export const kind: Kind<DemandRoyaltyShare> = Demand.share(
  'demand-royalty-share',
  'royaltySharePpb',
  'royalty share',
)
