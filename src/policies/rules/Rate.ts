/**
 * @module `at most 30 payments per minute per agent`: how many payments may be captured in the span or
 * held, in all or for each subject. A voided payment does not count.
 */
import { InputError } from '../../kernel/Errors.ts'
import type { Kind } from '../Kind.ts'
import { judgeMeter } from '../Kind.ts'
import * as Meter from '../Meter.ts'
import * as Sentence from '../Sentence.ts'
import * as Span from '../Span.ts'
import { record, show } from '../Untrusted.ts'

/** The rule as plain JSON. */
export type Rate = Span.Span & {
  readonly rule: 'rate'
  readonly payments: number
  readonly each?: Meter.Each
}

const mostPayments = 1_000_000_000

/** Reads, writes and judges `at most … payments per <span> [per <subject>]`. */
export const kind: Kind<Rate> = {
  rule: 'rate',
  examples: () => ['at most 30 payments per minute', 'at most 30 payments per minute per agent'],
  read(cursor) {
    Sentence.word(cursor, 'at')
    Sentence.word(cursor, 'most')
    const payments = Sentence.count(cursor, 'payments', mostPayments)
    Sentence.word(cursor, payments === 1 ? 'payment' : 'payments')
    Sentence.word(cursor, 'per')
    const span = Span.read(cursor)
    return { rule: 'rate', payments, ...span, ...Meter.eachFromJson(Meter.readEach(cursor)) }
  },
  format: (rule) =>
    `at most ${rule.payments} payment${rule.payments === 1 ? '' : 's'} per ${Span.format(rule)}${Meter.formatEach(rule.each)}`,
  fromJson(value) {
    const optional = ['windowMs', 'period', 'each']
    const json = record(value, 'a rate rule', ['rule', 'payments'], optional)
    const payments = count(json.payments)
    return { rule: 'rate', payments, ...Span.fromJson(json), ...Meter.eachFromJson(json.each) }
  },
  judge: ({ rule: _, payments, ...shape }, { sentence }) =>
    judgeMeter({
      sentence,
      shape: { unit: 'payments', ...shape },
      limit: BigInt(payments),
      show: (count) => count.toString(),
    }),
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > mostPayments)
    throw new InputError(`expected payments from 1 to ${mostPayments}, got ${show(value)}`)
  return value as number
}
