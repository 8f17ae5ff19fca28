/** @module Royalties: who owns what earns, what each has earned exactly, and the epochs that state it. */

export * as Account from './Account.ts'
export * as Accrual from './Accrual.ts'
export * as Artifact from './Artifact.ts'
export * as Cascade from './Cascade.ts'
export * as Epoch from './Epoch.ts'
export * as SumTree from './SumTree.ts'
