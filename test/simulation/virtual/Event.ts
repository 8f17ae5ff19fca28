/** @module The real events; those of records that were read before are not judged again. */
import * as Real from '../../../src/economy/Event.ts'
import * as Texts from './Texts.ts'

export type * from '../../../src/economy/Event.ts'
export { id } from '../../../src/economy/Event.ts'

/** As the real one. */
export function parse(value: unknown): Real.Event {
  return Texts.event(value, Real.parse)
}
