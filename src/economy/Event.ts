/** @module Events: all that can happen in the economy, as one closed union read from untrusted bytes. */
import type { z } from 'zod'
import * as Hash from '../kernel/Hash.ts'
import * as Card from '../market/Card.schema.ts'
import * as Untrusted from '../market/Untrusted.ts'
import type { Cause } from '../provenance/Record.ts'
import * as Schema from './Event.schema.ts'

type Read = z.infer<typeof Schema.event>
type ReadOf<T extends Read['type']> = Extract<Read, { type: T }>

/** Members that are there, and members that are not: what the schema's refinements make certain. */
type With<T, There extends keyof T, Absent extends keyof T> = Omit<T, There | Absent> & {
  [Key in There]-?: Exclude<T[Key], undefined>
} & { [Key in Absent]?: undefined }

type Settlement<T extends 'funded' | 'unfunded'> =
  | With<ReadOf<T>, 'receiptHash', 'payment'>
  | With<ReadOf<T>, 'payment', 'receiptHash'>
type Quoted = 'quote' | 'signature' | 'card'
type Receipted = 'receipt' | 'signature' | 'proof'

/** A verdict on a signed quote: that of an inference. */
export type DecidedOnQuote = With<ReadOf<'decided'>, Quoted, 'terms'>
/** A verdict on terms that nobody signed: a plain resource's, or a transaction of one's own. */
export type DecidedOnTerms = With<ReadOf<'decided'>, 'terms', Quoted>

/** The capture of an answer: with its receipt. */
export type CapturedAnswer = With<ReadOf<'captured'>, Receipted, 'delivered'>

/** One thing that happened. */
export type Event =
  | Exclude<Read, { type: 'funded' | 'unfunded' | 'decided' | 'captured' }>
  | Settlement<'funded'>
  | Settlement<'unfunded'>
  | DecidedOnQuote
  | DecidedOnTerms
  | CapturedAnswer
  | With<ReadOf<'captured'>, never, Receipted>
/** Its name. */
export type Type = Event['type']
/** The event of one name. */
export type Of<T extends Type> = Extract<Event, { type: T }>
/** An edge of a machine, as decisions record it. */
export type Transition = z.infer<typeof Schema.transition>

/** An event on its way into a log: `id` makes appending it twice the same as once. */
export type Draft = {
  readonly id: string
  readonly atMs: number
  readonly causes: readonly Cause[]
  readonly event: Event
}

/** Reads an event. Throws `InputError` naming the path and what was expected. */
export function parse(value: unknown): Event {
  const what = { what: 'an event', top: 'type', code: 'event-malformed' }
  return Untrusted.read(Schema.event, value, what) as Event
}

/**
 * The idempotency key of an event: what makes it the same event when it is appended again after a crash.
 */
export function id(event: Event): string {
  switch (event.type) {
    case 'opened':
      return 'opened'
    case 'registered':
      return `registered/${event.card ? Card.hash(event.card) : Hash.digest(event.artifacts)}`
    case 'committed':
    case 'revealed':
      return `${event.type}/${event.root}`
    case 'quoted':
      return `quoted/${event.quote.salt}`
    case 'accepted':
    case 'served':
    case 'returned':
      return `${event.type}/${event.payment.payer}/${event.payment.nonce}`
    case 'funded':
    case 'unfunded': {
      const { receiptHash, payment } = event
      return `settled/${receiptHash ?? `${payment!.payer}/${payment!.nonce}`}`
    }
    case 'closing':
    case 'published':
      return `${event.type}/${event.epoch}`
    case 'claimed':
      return `claimed/${event.index}/${event.cumulativeAtoms}`
    case 'redirected':
      return `redirected/${event.account}/${event.sequence}`
    case 'adopted':
      return `adopted/${event.digest}`
    case 'approved':
    case 'declined':
      return `answered/${event.purchase}`
    case 'froze':
    case 'thawed':
      return `${event.type}/${event.salt}`
    case 'captured':
    case 'disputed':
    case 'refunded':
    case 'voided':
      return `settled/${event.purchase}`
    case 'moved':
      return `moved/${event.agent}/${event.run}/${event.seq}`
    default:
      return `${event.type}/${event.purchase}`
  }
}
