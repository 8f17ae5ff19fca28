/**
 * @module Provenance: linked records, the log they form, proofs of what stands in it, and the signed
 * checkpoints by which others hold it to what it said.
 */

export * as Checkpoint from './Checkpoint.ts'
export * as Frontier from './Frontier.ts'
export * as Ids from './Ids.ts'
export * as Log from './Log.ts'
export * as Note from './Note.ts'
export * as Proof from './Proof.ts'
export * as Record from './Record.ts'
export * as Witness from './Witness.ts'
