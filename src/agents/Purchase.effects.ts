/**
 * @module What a purchase does in the world, one function a state, and the interpreter that carries the
 * machine from state to state. Every effect records before it acts and looks before it acts again.
 */

import { initialTransition, transition } from 'xstate'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import { assert } from '../kernel/Assert.ts'
import * as Asset from '../kernel/Asset.ts'
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Id from '../kernel/Id.ts'
import * as Json from '../kernel/Json.ts'
import * as Quote from '../market/Quote.ts'
import * as Budget from '../policies/Budget.ts'
import type * as Policy from '../policies/Policy.ts'
import * as Answers from '../store/Answers.ts'
import type * as Books from '../store/Books.ts'
import * as Requests from '../store/Requests.ts'
import type { Chain } from '../wallets/Chain.ts'
import type { Wallet } from '../wallets/Wallet.ts'
import * as WalletVerify from '../wallets/Wallet.ts'
import * as Payer from '../wallets/x402/Payer.ts'
import type * as Wire from '../wallets/x402/Wire.ts'
import * as Deciding from './Deciding.ts'
import * as Purchase from './Purchase.ts'
import type { Runtime } from './Runtime.ts'
import * as Seller from './Seller.ts'
import * as Verification from './Verification.ts'

/** What the effects need of the world. */
export type Ports = {
  readonly runtime: Runtime
  readonly books: Books.Books
  readonly wallet: Wallet
  readonly chain: Chain
  readonly asset: Asset.Asset
  readonly dir: string
  /** The policy in force for this purchase, and one on trial. */
  readonly policy: Policy.Policy
  readonly shadow?: Policy.Policy
  /** The caller's: cancels what is not signed yet. */
  readonly signal?: AbortSignal
  /** This process is about to end: what waits stops waiting, and is found again in the journal. */
  readonly closing?: AbortSignal
}

/** What is bought: a chat request, from a seller. */
export type Order = Requests.Order

/** How a purchase ended, and which way it went. */
export type Ended = {
  readonly state: Purchase.Terminal
  readonly states: readonly Purchase.State[]
  readonly context: Purchase.Context
}

/** The seller may say no this often under one payment before it is not asked any more. */
const mostDenied = 5
/** And be silent this often, about five minutes: it may be starting again. */
const mostSilent = 150

/** Runs the machine to its end. Throws only what stops the process: a poisoned journal, a bug. */
export async function run(ports: Ports, order: Order, context: Purchase.Context): Promise<Ended> {
  let [snapshot, actions] = initialTransition(Purchase.machine, context)
  const states: Purchase.State[] = []
  const visit = () => states.push(snapshot.value as Purchase.State)
  visit()
  while (snapshot.status === 'active') {
    const spawned = actions.find(({ type }) => type === 'xstate.spawnChild')
    assert(spawned !== undefined, 'an effect of every working state')
    const { src, id, input } = (spawned as unknown as { params: Spawned }).params
    const output = await ports.runtime.step(src, () => effects[src](ports, order, input))
    const event = { type: `xstate.done.actor.${id}`, output, actorId: id }
    ;[snapshot, actions] = transition(Purchase.machine, snapshot, event as never)
    assert(snapshot.value !== states.at(-1), `an edge ${output.event} out of ${src}`)
    visit()
  }
  return { state: snapshot.value as Purchase.Terminal, states, context: snapshot.context }
}

type Spawned = {
  readonly src: Purchase.Working
  readonly id: string
  readonly input: Purchase.Context
}

/** What one state does. */
export type Effect = (
  ports: Ports,
  order: Order,
  context: Purchase.Context,
) => Promise<Purchase.Result>

