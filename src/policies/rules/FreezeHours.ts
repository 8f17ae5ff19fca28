/**
 * @module `freeze from 22:00 to 06:00 in Europe/Berlin`: nothing is paid between these times of day, by a
 * clock on a wall there, daylight saving included. The first minute is frozen, the last is not.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as Calendar from '../Calendar.ts'
import type { Kind } from '../Kind.ts'
import * as Sentence from '../Sentence.ts'
import { record, show } from '../Untrusted.ts'

/** The rule as plain JSON; minutes since midnight. */
export type FreezeHours = {
  readonly rule: 'freeze-hours'
  readonly fromMinute: number
  readonly toMinute: number
  readonly zone: string
}

/** Reads, writes and judges `freeze from … to … in …`. */
export const kind: Kind<FreezeHours> = {
  rule: 'freeze-hours',
  examples: () => ['freeze from 22:00 to 06:00 in Europe/Berlin'],
  read(cursor) {
    Sentence.word(cursor, 'freeze')
    Sentence.word(cursor, 'from')
    const fromMinute = Sentence.time(cursor)
    Sentence.word(cursor, 'to')
    const toMinute = Sentence.time(cursor)
    if (fromMinute === toMinute) {
      cursor.at--
      throw new Sentence.Mistake(cursor, 'another time than the first', ['06:00'])
    }
    Sentence.word(cursor, 'in')
    const zone = Sentence.zone(cursor)
    Sentence.end(cursor)
    return { rule: 'freeze-hours', fromMinute, toMinute, zone }
  },
  format: ({ fromMinute, toMinute, zone }) =>
    `freeze from ${Sentence.formatTime(fromMinute)} to ${Sentence.formatTime(toMinute)} in ${zone}`,
  fromJson(value) {
    const keys = ['rule', 'fromMinute', 'toMinute', 'zone']
    const json = record(value, 'a freeze-hours rule', keys)
    const { zone } = json
    if (typeof zone !== 'string' || !Calendar.isZone(zone))
      throw new InputError(`expected zone as Europe/Berlin or UTC, got ${show(zone)}`)
    const [fromMinute, toMinute] = [minute(json.fromMinute), minute(json.toMinute)]
    if (fromMinute === toMinute) throw new InputError('expected two different times of day')
    return { rule: 'freeze-hours', fromMinute, toMinute, zone }
  },
  judge({ fromMinute, toMinute, zone }, { sentence: rule }) {
    const clock = Calendar.clock(zone)
    const isFrozen = (now: number) =>
      fromMinute < toMinute
        ? now >= fromMinute && now < toMinute
        : now >= fromMinute || now < toMinute
    return {
      rule,
      outcome: (_, nowMs) => (isFrozen(clock(nowMs)) ? 'deny' : 'allow'),
      because: (_, nowMs) => `${rule}: it is ${Sentence.formatTime(clock(nowMs))}`,
    }
  },
}

function minute(value: unknown): number {
  const isMinute = Number.isInteger(value) && Number(value) >= 0 && Number(value) < 1440
  if (!isMinute || Object.is(value, -0))
    throw new InputError(`expected minutes since midnight from 0 to 1439, got ${show(value)}`)
  return value as number
}
