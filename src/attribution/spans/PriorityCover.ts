/**
 * @module Priority cover: whose words an answer is made of. A window belongs to the earliest batch that
 * holds it, and each token to the earliest of all windows that cover it. Within a batch everything is
 * simultaneous: when the windows of the earliest batch that cover a token are found under two or more
 * owners, the token is commons. So the order inside a batch decides nothing between owners, a copy
 * registered later earns nothing and moves nobody, and splitting documents or identities gains nothing.
 */
import { assert } from '../../kernel/Assert.ts'
import * as Money from '../../kernel/Money.ts'
import * as Share from '../../kernel/Share.ts'
import * as Claim from './Claim.ts'
import * as Outputs from './Outputs.ts'
import * as Runs from './Runs.ts'
import * as Segment from './Segment.ts'
import * as Surprisal from './Surprisal.ts'
import * as Tokenizer from './Tokenizer.ts'
import * as Window from './Window.ts'

export type { Run, Unpaid } from './Runs.ts'
export type { Options } from './Window.ts'
export { sensitive, standard } from './Window.ts'

/** What an answer is looked up in: any cut of the same documents into segments gives the same cover. */
export type Index = {
  readonly segments: readonly Segment.Segment[]
  readonly outputs?: Outputs.Outputs
}

/** Amounts in milli-bits of surprisal; lists by document ascend with `docSeq`. */
export type Cover = {
  readonly runs: readonly Runs.Run[]
  readonly unpaid: readonly Runs.Unpaid[]
  /** Surprisal and number of the tokens each document won. */
  readonly weights: readonly {
    readonly docSeq: number
    readonly milliBits: bigint
    readonly tokens: number
  }[]
  /** Weight ÷ total by largest remainder, the unattributed rest taking part and getting nothing. */
  readonly credits: readonly {
    readonly docSeq: number
    readonly ppb: Share.Share
    /** R: mean surprisal of the tokens the document won ÷ 24 bits, rounded down. */
    readonly rarityPpb: Share.Share
  }[]
  /** Σ credits. */
  readonly coveragePpb: Share.Share
  readonly coverageMilliBits: bigint
  readonly totalMilliBits: bigint
  readonly commonsMilliBits: bigint
  readonly outputMilliBits: bigint
  /** Number of tokens of the answer. */
  readonly tokens: number
}

/** Covers an answer. Deterministic: integers, no clock, no order of segments. */
export function cover(
  answer: string,
  index: Index,
  options: Window.Options = Window.standard,
): Cover {
  const tokens = Tokenizer.all(answer)
  const milliBits = Surprisal.each(answer, tokens)
  const ends = Window.ends(answer, tokens, options, milliBits)
  const ids = index.segments.map((segment) => Segment.encode(segment, answer, tokens))
  const claims = Array.from(ends, (end, start) =>
    end === 0 ? undefined : Claim.of(index.segments, ids, start, end),
  )
  const said =
    index.outputs === undefined || index.outputs.shelves.length === 0
      ? undefined
      : Outputs.firstSaidAtMs(index.outputs, answer, tokens, ends, options)
  const winners = Claim.settle(claims, ends, said)
  return {
    runs: Runs.cut({ tokens, segments: index.segments, ids, ends, claims, winners }),
    unpaid: Runs.unpaid(tokens, winners),
    ...weigh(milliBits, winners),
    tokens: tokens.count,
  }
}

function weigh(milliBits: Int32Array, winners: readonly Claim.Winner[]) {
  const sums = { document: 0, commons: 0, output: 0, nobody: 0 }
  const byDocument = new Map<number, { milliBits: number; tokens: number }>()
  for (const [at, winner] of winners.entries()) {
    sums[winner?.kind ?? 'nobody'] += milliBits[at]!
    if (winner?.kind !== 'document') continue
    const entry = byDocument.get(winner.document.seq) ?? { milliBits: 0, tokens: 0 }
    entry.milliBits += milliBits[at]!
    entry.tokens++
    byDocument.set(winner.document.seq, entry)
  }
  const total = sums.document + sums.commons + sums.output + sums.nobody
  assert(Number.isSafeInteger(total), 'a total surprisal within 2^53 milli-bits')
  const weights = [...byDocument]
    .sort(([left], [right]) => left - right)
    .map(([docSeq, { milliBits, tokens }]) => ({ docSeq, milliBits: BigInt(milliBits), tokens }))
  const rest = BigInt(total - sums.document)
  const parts =
    weights.length === 0
      ? []
      : Money.split(Share.whole, [...weights.map(({ milliBits }) => milliBits), rest])
  const credits = weights.map(({ docSeq, milliBits, tokens }, index) => ({
    docSeq,
    ppb: parts[index]!,
    rarityPpb: (milliBits * Share.whole) / BigInt(tokens * Surprisal.unknownMilliBits),
  }))
  return {
    weights,
    credits,
    coveragePpb: credits.reduce((sum, { ppb }) => sum + ppb, 0n),
    coverageMilliBits: BigInt(sums.document),
    totalMilliBits: BigInt(total),
    commonsMilliBits: BigInt(sums.commons),
    outputMilliBits: BigInt(sums.output),
  }
}
