/** @module Models: what every engine offers, and the extractive reader. */

export * as Engine from './Engine.ts'
export * as Reader from './Reader.ts'
