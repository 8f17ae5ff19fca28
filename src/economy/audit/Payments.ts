/**
 * @module Payments as they were recorded: that the payer authorised exactly this transfer (EIP-3009, x402
 * `exact`), and that the evidence shows it final. Whether the chain still says so is for a live look-up.
 */
import * as Asset from '../../kernel/Asset.ts'
import * as Hex from '../../kernel/Hex.ts'
import * as Json from '../../kernel/Json.ts'
import * as Quote from '../../market/Quote.ts'
import type * as Event from '../Event.ts'
import * as PurchaseTerms from '../PurchaseTerms.ts'
import type { Facts } from './Facts.ts'
import type { Fault } from './Tally.ts'
import type { Payment, World } from './World.ts'

/** A signed payment and what it was to pay for. */
export type Authorized = {
  readonly payload: unknown
  readonly payment: Payment
  readonly validBeforeSec: number
  readonly wanted: Wanted
}

/** What the requirements said beyond asset, payee and amount. */
type Wanted =
  | { readonly quote: Quote.Quote }
  /** A plain resource's, as its 402 gave them: the payer accepted these and no others. */
  | { readonly requirements: unknown }

/** What a sale's payer signed; undefined when its quote is unknown. */
export function ofSale(facts: Facts, event: Event.Of<'served'>): Authorized | undefined {
  return ofPayment(facts, event.payment, event.receipt.money.quoteHash)
}

/** What a payer signed under a quote; undefined when the quote is unknown. */
export function ofPayment(
  facts: Facts,
  payment: Event.Of<'accepted'>['payment'],
  quoteHash: Hex.Hex,
): Authorized | undefined {
  const quote = facts.quotes.get(quoteHash)?.quote
  if (quote === undefined) return undefined
  const { payer, nonce, payTo, validBeforeSec, payload } = payment
  const valueAtoms = BigInt(payment.valueAtoms)
  return {
    payload,
    wanted: { quote },
    validBeforeSec,
    payment: { asset: quote.asset, payer, nonce, payTo, valueAtoms },
  }
}

/** What a purchase of an answer or a resource signed away. */
export function authorized(
  decided: Event.Of<'decided'>,
  { nonce, payload, validBeforeSec }: Event.Of<'paying'>,
): Authorized {
  const { asset, payTo, payAtoms } = PurchaseTerms.of(decided)
  const { terms, quote, key } = decided
  const valueAtoms = BigInt(payAtoms)
  const payment = { asset, payer: key.agent, nonce, payTo, valueAtoms }
  const requirements = terms?.kind === 'resource' ? terms.requirements : undefined
  const wanted = quote === undefined ? { requirements } : { quote }
  return { payload, wanted, validBeforeSec, payment }
}

/** Why a stored payload is not the payer's own authorisation of this payment. */
export function authorizationFault(world: World, given: Authorized): Fault {
  const { payload, payment, wanted, validBeforeSec } = given
  const { chainId, address: token } = Asset.parts(payment.asset.id)
  const accepted = read(payload, 'accepted')
  const signed = read(read(payload, 'payload'), 'authorization')
  const expected: readonly (readonly [string, unknown, string])[] = [
    ['x402Version', read(payload, 'x402Version'), '2'],
    ['scheme', read(accepted, 'scheme'), 'exact'],
    ['network', read(accepted, 'network'), `eip155:${chainId}`],
    ['asset', read(accepted, 'asset'), token],
    ['payee', read(accepted, 'payTo'), payment.payTo],
    ['amount', read(accepted, 'amount'), String(payment.valueAtoms)],
    ...wantedOf(accepted, wanted),
    ['payer signed', read(signed, 'from'), payment.payer],
    ['payee signed', read(signed, 'to'), payment.payTo],
    ['amount signed', read(signed, 'value'), String(payment.valueAtoms)],
    ['end of validity signed', read(signed, 'validBefore'), String(validBeforeSec)],
    ['nonce signed', read(signed, 'nonce'), payment.nonce],
  ]
  for (const [what, got, wanted] of expected)
    if (String(got).toLowerCase() !== wanted) return `${what} ${String(got)}, expected ${wanted}`
  return signatureFault(world, given, { token, chainId })
}

/** What was accepted beyond asset, payee and amount, and what it had to be. */
function wantedOf(
  accepted: unknown,
  wanted: Wanted,
): readonly (readonly [string, unknown, string])[] {
  if ('requirements' in wanted) {
    const texts = [accepted, wanted.requirements].map((one) => Json.encode(one).toLowerCase())
    return [['terms', texts[0], texts[1]!]]
  }
  const { quote } = wanted
  return [
    ['timeout', read(accepted, 'maxTimeoutSeconds'), String(Quote.timeoutSec(quote))],
    ['quote', read(read(accepted, 'extra'), 'quote'), Quote.hash(quote)],
  ]
}

/** Why evidence does not prove a payment. */
export function evidenceFault(world: World, evidence: unknown, payment: Payment): Fault {
  const judged = world.checkPayment(evidence, payment)
  return judged.ok ? undefined : judged.because
}

/** A member of what may be anything. */
export function read(value: unknown, member: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, member)) return undefined
  return (value as { readonly [key: string]: unknown })[member]
}

/** EIP-3009 `TransferWithAuthorization`, under the token's own EIP-712 domain. */
function signatureFault(
  world: World,
  { payload, payment }: Authorized,
  { token, chainId }: { readonly token: Hex.Hex; readonly chainId: number },
): Fault {
  const extra = read(read(payload, 'accepted'), 'extra')
  const [name, version] = [read(extra, 'name'), read(extra, 'version')]
  const inner = read(payload, 'payload')
  const signature = read(inner, 'signature')
  const signed = read(inner, 'authorization')
  const [validAfter, validBefore] = [read(signed, 'validAfter'), read(signed, 'validBefore')]
  for (const text of [name, version, signature, validAfter, validBefore])
    if (typeof text !== 'string') return 'payment without its authorisation'
  const seconds = (text: unknown) => {
    if (!/^(0|[1-9]\d{0,14})$/.test(String(text))) throw new Error('times in seconds since 1970')
    return BigInt(String(text))
  }
  const uint = ['value', 'validAfter', 'validBefore'].map((name) => ({ name, type: 'uint256' }))
  const address = ['from', 'to'].map((name) => ({ name, type: 'address' }))
  const data = {
    domain: { name: String(name), version: String(version), chainId, verifyingContract: token },
    primaryType: 'TransferWithAuthorization',
    types: {
      TransferWithAuthorization: [...address, ...uint, { name: 'nonce', type: 'bytes32' }],
    },
    message: {
      from: payment.payer,
      to: payment.payTo,
      value: payment.valueAtoms,
      validAfter: seconds(validAfter),
      validBefore: seconds(validBefore),
      nonce: payment.nonce,
    },
  }
  const address65 = Hex.is(signature, 65)
  if (address65 && world.verifySignature({ address: payment.payer, data, signature }))
    return undefined
  return `payment that ${payment.payer} did not sign`
}
