/**
 * @module `allow payees 0x…, *.example` · `allow hosts 127.0.0.1:*` · `allow models reader, legal-de@*`:
 * who may be paid, where, for what. Sentences of one dimension add up: one that matches is enough. Payees
 * are denied unless a sentence allows them; everything else once a sentence speaks of it.
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

/** Reads, writes and judges `allow …`. */
export const kind: Kind<Allow> = {
  rule: 'allow',
  examples: () => [
    `allow payees ${Pattern.example.payees}, *.example`,
    ...Pattern.dimensions.slice(1).map((each) => `allow ${each} ${Pattern.example[each]}`),
  ],
  read(cursor) {
    Sentence.word(cursor, 'allow')
    const { dimension, patterns } = Pattern.read(cursor)
    return from(dimension, patterns)
  },
  format: ({ dimension, patterns }) => `allow ${dimension} ${patterns.join(', ')}`,
  fromJson(value) {
    const { dimension, patterns } = record(value, 'an allow rule', [
      'rule',
      'dimension',
      'patterns',
    ])
    const known = oneOf(dimension, 'dimension', Pattern.dimensions)
    return from(
      known,
      strings(patterns, known, (item) => Pattern.refuse(known, item)),
    )
  },
  judge({ dimension }, { siblings, sentence: rule }) {
    const same = siblings.filter((sibling) => sibling.dimension === dimension)
    const find = Pattern.matcher(
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
