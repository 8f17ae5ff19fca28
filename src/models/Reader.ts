/**
 * @module The reader: extractive question answering over the documents of a datanet. It has no weights
 * and writes nothing: an answer is whole passages and code blocks, word for word, and a list of where
 * they stand. Which passages is decided by BM25, the same on every run.
 */
import { assert } from '../kernel/Assert.ts'
import { name } from '../kernel/Name.ts'
import * as Engine from './Engine.ts'
import type { Retriever } from './Retriever.ts'
import * as Index from './reader/Index.ts'
import * as Quotation from './reader/Quotation.ts'
import * as Ranking from './reader/Ranking.ts'
import * as Retrieval from './reader/Retrieval.ts'

/** A document to answer from. */
export type Document = Index.Document

/** What a reader is made of. */
export type Options = {
  readonly documents: readonly Document[]
  readonly card: Engine.ModelCard
  /** Counts in the card's tokeniser. */
  readonly countTokens: (text: string) => number
  /** Milliseconds that never go back, of which only differences are used; the process's own clock. */
  readonly elapsedMs?: () => number
  /** What it runs on; `cpu` unless given. */
  readonly device?: string
  /** The project that documents of no package belong to, which “this project” means. */
  readonly home?: string
}

/** A reader: an engine, its ranking for whoever wants to look, and its passages for other engines. */
export type Reader = Engine.Engine & {
  readonly retrieve: Retriever
  /** The packages (or documents of no package) that fit a question, best first. */
  rank(question: string): { readonly package: string; readonly path: string }[]
}

/** What a reader says when nothing fits: its own words, no citation. */
export const nothingFits = 'Nothing in the documents answers this question.'

const sourcesTitle = 'Sources, quoted word for word:'

/** Finds passages of documents for other engines; the index is built here. */
export function retriever(options: Pick<Options, 'documents' | 'home'>): Retriever {
  const index = Index.build(options.documents, { home: options.home ?? name })
  return (question, { most }) => Retrieval.retrieve(index, question, most)
}

/** Opens a reader over documents: the index is built here, not at the first answer. */
export function open(options: Options): Reader {
  const { elapsedMs = () => performance.now(), device = 'cpu', home = name } = options
  assert(options.card.can === undefined, 'a reader can nothing beyond plain text')
  const index = Index.build(options.documents, { home })
  return {
    card: options.card,
    retrieve: (question, { most }) => Retrieval.retrieve(index, question, most),
    async answer(request, { onDelta } = {}) {
      const startedMs = elapsedMs()
      const admitted = Engine.admit(request, options)
      if (admitted.kind === 'refused') return admitted
      const { question, maxTokensOut: maxTokens, tokensIn } = admitted
      const { countTokens } = options
      const quoted = Quotation.choose(index, question, { countTokens, maxTokens })
      const written = write(quoted, { countTokens, maxTokens })
      onDelta?.(Engine.whole(written))
      return {
        kind: 'answered',
        ...written,
        usage: { tokensIn, tokensOut: countTokens(written.text) },
        meter: {
          computeMs: Math.max(0, Math.round((elapsedMs() - startedMs) * 1000) / 1000),
          meter: 'engine',
          basis: 'wall',
          device,
        },
      }
    },
    rank(question) {
      const seen = new Set<string>()
      const ranked = Ranking.documents(index, Ranking.question(question))
      return ranked.flatMap(({ document }) => {
        if (seen.has(document.unit)) return []
        seen.add(document.unit)
        return [{ package: document.package, path: document.path }]
      })
    },
  }
}

type Limit = { readonly countTokens: (text: string) => number; readonly maxTokens: number }
type Written = Pick<Engine.Answer, 'text' | 'citations' | 'finish'>

/** The answer within the limit: stretches given up from the least, the last one cut at a line. */
function write(quoted: readonly Quotation.Quotation[], limit: Limit): Written {
  const fits = (text: string) => limit.countTokens(text) <= limit.maxTokens
  if (quoted.length === 0) {
    if (fits(nothingFits)) return { text: nothingFits, citations: [], finish: 'stop' }
    return { text: longest(nothingFits, fits), citations: [], finish: 'length' }
  }
  let kept = [...quoted]
  for (;;) {
    const written = compose(kept)
    if (fits(written.text)) return { ...written, finish: 'stop' }
    if (kept.length === 1) break
    const least = Math.max(...kept.map(({ rank }) => rank))
    kept = kept.filter(({ rank }) => rank !== least)
  }
  const only = kept[0]!
  const whole = only.document.text.slice(only.start, only.end)
  const cut = longest(whole, (text) =>
    fits(compose([{ ...only, end: only.start + text.length }]).text),
  )
  if (cut !== '')
    return { ...compose([{ ...only, end: only.start + cut.length }]), finish: 'length' }
  const bare = longest(whole, fits)
  const citation = { docSeq: only.document.seq, start: 0, end: bare.length, offset: only.start }
  return { text: bare, citations: bare === '' ? [] : [citation], finish: 'length' }
}

/** Stretches one after another, and under them where they stand. */
function compose(quoted: readonly Quotation.Quotation[]): Omit<Written, 'finish'> {
  const documents = [...new Set(quoted.map(({ document }) => document))]
  const citations: Engine.Citation[] = []
  let text = ''
  for (const [number, document] of documents.entries()) {
    for (const { start, end } of quoted.filter((one) => one.document === document)) {
      if (text !== '') text += '\n\n'
      const at = text.length
      text += document.text.slice(start, end)
      citations.push({ docSeq: document.seq, start: at, end: text.length, offset: start })
    }
    if (documents.length > 1) text += `\n\n[${number + 1}]`
  }
  const sources = documents.map(({ path }, number) => `[${number + 1}] ${path}`)
  return { text: `${text}\n\n${sourcesTitle}\n${sources.join('\n')}`, citations }
}

/** The longest beginning of a text that fits: whole lines, or whole words of the first line. */
function longest(text: string, fits: (text: string) => boolean): string {
  const lines = [...text.matchAll(/\s*\n/g)].map(({ index }) => index)
  const words = [...(text.split('\n')[0] ?? '').matchAll(/\s+/g)].map(({ index }) => index)
  for (const ends of [[...lines, text.length], words]) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (fits(text.slice(0, ends[middle]))) low = middle + 1
      else high = middle
    }
    if (low > 0 && text.slice(0, ends[low - 1]).trim() !== '') return text.slice(0, ends[low - 1])
  }
  return ''
}
