/** @module Demands: rules that ask of a quote at least a share, `demand coverage 50%`. */
import { InputError } from '../kernel/Errors.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import type { Kind } from './Kind.ts'
import { missing } from './Kind.ts'
import * as Sentence from './Sentence.ts'
import { record } from './Untrusted.ts'

/** Facts that are shares a quote promises. */
type Field = 'coveragePpb' | 'royaltySharePpb' | 'rarityPpb'

/** The kind of `demand <words> …`, which compares the fact `field`. */
export function share<Name extends string, Key extends Field>(
  rule: Name,
  field: Key,
  words: string,
): Kind<{ readonly rule: Name } & { readonly [Field in Key]: string }> {
  type Data = { readonly rule: Name } & { readonly [Field in Key]: string }
  return {
    rule,
    examples: () => [`demand ${words} 50%`],
    read(cursor) {
      Sentence.word(cursor, 'demand')
      for (const word of words.split(' ')) Sentence.word(cursor, word)
      const ppb = Sentence.share(cursor)
      Sentence.end(cursor)
      return from<Data>(rule, field, ppb)
    },
    format: (data) => `demand ${words} ${Share.format(BigInt(data[field]))}`,
    fromJson: (value) =>
      from<Data>(
        rule,
        field,
        Money.atoms(record(value, `a ${rule} rule`, ['rule', field])[field], field),
      ),
    judge(data, { sentence }) {
      const least = BigInt(data[field])
      return {
        rule: sentence,
        outcome({ [field as Field]: promised }) {
          return promised !== undefined && promised >= least ? 'allow' : 'deny'
        },
        because({ [field as Field]: promised }) {
          if (promised === undefined) return missing(sentence, words)
          return `${sentence}: ${Share.format(promised)} promised`
        },
      }
    },
  }
}

/** The rule. Throws `InputError` for more than the whole. */
export function from<Data>(rule: string, field: Field, ppb: Share.Share): Data {
  if (ppb > Share.whole)
    throw new InputError(`expected ${field} of at most ${Share.whole}, got ${ppb}`)
  return { rule, [field]: ppb.toString() } as Data
}
