/**
 * @module `allow payees 0x…, *.example` · `allow hosts 127.0.0.1:*` · `allow models reader, legal-de@*`:
 * who may be paid, where, for which model. Sentences of one dimension add up: one that matches is enough.
 * Payees are denied unless a sentence allows them; hosts and models once a sentence speaks of them.
 */
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import * as Memo from '../Memo.ts'
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
  judge({ dimension }, { siblings, sentence: rule }) {
    const same = siblings.filter((sibling) => sibling.dimension === dimension)
    const find = matcher(
      dimension,
      same.flatMap(({ patterns }) => patterns),
    )
    const fact = Pattern.singular[dimension]
    const isAllowed = Memo.of((name: string) => find(name) !== undefined)
    return {
      rule,
      outcome({ [fact]: name }) {
        return name !== undefined && isAllowed(name) ? 'allow' : 'deny'
      },
      because({ [fact]: name }) {
        const opening = `allow ${dimension}`
        if (name === undefined) return missing(opening, fact)
        const found = find(name)
        if (found === undefined) return `${opening}: ${name} is not allowed`
        return `${opening}: ${name} ${found === name ? 'is allowed' : `matches ${found}`}`
      },
    }
  },
}

/** The rule; two spellings of one pattern are one. */
export function from(dimension: Pattern.Dimension, patterns: readonly string[]): Allow {
  const normal = patterns.map((pattern) => Pattern.normal(dimension, pattern))
  return { rule: 'allow', dimension, patterns: [...new Set(normal)] }
}

/** The first pattern that a name matches. */
function matcher(dimension: Pattern.Dimension, patterns: readonly string[]) {
  const tests = patterns.map((pattern) => Pattern.compile(dimension, pattern))
  return (name: string) => patterns[tests.findIndex((test) => test(name))]
}
