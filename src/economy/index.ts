/** @module The economy: all that can happen, and the one fold that says what follows from it. */

export * as Audit from './Audit.ts'
export * as Earnings from './Earnings.ts'
export * as Economy from './Economy.ts'
export * as Event from './Event.ts'
export * as Lineage from './Lineage.ts'
export * as Payouts from './Payouts.ts'
export * as Prepaid from './Prepaid.ts'
export * as Purchases from './Purchases.ts'
export * as PurchaseTerms from './PurchaseTerms.ts'
export * as Runs from './Runs.ts'
export * as Sales from './Sales.ts'
export * as Snapshot from './Snapshot.ts'
