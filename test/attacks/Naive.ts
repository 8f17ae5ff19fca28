/**
 * @module Naive attribution, to show what the attacks are worth without the defence: rules that one finds in
 * the literature and in first versions. All return percent of the credit by owner, normalised to 100.
 */
import * as Segment from '../../src/attribution/spans/Segment.ts'
import * as Surprisal from '../../src/attribution/spans/Surprisal.ts'
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'
import * as Window from '../../src/attribution/spans/Window.ts'

/** Percent by owner. */
export type Shares = ReadonlyMap<string, number>

/** A rule: whose an answer is, by the documents of one segment. */
export type Rule = (answer: string, segment: Segment.Segment) => Shares

/** Each token is shared equally by all documents that hold a window over it. */
export const equalSplit: Rule = (answer, segment) => {
  const { found, milliBits } = look(answer, segment)
  const holders = milliBits.map(() => new Set<Segment.Document>())
  for (const { start, end, at } of found)
    for (const { document } of at)
      for (let token = start; token < end; token++) holders[token]!.add(document)
  return divide(holders, milliBits)
}

/** Each token goes to whoever holds the longest match over it, shared among equals. */
export const longestMatch: Rule = (answer, segment) => {
  const { found, milliBits, ids } = look(answer, segment)
  const longest = milliBits.map(() => ({ size: 0, holders: new Set<Segment.Document>() }))
  for (const { start, end, at } of found)
    for (const { document, position } of at) {
      let size = end - start
      while (start + size < ids.length && segment.tokens[position + size] === ids[start + size])
        size++
      for (let token = start; token < start + size; token++) {
        const best = longest[token]!
        if (size > best.size) longest[token] = { size, holders: new Set([document]) }
        else if (size === best.size) best.holders.add(document)
      }
    }
  return divide(
    longest.map(({ holders }) => holders),
    milliBits,
  )
}

/** Each document of which a window is found has one vote. */
export const oneVote: Rule = (answer, segment) => {
  const { found } = look(answer, segment)
  const voters = new Set(found.flatMap(({ at }) => at.map(({ document }) => document)))
  return divide([voters], [1])
}

/** Each document by the cosine of its bag of words with the answer's, normalised to the whole. */
export const similarity: Rule = (answer, segment) => {
  const bag = (text: string) => new Set(Tokenizer.tokenize(text).map((token) => token.text))
  const own = bag(answer)
  const shares = new Map<string, number>()
  for (const { owner, text } of segment.documents) {
    const words = bag(text)
    let common = 0
    for (const word of own) if (words.has(word)) common++
    const cosine = common / Math.sqrt(Math.max(1, own.size * words.size))
    shares.set(owner, (shares.get(owner) ?? 0) + cosine)
  }
  return normalise(shares)
}

/** Percent of some owners. */
export function of(shares: Shares, isTheirs: (owner: string) => boolean): number {
  return [...shares]
    .filter(([owner]) => isTheirs(owner))
    .reduce((sum, [, percent]) => sum + percent, 0)
}

/** Every window of the answer with every place that holds it. */
function look(answer: string, segment: Segment.Segment) {
  const tokens = Tokenizer.all(answer)
  const milliBits = Surprisal.each(answer, tokens)
  const ids = Segment.encode(segment, answer, tokens)
  const ends = Window.ends(answer, tokens, Window.standard, milliBits)
  const found = [...ends].flatMap((end, start) => {
    const interval = end === 0 ? undefined : Segment.find(segment, ids, start, end)
    if (interval === undefined) return []
    const rows = [...segment.rows.subarray(interval.from, interval.to)]
    const at = rows.map((position) => ({ position, document: documentAt(segment, position) }))
    return [{ start, end, at }]
  })
  return { found, milliBits: [...milliBits], ids }
}

function documentAt({ starts, documents }: Segment.Segment, position: number): Segment.Document {
  let [low, high] = [0, documents.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (starts[middle]! <= position) low = middle
    else high = middle - 1
  }
  return documents[low]!
}

function divide(
  holders: readonly ReadonlySet<Segment.Document>[],
  weights: readonly number[],
): Shares {
  const shares = new Map<string, number>()
  for (const [token, set] of holders.entries())
    for (const { owner } of set)
      shares.set(owner, (shares.get(owner) ?? 0) + weights[token]! / set.size)
  return normalise(shares)
}

function normalise(shares: ReadonlyMap<string, number>): Shares {
  const whole = [...shares.values()].reduce((sum, value) => sum + value, 0)
  return new Map([...shares].map(([owner, value]) => [owner, (100 * value) / whole]))
}
