/**
 * @module Standard work: what an inference costs on a named reference device, recomputable from the model
 * card and the tokens. Measured device time is evidence beside it, never the billing basis.
 */

/** Tokens of one inference, counted by the card's tokeniser. */
export type Tokens = { readonly in: number; readonly cached: number; readonly out: number }

/** Standard GPU-microseconds a token and a call, from a model card. */
export type Coefficients = {
  /** None if absent. */
  readonly stdUsPerCall?: number | undefined
  readonly stdUsPerTokenIn: number
  readonly stdUsPerTokenCached: number
  readonly stdUsPerTokenOut: number
}

/** g = g₀ + a·tokensIn + a′·tokensCached + b·tokensOut in stdUs (10⁶ = one standard GPU-second). */
export function stdUs(card: Coefficients, tokens: Tokens): bigint {
  return (
    BigInt(card.stdUsPerCall ?? 0) +
    BigInt(card.stdUsPerTokenIn) * BigInt(tokens.in) +
    BigInt(card.stdUsPerTokenCached) * BigInt(tokens.cached) +
    BigInt(card.stdUsPerTokenOut) * BigInt(tokens.out)
  )
}
