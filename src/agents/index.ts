/** @module The buyer's side: purchases that pay once, and the buyer who makes them. */

export * as Buyer from './Buyer.ts'
export * as Purchase from './Purchase.ts'
export * as Runtime from './Runtime.ts'
