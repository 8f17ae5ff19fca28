/** @module Datanets: what people contribute, by commit and reveal, with a provable version. */

export * as Contribution from './Contribution.ts'
export * as Datanet from './Datanet.ts'
export * as Version from './Version.ts'
