/**
 * @module Ranking: which documents, and which of their passages, a question asks for. BM25 (Robertson &
 * Zaragoza 2009) over documents and over passages, raised where the question names a package.
 */
import * as Index from './Index.ts'
import * as Terms from './Terms.ts'

/** A document and how well it fits; scores compare within one question only. */
export type Ranked = {
  readonly document: Index.Entry
  readonly score: number
  /** Share of the question's rarity found in the document, 0 to 1. */
  readonly found: number
  /** Whether the question names its package. */
  readonly named: boolean
}

/** A passage of one document and how well it fits. */
export type RankedPassage = {
  readonly passage: Index.Passage
  /** Its place in the index. */
  readonly place: number
  readonly score: number
}

/** A question in terms. */
export type Question = {
  /** Lower-case words in order. */
  readonly words: readonly string[]
  /** Distinct terms that can find something. */
  readonly terms: readonly string[]
  /** It asks how something is done: code answers it best. */
  readonly asksHow: boolean
  /** It asks for this very project. */
  readonly asksHome: boolean
}

const longestQuestion = 4_000
const mostTerms = 48

/** Reads a question; of a very long one the beginning. */
export function question(text: string): Question {
  const asked = text.slice(0, longestQuestion)
  const words = Terms.words(asked)
  const home =
    /\b(?:this|the current|your own) (?:project|repo|repository|framework|codebase|package|library)\b/i
  return {
    words,
    terms: [...new Set(Terms.of(withoutKind(asked)))].slice(0, mostTerms),
    asksHow: /\b(?:how|show|example|snippet|code)\b/i.test(asked),
    asksHome: home.test(asked),
  }
}

/** “Which of my dependencies …”: the kind of thing asked for finds nothing. */
function withoutKind(text: string): string {
  const kind = '(?:dependenc(?:y|ies)|packages?|librar(?:y|ies)|modules?|tools?|repositor(?:y|ies))'
  return text
    .replace(
      new RegExp(
        `\\b(?:which|what|is there an?|any|a|one)\\s(?:one\\s)?(?:of\\s)?(?:(?:my|the|our|these|your)\\s)?(?:installed\\s)?(?:npm\\s)?${kind}\\b`,
        'gi',
      ),
      ' ',
    )
    .replace(
      /\b(?:this|the current|your own) (?:project|repo|repository|framework|codebase|package|library)\b/gi,
      ' ',
    )
}

const saturation = 1.2
const documentLengthWeight = 0.4
const passageLengthWeight = 0.6
const nameWeight = 3

/** The documents of the index, best first; those without any sign of the question left out. */
export function documents(index: Index.Index, asked: Question): Ranked[] {
  const names = named(index, asked)
  const rarest = Index.rarity(index, '')
  const whole = asked.terms.reduce((sum, term) => sum + Index.rarity(index, term), 0)
  const scores = new Float64Array(index.documents.length)
  const found = new Float64Array(index.documents.length)
  for (const term of asked.terms) {
    const weight = Index.rarity(index, term)
    const postings = index.inDocuments.get(term) ?? []
    for (let at = 0; at < postings.length; at += 2) {
      const place = postings[at]!
      const { length } = index.documents[place]!
      const relative = length / index.averageDocumentLength
      scores[place]! += weight * saturate(postings[at + 1]!, relative, documentLengthWeight)
      found[place]! += weight
    }
  }
  const best = bestPassages(index, asked.terms)
  const ranked: Ranked[] = []
  for (const [place, document] of index.documents.entries()) {
    const name = names.get(document.package) ?? 0
    const score = (scores[place]! + best[place]! + nameWeight * name) * document.prior
    if (score > 0)
      ranked.push({
        document,
        score,
        found: whole === 0 ? 0 : found[place]! / whole,
        named: name >= clearlyNamed * rarest,
      })
  }
  return ranked.sort((a, b) => b.score - a.score || a.document.seq - b.document.seq)
}

/** For every document the best score of one of its passages. */
function bestPassages(index: Index.Index, terms: readonly string[]): Float64Array {
  const scores = new Float64Array(index.passages.length)
  for (const term of terms) {
    const weight = Index.rarity(index, term)
    const postings = index.inPassages.get(term) ?? []
    for (let at = 0; at < postings.length; at += 2) {
      const place = postings[at]!
      const relative = index.passages[place]!.length / index.averagePassageLength
      scores[place]! += weight * saturate(postings[at + 1]!, relative, passageLengthWeight)
    }
  }
  const best = new Float64Array(index.documents.length)
  for (const [place, { document, hasBody }] of index.passages.entries())
    if (hasBody && scores[place]! > best[document]!) best[document] = scores[place]!
  return best
}

