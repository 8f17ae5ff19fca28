/** @module The seller's side: a node that quotes, answers for payment, settles and pays royalties out. */

export * as App from './App.ts'
export * as Artifacts from './Artifacts.ts'
export * as Http from './Http.ts'
export * as Node from './Node.ts'
export * as Offer from './Offer.ts'
export * as Registry from './Registry.ts'
export * as Settlement from './Settlement.ts'
export * as Skill from './Skill.ts'
