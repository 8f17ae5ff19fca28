/**
 * @module Purchasing: one order under a run and a step, bought once. Finds out what the journal and this
 * process know of it: waits for what runs, recalls what was bought, takes up what was signed, and begins
 * another attempt only where nothing was or will be kept under the last one.
 */
import type * as Purchases from '../economy/Purchases.ts'
import * as PurchaseTerms from '../economy/PurchaseTerms.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Id from '../kernel/Id.ts'
import * as Engine from '../models/Engine.ts'
import type * as Books from '../store/Books.ts'
import * as Bidding from './Bidding.ts'
import { chat, type Order, type Ports } from './Effect.ts'
import * as Outcome from './Outcome.ts'
import * as Effects from './Purchase.effects.ts'
import type * as Purchase from './Purchase.ts'
import * as Resumption from './Resumption.ts'
import * as Spoken from './Spoken.ts'

/** What is asked for, under which name, and who listens. */
export type Asked = {
  readonly order: Order
  /** Digest of all that is asked; bound in the decision. */
  readonly requestDigest: Hex
  readonly run: string
  readonly step: number
  readonly signal?: AbortSignal | undefined
  readonly onDelta?: ((delta: Engine.Delta) => void) | undefined
  /** Names of the slices of the budget that decide besides, the innermost first. */
  readonly slices?: readonly string[] | undefined
  /** The most it may cost. */
  readonly mostAtoms?: bigint | undefined
  /** Several sellers, one of whom is chosen for each attempt; after a dispute another is. */
  readonly tender?: Tender
}

/** Sellers that may be asked for bids. */
export type Tender = {
  readonly terms: Bidding.Tender
  /** Not asked again. */
  readonly excluded: ReadonlySet<Hex>
}

/** The purchases of one buyer. */
export type Purchasing = {
  /** Buys it, or says why not. Throws as `Buyer.buy` does. */
  buy(asked: Asked): Promise<Outcome.Outcome>
  /** Carries a signed purchase, found in the journal, to its end. */
  takeUp(open: Purchases.Purchase): Promise<Outcome.Outcome>
  isRunning(purchase: Hex): boolean
  /** Waits for what runs, however it ends. */
  settled(): Promise<void>
}

/** A purchase in the making: another call for it waits for the same end. */
type Running = { readonly requestDigest: Hex; readonly ended: Promise<Outcome.Outcome> }

type Listening = Pick<Asked, 'signal' | 'onDelta' | 'mostAtoms' | 'slices'>

/** Opens the purchases of a journal. */
export function open(given: {
  readonly books: Books.Books
  readonly dir: string
  readonly agent: Hex
  /** What the effects need, with the policy in force now. */
  readonly ports: (slices?: readonly string[]) => Omit<Ports, 'signal' | 'relay'>
}): Purchasing {
  const { books, dir, agent } = given
  const { purchases } = books.state.purchases
  const running = new Map<Hex, Running>()
  const track = (purchase: Hex, requestDigest: Hex, ending: Promise<Effects.Ended>) => {
    const ended = ending.then(Outcome.of)
    running.set(purchase, { requestDigest, ended })
    return ended.finally(() => running.delete(purchase))
  }
  const portsFor = ({ signal, onDelta, mostAtoms, slices }: Listening) => ({
    ...given.ports(slices),
    ...(signal === undefined ? {} : { signal }),
    ...(onDelta === undefined ? {} : { relay: Spoken.relay(onDelta) }),
    ...(mostAtoms === undefined ? {} : { mostAtoms }),
  })
  const run = (
    { order, ...listening }: Listening & Pick<Asked, 'order'>,
    context: Purchase.Context,
  ) => {
    const ended = Effects.run(portsFor(listening), order, context)
    return track(context.purchase, context.requestDigest, ended)
  }
  const takeUp = (known: Purchases.Purchase, listening: Listening = {}) => {
    const { context, order } = Resumption.takeUp(dir, known)
    return run({ order, ...listening }, context)
  }
  const attempt = (asked: Asked, key: Purchase.Context['key'], purchase: Hex) => {
    const approved = Resumption.approved(books, key)
    const { requestDigest, order, tender } = asked
    const context = { purchase, key, requestDigest, ...(approved && { approved }) }
    if (tender === undefined || approved !== undefined) return run(asked, context)
    const ports = portsFor(asked)
    // Another call for this attempt waits for the same bids.
    return track(purchase, requestDigest, chosen({ ports, order, context, tender }))
  }
  return {
    takeUp,
    isRunning: (purchase) => running.has(purchase),
    async settled() {
      await Promise.allSettled([...running.values()].map(({ ended }) => ended))
    },
    async buy(asked) {
      const { requestDigest, run: name, step } = asked
      for (let number = 0; ; number += 1) {
        const key = { agent, run: name, step, attempt: number }
        const purchase = Id.purchase(key)
        const before = running.get(purchase)
        const known = purchases.get(purchase)
        if (before === undefined && known === undefined) return attempt(asked, key, purchase)
        if (before === undefined && Resumption.isOver(books, known!)) continue
        const bound = before?.requestDigest ?? PurchaseTerms.of(known!.decided).requestDigest
        if (bound !== requestDigest) throw Resumption.different(purchase)
        if (before !== undefined) return before.ended.then((ended) => tellWhole(ended, asked))
        if (known!.status === 'captured') {
          const ended = track(purchase, requestDigest, Resumption.recall(dir, known!))
          return ended.then((outcome) => tellWhole(outcome, asked))
        }
        if (known!.status === 'paying') return takeUp(known!, asked)
        if (known!.status === 'disputed' && asked.tender !== undefined) continue
        if (known!.status === 'disputed') throw Resumption.repeated(known!)
        if (known!.status === 'reviewing') return Outcome.of(Resumption.reviewed(known!))
        await Resumption.undo(books, known!)
      }
    },
  }
}

/** Buys from the seller whose bid is taken. Throws `sellers-missing`. */
async function chosen(asked: {
  readonly ports: Ports
  readonly order: Order
  readonly context: Purchase.Context
  readonly tender: Tender
}): Promise<Effects.Ended> {
  const { ports, order, context, tender } = asked
  const { terms, excluded } = tender
  const bid = await Bidding.take(ports, terms, { ...context, excluded })
  if (bid === undefined) throw Bidding.missing(terms.model, excluded)
  const { baseUrl } = bid.offer
  return Effects.run(ports, { ...chat(order), baseUrl }, { ...context, ...bid })
}

/** Who comes late hears all of it at once, unless it is not wanted any more. */
function tellWhole(
  outcome: Outcome.Outcome,
  { onDelta, signal }: Pick<Asked, 'onDelta' | 'signal'>,
): Outcome.Outcome {
  if (onDelta === undefined || outcome.delivered === undefined) return outcome
  if (signal?.aborted) return outcome
  const { output: text, toolCalls } = outcome.delivered.answered
  Spoken.relay(onDelta).listen()(Engine.whole({ text, ...(toolCalls && { toolCalls }) }))
  return outcome
}
