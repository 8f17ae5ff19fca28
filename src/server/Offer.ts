/**
 * @module Offers: what a node sells and on which terms, a model each. An offer names its engine, or is
 * answered by the reader over the node's documents.
 */
import { InputError } from '../kernel/Errors.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Card from '../market/Card.schema.ts'
import * as CounterOffer from '../market/CounterOffer.ts'
import * as Quote from '../market/Quote.ts'
import type * as Engine from '../models/Engine.ts'
import * as Library from './Library.ts'

/** On which terms a model is sold. */
export type Terms = {
  readonly card: Card.Card
  readonly rates: Quote.Quote['rates']
  /** How far it goes down for a payer that says what it would pay at most; not at all unless given. */
  readonly floor?: { readonly executionNanoPerStdUs: string }
  readonly coveragePromisedPpb: string
  readonly disputeWindowMs: number
  readonly quoteTtlMs: number
  /** Device named on receipts. */
  readonly device: { readonly class: string; readonly count: number; readonly tier: 'claimed' }
}

/** What is sold; without an engine the reader answers, from the node's documents. */
export type Offer = Terms & {
  readonly engine?: (library: Library.Library) => Engine.Engine
  /** What it is good for, in a sentence or two: shown to whoever looks for it. */
  readonly description?: string
}

/** An offer with its engine, ready to sell. */
export type Sold = Omit<Offer, 'engine'> & {
  readonly engine: Engine.Engine
  readonly cardHash: Hex
}

/** Opens engines, by model. Throws `InputError` for no offer, and for two of one name. */
export function open(
  offers: readonly Offer[],
  library: Library.Library,
): ReadonlyMap<string, Sold> {
  const sold = new Map<string, Sold>()
  for (const { engine, ...offer } of offers) {
    const { card } = offer
    if (sold.has(card.model))
      throw new InputError(`expected one offer of each model, got two of ${card.model}`)
    const { floor, rates } = offer
    if (BigInt(floor?.executionNanoPerStdUs ?? 0) > BigInt(rates.executionNanoPerStdUs))
      throw new InputError(`expected a floor of ${card.model} that is not above its rate`)
    const opened = engine?.(library) ?? Library.reader(library, card)
    sold.set(card.model, { ...offer, engine: opened, cardHash: Card.hash(card) })
  }
  if (sold.size === 0) throw new InputError('expected at least one offer, got none')
  return sold
}

/** Rates for a payer that would pay no more than `mostAtoms`: the seller's own share gives way, no other. */
export function ratesFor(
  { card, rates, floor }: Terms,
  mostAtoms: bigint | undefined,
): Quote.Quote['rates'] {
  if (floor === undefined || mostAtoms === undefined) return rates
  const least = { executionNanoPerStdUs: BigInt(floor.executionNanoPerStdUs) }
  const given = CounterOffer.concede(card, Quote.rates({ rates }), { floor: least, mostAtoms })
  return { ...rates, executionNanoPerStdUs: String(given.executionNanoPerStdUs) }
}

/** The datanet that a node's offers answer from: the first that is named by what is no skill. */
export function datanet(offers: readonly Offer[]): string {
  const named = offers.find(({ card }) => card.kind !== 'skill') ?? offers[0]
  if (named === undefined) throw new InputError('expected at least one offer, got none')
  return named.card.datanet
}

/** Names of what is sold, for a person who asked for something else; the first few of many. */
export function names(offers: ReadonlyMap<string, Sold>): string {
  const all = [...offers.keys()]
  return `${all.slice(0, 5).join(' or ')}${all.length > 5 ? ' or another' : ''}`
}

const does = {
  extractive: 'answers with whole passages of registered documents, quoted word for word',
  generative: 'generates an answer',
  skill: 'answers a text with a text',
}

/** What an offer is good for: its own words, or what its kind does. */
export function description({
  card,
  description: own,
}: Pick<Sold, 'card' | 'description'>): string {
  return own ?? does[card.kind]
}
