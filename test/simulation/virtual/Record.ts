/** @module The real records, each text read once: processes that come back read the same journal again. */
import * as Real from '../../../src/provenance/Record.ts'
import * as Texts from './Texts.ts'

export * from '../../../src/provenance/Record.ts'

/** As the real one. */
export function decode<E extends Real.Event = Real.Event>(text: string): Real.Record<E> {
  const known = Texts.record(text)
  if (known !== undefined) return known as Real.Record<E>
  const record = Real.decode<E>(text)
  Texts.remember(text, record)
  return record
}
