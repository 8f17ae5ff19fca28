/**
 * @module Influence: who shaped an output, and how much. The type every attribution method returns and
 * every receipt carries; Σ shares ≤ the whole, the rest is unattributed.
 */
import { InputError } from './Errors.ts'
import type { Hex } from './Hex.ts'
import * as Share from './Share.ts'

/** One artifact's share of an output. */
export type Entry = { readonly artifact: Hex; readonly sharePpb: Share.Share }

/** How the shares were found and what they are. */
export type Influence = {
  /** e.g. `spans/priority-cover`. */
  readonly method: string
  readonly version: number
  /** Whether a third party with the documents gets the same shares. */
  readonly recomputable: boolean
  /** Root of the datanet version the shares were computed over. */
  readonly indexRoot: Hex
  /** Sorted by artifact, one entry per artifact, each above 0. */
  readonly entries: readonly Entry[]
  /** Σ of the entries: what data attribution could prove. */
  readonly coveragePpb: Share.Share
}

/**
 * Throws `InputError` unless shares are positive, one per artifact and in their order, and sum to
 * coverage, at most the whole.
 */
export function validate(influence: Influence): Influence {
  let sum = 0n
  let last = ''
  for (const { artifact, sharePpb } of influence.entries) {
    if (sharePpb <= 0n)
      throw new InputError(`expected a share above 0 for ${artifact}, got ${sharePpb}`)
    if (artifact === last)
      throw new InputError(`expected one entry per artifact, got two of ${artifact}`)
    if (artifact < last)
      throw new InputError(`expected entries sorted by artifact, got ${artifact} after ${last}`)
    last = artifact
    sum += sharePpb
  }
  if (sum > Share.whole)
    throw new InputError(
      `expected shares that sum to at most the whole, got ${Share.format(sum)}`,
      {
        code: 'influence-above-whole',
      },
    )
  if (sum !== influence.coveragePpb)
    throw new InputError(
      `expected coverage ${sum} ppb, the sum of shares, got ${influence.coveragePpb}`,
    )
  return influence
}
