/**
 * @module Windows: how many words in a row are enough to say whose they are. From each start the shortest
 * stretch of at least `w` tokens and at least τ bits of surprisal; where it ends depends on its own words
 * alone, so the same words are the same window in every text.
 */
import { assert } from '../../kernel/Assert.ts'
import * as Surprisal from './Surprisal.ts'
import type * as Tokenizer from './Tokenizer.ts'

/** `w` in tokens, τ in milli-bits. */
export type Options = { readonly w: number; readonly tauMilliBits: number }

/** Eight tokens and 64 bits: chance and idiom stay out. */
export const standard: Options = { w: 8, tauMilliBits: 64_000 }

/** Four tokens and 32 bits: shorter quotations count, and more accidents. */
export const sensitive: Options = { w: 4, tauMilliBits: 32_000 }

/** Whether options can be computed with: 1 ≤ w ≤ 256, 1 ≤ τ ≤ 4096 bits. */
export function isValid({ w, tauMilliBits }: Options): boolean {
  const [isTokens, isMilliBits] = [Number.isSafeInteger(w), Number.isSafeInteger(tauMilliBits)]
  return (
    isTokens && w >= 1 && w <= 256 && isMilliBits && tauMilliBits >= 1 && tauMilliBits <= 4_096_000
  )
}

/** Per token where its window ends (exclusive), 0 when the text ends first. */
export function ends(
  text: string,
  tokens: Tokenizer.Columns,
  options: Options,
  milliBits: Int32Array = Surprisal.each(text, tokens),
): Int32Array {
  assert(isValid(options), 'w from 1 to 256 and τ from 1 to 4 096 000 milli-bits')
  const { count } = tokens
  const ends = new Int32Array(count)
  let [end, sum] = [0, 0]
  for (let start = 0; start < count; start++) {
    while (end < count && (end - start < options.w || sum < options.tauMilliBits))
      sum += milliBits[end++]!
    if (end - start < options.w || sum < options.tauMilliBits) break
    ends[start] = end
    sum -= milliBits[start]!
  }
  return ends
}
