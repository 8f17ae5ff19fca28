/**
 * @module `cap slippage 1%`: a trade may lose no more than this share against the price seen before it, by
 * what the trade itself guarantees: with less it does not happen. What states no slippage is denied.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import * as Share from '../../kernel/Share.ts'
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import * as Sentence from '../Sentence.ts'
import { record } from '../Untrusted.ts'

/** The rule as plain JSON; parts per billion as a decimal string. */
export type CapSlippage = { readonly rule: 'cap-slippage'; readonly slippagePpb: string }

/** Reads, writes and judges `cap slippage …`. */
export const kind: Kind<CapSlippage> = {
  rule: 'cap-slippage',
  examples: () => ['cap slippage 1%'],
  read(cursor) {
    Sentence.word(cursor, 'cap')
    Sentence.word(cursor, 'slippage')
    const slippagePpb = Sentence.share(cursor).toString()
    Sentence.end(cursor)
    return { rule: 'cap-slippage', slippagePpb }
  },
  format: ({ slippagePpb }) => `cap slippage ${Share.format(BigInt(slippagePpb))}`,
  fromJson(value) {
    const { slippagePpb } = record(value, 'a cap-slippage rule', ['rule', 'slippagePpb'])
    const ppb = Money.atoms(slippagePpb, 'slippagePpb')
    if (ppb > Share.whole)
      throw new InputError(`expected slippagePpb of at most ${Share.whole}, got ${ppb}`)
    return { rule: 'cap-slippage', slippagePpb: ppb.toString() }
  },
  judge({ slippagePpb }, { sentence: rule }) {
    const most = BigInt(slippagePpb)
    return {
      rule,
      outcome: ({ slippagePpb: asked }) =>
        asked !== undefined && asked <= most ? 'allow' : 'deny',
      because: ({ slippagePpb: asked }) =>
        asked === undefined ? missing(rule, 'slippage') : `${rule}: ${Share.format(asked)} asked`,
    }
  },
}
