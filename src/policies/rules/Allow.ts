/**
 * @module `allow payees 0x…, *.example` · `allow hosts 127.0.0.1:*` · `allow models reader, legal-de@*`:
 * who may be paid, where, for which model. Sentences of one dimension add up: one that matches is enough.
 * Payees are denied unless a sentence allows them; hosts and models once a sentence speaks of them.
 */
import type { Judge, Kind } from '../Kind.ts'
import { missing, unmetered } from '../Kind.ts'
import * as Pattern from '../Pattern.ts'
import * as Sentence from '../Sentence.ts'
import { oneOf, record, strings } from '../Untrusted.ts'

/** The rule as plain JSON; patterns in normal form. */
export type Allow = {
  readonly rule: 'allow'
  readonly dimension: Pattern.Dimension
  readonly patterns: readonly string[]
}

const dimensions = ['payees', 'hosts', 'models'] as const
const exampleOf = {
  payees: '0x00000000000000000000000000000000000000aa',
  hosts: '127.0.0.1:*',
  models: 'docs-reader',
} as const

/** Reads, writes and judges `allow …`. */
export const kind: Kind<Allow> = {
  rule: 'allow',
  examples: () => [
    `allow payees ${exampleOf.payees}, *.example`,
    `allow hosts ${exampleOf.hosts}`,
    `allow models ${exampleOf.models}`,
  ],
  read(cursor) {
    Sentence.word(cursor, 'allow')
    const dimension = Sentence.word(cursor, ...dimensions)
    const patterns = Sentence.list(cursor, {
      what: `a ${Pattern.singular[dimension]}`,
      example: exampleOf[dimension],
      refuse: (item) => Pattern.refuse(dimension, item),
    })
    return from(dimension, patterns)
  },
  format: ({ dimension, patterns }) => `allow ${dimension} ${patterns.join(', ')}`,
  fromJson(value) {
    const { dimension, patterns } = record(value, 'an allow rule', [
      'rule',
      'dimension',
      'patterns',
    ])
    const known = oneOf(dimension, 'dimension', dimensions)
    return from(
      known,
      strings(patterns, known, (item) => Pattern.refuse(known, item)),
    )
  },
  shape: unmetered,
  judge: ({ dimension }, { siblings }) => {
    const same = siblings.filter((sibling) => sibling.dimension === dimension)
    return judgeAny(
      dimension,
      same.flatMap(({ patterns }) => patterns),
    )
  },
}

/** The rule; two spellings of one pattern are one. */
export function from(dimension: Pattern.Dimension, patterns: readonly string[]): Allow {
  const normal = patterns.map((pattern) => Pattern.normal(dimension, pattern))
  return { rule: 'allow', dimension, patterns: [...new Set(normal)] }
}

function judgeAny(dimension: Pattern.Dimension, patterns: readonly string[]): Judge {
  const tests = patterns.map((pattern) => Pattern.compile(dimension, pattern))
  const fact = Pattern.singular[dimension]
  const sentence = `allow ${dimension}`
  return ({ facts }) => {
    const name = facts[fact]
    if (name === undefined) return missing(sentence, fact)
    const found = patterns[tests.findIndex((test) => test(name))]
    if (found === undefined)
      return { outcome: 'deny', because: `${sentence}: ${name} is not allowed` }
    const matched = found === name ? 'is allowed' : `matches ${found}`
    return { outcome: 'allow', because: `${sentence}: ${name} ${matched}` }
  }
}
