/**
 * @module Quotations: which passages of which documents make an answer. One to three whole passages of
 * the document that fits best, and of a second one if it fits nearly as well.
 */
import type * as Index from './Index.ts'
import * as Ranking from './Ranking.ts'
import * as Terms from './Terms.ts'

/** A contiguous stretch of a document that is worth quoting. */
export type Quotation = {
  readonly document: Index.Entry
  readonly start: number
  readonly end: number
  /** 0 = the one to keep when there is room for one only. */
  readonly rank: number
}

/** How much is quoted. */
export type Options = {
  readonly countTokens: (text: string) => number
  readonly maxTokens: number
}

/** More than this share of the question’s rarity must be found: one of two words as rare is too little. */
const leastFound = 0.5
/** Where no package is named, a second document must fit almost as well, and hold almost all of it. */
const secondDocument = 0.85
const mostFound = 0.8
const secondPassage = 0.6
const fewTokens = 80
const enoughTokens = 400
const mostPassages = 3

/**
 * The stretches to quote: documents best first, within one document in its own order. None if nothing
 * fits. May exceed `maxTokens` only by its first stretch.
 */
export function choose(index: Index.Index, text: string, options: Options): Quotation[] {
  const asked = Ranking.question(text)
  const ranked = Ranking.documents(index, asked)
  const best = ranked[0]
  if (best === undefined || !(best.named || best.found > leastFound)) return []
  const second = ranked.find(
    ({ document, score, found, named }) =>
      document.unit !== best.document.unit &&
      (best.named
        ? named && score >= 0.5 * best.score
        : score >= secondDocument * best.score && found >= mostFound),
  )
  const budget = Math.min(options.maxTokens, enoughTokens)
  const count = (places: readonly number[]) =>
    places.reduce((sum, place) => {
      const { document, start, end } = index.passages[place]!
      return sum + options.countTokens(index.documents[document]!.text.slice(start, end))
    }, 0)
  const chosen: number[] = []
  const add = (place: number): void => {
    if (chosen.includes(place) || chosen.length >= mostPassages) return
    if (chosen.length > 0 && count([...chosen, place]) > budget) return
    chosen.push(place)
  }
  const fit = good(index, asked, best.document)
  const first = fit.find(({ place }) => count([place]) <= options.maxTokens) ?? fit[0]
  if (first !== undefined) add(first.place)
  if (second === undefined) for (const { place } of fit) add(place)
  if (second !== undefined) {
    const other = fitting(index, asked, second.document)[0]
    if (other !== undefined) add(other.place)
  }
  if (chosen.length === 1 && count(chosen) < fewTokens)
    for (const place of neighbours(index, chosen[0]!)) if (count(chosen) < fewTokens) add(place)
  return stretches(index, chosen)
}

/** The passages of a document that fit a question nearly as well as its best one, that one first. */
export function good(
  index: Index.Index,
  asked: Ranking.Question,
  document: Index.Entry,
): Ranking.RankedPassage[] {
  const all = fitting(index, asked, document)
  return all.filter(({ score }) => score >= secondPassage * all[0]!.score)
}

/** Passages of a document for a question; its introduction if none has a word of it. */
function fitting(
  index: Index.Index,
  asked: Ranking.Question,
  document: Index.Entry,
): Ranking.RankedPassage[] {
  const own = new Set(Terms.of(document.package))
  const onlyNamed = asked.terms.every((term) => own.has(term))
  const found = onlyNamed ? [] : Ranking.passages(index, asked, document)
  if (found.length > 0) return found
  const { firstPassage, lastPassage } = document
  const bodies: Ranking.RankedPassage[] = []
  for (let place = firstPassage; place < lastPassage; place++) {
    const passage = index.passages[place]!
    if (passage.hasBody) bodies.push({ passage, place, score: 1 })
  }
  const lead = bodies.find(({ passage }) => passage.words >= 8) ?? bodies[0]
  return lead === undefined ? [] : [lead]
}

/** Passages around a short one, those that follow it first. */
function neighbours(index: Index.Index, place: number): number[] {
  const { firstPassage, lastPassage } = index.documents[index.passages[place]!.document]!
  return [place + 1, place + 2, place - 1].filter(
    (other) =>
      other >= firstPassage &&
      other < lastPassage &&
      index.passages[other]!.hasBody &&
      !Ranking.isAside(index.passages[other]!),
  )
}

/** Passages as stretches: those that only white space parts are one. */
function stretches(index: Index.Index, chosen: readonly number[]): Quotation[] {
  const found: Quotation[] = []
  const order = [...new Set(chosen.map((place) => index.passages[place]!.document))]
  for (const document of order) {
    const entry = index.documents[document]!
    const places = chosen
      .filter((place) => index.passages[place]!.document === document)
      .sort((left, right) => left - right)
    for (const place of places) {
      const { start, end } = index.passages[place]!
      const rank = chosen.indexOf(place)
      const last = found.at(-1)
      if (last?.document === entry && entry.text.slice(last.end, start).trim() === '')
        found[found.length - 1] = { ...last, end, rank: Math.min(last.rank, rank) }
      else found.push({ document: entry, start, end, rank })
    }
  }
  return found
}
