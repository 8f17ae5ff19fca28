/** @module What is remembered of texts that were read: their records, and the events in these. */
import type { Event } from '../../../src/economy/Event.ts'
import type * as Record from '../../../src/provenance/Record.ts'

const records = new Map<string, Record.Record>()
const events = new Map<unknown, Event | undefined>()
/** As many as a few simulations write. */
const most = 300

/** The record of a text that was read before. */
export function record(text: string): Record.Record | undefined {
  return records.get(text)
}

/** Remembers a record that could be read. */
export function remember(text: string, record: Record.Record): void {
  if (records.size >= most) {
    records.clear()
    events.clear()
  }
  records.set(text, record)
  events.set(record.event, undefined)
}

/** The event in a remembered record, parsed once; another is parsed each time. */
export function event(value: unknown, parse: (value: unknown) => Event): Event {
  const known = events.get(value)
  if (known !== undefined) return known
  const parsed = parse(value)
  if (events.has(value)) events.set(value, parsed)
  return parsed
}
