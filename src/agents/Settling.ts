/**
 * @module Settling: what became of a payment that was sent. The chain is looked at before anything is sent
 * or released again; what was delivered is captured if it holds and disputed if not.
 */
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Json from '../kernel/Json.ts'
import * as Answers from '../store/Answers.ts'
import * as Effect from './Effect.ts'
import * as Purchase from './Purchase.ts'
import * as Verification from './Verification.ts'

/** The seller may say no this often under one payment before it is not asked any more. */
const mostDenied = 5
/** And be silent this often, about five minutes: it may be starting again. */
const mostSilent = 150

/** Looks at the chain until it says whether to ask again, to verify, or to release. */
export const looking: Effect.Effect = async (ports, _order, context) => {
  const { asked = 0, denied = 0 } = context
  const { answered = context.returned ?? context.response } = context
  const again = answered === undefined && denied < mostDenied && asked < mostSilent
  for (;;) {
    const outcome = await lookUp(ports, context)
    if (outcome.kind === 'paid') {
      const { evidence } = outcome
      if (!again) return { event: 'paid', patch: { evidence } }
      await ports.runtime.sleep(pauseMs(asked))
      return { event: 'again', patch: { evidence } }
    }
    if (outcome.kind === 'elsewhere' || outcome.kind === 'cancelled') {
      const because = `the payment was ${outcome.kind === 'cancelled' ? 'cancelled' : 'spent elsewhere'} in ${outcome.tx}`
      return { event: 'never', patch: { because, code: outcome.kind } }
    }
    const { validBeforeSec } = ports.books.state.purchases.purchases.get(context.purchase)!.paying!
    if (outcome.kind === 'unused' && outcome.finalTimestampSec >= validBeforeSec) {
      const said = context.because === undefined ? '' : `; the seller said: ${context.because}`
      return { event: 'never', patch: { because: `never paid${said}`, code: 'expired' } }
    }
    await ports.runtime.sleep(pauseMs(asked))
    if (outcome.kind === 'unused' && again) return { event: 'again' }
  }
}

/** Gives the hold back: nothing was paid. */
export const releasing: Effect.Effect = async (ports, _order, context) => {
  const { purchase, because = 'released', code } = context
  const event = code === 'expired' ? 'expired' : 'refused'
  await ports.books.record([
    {
      event: {
        type: 'voided',
        purchase,
        because: Effect.label(because),
        transition: Purchase.edge('releasing', event),
      },
      causes: Effect.cause(ports, purchase),
    },
  ])
  return { event }
}

/** That the money moved, for good; undefined while the chain does not say so. */
export async function evidenceOf(
  ports: Effect.Ports,
  context: Purchase.Context,
): Promise<Purchase.Context['evidence']> {
  if (context.evidence !== undefined) return context.evidence
  const outcome = await lookUp(ports, context)
  return outcome.kind === 'paid' ? outcome.evidence : undefined
}

/** Judges what came, once the payment is final. */
export const verifying: Effect.Effect = async (ports, order, context) => {
  const evidence = await evidenceOf(ports, context)
  return evidence === undefined
    ? { event: 'unpaid' }
    : settle(ports, order, { ...context, evidence })
}

type Paid = Purchase.Context & Required<Pick<Purchase.Context, 'evidence'>>

/** Captures what holds, disputes what does not; the money is spent either way. */
async function settle(
  ports: Effect.Ports,
  order: Effect.Order,
  context: Paid,
): Promise<Purchase.Result> {
  const { body } = Effect.chat(order)
  const { purchase, answered, returned, evidence } = context
  const { decided, paying } = ports.books.state.purchases.purchases.get(purchase)!
  const atoms = PurchaseTerms.of(decided).payAtoms
  if (returned !== undefined) return refund(ports, { ...context, returned })
  const because =
    answered === undefined
      ? `paid, but nothing was delivered: ${context.because ?? 'no answer'}`
      : (Verification.fault({ body, answered, decided, nonce: paying!.nonce }) ??
        ports.relay?.fault(answered))
  if (because !== undefined || answered === undefined) return dispute(ports, context, because ?? '')
  const texts = Verification.texts(body, answered)
  const { receipt, signature } = answered.receipt
  Answers.put(ports.dir, Verification.receiptHash(answered), texts)
  const sold = Verification.soldAt(answered)
  await ports.books.record([
    {
      event: {
        type: 'captured',
        ...{ purchase, atoms, receipt, signature, proof: answered.proof },
        evidence: Json.members(evidence) as typeof evidence,
        transition: Purchase.edge('verifying', 'captured'),
      },
      causes: [...Effect.cause(ports, purchase), sold],
    },
  ])
  return { event: 'captured', patch: { evidence } }
}

/** Records that it was paid and does not hold. */
export async function dispute(
  ports: Effect.Ports,
  { purchase, evidence }: Paid,
  said: string,
): Promise<Purchase.Result> {
  const { decided } = ports.books.state.purchases.purchases.get(purchase)!
  const because = Effect.label(said)
  const event = {
    type: 'disputed',
    ...{ purchase, atoms: PurchaseTerms.of(decided).payAtoms, because },
    evidence: Json.members(evidence) as typeof evidence,
    transition: Purchase.edge('verifying', 'disputed'),
  } as const
  await ports.books.record([{ event, causes: Effect.cause(ports, purchase) }])
  return { event: 'disputed', patch: { evidence, because } }
}

/** Records that the seller keeps all of it as change: it served nothing, and its log says so. */
async function refund(
  ports: Effect.Ports,
  context: Paid & Required<Pick<Purchase.Context, 'returned'>>,
): Promise<Purchase.Result> {
  const { purchase, evidence, returned } = context
  const { decided } = ports.books.state.purchases.purchases.get(purchase)!
  const because = Effect.label(context.because ?? 'paid, and nothing was served')
  const { origin, leaf } = returned.proof
  const there = { origin: String(origin), leaf: Number(leaf) }
  const event = {
    type: 'refunded',
    ...{ purchase, atoms: PurchaseTerms.of(decided).payAtoms, because, ...returned },
    evidence: Json.members(evidence) as typeof evidence,
    transition: Purchase.edge('verifying', 'refunded'),
  } as const
  await ports.books.record([{ event, causes: [...Effect.cause(ports, purchase), there] }])
  return { event: 'refunded', patch: { evidence, because } }
}

/** What became of the payment; waits for a chain that does not answer. */
async function lookUp(ports: Effect.Ports, context: Purchase.Context) {
  const { decided, paying } = ports.books.state.purchases.purchases.get(context.purchase)!
  const { payTo, payAtoms } = PurchaseTerms.of(decided)
  const payment = {
    asset: ports.asset,
    payer: ports.wallet.address,
    nonce: paying!.nonce,
    payTo,
    valueAtoms: BigInt(payAtoms),
  }
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ports.chain.lookUpPayment(payment)
    } catch (error) {
      if (!(error instanceof BaseError) || error.retry === 'never' || attempt === 20) throw error
      await ports.runtime.sleep(pauseMs(attempt))
    }
  }
}

function pauseMs(attempt: number): number {
  return Math.min(2_000, 100 * 2 ** attempt)
}
