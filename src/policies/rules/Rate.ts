/**
 * @module `at most 30 payments per minute per agent`: how many payments may be captured in the rolling
 * window or held, in all or for each agent or payee. A voided payment does not count.
 */
import { InputError } from '../../kernel/Errors.ts'
import type { Kind } from '../Kind.ts'
import { judgeMeter } from '../Kind.ts'
import * as Meter from '../Meter.ts'
import * as Sentence from '../Sentence.ts'
import { record, show } from '../Untrusted.ts'
import * as Window from '../Window.ts'

/** The rule as plain JSON. */
export type Rate = {
  readonly rule: 'rate'
  readonly payments: number
  readonly windowMs: number
  readonly each?: Meter.Each
}

const mostPayments = 1_000_000_000

/** Reads, writes and judges `at most … payments per <window> [per payee | per agent]`. */
export const kind: Kind<Rate> = {
  rule: 'rate',
  examples: () => ['at most 30 payments per minute', 'at most 30 payments per minute per agent'],
  read(cursor) {
    Sentence.word(cursor, 'at')
    Sentence.word(cursor, 'most')
    const payments = Sentence.count(cursor, 'payments', mostPayments)
    Sentence.word(cursor, payments === 1 ? 'payment' : 'payments')
    Sentence.word(cursor, 'per')
    const windowMs = Sentence.window(cursor)
    const each = Meter.readEach(cursor)
    return { rule: 'rate', payments, windowMs, ...(each === undefined ? {} : { each }) }
  },
  format: ({ payments, windowMs, each }) =>
    `at most ${payments} payment${payments === 1 ? '' : 's'} per ${Window.format(windowMs)}${Meter.formatEach(each)}`,
  fromJson(value) {
    const json = record(value, 'a rate rule', ['rule', 'payments', 'windowMs'], ['each'])
    return { rule: 'rate', payments: count(json.payments), ...Meter.fromJson(json) }
  },
  judge: ({ payments, windowMs, each }, { sentence }) =>
    judgeMeter({
      sentence,
      shape: { unit: 'payments', windowMs, ...(each === undefined ? {} : { each }) },
      limit: BigInt(payments),
      show: (count) => count.toString(),
    }),
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > mostPayments)
    throw new InputError(`expected payments from 1 to ${mostPayments}, got ${show(value)}`)
  return value as number
}
