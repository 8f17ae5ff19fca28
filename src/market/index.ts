/** @module The market: standard work, its price by parts, signed quotes and receipts. */

export * as Attestation from './Attestation.ts'
export * as Card from './Card.schema.ts'
export * as Choice from './Choice.ts'
export * as CounterOffer from './CounterOffer.ts'
export * as Equivocation from './Equivocation.ts'
export * as Listing from './Listing.ts'
export * as Price from './Price.ts'
export * as PriceIndex from './PriceIndex.ts'
export * as Quote from './Quote.ts'
export * as Receipt from './Receipt.ts'
export * as Reputation from './Reputation.ts'
export * as Work from './Work.ts'
