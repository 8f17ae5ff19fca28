/**
 * @module Snapshot: a state of the fold as bytes, and back, so that a long log is not folded anew. It
 * holds places in the log, not copies of it: what a record says is read from the record when somebody
 * wants it. A snapshot is no source of truth: whoever keeps one binds it to the log it is of.
 */
import type * as Economy from './Economy.ts'
import * as Event from './Event.ts'
import * as Buying from './snapshot/Buying.ts'
import * as Plain from './snapshot/Plain.ts'
import * as Running from './snapshot/Running.ts'
import * as Selling from './snapshot/Selling.ts'
import * as Source from './snapshot/Source.ts'
import { malformed } from './snapshot/Table.ts'

export type { Section, Source } from './snapshot/Source.ts'

/** Sections that are read when somebody first needs them; a damaged one is made anew from the log. */
export const deferred: readonly string[] = ['outputs']

/** A state as named blocks of bytes: the same state gives the same bytes. */
export function encode(economy: Economy.Economy): Source.Section[] {
  return [
    { name: 'economy', bytes: Plain.encode({ opened: economy.opened, littleEndian }) },
    ...Selling.encode(economy.sales),
    ...Buying.encode(economy.purchases),
    ...Running.encode(economy.runs),
  ]
}

/**
 * The state again, to be folded on. Records are read through `source` as they are needed, now and later.
 * Throws `InputError` (`snapshot-malformed`) for what {@link encode} would not write here.
 */
export function decode(source: Source.Source): Economy.Economy {
  const head = Plain.decode(Source.section(source, 'economy')) as {
    opened?: unknown
    littleEndian?: unknown
  }
  if (head.littleEndian !== littleEndian)
    throw malformed('the byte order of this machine', 'another')
  const opened = head.opened === undefined ? undefined : Event.parse(head.opened)
  if (opened !== undefined && opened.type !== 'opened') throw malformed('opened', opened.type)
  return {
    opened,
    sales: Selling.decode(source),
    purchases: Buying.decode(source),
    runs: Running.decode(source),
  }
}

/** What is searched is kept in the order of bytes of the machine that searches. */
const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1
