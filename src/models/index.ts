/** @module Models: what every engine offers, and the reader, and models elsewhere. */

export * as AttributedEngine from './AttributedEngine.ts'
export * as Chat from './Chat.ts'
export * as ChatModelEngine from './ChatModelEngine.ts'
export * as Engine from './Engine.ts'
export * as HttpEngine from './HttpEngine.ts'
export * as Reader from './Reader.ts'
export type { Passage, Retriever } from './Retriever.ts'
export { UpstreamError } from './UpstreamError.ts'
