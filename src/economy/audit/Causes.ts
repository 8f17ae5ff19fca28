/**
 * @module Causes: each record names the one of its own log that led to it. Records of another log are
 * named with their origin; whether they are there is known only with that log.
 */
import type { Cause } from '../../provenance/Record.ts'
import type * as Event from '../Event.ts'
import * as Prepaid from '../Prepaid.ts'
import type { Facts } from './Facts.ts'

/** Why causes are not those of the event; `unseen` names logs that are not given. */
export type Judged = { readonly because?: string; readonly unseen: readonly string[] }

/** What the sizes of logs are: the audited one's up to this record, and the other parties'. */
export type Sizes = {
  readonly origin: string
  readonly leaf: number
  readonly counterparts: ReadonlyMap<string, readonly string[]> | undefined
}

/** Judges the causes of a record. */
export function judge(
  facts: Facts,
  event: Event.Event,
  causes: readonly Cause[],
  sizes: Sizes,
): Judged {
  const unseen: string[] = []
  for (const { origin, leaf } of causes) {
    const other = sizes.counterparts?.get(origin)
    const size = origin === sizes.origin ? sizes.leaf : other?.length
    if (size === undefined) unseen.push(origin)
    else if (leaf >= size) return { because: `cause ${origin}/${leaf} is not there`, unseen }
  }
  for (const expected of required(facts, event, sizes.origin))
    if (!causes.some(({ origin, leaf }) => origin === expected.origin && leaf === expected.leaf))
      return { because: `it does not name its cause ${expected.origin}/${expected.leaf}`, unseen }
  return { unseen }
}

function prepaid(
  { prepaid }: Facts,
  { payment }: { readonly payment: Event.Of<'returned'>['payment'] },
) {
  return prepaid.get(Prepaid.key(payment))
}

function required(facts: Facts, event: Event.Event, origin: string): Cause[] {
  const own = (leaf: number | undefined) => (leaf === undefined ? [] : [{ origin, leaf }])
  switch (event.type) {
    case 'revealed':
      return own(facts.commitments.get(event.root))
    case 'served':
      return own(facts.quotes.get(event.receipt.money.quoteHash)?.leaf)
    case 'accepted':
      return own(facts.quotes.get(event.quoteHash)?.leaf)
    case 'funded':
    case 'unfunded':
      return own((event.payment ? prepaid(facts, event) : facts.sales.get(event.receiptHash))?.leaf)
    case 'returned':
      return own(prepaid(facts, event)?.leaf)
    case 'paying':
    case 'disputed':
    case 'voided':
      return own(facts.purchases.get(event.purchase)?.leaf)
    case 'captured':
    case 'refunded': {
      const purchase = facts.purchases.get(event.purchase)
      const { proof } = event
      const there = proof && { origin: String(proof.origin), leaf: Number(proof.leaf) }
      return [...own(purchase?.leaf), ...(there === undefined ? [] : [there])]
    }
    default:
      return []
  }
}
