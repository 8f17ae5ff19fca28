/** @module The spans bench's peers: what one writes in an afternoon, right and slow. */
import * as Segment from '../src/attribution/spans/Segment.ts'
import * as Surprisal from '../src/attribution/spans/Surprisal.ts'
import * as Tokenizer from '../src/attribution/spans/Tokenizer.ts'
import * as Window from '../src/attribution/spans/Window.ts'

/** A suffix array by comparing suffixes. */
export function sort(tokens: Int32Array): Int32Array {
  return Int32Array.from(tokens.keys()).sort((left, right) => {
    for (let at = 0; ; at++) {
      if (left + at === tokens.length || right + at === tokens.length) return right - left
      const difference = tokens[left + at]! - tokens[right + at]!
      if (difference !== 0) return difference
    }
  })
}

/** Milli-bits that each document won, found by looking for every window at every position. */
export function weights(answer: string, segment: Segment.Segment): Map<number, number> {
  const tokens = Tokenizer.all(answer)
  const milliBits = Surprisal.each(answer, tokens)
  const ends = Window.ends(answer, tokens, Window.standard, milliBits)
  const ids = Segment.encode(segment, answer, tokens)
  const holders = Array.from({ length: tokens.count }, () => new Set<Segment.Document>())
  for (const [start, end] of ends.entries())
    for (const document of holdersOf(segment, ids, start, end))
      for (let at = start; at < end; at++) holders[at]!.add(document)
  const won = new Map<number, number>()
  for (const [at, set] of holders.entries()) {
    const [first, ...others] = [...set].sort(Segment.order)
    if (first === undefined) continue
    const rivals = others.filter(({ batch }) => batch === first.batch)
    if (rivals.some(({ owner }) => owner !== first.owner)) continue
    won.set(first.seq, (won.get(first.seq) ?? 0) + milliBits[at]!)
  }
  return won
}

function holdersOf(segment: Segment.Segment, ids: Int32Array, start: number, end: number) {
  const { tokens, starts, documents } = segment
  const found = new Set<Segment.Document>()
  if (end === 0) return found
  let document = 0
  for (let position = 0; position < tokens.length; position++) {
    let size = 0
    while (start + size < end && tokens[position + size] === ids[start + size]) size++
    if (start + size < end) continue
    while (starts[document + 1]! <= position) document++
    found.add(documents[document]!)
  }
  return found
}
