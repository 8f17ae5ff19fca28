/**
 * @module Runs: what a receipt shows. Credited tokens are cut, from the left, into the longest stretches
 * that one document holds in one piece, so that each claim is checked with one window of text.
 */
import type { Claim, Winner } from './Claim.ts'
import * as Segment from './Segment.ts'
import type * as Tokenizer from './Tokenizer.ts'

/** A maximal credited stretch: `start`, `end` in the answer, `offset` in the document, all UTF-16. */
export type Run = {
  readonly start: number
  readonly end: number
  readonly docSeq: number
  readonly offset: number
}

/** Found, and nobody's: genesis or contested commons (`docSeq` holds it too), or said here before. */
export type Unpaid = {
  readonly start: number
  readonly end: number
  readonly kind: 'commons' | 'output'
  readonly docSeq?: number
}

/** What a cover found, by token of the answer. */
export type Findings = {
  readonly tokens: Tokenizer.Columns
  readonly segments: readonly Segment.Segment[]
  /** Per segment. */
  readonly ids: readonly Int32Array[]
  readonly ends: Int32Array
  readonly claims: readonly (Claim | undefined)[]
  readonly winners: readonly Winner[]
}

/** A piece of a document: its first position in its segment, and how many tokens. */
type Piece = { readonly position: number; readonly size: number; readonly segment: number }

/** The credited runs, in order. */
export function cut(findings: Findings): Run[] {
  const { tokens, winners, segments } = findings
  const runs: Run[] = []
  for (let from = 0; from < winners.length; ) {
    const docSeq = seqOf(winners[from])
    let to = from + 1
    while (to < winners.length && seqOf(winners[to]) === docSeq) to++
    if (docSeq === undefined) from = to
    while (from < to) {
      const { position, size, segment } = longest(findings, docSeq!, from, to)
      runs.push({
        start: tokens.starts[from]!,
        end: tokens.ends[from + size - 1]!,
        docSeq: docSeq!,
        offset: Segment.offset(segments[segment]!, position),
      })
      from += size
    }
  }
  return runs
}

/** Stretches that were found and earn nothing, in order. */
export function unpaid(tokens: Tokenizer.Columns, winners: readonly Winner[]): Unpaid[] {
  const stretches: Unpaid[] = []
  for (let from = 0; from < winners.length; ) {
    const winner = winners[from]
    let to = from + 1
    while (to < winners.length && isSame(winner, winners[to])) to++
    const place = { start: tokens.starts[from]!, end: tokens.ends[to - 1]! }
    if (winner?.kind === 'output') stretches.push({ ...place, kind: 'output' })
    else if (winner?.kind === 'commons')
      stretches.push({ ...place, kind: 'commons', docSeq: winner.document.seq })
    from = to
  }
  return stretches
}

/**
 * The longest piece of the document that the answer's tokens from `from` on equal. Where a window of the
 * document starts there, over all its occurrences, the earliest of the longest; in the tail of a window,
 * over the earliest occurrences of the document's windows that cover it.
 */
function longest(findings: Findings, docSeq: number, from: number, to: number): Piece {
  const { ends, claims, ids, segments } = findings
  const here = claims[from]
  if (here?.document.seq === docSeq && !here.contested) return extend(findings, here, from, to)
  let best: Piece | undefined
  for (let start = from - 1; start >= 0; start--) {
    // Near the end of an answer no window starts; further back, none that began earlier reaches here.
    if (ends[start] === 0) continue
    if (ends[start]! <= from) break
    const claim = claims[start]
    if (claim?.document.seq !== docSeq || claim.contested) continue
    const position = claim.position + from - start
    const size = common(segments[claim.segment]!, ids[claim.segment]!, position, from, to)
    if (best === undefined || size > best.size) best = { position, size, segment: claim.segment }
  }
  return best!
}

function extend(findings: Findings, claim: Claim, from: number, to: number): Piece {
  const segment = findings.segments[claim.segment]!
  const ids = findings.ids[claim.segment]!
  let interval = Segment.find(segment, ids, from, Math.min(to, findings.ends[from]!))!
  let { position } = claim
  for (;;) {
    const size = common(segment, ids, position, from, to)
    const piece = { position, size, segment: claim.segment }
    if (from + size === to) return piece
    const window = { start: from, known: 1, end: from + size + 1 }
    const longer = Segment.narrow(segment, ids, interval, window)
    if (longer === undefined) return piece
    const next = Segment.holder(segment, longer)
    if (next.document.seq !== claim.document.seq) return piece
    interval = longer
    position = next.position
  }
}

/** How many of the answer's tokens `[from, to)` the document holds from `position` on. */
function common(
  segment: Segment.Segment,
  ids: Int32Array,
  position: number,
  from: number,
  to: number,
): number {
  let size = 0
  while (from + size < to && segment.tokens[position + size] === ids[from + size]) size++
  return size
}

function seqOf(winner: Winner): number | undefined {
  return winner?.kind === 'document' ? winner.document.seq : undefined
}

function isSame(left: Winner, right: Winner): boolean {
  if (left?.kind !== right?.kind) return false
  return left?.kind !== 'commons' || left.document.seq === (right as typeof left).document.seq
}