const effects: Record<Purchase.Working, Effect> = {
  async discovering(ports, { baseUrl, model }) {
    try {
      return {
        event: 'found',
        patch: { offer: await Seller.discover(baseUrl, model, ports.signal) },
      }
    } catch (error) {
      return refusal('none', error)
    }
  },

  async quoting(ports, order, context) {
    const { baseUrl, model } = order
    const { wallet, runtime, asset } = ports
    const offer = context.offer!
    const { maxTokensIn } = offer.card
    const tokensIn = Verification.tokensIn(order)
    if (tokensIn > maxTokensIn) {
      const because = `expected at most ${maxTokensIn} tokens of input, got ${tokensIn}`
      return { event: 'refused', patch: { because, code: 'input-too-large' } }
    }
    const request: Quote.Request = {
      v: 1,
      seller: offer.seller,
      payer: wallet.address,
      model,
      requestDigest: context.requestDigest,
      issuedAtMs: runtime.now(),
    }
    try {
      const { chainId } = Asset.parts(asset.id)
      const signature = await wallet.signTypedData(Quote.requestTypedData(request, chainId))
      const quote = await Seller.quote(baseUrl, { request, signature }, ports.signal)
      const because = quoteFault(ports, context, quote)
      if (because !== undefined)
        return { event: 'refused', patch: { because, code: 'quote-refused' } }
      return ports.signal?.aborted ? cancelled('refused') : { event: 'quoted', patch: { quote } }
    } catch (error) {
      return refusal('refused', error)
    }
  },

  deciding: Deciding.decide,

  async paying(ports, order, context) {
    const { wallet, books, dir, asset } = ports
    const { purchase } = context
    const { quote } = context.quote!
    const nonce = Id.nonce(wallet.address, purchase)
    const validBeforeSec = Math.ceil(quote.expiresAtMs / 1000)
    const payAtoms = BigInt(quote.payAtoms)
    if (ports.signal?.aborted) return cancelled('unsigned')
    const stopped = Budget.stopped(books.state.purchases.usage, {
      ...{ agent: wallet.address, payee: quote.payTo, model: quote.model },
    })
    if (stopped !== undefined)
      return { event: 'unsigned', patch: { because: stopped.because, code: 'frozen' } }
    const signed = await Payer.sign({
      wallet,
      nonce,
      validAfterSec: 0,
      validBeforeSec,
      expected: {
        asset,
        payTo: quote.payTo,
        maxAtoms: payAtoms,
        quoteExpiresAtSec: validBeforeSec,
      },
      requirements: requirements(context.offer!, quote),
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
        causes: cause(ports, purchase),
      },
    ])
    return { event: 'signed', patch: { payload } }
  },

  async executing({ closing }, order, context) {
    const reply = await Seller.send(order.baseUrl, {
      body: order.body,
      payload: context.payload!,
      ...(closing === undefined ? {} : { signal: closing }),
    })
    const asked = (context.asked ?? 0) + 1
    if (reply.kind === 'answered')
      return { event: 'answered', patch: { asked, answered: reply.answered } }
    const denied = (context.denied ?? 0) + (reply.kind === 'refused' ? 1 : 0)
    return { event: 'unclear', patch: { asked, denied, because: reply.because } }
  },

  async looking(ports, _order, context) {
    const { asked = 0, denied = 0 } = context
    const again = context.answered === undefined && denied < mostDenied && asked < mostSilent
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
      const { validBeforeSec } = ports.books.state.purchases.purchases.get(context.purchase)!
        .paying!
      if (outcome.kind === 'unused' && outcome.finalTimestampSec >= validBeforeSec) {
        const said = context.because === undefined ? '' : `; the seller said: ${context.because}`
        return { event: 'never', patch: { because: `never paid${said}`, code: 'expired' } }
      }
      await ports.runtime.sleep(pauseMs(asked))
      if (outcome.kind === 'unused' && again) return { event: 'again' }
    }
  },

  async releasing(ports, _order, context) {
    const { purchase, because = 'released', code } = context
    const event = code === 'expired' ? 'expired' : 'refused'
    await ports.books.record([
      {
        event: {
          type: 'voided',
          purchase,
          because: because.slice(0, 200),
          transition: Purchase.edge('releasing', event),
        },
        causes: cause(ports, purchase),
      },
    ])
    return { event }
  },

  async verifying(ports, order, context) {
    let { evidence } = context
    if (evidence === undefined) {
      const outcome = await lookUp(ports, context)
      if (outcome.kind !== 'paid') return { event: 'unpaid' }
      evidence = outcome.evidence
    }
    return settle(ports, order, { ...context, evidence })
  },
}

/** Captures what holds, disputes what does not; the money is spent either way. */
async function settle(
  ports: Ports,
  order: Order,
  context: Purchase.Context & { readonly evidence: NonNullable<Purchase.Context['evidence']> },
): Promise<Purchase.Result> {
  const { purchase, answered, evidence } = context
  const { decided, paying } = ports.books.state.purchases.purchases.get(purchase)!
  const atoms = PurchaseTerms.of(decided).payAtoms
  const because =
    answered === undefined
      ? `paid, but nothing was delivered: ${context.because ?? 'no answer'}`
      : Verification.fault({ order, answered, decided, nonce: paying!.nonce })
  if (because !== undefined || answered === undefined) {
    const event = {
      type: 'disputed',
      ...{ purchase, atoms, evidence: Json.members(evidence) as typeof evidence },
      because: (because ?? '').slice(0, 200),
      transition: Purchase.edge('verifying', 'disputed'),
    } as const
    await ports.books.record([{ event, causes: cause(ports, purchase) }])
    return { event: 'disputed', patch: { evidence, because: event.because } }
  }
  const texts = Verification.texts(order, answered)
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
      causes: [...cause(ports, purchase), sold],
    },
  ])
  return { event: 'captured', patch: { evidence } }
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

function quoteFault(
  { wallet, runtime, asset }: Ports,
  { offer, requestDigest }: Purchase.Context,
  { quote, signature }: Quote.Signed,
): string | undefined {
  const { seller, model, card, cardHash } = offer!
  const data = Quote.typedData(quote)
  if (!WalletVerify.verifyTypedData({ address: seller, data, signature }))
    return 'quote that its seller did not sign'
  return Quote.fault(quote, {
    nowMs: runtime.now(),
    payer: wallet.address,
    ...{ seller, model, requestDigest, asset, card, cardHash },
  })
}

/** What became of the payment; waits for a chain that does not answer. */
async function lookUp(ports: Ports, context: Purchase.Context) {
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

function cause({ books }: Ports, purchase: Hex) {
  const leaf = books.state.purchases.purchases.get(purchase)!.leaves.at(-1)!
  return [{ origin: books.origin, leaf }]
}

function pauseMs(attempt: number): number {
  return Math.min(2_000, 100 * 2 ** attempt)
}

function cancelled(event: string): Purchase.Result {
  return { event, patch: { because: 'the caller cancelled the purchase', code: 'aborted' } }
}

function refusal(event: string, error: unknown): Purchase.Result {
  if (!(error instanceof BaseError)) throw error
  return { event, patch: { because: error.message, code: error.code } }
}
