/** @module Fold: what follows from a journal, for reading only, while its writer runs or not. */
import * as Economy from '../economy/Economy.ts'
import type * as Event from '../economy/Event.ts'
import { BaseError } from '../kernel/Errors.ts'
import * as Record from '../provenance/Record.ts'
import * as Journal from '../store/Journal.ts'
import type * as Bar from './Bar.ts'

/** Told how far it is. */
export type OnStep = (reached: Bar.Reached) => void

/** Who is told of what while it is read. */
export type Told = {
  readonly onStep?: OnStep
  /** After each record, with the state that it led to. */
  readonly onRecord?: (event: Event.Event, atMs: number, economy: Economy.Economy) => void
}

/** Folds a journal's records. Throws `journal-missing`, `journal-inconsistent`. */
export function journal(file: string, { onStep, onRecord }: Told = {}): Economy.Economy {
  const economy = Economy.empty()
  const reader = Journal.reader(file)
  try {
    const total = reader.size()
    let done = 0
    for (const text of reader.read()) {
      const record = Record.decode(text)
      const fault = Economy.apply(economy, record)
      if (fault !== undefined)
        throw new BaseError(`${file}: record ${record.leaf} cannot follow: ${fault}`, {
          code: 'journal-inconsistent',
          hint: 'run `requite verify`',
        })
      onRecord?.(record.event as Event.Event, record.atMs, economy)
      done += 1
      onStep?.({ done, total: Math.max(done, total), unit: 'records' })
    }
  } finally {
    reader.close()
  }
  return economy
}
