/**
 * @module `cap 50 USDC per 24h` · `cap 10 USDC per 24h per payee`: what is captured in the rolling window
 * and what is held may together never be more, in all or for each payee or agent.
 */
import * as Money from '../../kernel/Money.ts'
import type { Kind } from '../Kind.ts'
import { judgeMeter } from '../Kind.ts'
import * as Meter from '../Meter.ts'
import * as Sentence from '../Sentence.ts'
import { record } from '../Untrusted.ts'
import * as Window from '../Window.ts'

/** The rule as plain JSON; atoms as a decimal string. */
export type CapWindow = {
  readonly rule: 'cap-window'
  readonly atoms: string
  readonly windowMs: number
  readonly each?: Meter.Each
}

/** Reads, writes and judges `cap … per <window> [per payee | per agent]`. */
export const kind: Kind<CapWindow> = {
  rule: 'cap-window',
  examples: (symbol) => [`cap 50 ${symbol} per 24h`, `cap 10 ${symbol} per 24h per payee`],
  read(cursor, asset) {
    Sentence.word(cursor, 'cap')
    const atoms = Sentence.money(cursor, asset)
    Sentence.word(cursor, 'per')
    const windowMs = Sentence.window(cursor)
    const each = Meter.readEach(cursor)
    return { rule: 'cap-window', atoms, windowMs, ...(each === undefined ? {} : { each }) }
  },
  format: ({ atoms, windowMs, each }, asset) =>
    `cap ${Money.format(Money.of(asset, BigInt(atoms)))} per ${Window.format(windowMs)}${Meter.formatEach(each)}`,
  fromJson(value) {
    const json = record(value, 'a cap-window rule', ['rule', 'atoms', 'windowMs'], ['each'])
    return {
      rule: 'cap-window',
      atoms: Money.atoms(json.atoms, 'atoms').toString(),
      ...Meter.fromJson(json),
    }
  },
  judge: ({ atoms, windowMs, each }, { asset, sentence }) =>
    judgeMeter({
      sentence,
      shape: { unit: 'atoms', asset: asset.id, windowMs, ...(each === undefined ? {} : { each }) },
      limit: BigInt(atoms),
      show: (atoms) => Money.decimal(atoms, asset.decimals),
    }),
}
