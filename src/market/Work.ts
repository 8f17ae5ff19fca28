/**
 * @module Standard work: what an inference costs on a named reference device, recomputable from the model
 * card and the tokens. Measured device time is evidence beside it, never the billing basis.
 */

/** Tokens of one inference, counted by the card's tokeniser. */
export type Tokens = { readonly in: number; readonly cached: number; readonly out: number }

/** Standard GPU-microseconds a token, from a model card. */
export type Coefficients = {
  readonly stdUsPerTokenIn: number
  readonly stdUsPerTokenCached: number
  readonly stdUsPerTokenOut: number
}

/** g = a·tokensIn + a′·tokensCached + b·tokensOut in stdUs (10⁶ = one standard GPU-second). */
export function stdUs(card: Coefficients, tokens: Tokens): bigint {
  return (
    BigInt(card.stdUsPerTokenIn) * BigInt(tokens.in) +
    BigInt(card.stdUsPerTokenCached) * BigInt(tokens.cached) +
    BigInt(card.stdUsPerTokenOut) * BigInt(tokens.out)
  )
}
