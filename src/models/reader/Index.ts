/**
 * @module The reader's index: which passage and which document has which term. Built once, in memory;
 * rarity is counted over packages, so that five copies of one document make no word common.
 */
import * as Markdown from './Markdown.ts'
import * as Terms from './Terms.ts'

/** A document to read. */
export type Document = {
  /** Its place in the datanet's order; citations name it. */
  readonly seq: number
  readonly path: string
  /** Account: `npm:<package>` for a package's documents. */
  readonly owner: string
  readonly text: string
}

/** A passage and the document it stands in. */
export type Passage = Markdown.Passage & { readonly document: number; readonly length: number }

/** A document with what is known of it. */
export type Entry = Document & {
  /** The package it documents; for documents of no package, the home. */
  readonly package: string
  /** What rarity is counted over: a package, or a document of no package. */
  readonly unit: string
  /** Its passages are `firstPassage` … `lastPassage - 1`. */
  readonly firstPassage: number
  readonly lastPassage: number
  /** Terms in it, weighted. */
  readonly length: number
  /** How likely this is the document meant among those of its package, up to 1. */
  readonly prior: number
}

/** Pairs of a place and how often the term stands there. */
export type Postings = number[]

/** A package's name in words. */
export type Name = {
  readonly package: string
  readonly scope: readonly string[]
  readonly base: readonly string[]
}

/** Everything a question is looked up in. */
export type Index = {
  /** Package that “this project” means. */
  readonly home: string
  readonly documents: readonly Entry[]
  readonly passages: readonly Passage[]
  readonly inPassages: ReadonlyMap<string, Postings>
  readonly inDocuments: ReadonlyMap<string, Postings>
  readonly units: number
  /** In how many units a term stands. */
  readonly unitsWith: ReadonlyMap<string, number>
  readonly names: readonly Name[]
  readonly averagePassageLength: number
  readonly averageDocumentLength: number
}

const leadWeight = 3
const headingWeight = 2

/** Builds the index of documents, in the order given; `home` is the package of those of no package. */
export function build(documents: readonly Document[], options: { home: string }): Index {
  const entries: Entry[] = []
  const passages: Passage[] = []
  const inPassages = new Map<string, Postings>()
  const inDocuments = new Map<string, Postings>()
  const termsOf = new Map<string, Set<string>>()
  for (const [place, document] of documents.entries()) {
    const firstPassage = passages.length
    const blocks = Markdown.blocks(document.text)
    const counts = new Map<string, number>()
    const installed = /^npm:(.+)$/.exec(document.owner)?.[1]
    const introduced = `${installed ?? ''} ${lead(document.text, blocks)}`
    for (const term of Terms.of(introduced)) bump(counts, term, leadWeight)
    for (const passage of Markdown.passages(document.text, blocks)) {
      const own = passageTerms(document.text, passage)
      for (const [term, count] of own.counts) {
        push(inPassages, term, passages.length, count)
        bump(counts, term, count)
      }
      passages.push({ ...passage, document: place, length: own.length })
    }
    let length = 0
    for (const [term, count] of counts) {
      push(inDocuments, term, place, count)
      length += count
    }
    const unit = document.owner.startsWith('npm:') ? document.owner : document.path
    let known = termsOf.get(unit)
    if (known === undefined) {
      known = new Set()
      termsOf.set(unit, known)
    }
    for (const term of counts.keys()) known.add(term)
    entries.push({
      ...document,
      package: installed ?? options.home,
      unit,
      firstPassage,
      lastPassage: passages.length,
      length,
      prior: prior(document.path),
    })
  }
  return {
    documents: entries,
    passages,
    home: options.home,
    inPassages,
    inDocuments,
    units: termsOf.size,
    unitsWith: frequencies(termsOf),
    names: [...new Set(entries.map((entry) => entry.package))].map(nameOf),
    averagePassageLength: average(passages),
    averageDocumentLength: average(entries),
  }
}

/** How much a term tells packages apart: ln(1 + (N − n + ½) / (n + ½)); most for one never seen. */
export function rarity(index: Index, term: string): number {
  const having = index.unitsWith.get(term) ?? 0
  return Math.log(1 + (index.units - having + 0.5) / (having + 0.5))
}

function passageTerms(text: string, passage: Markdown.Passage) {
  const counts = new Map<string, number>()
  const body = Terms.of(text.slice(passage.start, passage.end))
  for (const term of body) bump(counts, term, 1)
  // The innermost heading stands in the first passage's own text; all count for what follows it too.
  for (const term of Terms.of(passage.headings.slice(1).join(' ')))
    bump(counts, term, headingWeight)
  return { counts, length: body.length }
}

const leadWords = 60

/** How a document introduces itself beside its package's name: title and first sentences, HTML included, without its marks. */
function lead(text: string, blocks: readonly Markdown.Block[]): string {
  const words: string[] = []
  for (const { kind, start, end, depth } of blocks) {
    if (kind === 'code' || kind === 'list') continue
    if (words.length >= leadWords || (depth > 1 && words.length >= 8)) break
    const shown = Markdown.prose(text.slice(start, Math.min(end, start + 4000)))
    words.push(...shown.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)))
  }
  return words.slice(0, leadWords).join(' ')
}

/** A top-level README first; older copies, translations and policies of a project after it. */
function prior(path: string): number {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  let likely = 1
  if (/(?:^|\/)node_modules\//.test(path)) likely *= 0.8
  if (/^readme[._-](?!md|markdown|mdx|txt|rst)[a-z]{2}/.test(name)) likely *= 0.4
  else if (/^(?:security|contributing|code_of_conduct|governance|support)\b/.test(name))
    likely *= 0.6
  else if (!name.startsWith('readme')) likely *= 0.95
  return likely
}

function nameOf(name: string): Name {
  const slash = name.startsWith('@') ? name.indexOf('/') : -1
  return {
    package: name,
    scope: slash === -1 ? [] : Terms.words(name.slice(0, slash)),
    base: Terms.words(name.slice(slash + 1)),
  }
}

function frequencies(termsOf: ReadonlyMap<string, ReadonlySet<string>>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const terms of termsOf.values()) for (const term of terms) bump(counts, term, 1)
  return counts
}

function bump(counts: Map<string, number>, term: string, by: number): void {
  counts.set(term, (counts.get(term) ?? 0) + by)
}

function push(postings: Map<string, Postings>, term: string, place: number, count: number): void {
  const known = postings.get(term)
  if (known === undefined) postings.set(term, [place, count])
  else known.push(place, count)
}

function average(all: readonly { readonly length: number }[]): number {
  return all.reduce((sum, { length }) => sum + length, 0) / Math.max(all.length, 1) || 1
}
