/** @module The real books; the world is told of them, so that invariants can look inside. */
import * as Real from '../../../src/store/Books.ts'
import * as World from '../World.ts'

export type * from '../../../src/store/Books.ts'

/** As the real one. */
export function open(options: Real.Options): Real.Books {
  const books = Real.open(options)
  World.party(options.file.split('/')[1]!).books = books
  return books
}
