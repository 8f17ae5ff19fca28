/**
 * @module Real documents for the attacks: the READMEs and licences of the installed packages, and answers
 * stitched from passages of some of them with strangers' words between. The same for the same seed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as PriorityCover from '../../src/attribution/spans/PriorityCover.ts'
import type * as Segment from '../../src/attribution/spans/Segment.ts'
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'

/** A text and whose it is. */
export type Text = { readonly owner: string; readonly text: string }

/** Texts that are registered, some of them quoted by answers, and words of others for what lies between. */
export type Corpus = {
  readonly texts: readonly Text[]
  /** Quoted by the answers; a part of `texts`. */
  readonly victims: readonly Text[]
  /** Registered by nobody. */
  readonly strangers: readonly Text[]
  readonly licences: readonly Text[]
  readonly answers: readonly string[]
}

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
const [victimCount, answerCount, passagesPerAnswer] = [16, 40, 3]
let corpus: Corpus | undefined

/** Read once. Throws where too little is installed to measure anything. */
export function load(): Corpus {
  corpus ??= read()
  return corpus
}

/** Whole numbers below a bound, the same for the same seed (xorshift). */
export function random(seed: number): (below: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** So many words of a text in one piece. */
export function passage(text: string, words: number, draw: (below: number) => number): string {
  const tokens = Tokenizer.tokenize(text)
  const from = draw(Math.max(1, tokens.length - words))
  const to = Math.min(tokens.length, from + words) - 1
  return text.slice(tokens[from]!.start, tokens[to]!.end)
}

/** Documents in batches of one owner's text each, in the order given, from `first` on. */
export function register(
  texts: readonly Text[],
  first: { readonly seq: number; readonly batch: number } = { seq: 0, batch: 0 },
): Segment.Document[] {
  return texts.map(({ owner, text }, index) => {
    const batch = first.batch + index
    return { seq: first.seq + index, batch, committedAtMs: batch, owner, text }
  })
}

/** What was registered after documents, each text in a batch of its own. */
export function after(
  documents: readonly Segment.Document[],
  texts: readonly Text[],
): Segment.Document[] {
  const place = { seq: documents.length, batch: documents.length }
  return [...documents, ...register(texts, place)]
}

/** Percent of a cover's credit that goes to documents of some owners. */
export function share(
  { credits, coveragePpb }: PriorityCover.Cover,
  documents: readonly Segment.Document[],
  isTheirs: (owner: string) => boolean,
): number {
  if (coveragePpb === 0n) return 0
  const owners = new Map(documents.map(({ seq, owner }) => [seq, owner]))
  const ppb = credits
    .filter(({ docSeq }) => isTheirs(owners.get(docSeq)!))
    .reduce((sum, credit) => sum + credit.ppb, 0n)
  return Number((ppb * 1_000_000_000n) / coveragePpb) / 1e7
}

/** Attackers' names begin with `eve`. */
export function isEve(owner: string): boolean {
  return owner.startsWith('eve')
}

function read(): Corpus {
  const texts: Text[] = []
  const licences: Text[] = []
  const seen = new Set<string>()
  for (const name of packages()) {
    for (const [file, list] of [
      ['README.md', texts],
      ['LICENSE', licences],
    ] as const) {
      const path = join(modules, name, file)
      if (!existsSync(path)) continue
      const text = readFileSync(path, 'utf8')
      const size = file === 'LICENSE' ? 500 : 2_500
      if (seen.has(text) || text.length < size || text.length > 40_000) continue
      seen.add(text)
      list.push({ owner: `npm:${name}`, text })
    }
  }
  const strangers = texts.filter((_, index) => index % 4 === 3)
  const registered = texts.filter((_, index) => index % 4 !== 3)
  const step = Math.floor(registered.length / victimCount)
  if (step < 2 || licences.length < 10)
    throw new Error(`expected documents of installed packages, got ${texts.length}`)
  const victims = Array.from({ length: victimCount }, (_, index) => registered[index * step]!)
  const draw = random(7)
  const answers = Array.from({ length: answerCount }, () => {
    const pieces = Array.from({ length: passagesPerAnswer }, () => [
      passage(strangers[draw(strangers.length)]!.text, 25, draw),
      passage(victims[draw(victims.length)]!.text, 40 + draw(60), draw),
    ])
    return pieces.flat().join('\n\n')
  })
  return { texts: registered, victims, strangers, licences, answers }
}

function packages(): string[] {
  return readdirSync(modules)
    .sort()
    .flatMap((name) =>
      name.startsWith('@')
        ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`)
        : [name],
    )
}
