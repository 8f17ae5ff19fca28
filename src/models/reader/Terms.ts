/**
 * @module Terms: what a text is looked up by. Words in lower case, identifiers also by their parts
 * (`safeParse` → safeparse, safe, parse), English suffixes taken off, other scripts by code point.
 */

const wordPattern = /[A-Za-z0-9_]+|[^\p{ASCII}\p{P}\p{S}\p{Z}\p{C}]+/gu
const spaceless = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u

/** Words that ask rather than name; they find nothing. */
const stopWords = new Set(
  `a about after all also am an and any are as at be because been before being between both but by can
  could did do does doing done each either else example explain few for from get gets getting give given
  got had has have having he her here him his how however i if in instead into is it its itself just
  kind know let like me mean means more most much must my need needs needed no nor not now of off on one
  only or other our out over own please quick quickly same shall she should show so some something such
  tell than that the their them then there these they thing things this those through to too two under
  until up use used useful uses using very want wants was way ways we well were what when where whether
  which while who whom whose why will with within without would yes yet you your possible best easy
  easily simple simply work works working able make makes made making anyone someone way help
  etc via per vs`.split(/\s+/),
)

/** Different spellings and everyday names of one thing in programming. */
const sameAs: Readonly<Record<string, string>> = {
  colour: 'color',
  coloured: 'color',
  colours: 'color',
  directory: 'folder',
  directories: 'folder',
  dir: 'folder',
  dirs: 'folder',
  args: 'argument',
  arg: 'argument',
  param: 'parameter',
  params: 'parameter',
  config: 'configuration',
  env: 'environment',
  regex: 'regexp',
  regexes: 'regexp',
  db: 'database',
  js: 'javascript',
  ts: 'typescript',
  async: 'asynchronous',
  sync: 'synchronous',
  synchronously: 'synchronous',
  asynchronously: 'asynchronous',
  id: 'identifier',
  ids: 'identifier',
  msg: 'message',
  pkg: 'package',
  deps: 'dependency',
  dep: 'dependency',
  delete: 'remove',
  deleted: 'remove',
  deletes: 'remove',
  deleting: 'remove',
  temp: 'temporary',
  tmp: 'temporary',
  minimise: 'minimize',
  optimise: 'optimize',
  sha: 'hash',
  digest: 'hash',
  digests: 'hash',
}

/** Suffix, what takes its place, and how many characters must stay before it. Longest first. */
const suffixes: readonly (readonly [string, string, number])[] = [
  ['izations', 'iz', 3],
  ['ization', 'iz', 3],
  ['isations', 'iz', 4],
  ['isation', 'iz', 4],
  ['ational', 'at', 3],
  ['ations', '', 4],
  ['ation', '', 4],
  ['ators', '', 4],
  ['ator', '', 4],
  ['ating', '', 4],
  ['ated', '', 4],
  ['ates', '', 4],
  ['ate', '', 4],
  ['izers', 'iz', 3],
  ['izer', 'iz', 3],
  ['izing', 'iz', 3],
  ['ized', 'iz', 3],
  ['izes', 'iz', 3],
  ['ize', 'iz', 3],
  ['isers', 'iz', 4],
  ['iser', 'iz', 4],
  ['ising', 'iz', 4],
  ['ised', 'iz', 4],
  ['ises', 'iz', 4],
  ['ise', 'iz', 4],
  ['ments', '', 4],
  ['ment', '', 4],
  ['ities', '', 4],
  ['ity', '', 4],
  ['ency', '', 5],
  ['ence', '', 5],
  ['ents', '', 5],
  ['ent', '', 5],
  ['ness', '', 4],
  ['ional', '', 4],
  ['ions', '', 4],
  ['ion', '', 4],
  ['able', '', 4],
  ['ible', '', 4],
  ['ings', '', 3],
  ['ing', '', 3],
  ['ies', 'y', 2],
  ['ied', 'y', 2],
  ['ers', '', 4],
  ['er', '', 4],
  ['ors', '', 4],
  ['or', '', 4],
  ['eds', '', 3],
  ['ed', '', 3],
  ['ly', '', 4],
  ['al', '', 4],
  ['es', '', 3],
  ['s', '', 3],
  ['e', '', 3],
]

/** A word without its English ending: `validates`, `validation`, `validator` → `valid`. */
export function stem(word: string): string {
  if (word.length < 4 || !/^[a-z]+$/.test(word)) return word
  for (const [suffix, instead, kept] of suffixes) {
    if (!word.endsWith(suffix)) continue
    if (suffix === 's' && /(?:ss|us|is)$/.test(word)) break
    const base = word.slice(0, -suffix.length)
    if (base.length < kept || !/[aeiouy]/.test(base)) continue
    const undoubled = /([bdgklmnprt])\1$/.test(base) && instead === '' ? base.slice(0, -1) : base
    const stemmed = undoubled + instead
    return stemmed.length >= 5 && stemmed.endsWith('e') ? stemmed.slice(0, -1) : stemmed
  }
  return word
}

const cache = new Map<string, readonly string[]>()
const cacheLimit = 100_000

/** Whether a word only asks. */
export function isStopWord(word: string): boolean {
  return stopWords.has(word.toLowerCase())
}

/** All terms of a text, stop words left out, in order. */
export function of(text: string): string[] {
  const terms: string[] = []
  for (const [word] of text.matchAll(wordPattern)) {
    for (const term of ofWord(word)) terms.push(term)
  }
  return terms
}

/** Plain lower-case words of a text, in order, nothing left out: for names. */
export function words(text: string): string[] {
  return (text.toLowerCase().match(wordPattern) ?? []).flatMap((word) => word.split('_'))
}

function ofWord(word: string): readonly string[] {
  const known = cache.get(word)
  if (known !== undefined) return known
  const terms = expand(word)
  if (cache.size >= cacheLimit) cache.clear()
  if (word.length <= 40) cache.set(word, terms)
  return terms
}

const longestWord = 64

function expand(word: string): readonly string[] {
  if (word.length > longestWord) return []
  if (spaceless.test(word)) return [...word.toLowerCase()]
  const whole = normal(word)
  const parts = word
    .split(/_+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)
    .filter((part) => part.length > 1)
  if (parts.length < 2) return whole === undefined ? [] : [whole]
  const terms = new Set(parts.map(normal))
  terms.add(whole)
  return [...terms].filter((term) => term !== undefined)
}

function normal(word: string): string | undefined {
  const lower = word.toLowerCase()
  if (stopWords.has(lower) || /^_*$/.test(lower)) return undefined
  return stem(Object.hasOwn(sameAs, lower) ? sameAs[lower]! : lower)
}
