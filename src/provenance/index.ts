/** @module Provenance: linked records, the log they form, and proofs that a record stands in it. */

export * as Log from './Log.ts'
export * as Proof from './Proof.ts'
export * as Record from './Record.ts'
