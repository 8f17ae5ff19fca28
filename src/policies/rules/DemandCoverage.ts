/**
 * @module `demand coverage 50%`: the quote must promise that attribution proves at least this share of
 * the answer. A receipt below the promise is disputed later; here only the promise is judged.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import * as Share from '../../kernel/Share.ts'
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import * as Sentence from '../Sentence.ts'
import { record } from '../Untrusted.ts'

/** The rule as plain JSON; parts per billion as a decimal string. */
export type DemandCoverage = { readonly rule: 'demand-coverage'; readonly coveragePpb: string }

/** Reads, writes and judges `demand coverage …`. */
export const kind: Kind<DemandCoverage> = {
  rule: 'demand-coverage',
  examples: () => ['demand coverage 50%'],
  read(cursor) {
    Sentence.word(cursor, 'demand')
    Sentence.word(cursor, 'coverage')
    const coveragePpb = Sentence.share(cursor)
    Sentence.end(cursor)
    return from(coveragePpb)
  },
  format: ({ coveragePpb }) => `demand coverage ${Share.format(BigInt(coveragePpb))}`,
  fromJson(value) {
    const { coveragePpb } = record(value, 'a demand-coverage rule', ['rule', 'coveragePpb'])
    return from(Money.atoms(coveragePpb, 'coveragePpb'))
  },
  judge({ coveragePpb }, { sentence: rule }) {
    const least = BigInt(coveragePpb)
    return {
      rule,
      outcome: ({ coveragePpb }) =>
        coveragePpb !== undefined && coveragePpb >= least ? 'allow' : 'deny',
      because: ({ coveragePpb }) =>
        coveragePpb === undefined
          ? missing(rule, 'coverage')
          : `${rule}: ${Share.format(coveragePpb)} promised`,
    }
  },
}

/** The rule. Throws `InputError` for more than the whole. */
export function from(coveragePpb: Share.Share): DemandCoverage {
  if (coveragePpb > Share.whole)
    throw new InputError(`expected coverage of at most ${Share.whole} ppb, got ${coveragePpb}`)
  return { rule: 'demand-coverage', coveragePpb: coveragePpb.toString() }
}
