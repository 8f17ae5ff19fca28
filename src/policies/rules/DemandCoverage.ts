/**
 * @module `demand coverage 50%`: the quote must promise that attribution proves at least this share of the
 * answer. A receipt below the promise is disputed later; here only the promise is judged.
 */

import * as Demand from '../Demand.ts'
import type { Kind } from '../Kind.ts'

/** The rule as plain JSON; parts per billion as a decimal string. */
export type DemandCoverage = { readonly rule: 'demand-coverage'; readonly coveragePpb: string }

/** Reads, writes and judges `demand coverage …`. */
export const kind: Kind<DemandCoverage> = Demand.share('demand-coverage', 'coveragePpb', 'coverage')
