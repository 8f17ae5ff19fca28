/**
 * @module The nearest right sentence: what one most likely meant. A wrong sentence is mended where reading
 * stops, by a word that would have gone on there, put in or put in place, up to three times; of what then
 * reads, the one closest to the original in edits is named. Where none reads, an example of the form.
 */
import type * as Asset from '../kernel/Asset.ts'
import * as Rule from './Rule.ts'
import * as Sentence from './Sentence.ts'

const longestText = 120
const mostRepairs = 3
const mostTries = 150
/** A word this close to one that would go on is that word, misspelt. */
const likelyEdits = 2

/** A right sentence near to a wrong one. */
export function sentence(wrong: string, asset: Asset.Asset): string {
  const text = wrong.slice(0, longestText)
  const mended = text === wrong ? mend(text, asset) : []
  return closest(text, mended.length > 0 ? mended : Rule.examples(asset.symbol))
}

/** The word with the fewest edits to another. */
export function closest(text: string, words: readonly string[]): string {
  return byDistance(text, words)[0]!
}

function mend(text: string, asset: Asset.Asset): readonly string[] {
  let frontier: readonly string[] = [text]
  let tries = 0
  for (let repairs = 0; repairs <= mostRepairs; repairs++) {
    const right: string[] = []
    const next = new Set<string>()
    for (const candidate of frontier) {
      if (++tries > mostTries) return right
      const read = attempt(candidate, asset)
      if (typeof read === 'string') right.push(read)
      else for (const repaired of repair(candidate, read)) next.add(repaired)
    }
    if (right.length > 0) return right
    frontier = byDistance(text, [...next])
  }
  return []
}

function attempt(text: string, asset: Asset.Asset): string | Sentence.Mistake {
  try {
    return Rule.format(Rule.parse(text, asset), asset)
  } catch (error) {
    if (error instanceof Sentence.Mistake) return error
    throw error
  }
}

function repair(text: string, { offset, length, candidates }: Sentence.Mistake): string[] {
  const [before, after] = [text.slice(0, offset), text.slice(offset + length)]
  const wrong = text.slice(offset, offset + length)
  const misspelt = candidates.filter((word) => distance(wrong, word) <= likelyEdits)
  if (misspelt.length > 0 && length > likelyEdits)
    return misspelt.map((word) => `${before}${word}${after}`)
  // Nothing says which form was meant, and to guess one could widen what is allowed.
  if (offset === 0) return []
  return candidates.flatMap((word) => [
    `${before}${before.endsWith(' ') || before === '' ? '' : ' '}${word}${after}`,
    ...(length === 0 ? [] : [`${before}${word} ${text.slice(offset)}`]),
  ])
}

function byDistance(text: string, words: readonly string[]): readonly string[] {
  const ranked = words.map((word) => ({ word, edits: distance(text, word) }))
  return ranked.sort((left, right) => left.edits - right.edits).map(({ word }) => word)
}

/** Levenshtein's edit distance, by UTF-16 units. */
export function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let i = 0; i < left.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < right.length; j++) {
      const kept = row[j]! + (left[i] === right[j] ? 0 : 1)
      next.push(Math.min(kept, row[j + 1]! + 1, next[j]! + 1))
    }
    row = next
  }
  return row[right.length]!
}
