/**
 * @module `deny payees *.casino.example` · `deny tools shell`: what is denied whatever is allowed. What a
 * request does not name cannot be known not to be meant, and is denied too.
 */
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import * as Memo from '../Memo.ts'
import * as Pattern from '../Pattern.ts'
import * as Sentence from '../Sentence.ts'
import { oneOf, record, strings } from '../Untrusted.ts'

/** The rule as plain JSON; patterns in normal form. */
export type Deny = {
  readonly rule: 'deny'
  readonly dimension: Pattern.Dimension
  readonly patterns: readonly string[]
}

/** Reads, writes and judges `deny …`. */
export const kind: Kind<Deny> = {
  rule: 'deny',
  examples: () => ['deny payees *.casino.example', 'deny tools shell'],
  read(cursor) {
    Sentence.word(cursor, 'deny')
    const { dimension, patterns } = Pattern.read(cursor)
    return from(dimension, patterns)
  },
  format: ({ dimension, patterns }) => `deny ${dimension} ${patterns.join(', ')}`,
  fromJson(value) {
    const { dimension, patterns } = record(value, 'a deny rule', ['rule', 'dimension', 'patterns'])
    const known = oneOf(dimension, 'dimension', Pattern.dimensions)
    return from(
      known,
      strings(patterns, known, (item) => Pattern.refuse(known, item)),
    )
  },
  judge({ dimension, patterns }, { sentence: rule }) {
    const fact = Pattern.singular[dimension]
    const find = Pattern.matcher(dimension, patterns)
    const isDenied = Memo.of((name: string) => find(name) !== undefined)
    return {
      rule,
      outcome({ [fact]: name }) {
        return name === undefined || isDenied(name) ? 'deny' : 'allow'
      },
      because({ [fact]: name }) {
        const opening = `deny ${dimension}`
        if (name === undefined) return missing(opening, fact)
        const found = find(name)
        if (found === undefined) return `${opening}: ${name} is not denied`
        return `${opening}: ${name} ${found === name ? 'is denied' : `matches ${found}`}`
      },
    }
  },
}

/** The rule; two spellings of one pattern are one. */
export function from(dimension: Pattern.Dimension, patterns: readonly string[]): Deny {
  const normal = patterns.map((pattern) => Pattern.normal(dimension, pattern))
  return { rule: 'deny', dimension, patterns: [...new Set(normal)] }
}
