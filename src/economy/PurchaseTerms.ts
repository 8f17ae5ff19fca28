/**
 * @module What a purchase was decided on, whichever it was: a seller's signed quote, the terms of a plain
 * x402 resource, or those of a transaction of the agent's own.
 */

import { assert } from '../kernel/Assert.ts'
import type { Asset } from '../kernel/Asset.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Event from './Event.ts'

/** What all purchases have: folds, buyers and audits go by these. */
export type PurchaseTerms = {
  readonly kind: 'inference' | 'resource' | 'call'
  readonly seller: Hex
  readonly payTo: Hex
  /** What is signed away at most, in atoms. */
  readonly payAtoms: string
  /** The same without the change that a quote applies. */
  readonly maxAtoms: string
  readonly asset: Asset
  readonly model: string
  readonly requestDigest: Hex
  readonly expiresAtMs: number
}

/** Of a decision. */
export function of({ quote, terms }: Pick<Event.Of<'decided'>, 'quote' | 'terms'>): PurchaseTerms {
  const given = quote ?? terms!
  const { payTo, payAtoms, asset, model, requestDigest, expiresAtMs } = given
  const maxAtoms = quote?.maxAtoms ?? payAtoms
  const common = { payTo, maxAtoms, payAtoms, asset, model, requestDigest, expiresAtMs }
  const kind = 'kind' in given ? given.kind : 'inference'
  return { kind, seller: 'seller' in given ? given.seller : payTo, ...common }
}

/** What a policy knows a resource by: host and path, cut to a label's length. */
export function modelOf(url: string): string {
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`.slice(0, 200)
}

/** A decision that was made on a signed quote: that of an inference. Asserts that it was. */
export function quoted(decided: Event.Of<'decided'>): Event.DecidedOnQuote {
  assert(decided.terms === undefined, 'a purchase on a signed quote')
  return decided
}
