/** @module Requite's pure rooms behind one door; what has effects stands behind doors of its own. */

export * from './attribution/index.ts'
export * from './datanets/index.ts'
export * from './economy/index.ts'
export * from './kernel/index.ts'
export * from './market/index.ts'
export * from './policies/index.ts'
export * from './provenance/index.ts'
export * from './royalties/index.ts'
