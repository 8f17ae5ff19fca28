/**
 * @module Attacks with texts that are nobody's: past outputs registered as data, boilerplate, phrases that
 * everybody uses, random items that lie about in the hope of a match.
 */
import * as Outputs from '../../src/attribution/spans/Outputs.ts'
import * as PriorityCover from '../../src/attribution/spans/PriorityCover.ts'
import * as Segment from '../../src/attribution/spans/Segment.ts'
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'
import * as Window from '../../src/attribution/spans/Window.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Attack from './Attack.ts'
import { coversOf } from './Copies.ts'
import * as Corpus from './Corpus.ts'
import * as Naive from './Naive.ts'

const unit = '% of credit to the attacker'
const salt = Hash.text('salt of the node')

/** Covers of answers, and those without the defence. */
export type Covers = {
  readonly covers: readonly PriorityCover.Cover[]
  readonly undefended: readonly PriorityCover.Cover[]
}

/** Yesterday's answers registered as documents; the same questions are asked again. */
export function outputs(): Attack.Measure & Covers {
  const { texts, answers } = Corpus.load()
  const registered = Corpus.register(texts)
  const answeredAtMs = registered.length
  const memory = Outputs.from(
    answers.map((text) => ({ salt, windows: Outputs.windows(text, salt), answeredAtMs })),
  )
  const bought = answers.map((text) => ({ owner: 'eve', text }))
  const documents = [...registered, ...stolen(bought, registered.length, answeredAtMs + 1)]
  const segment = Segment.build(documents)
  const index = { segments: [segment], outputs: memory }
  const again = answers.map((answer) => `As was asked before:\n\n${answer}`)
  const covers = again.map((answer) => PriorityCover.cover(answer, index))
  return {
    attack: 'past outputs as data',
    unit,
    ours: shareOf(covers, documents),
    bound: 0,
    naive: {
      rule: 'longest match',
      gain: Attack.mean(
        again.map((answer) => Naive.of(Naive.longestMatch(answer, segment), Corpus.isEve)),
      ),
    },
    ...{ covers, undefended: coversOf(again, segment) },
  }
}

/** A seller ends every answer with a licence that it registered as its own data. */
export function boilerplate(): Attack.Measure & Covers {
  const { texts, licences, answers } = Corpus.load()
  const [footer] = licences
  const registered = [{ owner: 'eve', text: footer!.text }, ...texts]
  const documents = Corpus.register(registered)
  const padded = answers.map((answer) => `${answer}\n\n${footer!.text}`)
  const defended = Segment.build([...documents, ...genesisAfter(documents.length)])
  const plain = coversOf(answers, defended)
  const covers = coversOf(padded, defended)
  const undefended = coversOf(padded, Segment.build(documents))
  const honest = coversOf(answers, Segment.build(documents))
  return {
    attack: 'boilerplate footer',
    unit: 'points by which S rises, at most',
    ours: rise(covers, plain),
    bound: 0,
    naive: { rule: 'no commons', gain: rise(undefended, honest) },
    ...{ covers, undefended },
  }
}

/**
 * The commonest phrases of all text there is, registered before everybody else. What passes the threshold
 * are links that many pages share; it is the one gain here that is not nothing.
 */
export function landGrab(): Attack.Measure & Covers & { readonly phrases: number } {
  const { texts, answers } = Corpus.load()
  const phrases = phrasebook()
  const documents = Corpus.register([...phrases, ...texts])
  const segment = Segment.build([...documents, ...genesisAfter(documents.length)])
  const bare = Segment.build(documents)
  const covers = coversOf(answers, segment)
  const none = { w: Window.standard.w, tauMilliBits: 1 }
  const undefended = answers.map((answer) =>
    PriorityCover.cover(answer, { segments: [bare] }, none),
  )
  const naive = shareOf(undefended, documents)
  return {
    attack: 'phrases, first of all',
    unit,
    ours: shareOf(covers, documents),
    // What it comes to depends on the corpus, from 4 % to 21 % in twelve draws; this held in all of them.
    bound: naive / 1.5,
    naive: { rule: 'any eight words', gain: naive },
    ...{ covers, undefended, phrases: phrases.length },
  }
}

