/**
 * @module Claims: whose a window is over all segments, and whose a token is among the windows that cover
 * it. Both by one rule: the earliest batch, and of its owners all; two owners at once make it commons.
 */
import * as Segment from './Segment.ts'

/** Whose a window is over all segments; `segment` and `position` say where `document` holds it. */
export type Claim = Segment.Holder & { readonly segment: number }

/** Whose a token is. */
export type Winner =
  | { readonly kind: 'document' | 'commons'; readonly document: Segment.Document }
  | { readonly kind: 'output' }
  | undefined

/** Whose the window `[start, end)` is; `undefined` when no segment holds it. */
export function of(
  segments: readonly Segment.Segment[],
  ids: readonly Int32Array[],
  start: number,
  end: number,
): Claim | undefined {
  let best: Claim | undefined
  for (const [segment, part] of segments.entries()) {
    const interval = Segment.find(part, ids[segment]!, start, end)
    if (interval === undefined) continue
    const found = { ...Segment.holder(part, interval), segment }
    best = best === undefined ? found : meet(best, found)
  }
  return best
}

/** The earlier of two claims; of one batch, the union of their owners. */
function meet(left: Claim, right: Claim): Claim {
  const [earlier, later] =
    Segment.order(left.document, right.document) <= 0 ? [left, right] : [right, left]
  if (Segment.rank(earlier.document) !== Segment.rank(later.document)) return earlier
  const isShared = earlier.document.owner !== later.document.owner
  if (earlier.contested || !(later.contested || isShared)) return earlier
  return { ...earlier, contested: true }
}

/** Each token to the earliest window that covers it. */
export function settle(
  claims: readonly (Claim | undefined)[],
  ends: Int32Array,
  saidAtMs: Float64Array | undefined,
): Winner[] {
  const held = new Array<Claim | undefined>(claims.length).fill(undefined)
  const said = new Float64Array(claims.length).fill(Number.POSITIVE_INFINITY)
  for (const [start, claim] of claims.entries())
    for (let at = start; at < ends[start]!; at++) {
      if (claim !== undefined) {
        const other = held[at]
        held[at] = other === undefined || other === claim ? claim : meet(other, claim)
      }
      if (saidAtMs !== undefined) said[at] = Math.min(said[at]!, saidAtMs[start]!)
    }
  return held.map((claim, at) => {
    const document = claim?.document
    const isCommons = document?.commons === true
    const isEarlier = document !== undefined && (isCommons || document.committedAtMs <= said[at]!)
    if (isEarlier) return { kind: isCommons || claim!.contested ? 'commons' : 'document', document }
    return said[at]! < Number.POSITIVE_INFINITY ? { kind: 'output' } : undefined
  })
}
