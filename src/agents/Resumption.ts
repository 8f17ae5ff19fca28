/**
 * @module Purchases that the journal already knows: what a crash left open is undone where nothing was
 * signed and taken up where something was; what was bought is fetched again, never paid again.
 */
import * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import type { PurchaseKey } from '../kernel/Id.ts'
import * as Id from '../kernel/Id.ts'
import * as Receipt from '../market/Receipt.ts'
import type { Reason } from '../policies/Decision.ts'
import type * as Books from '../store/Books.ts'
import * as Requests from '../store/Requests.ts'
import type * as Effects from './Purchase.effects.ts'
import * as Purchase from './Purchase.ts'
import * as Resource from './Resource.ts'
import * as Seller from './Seller.ts'
import * as Verification from './Verification.ts'

/**
 * Whether another attempt may begin: this one ended, and nothing was or will be paid under it, or all of it
 * is change that pays for the next; or it was reviewed, and is approved or waited in vain.
 */
export function isOver(books: Books.Books, purchase: Purchases.Purchase): boolean {
  const { status, approved } = purchase
  if (status === 'refused' || status === 'voided' || status === 'refunded') return true
  const { purchases } = books.state
  return (
    status === 'reviewing' &&
    (approved !== undefined || !Purchases.isWaiting(purchases, purchase, books.now()))
  )
}

/** The attempt before, if somebody approved it and it still holds its room. */
export function approved(books: Books.Books, key: PurchaseKey): Hex | undefined {
  const { purchases } = books.state
  const before = purchases.purchases.get(Id.purchase({ ...key, attempt: key.attempt - 1 }))
  const isApproved = before?.approved !== undefined
  return isApproved && Purchases.isWaiting(purchases, before, books.now()) ? before.id : undefined
}

/** A purchase that waits for approval, as it was refused. */
export function reviewed(known: Purchases.Purchase): Effects.Ended {
  const found = reasons(known)
  const because = found.find(({ outcome }) => outcome === 'review')?.because ?? 'under review'
  return {
    state: 'refused',
    states: ['refused'],
    context: {
      ...{ ...decidedOn(known), verdict: 'review', reasons: found },
      ...{ because, code: 'needs-approval' },
    },
  }
}

/** Gives a hold back that a crash left behind: nothing was signed under it. */
export async function undo(books: Books.Books, open: Purchases.Purchase): Promise<void> {
  const transition = Purchase.edge('releasing', 'refused')
  const because = 'stopped before anything was signed'
  const leaf = open.leaves.at(-1)!
  await books.record([
    {
      event: { type: 'voided', purchase: open.id, because, transition },
      causes: [{ origin: books.origin, leaf }],
    },
  ])
}

/** A signed purchase as the machine takes it up. Throws `request-missing`. */
export function takeUp(
  dir: string,
  open: Purchases.Purchase,
): { readonly context: Purchase.Context; readonly order: Effects.Order } {
  const order = orderOf(dir, open.id)
  const payload = open.paying!.payload as NonNullable<Purchase.Context['payload']>
  return { order, context: { ...decidedOn(open), verdict: open.decided.verdict, payload } }
}

/** What a purchase was decided on, as the machine carries it. */
function decidedOn({ id: purchase, decided }: Purchases.Purchase) {
  const { key, quote, signature, terms } = decided
  const { requestDigest } = PurchaseTerms.of(decided)
  const on = terms === undefined ? { quote: { quote, signature } } : { terms }
  return { purchase, key, requestDigest, ...on }
}

/**
 * What was bought, from its seller's memory: the same payment sent again buys nothing and brings the
 * stored answer, which is verified again. Throws `purchase-exists` when the seller has it no more.
 */
export async function recall(dir: string, known: Purchases.Purchase): Promise<Effects.Ended> {
  const { context, order } = takeUp(dir, known)
  const { receipt, evidence } = known.captured!
  const paid = evidence as NonNullable<Purchase.Context['evidence']>
  const captured = (patch: Partial<Purchase.Context>): Effects.Ended => ({
    state: 'captured',
    states: ['captured'],
    context: { ...context, reasons: reasons(known), evidence: paid, ...patch },
  })
  if (order.kind === 'call') return captured({})
  if (order.kind === 'resource') {
    const response = Resource.recall(dir, known)
    if (response === undefined) throw repeated(known, 'its response was erased')
    return captured({ response })
  }
  const reply = await Seller.send(order.baseUrl, { body: order.body, payload: context.payload! })
  const { decided, paying } = known
  if (reply.kind !== 'answered') throw repeated(known, reply.because)
  const { answered } = reply
  const because =
    Receipt.hash(answered.receipt.receipt) === Receipt.hash(receipt!)
      ? Verification.fault({ body: order.body, answered, decided, nonce: paying!.nonce })
      : 'another receipt'
  if (because !== undefined) throw repeated(known, because)
  return captured({ answered })
}

/** Why a step that was bought before is not bought again. */
export function repeated(known: Purchases.Purchase, because?: string): BaseError {
  const said = because === undefined ? '' : `; the seller was asked for it again: ${because}`
  return new BaseError(`this step of the run was bought before and is ${known.status}${said}`, {
    code: 'purchase-exists',
    hint: 'use another run or step for another purchase',
    facts: { purchase: known.id, status: known.status },
    retry: because === undefined ? 'never' : 'safe',
  })
}

/** Why a step does not buy another request than the one it stands for. */
export function different(purchase: Hex): BaseError {
  return new BaseError('this step of the run stands for another request', {
    code: 'exists-with-different-request',
    hint: 'use another run or step for another purchase',
    facts: { purchase },
  })
}

/** What was asked for, from the requests folder. Throws `request-missing`. */
export function orderOf(dir: string, id: Hex): Effects.Order {
  const order = Requests.get(dir, id)
  if (order !== undefined) return order
  throw new BaseError(`the request of purchase ${id} was erased, and it is needed again`, {
    code: 'request-missing',
    hint: 'restore the requests folder from a copy: without it the paid answer cannot be fetched',
    facts: { purchase: id },
    retry: 'safe',
  })
}

function reasons({ decided }: Purchases.Purchase): readonly Reason[] {
  return decided.reasons as unknown as readonly Reason[]
}
