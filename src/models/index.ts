/** @module Models: what every engine offers, and the extractive reader. */

export * as Chat from './Chat.ts'
export * as Engine from './Engine.ts'
export * as Reader from './Reader.ts'
export type * as Retriever from './Retriever.ts'
