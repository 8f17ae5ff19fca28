/**
 * @module `demand rarity 50%`: what is bought must be promised to be at least this rare in its datanet.
 */

import * as Demand from '../Demand.ts'
import type { Kind } from '../Kind.ts'

/** The rule as plain JSON; parts per billion as a decimal string. */
export type DemandRarity = { readonly rule: 'demand-rarity'; readonly rarityPpb: string }

/** Reads, writes and judges `demand rarity …`. */
export const kind: Kind<DemandRarity> = Demand.share('demand-rarity', 'rarityPpb', 'rarity')
