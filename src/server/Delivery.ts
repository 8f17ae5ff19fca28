/**
 * @module Delivery: an answer to a payment that is taken ahead. The engine works while the payment settles,
 * and is heard once it has. What it said until its listener went is the answer; an answer that will not be
 * given is paid back.
 */
import type * as Prepaid from '../economy/Prepaid.ts'
import type * as Sales from '../economy/Sales.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Advance from './Advance.ts'
import * as Completion from './Completion.ts'
import * as Inference from './Inference.ts'
import * as Payment from './Payment.ts'
import * as Receipts from './Receipts.ts'
import * as Reply from './Reply.ts'
import * as Speech from './Speech.ts'
import * as Streaming from './Streaming.ts'

/** A response, and what goes on behind it: nobody else works on the same payment meanwhile. */
export type Delivery = { readonly response: Response; readonly work?: Promise<unknown> }

/** A payment that was taken before, perhaps by a process that died: its answer is given now. */
export async function resume(asked: Reply.Asked, prepaid: Prepaid.Prepaid): Promise<Delivery> {
  const { node, order } = asked
  const { quote } = node.books.state.sales.quotes.get(prepaid.quoteHash)!
  if (quote.requestDigest !== order.requestDigest) return { response: Reply.reused(asked) }
  if (prepaid.status === 'funded' && Advance.isOver(node, prepaid))
    await Advance.giveBack(node, prepaid, Advance.late)
  if (prepaid.status === 'returned') {
    // It may be given back by somebody else a moment ago: what is not on the disk proves nothing.
    await Payment.durable(node, prepaid.endLeaf!)
    return { response: Reply.returned(asked, prepaid) }
  }
  return answer(asked, prepaid, { isFresh: false })
}

/**
 * Settles a payment that was taken, and answers it as it was asked: in chunks, or whole. `isFresh`: it was
 * verified a moment ago.
 */
export async function answer(
  asked: Reply.Asked,
  prepaid: Prepaid.Prepaid,
  { isFresh }: { readonly isFresh: boolean },
): Promise<Delivery> {
  const { node, context, order } = asked
  const { signal } = context.req.raw
  const speech = Speech.begin(order, node.now)
  const listener = { isGone: false, hasHeard: false }
  let rest = () => {}
  const idle = new Promise<void>((resolve) => {
    rest = resolve
  })
  const leave = () => {
    listener.isGone = true
    speech.stop()
    rest()
  }
  if (order.isStreamed) signal.addEventListener('abort', leave, { once: true })
  else rest()
  const settling = Advance.settle(node, prepaid, { isFresh, after: idle })
  const settled = await settling.catch((error: unknown) => {
    speech.stop()
    throw error
  })
  if (settled.kind !== 'funded') {
    speech.stop()
    return { response: await Reply.unpaid(asked, settled) }
  }
  const { tx, recorded } = settled
  const sold = conclude(asked, { prepaid, recorded, speech, listener })
  if (!order.isStreamed) return { response: Reply.sold(asked, await sold) }
  const { quote } = node.books.state.sales.quotes.get(prepaid.quoteHash)!
  const { payer, nonce } = prepaid.payment
  const view = sold.then((sale) => shown(asked, sale))
  // Whoever is told hears of it; who is gone never asks, and a failure that nobody hears ends the process.
  view.catch(() => undefined)
  const events = Streaming.events({
    frame: Completion.frame(quote, nonce),
    speech,
    sold: view,
    includesUsage: order.includesUsage,
    onHeard: () => {
      listener.hasHeard = true
    },
    onIdle: rest,
  })
  const headers = Reply.paid(node, quote, { payer, tx })
  return { response: Streaming.response(events, { headers, onGone: leave }), work: sold }
}

type Told = {
  readonly prepaid: Prepaid.Prepaid
  /** That it is paid: served comes after. */
  readonly recorded: Promise<unknown>
  readonly speech: Speech.Speech
  readonly listener: { readonly isGone: boolean; readonly hasHeard: boolean }
}

/**
 * The sale, once the engine has ended. A listener who went before the first word leaves the payment to be
 * answered when it comes again. Throws `answer-refused`, `answer-unheard` and what engines fail with.
 */
async function conclude({ node, order }: Reply.Asked, told: Told): Promise<Sales.Sale> {
  const { prepaid, recorded, speech, listener } = told
  await recorded
  const spoken = await speech.ended
  if (listener.isGone && !listener.hasHeard)
    throw new BaseError('nobody was there to hear the answer', {
      code: 'answer-unheard',
      hint: 'send the same request with the same payment again',
      retry: 'safe',
    })
  if (spoken.kind === 'refused') return payBack(node, prepaid, spoken)
  const { payment } = prepaid
  const { quote } = node.books.state.sales.quotes.get(prepaid.quoteHash)!
  const given = { order, quote, payment, spoken, isAhead: true }
  const sale = await Inference.serve(node, given)
  return 'kind' in sale ? payBack(node, prepaid, { ...sale, code: 'quote-outdated' }) : sale
}

async function payBack(
  node: Reply.Asked['node'],
  prepaid: Prepaid.Prepaid,
  { because, code }: { readonly because: string; readonly code: string },
): Promise<never> {
  await Advance.giveBack(node, prepaid, because)
  throw new BaseError(`${because}; what was paid is change with this seller`, {
    code: 'answer-refused',
    facts: { reason: code },
  })
}

function shown({ node }: Reply.Asked, sale: Sales.Sale): Completion.Shown {
  const view = Receipts.view(node, sale)
  if (view.answer !== null) return { ...view, answer: view.answer }
  throw new BaseError('the answer was erased; its receipt is at /v1/receipts', {
    code: 'answer-erased',
  })
}
