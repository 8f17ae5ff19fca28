/**
 * @module Attesting: what an agent's own journal says of its sellers. Each purchase that ended is evidence
 * for its own choices, and with the seller's signatures and the payment beside it, for those of others.
 */
import type * as Event from '../economy/Event.ts'
import type * as Purchases from '../economy/Purchases.ts'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Attestation from '../market/Attestation.ts'
import type * as Reputation from '../market/Reputation.ts'
import * as Record from '../provenance/Record.ts'
import type * as Books from '../store/Books.ts'
import type { Wallet } from '../wallets/Wallet.ts'

/** Own experience of sellers: what one saw oneself weighs in full. */
export function experience(
  { purchases }: Purchases.Purchases,
  observationNano: bigint,
): Reputation.Evidence[] {
  return [...purchases.values()].flatMap(({ status, decided: { quote } }) => {
    if (quote === undefined || (status !== 'captured' && status !== 'disputed')) return []
    const { seller, issuedAtMs: atMs } = quote
    return [{ seller, isGood: status === 'captured', irrecoverableNano: observationNano, atMs }]
  })
}

/** What the agent says of a purchase that ended, signed. Throws `not-attestable` for any other. */
export async function attest(
  { books, wallet }: { readonly books: Books.Books; readonly wallet: Wallet },
  id: Hex,
): Promise<Attestation.Signed> {
  const purchase = books.state.purchases.purchases.get(id)
  const { decided, paying } = purchase ?? {}
  const ended = purchase && last(books, purchase)
  if (decided?.quote === undefined || paying === undefined || ended === undefined)
    throw new BaseError(`expected a purchase that was captured or disputed, got ${id}`, {
      code: 'not-attestable',
      hint: 'only what was paid under a signed quote can be attested',
    })
  const { quote, signature } = decided
  const attestation: Attestation.Attestation = {
    v: 1,
    payer: wallet.address,
    quote: { quote, signature },
    ...said(ended),
    paymentNonce: paying.nonce,
    evidence: { chainId: ended.evidence.chainId, tx: ended.evidence.tx },
    atMs: books.now(),
  }
  const data = Attestation.typedData(attestation)
  return { attestation, signature: await wallet.signTypedData(data) }
}

type Ended = Event.Of<'captured' | 'disputed'>

/** The record that ended a purchase, if it was paid. */
function last(books: Books.Books, { leaves }: Purchases.Purchase): Ended | undefined {
  const event = Record.decode(books.text(leaves.at(-1)!)).event as Event.Event
  return event.type === 'captured' || event.type === 'disputed' ? event : undefined
}

function said(ended: Ended): Pick<Attestation.Attestation, 'isGood' | 'because' | 'receipt'> {
  if (ended.type === 'disputed') return { isGood: false, because: ended.because }
  const { receipt, signature } = ended
  if (receipt === undefined || signature === undefined) return { isGood: true }
  return { isGood: true, receipt: { receipt, signature } }
}