const codeFit = 1.3
const asideFit = 0.3
const asides =
  /^(?:related|see also|contribut|licen[sc]e|sponsor|backers|credits|authors?|thanks|acknowledge|changelog|table of contents|security$|support|donat|community|alternatives)/i

/** Under a heading that is about the project rather than its use. */
export function isAside(passage: Index.Passage): boolean {
  const innermost = passage.headings.at(-1)?.replace(/^[^\p{L}]+/u, '') ?? ''
  return asides.test(innermost)
}

/** The passages of one document for a question, best first; those with no term of it left out. */
export function passages(
  index: Index.Index,
  asked: Question,
  document: Index.Entry,
): RankedPassage[] {
  const { firstPassage, lastPassage } = document
  const scores = new Float64Array(lastPassage - firstPassage)
  const own = new Set(Terms.of(document.package))
  for (const term of asked.terms) {
    if (own.has(term)) continue
    const postings = index.inPassages.get(term) ?? []
    const from = lowerBound(postings, firstPassage)
    const to = lowerBound(postings, lastPassage)
    if (from === to) continue
    // A word that every passage here has tells them apart no more, however rare it is elsewhere.
    const having = (to - from) / 2
    const local = Math.log(1 + (scores.length - having + 0.5) / (having + 0.5))
    const weight = Math.min(local, 3) * Index.rarity(index, term)
    for (let at = from; at < to; at += 2) {
      const place = postings[at]!
      const relative = index.passages[place]!.length / index.averagePassageLength
      scores[place - firstPassage]! +=
        weight * saturate(postings[at + 1]!, relative, passageLengthWeight)
    }
  }
  const ranked: RankedPassage[] = []
  for (const [offset, score] of scores.entries()) {
    const place = firstPassage + offset
    const passage = index.passages[place]!
    if (score <= 0 || !passage.hasBody) continue
    const fit = (asked.asksHow && passage.hasCode ? codeFit : 1) * (isAside(passage) ? asideFit : 1)
    ranked.push({ passage, place, score: score * fit })
  }
  return ranked.sort((a, b) => b.score - a.score || a.place - b.place)
}

function saturate(count: number, relativeLength: number, lengthWeight: number): number {
  return (
    (count * (saturation + 1)) /
    (count + saturation * (1 - lengthWeight + lengthWeight * relativeLength))
  )
}

/** Entries are in order of place. */
function lowerBound(postings: Index.Postings, place: number): number {
  let [low, high] = [0, postings.length / 2]
  while (low < high) {
    const middle = (low + high) >> 1
    if (postings[2 * middle]! < place) low = middle + 1
    else high = middle
  }
  return 2 * low
}

/** Share of the greatest rarity from which a name is meant, not just a word. */
const clearlyNamed = 0.35
const before = new Set('with using in via from of through use import is does about'.split(' '))
const after = new Set('package library module framework cli s app'.split(' '))

/**
 * How clearly the question names each package: the rarity of its name, more where the sentence speaks of
 * it as a thing (“with zod”, “the zod package”), less where only the scope is named.
 */
function named(index: Index.Index, asked: Question): Map<string, number> {
  const found = new Map<string, number>()
  const spoken = new Set(asked.words)
  for (const name of index.names) {
    const at = position(asked.words, name.base)
    const scoped = name.scope.length > 0 && name.scope.every((word) => spoken.has(word))
    if (at !== undefined) {
      const rare = Math.max(...name.base.map((word) => rarityOfName(index, word)))
      const asThing =
        before.has(asked.words[at - 1] ?? '') || after.has(asked.words[at + name.base.length] ?? '')
      const plain = name.scope.length === 0 || scoped ? 1 : 0.5
      const clear = plain * (asThing ? 1.4 : 0.8) + (scoped ? 0.6 : 0)
      const long = 0.3 * (name.base.length - 1)
      found.set(name.package, rare * (clear + long))
    } else if (scoped) {
      const rare = Math.max(...name.scope.map((word) => rarityOfName(index, word)))
      const part = name.base.filter((word) => spoken.has(word)).length / name.base.length
      found.set(name.package, rare * (0.35 + part))
    }
  }
  if (asked.asksHome) found.set(index.home, 8)
  return found
}

function rarityOfName(index: Index.Index, word: string): number {
  if (Terms.isStopWord(word)) return 0
  return Index.rarity(index, Terms.of(word)[0] ?? word)
}

/** Where `name` stands in `words`, in a row or written as one word. */
function position(words: readonly string[], name: readonly string[]): number | undefined {
  const joined = name.join('')
  for (let at = 0; at < words.length; at++) {
    if (words[at] === joined) return at
    if (name.length > 1 && name.every((word, offset) => words[at + offset] === word)) return at
  }
  return undefined
}