/** The same after the first import: what two of its owners share is nobody's already. */
export function lateGrab(): Attack.Measure & Covers & { readonly phrases: number } {
  const { texts, answers } = Corpus.load()
  const phrases = phrasebook()
  const together = Corpus.register(texts).map((document) => {
    return { ...document, batch: 0, committedAtMs: 0 }
  })
  const documents = Corpus.after(together, phrases)
  const segment = Segment.build(documents)
  const covers = coversOf(answers, segment)
  return {
    attack: 'phrases, after others',
    unit,
    ours: shareOf(covers, documents),
    bound: 0.5,
    naive: {
      rule: 'equal split',
      gain: Attack.mean(
        answers.map((answer) => Naive.of(Naive.equalSplit(answer, segment), Corpus.isEve)),
      ),
    },
    ...{ covers, undefended: [], phrases: phrases.length },
  }
}

/** A thousand items of random words, registered early, in the hope of being near to something. */
export function squatting(): Attack.Measure & Covers {
  const { texts, strangers, answers } = Corpus.load()
  const draw = Corpus.random(17)
  const words = strangers.flatMap(({ text }) => Tokenizer.tokenize(text).map((token) => token.text))
  const items = Array.from({ length: 1_000 }, (_, index) => ({
    owner: `eve:${index}`,
    text: Array.from({ length: 60 }, () => words[draw(words.length)]).join(' '),
  }))
  const documents = Corpus.register([...items, ...texts])
  const segment = Segment.build(documents)
  const covers = coversOf(answers, segment)
  const few = answers.slice(0, 5)
  return {
    attack: 'squatting ×1000',
    unit,
    ours: shareOf(covers, documents),
    bound: 0,
    naive: {
      rule: 'similarity, normalised',
      gain: Attack.mean(
        few.map((answer) => Naive.of(Naive.similarity(answer, segment), Corpus.isEve)),
      ),
    },
    ...{ covers, undefended: [] },
  }
}

function stolen(texts: readonly Corpus.Text[], seq: number, atMs: number): Segment.Document[] {
  return texts.map(({ owner, text }, index) => {
    return { seq: seq + index, batch: atMs, committedAtMs: atMs, owner, text }
  })
}

function rise(
  padded: readonly PriorityCover.Cover[],
  plain: readonly PriorityCover.Cover[],
): number {
  return Math.max(
    ...padded.map(
      ({ coveragePpb }, index) => Number(coveragePpb - plain[index]!.coveragePpb) / 1e7,
    ),
  )
}

function shareOf(
  covers: readonly PriorityCover.Cover[],
  documents: readonly Segment.Document[],
): number {
  return Attack.mean(covers.map((cover) => Corpus.share(cover, documents, Corpus.isEve)))
}

let publicPhrases: readonly string[] | undefined
let grabbed: readonly string[] | undefined

/** Genesis commons: licences, and phrases that strangers' pages share. */
function genesisAfter(seq: number): Segment.Document[] {
  const { strangers, licences } = Corpus.load()
  publicPhrases ??= commonest(strangers, 4_000)
  const texts = [...licences.map(({ text }) => text), ...publicPhrases]
  return texts.map((text, index) => ({
    ...{ seq: seq + index, batch: 0, committedAtMs: 0, owner: 'commons', text },
    commons: true,
  }))
}

/** What an attacker would grab. */
function phrasebook(): Corpus.Text[] {
  const { texts, strangers } = Corpus.load()
  grabbed ??= commonest([...texts, ...strangers], 4_000)
  return grabbed.map((text) => ({ owner: 'eve', text }))
}

/** Phrases of eight words that most texts have in common. */
function commonest(texts: readonly Corpus.Text[], count: number): string[] {
  const { w } = Window.standard
  const counts = new Map<string, number>()
  for (const { text } of texts) {
    const words = Tokenizer.tokenize(text).map((token) => token.text)
    const own = new Set<string>()
    for (let at = 0; at + w <= words.length; at++) own.add(words.slice(at, at + w).join(' '))
    for (const phrase of own) counts.set(phrase, (counts.get(phrase) ?? 0) + 1)
  }
  return [...counts]
    .filter(([, holders]) => holders > 1)
    .sort(([left, many], [right, more]) => more - many || (left < right ? -1 : 1))
    .slice(0, count)
    .map(([phrase]) => phrase)
}
