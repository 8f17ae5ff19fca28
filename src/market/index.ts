/** @module The market: standard work, its price by parts, signed quotes and receipts. */

export * as Card from './Card.schema.ts'
export * as Equivocation from './Equivocation.ts'
export * as Price from './Price.ts'
export * as PriceIndex from './PriceIndex.ts'
export * as Quote from './Quote.ts'
export * as Receipt from './Receipt.ts'
export * as Work from './Work.ts'
