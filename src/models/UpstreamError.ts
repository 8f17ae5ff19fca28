/**
 * @module Failures of a model that is asked elsewhere: it was not there, said no, or said what is no answer.
 * Nothing an upstream wrote stands in them, for it may repeat the key it was given.
 */
import { BaseError, type Facts, type Retry } from '../kernel/Errors.ts'

/** What went wrong. */
export type Code =
  | 'upstream-unreachable'
  | 'upstream-refused'
  | 'upstream-busy'
  | 'upstream-failed'
  | 'upstream-malformed'
  | 'upstream-cut'
  | 'upstream-stalled'
  | 'upstream-too-large'
  | 'upstream-tool-call-malformed'

/** An upstream model gave no answer. */
export class UpstreamError extends BaseError {
  override name = 'UpstreamError'
  declare readonly code: Code
}

/** A failure with its hint; asking again costs the asker nothing, and is `safe` where it may help. */
export function upstreamError(code: Code, message: string, facts: Facts = {}): UpstreamError {
  const { hint, retry } = kinds[code]
  return new UpstreamError(message, { code, hint, retry, facts })
}

const kinds: Readonly<Record<Code, { readonly hint: string; readonly retry: Retry }>> = {
  'upstream-unreachable': { hint: 'start the model, or correct its address', retry: 'safe' },
  'upstream-refused': { hint: 'check its address, key and model', retry: 'never' },
  'upstream-busy': { hint: 'ask again later', retry: 'safe' },
  'upstream-failed': { hint: 'look at the log of the model', retry: 'safe' },
  'upstream-malformed': { hint: 'is this an OpenAI-compatible endpoint?', retry: 'safe' },
  'upstream-cut': { hint: 'look at the log of the model', retry: 'safe' },
  'upstream-stalled': { hint: 'allow it more time, or look at its load', retry: 'safe' },
  'upstream-too-large': { hint: 'allow it more bytes, or look at what it sends', retry: 'safe' },
  'upstream-tool-call-malformed': { hint: 'use a model that calls tools well', retry: 'safe' },
}
