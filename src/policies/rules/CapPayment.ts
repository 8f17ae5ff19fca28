/** @module `cap 2 USDC per payment`: no single payment may be larger. */
import * as Money from '../../kernel/Money.ts'
import type { Kind } from '../Kind.ts'
import { missing } from '../Kind.ts'
import * as Sentence from '../Sentence.ts'
import { record } from '../Untrusted.ts'

/** The rule as plain JSON; atoms as a decimal string. */
export type CapPayment = { readonly rule: 'cap-payment'; readonly atoms: string }

/** Reads, writes and judges `cap … per payment`. */
export const kind: Kind<CapPayment> = {
  rule: 'cap-payment',
  examples: (symbol) => [`cap 2 ${symbol} per payment`],
  read(cursor, asset) {
    Sentence.word(cursor, 'cap')
    const atoms = Sentence.money(cursor, asset)
    Sentence.word(cursor, 'per')
    Sentence.word(cursor, 'payment')
    Sentence.end(cursor)
    return { rule: 'cap-payment', atoms }
  },
  format: ({ atoms }, asset) => `cap ${Money.format(Money.of(asset, BigInt(atoms)))} per payment`,
  fromJson(value) {
    const { atoms } = record(value, 'a cap-payment rule', ['rule', 'atoms'])
    return { rule: 'cap-payment', atoms: Money.atoms(atoms, 'atoms').toString() }
  },
  judge({ atoms }, { asset, sentence: rule }) {
    const limit = BigInt(atoms)
    return {
      rule,
      outcome: ({ atoms }) => (atoms !== undefined && atoms <= limit ? 'allow' : 'deny'),
      because: ({ atoms }) =>
        atoms === undefined
          ? missing(rule, 'amount')
          : `${rule}: ${Money.decimal(atoms, asset.decimals)} asked`,
    }
  },
}
