/**
 * @module Paying: the one place where money leaves. The payment is signed once, kept before it is sent, and
 * sent again identical for as long as nobody answered.
 */
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import * as Asset from '../kernel/Asset.ts'
import * as Id from '../kernel/Id.ts'
import * as Json from '../kernel/Json.ts'
import * as Quote from '../market/Quote.ts'
import * as Budget from '../policies/Budget.ts'
import * as Requests from '../store/Requests.ts'
import * as Payer from '../wallets/x402/Payer.ts'
import type * as Wire from '../wallets/x402/Wire.ts'
import * as Effect from './Effect.ts'
import * as Purchase from './Purchase.ts'
import * as Seller from './Seller.ts'
import * as Verification from './Verification.ts'

/** Signs and records the payment of what was decided on. */
export const paying: Effect.Effect = async (ports, order, context) => {
  const { wallet, books, dir, asset } = ports
  const { purchase } = context
  const { decided } = books.state.purchases.purchases.get(purchase)!
  const { payTo, model, payAtoms, expiresAtMs } = PurchaseTerms.of(decided)
  const nonce = Id.nonce(wallet.address, purchase)
  const validBeforeSec = Math.ceil(expiresAtMs / 1000)
  if (ports.signal?.aborted) return Effect.cancelled('unsigned')
  const stopped = Budget.stopped(books.state.purchases.usage, {
    ...{ agent: wallet.address, payee: payTo, model },
  })
  if (stopped !== undefined)
    return { event: 'unsigned', patch: { because: stopped.because, code: 'frozen' } }
  const signed = await Payer.sign({
    ...{ wallet, nonce, validAfterSec: 0, validBeforeSec },
    expected: {
      ...{ asset, payTo, maxAtoms: BigInt(payAtoms) },
      quoteExpiresAtSec: validBeforeSec,
    },
    ...requested(context),
  })
  if (!signed.ok)
    return { event: 'unsigned', patch: { because: signed.because, code: signed.code } }
  const { payload } = signed
  Requests.put(dir, purchase, order)
  await books.record([
    {
      event: {
        type: 'paying',
        ...{ purchase, nonce, validBeforeSec },
        payload: Json.members(payload),
        transition: Purchase.edge('paying', 'signed'),
      },
      causes: Effect.cause(ports, purchase),
    },
  ])
  return { event: 'signed', patch: { payload } }
}

/** What is paid, as its seller writes it. */
function requested({ terms, quote, offer }: Purchase.Context) {
  if (terms?.kind !== 'resource') return { requirements: requirements(offer!, quote!.quote) }
  const { requirements: given, url } = terms
  return { requirements: given as Wire.Requirements, resource: { url } }
}

/**
 * Sends the payment with what it is for. A caller who cancels an answer that is streamed closes the
 * connection; what was said till then is its answer, and is asked for again under the same payment.
 */
export const executing: Effect.Effect = async (ports, order, context) => {
  const { closing, signal, relay } = ports
  const { baseUrl, body } = Effect.chat(order)
  const isWanted = signal?.aborted !== true
  if (!isWanted) relay?.stop()
  const signals = [closing, isWanted && body.stream === true ? signal : undefined]
  const reply = await Seller.send(baseUrl, {
    body,
    payload: context.payload!,
    signal: AbortSignal.any(signals.filter((each) => each !== undefined)),
    ...(relay === undefined ? {} : { onDelta: relay.listen() }),
  })
  if (signal?.aborted) relay?.stop()
  const asked = (context.asked ?? 0) + 1
  const { denied = 0 } = context
  if (reply.kind === 'answered')
    return { event: 'answered', patch: { asked, answered: reply.answered } }
  const { kind, because } = reply
  const fault = kind === 'returned' ? returnedFault(ports, context, reply.returned) : because
  if (kind === 'returned' && fault === undefined)
    return { event: 'answered', patch: { asked, because, returned: reply.returned } }
  const patch = { asked, denied: denied + (kind === 'unclear' ? 0 : 1), because: fault ?? because }
  return { event: 'unclear', patch }
}

function returnedFault(
  { books }: Effect.Ports,
  { purchase }: Purchase.Context,
  returned: Purchase.Returned,
): string | undefined {
  const { decided, paying } = books.state.purchases.purchases.get(purchase)!
  return Verification.returnedFault(returned, { decided, nonce: paying!.nonce })
}

/** The one way to pay for a quote, as its seller writes it. */
function requirements(offer: Purchase.Offer, quote: Quote.Quote): Wire.Requirements {
  const { address } = Asset.parts(quote.asset.id)
  return {
    scheme: 'exact',
    network: Asset.network(quote.asset),
    asset: address,
    amount: quote.payAtoms,
    payTo: quote.payTo,
    maxTimeoutSeconds: Quote.timeoutSec(quote),
    extra: { name: offer.tokenName, version: offer.tokenVersion, quote: Quote.hash(quote) },
  }
}
