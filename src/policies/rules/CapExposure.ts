/**
 * @module `cap exposure 5 USDC per payee`: how much may be on its way at once, in all or for each subject:
 * authorised, and not yet both paid and delivered.
 */
import * as Money from '../../kernel/Money.ts'
import type { Kind } from '../Kind.ts'
import { judgeMeter } from '../Kind.ts'
import * as Meter from '../Meter.ts'
import * as Sentence from '../Sentence.ts'
import * as Span from '../Span.ts'
import { record } from '../Untrusted.ts'

/** The rule as plain JSON; atoms as a decimal string. */
export type CapExposure = {
  readonly rule: 'cap-exposure'
  readonly atoms: string
  readonly each?: Meter.Each
}

/** Reads, writes and judges `cap exposure … [per <subject>]`. */
export const kind: Kind<CapExposure> = {
  rule: 'cap-exposure',
  examples: (symbol) => [`cap exposure 5 ${symbol} per payee`],
  read(cursor, asset) {
    Sentence.word(cursor, 'cap')
    Sentence.word(cursor, 'exposure')
    const atoms = Sentence.money(cursor, asset)
    return { rule: 'cap-exposure', atoms, ...Meter.eachFromJson(Meter.readEach(cursor)) }
  },
  format: ({ atoms, each }, asset) =>
    `cap exposure ${Money.format(Money.of(asset, BigInt(atoms)))}${Meter.formatEach(each)}`,
  fromJson(value) {
    const { atoms, each } = record(value, 'a cap-exposure rule', ['rule', 'atoms'], ['each'])
    const limit = Money.atoms(atoms, 'atoms').toString()
    return { rule: 'cap-exposure', atoms: limit, ...Meter.eachFromJson(each) }
  },
  judge: ({ atoms, each }, { asset, sentence }) =>
    judgeMeter({
      sentence,
      shape: { unit: 'atoms', asset: asset.id, ...Span.held, ...Meter.eachFromJson(each) },
      limit: BigInt(atoms),
      show: (atoms) => Money.decimal(atoms, asset.decimals),
    }),
}
