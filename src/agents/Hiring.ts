/**
 * @module Hiring: one job, several sellers. Bids are asked for, one is taken; a seller that fails is passed
 * over and the next attempt goes to another. The job is one step of a run: whatever crashes, what was
 * delivered is not bought again.
 */
import { BaseError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import type * as Books from '../store/Books.ts'
import type * as Requests from '../store/Requests.ts'
import type * as Bidding from './Bidding.ts'
import type { Call } from './Buyer.ts'
import * as CallSchema from './Call.schema.ts'
import type { Outcome } from './Outcome.ts'
import type * as Purchasing from './Purchasing.ts'

/**
 * What is wanted, and from whom it may be bought. Whoever listens (`onDelta`) hears each attempt from its
 * beginning: what one that failed said is void.
 */
export type Job = Omit<Call, 'baseUrl'> &
  Bidding.Tender & {
    /** How many sellers are bought from at most, one after the other; 3 unless given. */
    readonly attempts?: number
  }

/** How a job ended: as its last attempt did. */
export type Hired = Outcome & {
  /** Every attempt of this call, the last one too. */
  readonly tried: readonly Outcome[]
}

/** What hiring needs of the buyer. */
export type Ports = {
  readonly books: Books.Books
  /** Carries an order to its end, from a seller that the tender finds. */
  readonly order: (
    order: Requests.Chat,
    asked: Omit<Purchasing.Asked, 'order' | 'requestDigest'>,
  ) => Promise<Outcome>
}

/** Stands in an order until a seller is chosen; nothing is ever sent there. */
const nobody = 'http://seller.invalid/v1'

/**
 * Hires until one delivers. What the policy denies or wants approved is not tried elsewhere: every bid was
 * put before it. Throws `sellers-missing` when nobody bids, and what `Buyer.buy` throws.
 */
export async function hire(ports: Ports, job: Job): Promise<Hired> {
  CallSchema.check({ ...job, baseUrl: nobody })
  const tried: Outcome[] = []
  const excluded = failed(ports.books, job)
  for (;;) {
    const next = await attempt(ports, job, { excluded, tried })
    if (typeof next === 'string') {
      const last = tried.at(-1)!
      return { ...last, because: `${last.because}; ${next}`, tried }
    }
    tried.push(next)
    const { seller, state, verdict, code } = next
    const isEnd = state === 'captured' || code === 'aborted' || job.signal?.aborted === true
    const isJudged = verdict === 'deny' || verdict === 'review'
    const isLast = seller === undefined || tried.length >= (job.attempts ?? 3)
    if (isEnd || isJudged || isLast) return { ...next, tried }
    excluded.add(seller)
  }
}

type Sofar = { readonly excluded: ReadonlySet<Hex>; readonly tried: readonly Outcome[] }

/** The next attempt; in words, that after some nobody is left to ask. */
async function attempt(
  { order }: Ports,
  job: Job,
  { excluded, tried }: Sofar,
): Promise<Outcome | string> {
  const { model, body, run, step, signal, onDelta } = job
  const asked = { run, step, signal, onDelta, tender: { terms: job, excluded } }
  try {
    return await order({ baseUrl: nobody, model, body }, asked)
  } catch (error) {
    const isOver = error instanceof BaseError && error.code === 'sellers-missing'
    if (isOver && tried.length > 0) return error.message
    throw error
  }
}

/** Sellers that took money for this job and did not deliver. */
function failed(books: Books.Books, { run, step }: Job): Set<Hex> {
  const all = books.state.purchases.purchases.values()
  return new Set(
    [...all].flatMap(({ status, decided: { key, quote } }) => {
      const isThis = key.run === run && key.step === step && quote !== undefined
      return isThis && (status === 'disputed' || status === 'refunded') ? [quote.seller] : []
    }),
  )
}
