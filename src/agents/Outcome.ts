/**
 * @module Outcomes: how a purchase ended, which way it went, what it cost and what it brought.
 */
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Receipt from '../market/Receipt.ts'
import type * as Budget from '../policies/Budget.ts'
import type { Evidence } from '../wallets/PaymentEvidence.ts'
import type * as Effects from './Purchase.effects.ts'
import type * as Purchase from './Purchase.ts'

/** How a purchase ended. */
export type Outcome = {
  readonly purchase: Hex
  readonly state: Purchase.Terminal
  /** Whom it was bought from, or would have been; absent where nobody was found. */
  readonly seller?: Hex
  /** Every state it went through. */
  readonly states: readonly Purchase.State[]
  /** The policy's verdict; absent when the purchase ended before it was asked. */
  readonly verdict?: Budget.Verdict
  /** What each rule said. */
  readonly reasons: readonly Budget.Reason[]
  /** Signed away in this purchase, in atoms: 0 unless it was captured, disputed or refunded as change. */
  readonly paidAtoms: bigint
  /** Why it was not captured. */
  readonly because?: string
  readonly code?: string
  /** What was delivered; only of a captured answer of a model. */
  readonly delivered?: {
    readonly answered: Purchase.Answered
    readonly receipt: Receipt.Receipt
    readonly receiptHash: Hex
    readonly evidence: Evidence
  }
  /** What a resource answered; only of one that was captured, or that asked for no money. */
  readonly response?: Purchase.Response
  /** That the money moved; of what was captured, disputed or refunded, and of a call that reverted. */
  readonly evidence?: Evidence
}

/** Of a purchase that is at its end. */
export function of({ state, states, context }: Effects.Ended): Outcome {
  const { purchase, verdict, reasons = [], because, code, answered, response, evidence } = context
  const isPaid = state === 'captured' || state === 'disputed' || state === 'refunded'
  const payAtoms = context.quote?.quote.payAtoms ?? context.terms?.payAtoms ?? '0'
  const seller = context.quote?.quote.seller ?? context.offer?.seller ?? sellerOf(context)
  const base = {
    ...{ purchase, state, states, reasons },
    ...(seller === undefined ? {} : { seller }),
    paidAtoms: isPaid ? BigInt(payAtoms) : 0n,
    ...(verdict === undefined ? {} : { verdict }),
    ...((isPaid || code === 'reverted') && evidence !== undefined ? { evidence } : {}),
  }
  if (state !== 'captured')
    return {
      ...base,
      because: because ?? state,
      ...(code === undefined ? {} : { code }),
      ...(code === 'resource-free' && response !== undefined ? { response } : {}),
    }
  if (response !== undefined) return { ...base, response }
  if (answered === undefined || evidence === undefined) return base
  const { receipt } = answered.receipt
  return {
    ...base,
    delivered: { answered, receipt, receiptHash: Hash.digest(receipt), evidence },
  }
}

function sellerOf({ terms }: Purchase.Context): Hex | undefined {
  return terms?.kind === 'resource' ? terms.seller : undefined
}
