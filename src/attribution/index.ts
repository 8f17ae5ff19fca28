/** @module Attribution: which registered data an answer rests on, and how anyone checks it. */

export * as Evidence from './spans/Evidence.ts'
export * as Outputs from './spans/Outputs.ts'
export * as PriorityCover from './spans/PriorityCover.ts'
export * as Segment from './spans/Segment.ts'
export * as Surprisal from './spans/Surprisal.ts'
export * as Tokenizer from './spans/Tokenizer.ts'
