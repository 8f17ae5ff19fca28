/**
 * @module `cap 50 USDC per 24h` · `cap 10 USDC per 24h per payee` · `cap 400 USDC per calendar month in
 * Europe/Berlin` · `cap 1000 USDC per lifetime`: what is captured in the span and what is held may together
 * never be more, in all or for each subject.
 */
import * as Money from '../../kernel/Money.ts'
import type { Kind } from '../Kind.ts'
import { judgeMeter } from '../Kind.ts'
import * as Meter from '../Meter.ts'
import * as Sentence from '../Sentence.ts'
import * as Span from '../Span.ts'
import { record } from '../Untrusted.ts'

/** The rule as plain JSON; atoms as a decimal string. */
export type CapWindow = Span.Span & {
  readonly rule: 'cap-window'
  readonly atoms: string
  readonly each?: Meter.Each
}

/** Reads, writes and judges `cap … per <span> [per <subject>]`. */
export const kind: Kind<CapWindow> = {
  rule: 'cap-window',
  examples: (symbol) => [
    `cap 50 ${symbol} per 24h`,
    `cap 10 ${symbol} per 24h per payee`,
    `cap 400 ${symbol} per calendar month in Europe/Berlin`,
    `cap 1000 ${symbol} per lifetime`,
  ],
  read(cursor, asset) {
    Sentence.word(cursor, 'cap')
    const atoms = Sentence.money(cursor, asset)
    Sentence.word(cursor, 'per')
    const span = Span.read(cursor)
    return { rule: 'cap-window', atoms, ...span, ...Meter.eachFromJson(Meter.readEach(cursor)) }
  },
  format: (rule, asset) =>
    `cap ${Money.format(Money.of(asset, BigInt(rule.atoms)))} per ${Span.format(rule)}${Meter.formatEach(rule.each)}`,
  fromJson(value) {
    const optional = ['windowMs', 'period', 'each']
    const json = record(value, 'a cap-window rule', ['rule', 'atoms'], optional)
    const atoms = Money.atoms(json.atoms, 'atoms').toString()
    return { rule: 'cap-window', atoms, ...Span.fromJson(json), ...Meter.eachFromJson(json.each) }
  },
  judge: ({ rule: _, atoms, ...shape }, { asset, sentence }) =>
    judgeMeter({
      sentence,
      shape: { unit: 'atoms', asset: asset.id, ...shape },
      limit: BigInt(atoms),
      show: (atoms) => Money.decimal(atoms, asset.decimals),
    }),
}
