/**
 * @module Source: what a state is read back from: the sections of a snapshot, and the log itself for all
 * that a record says. A record is read when it is asked for, and remembered with what asked.
 */
import * as Record from '../../provenance/Record.ts'
import * as Event from '../Event.ts'
import { malformed } from './Table.ts'

/** A named block of bytes. */
export type Section = { readonly name: string; readonly bytes: Uint8Array }

/** Where a snapshot's state comes from. */
export type Source = {
  /** Bytes of a section; undefined when there is none, or it is damaged. */
  section(name: string): Uint8Array | undefined
  /** Canonical text of a record below the snapshot's size. Throws when it is not the one recorded. */
  text(leaf: number): string
}

/** Bytes of a section that must be there. Throws `InputError`. */
export function section(source: Source, name: string): Uint8Array {
  const bytes = source.section(name)
  if (bytes === undefined) throw malformed(`a section ${name}`, 'none')
  return bytes
}

/** A record and its event, which must be of a type. Throws `InputError`. */
export function event<T extends Event.Type>(source: Source, leaf: number, type: T) {
  const record = Record.decode(source.text(leaf))
  const found = Event.parse(record.event)
  if (found.type !== type) throw malformed(`${type} at leaf ${leaf}`, found.type)
  return { record, event: found as Event.Of<T> }
}

/** What `make` gives, made once, when it is first asked for. */
export function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** A value that is made when it is first asked for, unless it was set before. */
export function cell<T>(make: () => T): { get(): T; set(value: T): void } {
  let made: { readonly value: T } | undefined
  return {
    get() {
      made ??= { value: make() }
      return made.value
    },
    set(value) {
      made = { value }
    },
  }
}
