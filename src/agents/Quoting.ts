/**
 * @module Quoting: who sells it, and for how much. Nothing is signed but the request for a quote, and what
 * the seller's card says it cannot do is not asked of it.
 */
import * as Asset from '../kernel/Asset.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Quote from '../market/Quote.ts'
import * as WalletVerify from '../wallets/Wallet.ts'
import * as CallSchema from './Call.schema.ts'
import * as Effect from './Effect.ts'
import type * as Purchase from './Purchase.ts'
import * as Seller from './Seller.ts'
import * as Verification from './Verification.ts'

/** Reads what the seller offers under the model's name. */
export const discovering: Effect.Effect = async (ports, order, context) => {
  // Whoever chose among several sellers has looked already.
  if (context.offer !== undefined) return { event: 'found' }
  const { baseUrl, model } = Effect.chat(order)
  try {
    return {
      event: 'found',
      patch: { offer: await Seller.discover(baseUrl, model, ports.signal) },
    }
  } catch (error) {
    return Effect.refusal('none', error)
  }
}

/** Asks for a quote, and checks that it is one for this request by this seller. */
export const quoting: Effect.Effect = async (ports, order, context) => {
  const { body } = Effect.chat(order)
  const offer = context.offer!
  const lacking = CallSchema.beyond(body, offer.card)
  if (lacking !== undefined) return { event: 'refused', patch: lacking }
  const { maxTokensIn } = offer.card
  const tokensIn = Verification.tokensIn(body)
  if (tokensIn > maxTokensIn) {
    const because = `expected at most ${maxTokensIn} tokens of input, got ${tokensIn}`
    return { event: 'refused', patch: { because, code: 'input-too-large' } }
  }
  try {
    const { requestDigest } = context
    const quote = context.quote ?? (await ask(ports, offer, { requestDigest }))
    const because = fault(ports, { offer, requestDigest }, quote)
    const { mostAtoms } = ports
    if (
      because === undefined &&
      mostAtoms !== undefined &&
      BigInt(quote.quote.payAtoms) > mostAtoms
    ) {
      const dear = `expected at most ${mostAtoms} atoms, got a quote of ${quote.quote.payAtoms}`
      return { event: 'refused', patch: { because: dear, code: 'over-hold' } }
    }
    if (because !== undefined)
      return { event: 'refused', patch: { because, code: 'quote-refused' } }
    return ports.signal?.aborted
      ? Effect.cancelled('refused')
      : { event: 'quoted', patch: { quote } }
  } catch (error) {
    return Effect.refusal('refused', error)
  }
}

/** What is asked of one seller: `mostAtoms` is a counter-offer, the most that would be paid. */
export type Asked = { readonly requestDigest: Hex; readonly mostAtoms?: bigint }

/** A seller's quote, not looked at yet. Throws as `Seller.quote` does. */
export async function ask(
  { wallet, runtime, asset, signal }: Pick<Effect.Ports, 'wallet' | 'runtime' | 'asset' | 'signal'>,
  { baseUrl, seller, model }: Purchase.Offer,
  { requestDigest, mostAtoms }: Asked,
): Promise<Quote.Signed> {
  const request: Quote.Request = {
    v: 1,
    ...{ seller, payer: wallet.address, model, requestDigest },
    issuedAtMs: runtime.now(),
    ...(mostAtoms === undefined ? {} : { mostAtoms: String(mostAtoms) }),
  }
  const { chainId } = Asset.parts(asset.id)
  const signature = await wallet.signTypedData(Quote.requestTypedData(request, chainId))
  return Seller.quote(baseUrl, { request, signature }, signal)
}

/** Why a quote is not one for this request by this seller; undefined when it is. */
export function fault(
  { wallet, runtime, asset }: Pick<Effect.Ports, 'wallet' | 'runtime' | 'asset'>,
  { offer, requestDigest }: { readonly offer: Purchase.Offer; readonly requestDigest: Hex },
  { quote, signature }: Quote.Signed,
): string | undefined {
  const { seller, model, card, cardHash } = offer
  const data = Quote.typedData(quote)
  if (!WalletVerify.verifyTypedData({ address: seller, data, signature }))
    return 'quote that its seller did not sign'
  return Quote.fault(quote, {
    nowMs: runtime.now(),
    payer: wallet.address,
    ...{ seller, model, requestDigest, asset, card, cardHash },
  })
}
