/**
 * @module `at most 600 device seconds per 24h per model`: how long devices may work for the agent in the
 * span, by what quotes reserve.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as Money from '../../kernel/Money.ts'
import type { Kind } from '../Kind.ts'
import { judgeMeter } from '../Kind.ts'
import * as Meter from '../Meter.ts'
import * as Sentence from '../Sentence.ts'
import * as Span from '../Span.ts'
import { record, show } from '../Untrusted.ts'

/** The rule as plain JSON. */
export type DeviceTime = Span.Span & {
  readonly rule: 'device-time'
  readonly seconds: number
  readonly each?: Meter.Each
}

const mostSeconds = 1_000_000_000

/** Reads, writes and judges `at most … device seconds per <span> [per <subject>]`. */
export const kind: Kind<DeviceTime> = {
  rule: 'device-time',
  examples: () => ['at most 600 device seconds per 24h per model'],
  read(cursor) {
    Sentence.word(cursor, 'at')
    Sentence.word(cursor, 'most')
    const seconds = Sentence.count(cursor, 'device seconds', mostSeconds)
    Sentence.word(cursor, 'device')
    Sentence.word(cursor, seconds === 1 ? 'second' : 'seconds')
    Sentence.word(cursor, 'per')
    const span = Span.read(cursor)
    return { rule: 'device-time', seconds, ...span, ...Meter.eachFromJson(Meter.readEach(cursor)) }
  },
  format: (rule) =>
    `at most ${rule.seconds} device second${rule.seconds === 1 ? '' : 's'} per ${Span.format(rule)}${Meter.formatEach(rule.each)}`,
  fromJson(value) {
    const optional = ['windowMs', 'period', 'each']
    const json = record(value, 'a device-time rule', ['rule', 'seconds'], optional)
    const { seconds } = json
    if (!Number.isSafeInteger(seconds) || Number(seconds) < 1 || Number(seconds) > mostSeconds)
      throw new InputError(`expected seconds from 1 to ${mostSeconds}, got ${show(seconds)}`)
    const whole = seconds as number
    return {
      ...{ rule: 'device-time' as const, seconds: whole },
      ...Span.fromJson(json),
      ...Meter.eachFromJson(json.each),
    }
  },
  judge: ({ rule: _, seconds, ...shape }, { sentence }) =>
    judgeMeter({
      sentence,
      shape: { unit: 'device-ms', ...shape },
      limit: BigInt(seconds) * 1_000n,
      show: (ms) => `${Money.decimal(ms, 3)} s`,
    }),
}
