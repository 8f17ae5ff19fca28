/**
 * @module Retrieval: the passages that a question is best answered from, for a model that writes answers of
 * its own. Wider than what a reader quotes: the best passage of each document that fits, then their second.
 */
import type { Passage } from '../Retriever.ts'
import type * as Index from './Index.ts'
import * as Quotation from './Quotation.ts'
import * as Ranking from './Ranking.ts'

/**
 * A document fits if it has more than this share of the question's rarity, or is named. Less than a reader
 * asks for: a model can leave out what does not answer.
 */
const leastFound = 0.3
/** And fits at least this well, compared with the best. */
const leastScore = 0.5

/** At most `most` passages, best first; none if nothing fits. */
export function retrieve(index: Index.Index, text: string, most: number): Passage[] {
  const asked = Ranking.question(text)
  const seen = new Set<string>()
  const ranked = Ranking.documents(index, asked).filter(({ document, named, found }) => {
    if (seen.has(document.unit) || !(named || found > leastFound)) return false
    seen.add(document.unit)
    return true
  })
  const best = ranked[0]?.score ?? 0
  const fitting = ranked
    .filter(({ score }) => score >= leastScore * best)
    .slice(0, most)
    .map(({ document }) => ({ document, good: Quotation.good(index, asked, document) }))
  const longest = Math.max(0, ...fitting.map(({ good }) => good.length))
  const passages: Passage[] = []
  for (let round = 0; round < longest; round++)
    for (const { document, good } of fitting) {
      const passage = good[round]?.passage
      if (passage === undefined) continue
      const { start, end } = passage
      const quoted = document.text.slice(start, end)
      passages.push({ docSeq: document.seq, path: document.path, offset: start, text: quoted })
    }
  return passages.slice(0, most)
}
