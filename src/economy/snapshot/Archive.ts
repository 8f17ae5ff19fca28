/**
 * @module Archive: a map whose first entries lie in a table, and become values when they are asked for.
 * It is a `Map` in all that the fold does: what is new or was touched lives in memory, in order.
 */
import { assert } from '../../kernel/Assert.ts'

/** Rows that are a map's first entries, none twice. */
export type Source<V> = {
  readonly rows: number
  readonly keyOf: (row: number) => string
  /** The same number for a row and its key; undefined for a text that is no key. */
  readonly hashOf: (row: number) => number
  readonly hash: (key: string) => number | undefined
  readonly make: (row: number) => V
  /** The row as it is in its table. */
  readonly bytes: (row: number) => Uint8Array
}

/** What lies behind each map that was opened here. */
const opened = new WeakMap<object, Behind>()

type Behind = {
  readonly rows: number
  readonly keyOf: (row: number) => string
  readonly bytes: (row: number) => Uint8Array
  readonly touched: ReadonlyMap<number, unknown>
  readonly added: ReadonlyMap<string, unknown>
}

/** A map over a table. */
export function open<K extends string, V>(source: Source<V>): Map<K, V> {
  const { rows, keyOf, make, bytes } = source
  const touched = new Map<number, V>()
  const added = new Map<K, V>()
  const find = finder(source)
  const valueAt = (row: number): V => {
    if (touched.has(row)) return touched.get(row)!
    const value = make(row)
    touched.set(row, value)
    return value
  }
  function* entries(): Generator<[K, V], undefined> {
    for (let row = 0; row < rows; row++) yield [keyOf(row) as K, valueAt(row)]
    yield* added
    return undefined
  }
  function* keys(): Generator<K, undefined> {
    for (let row = 0; row < rows; row++) yield keyOf(row) as K
    yield* added.keys()
    return undefined
  }
  function* values(): Generator<V, undefined> {
    for (let row = 0; row < rows; row++) yield valueAt(row)
    yield* added.values()
    return undefined
  }
  const map: Map<K, V> = {
    get size() {
      return rows + added.size
    },
    get(key) {
      const row = find(key)
      return row === undefined ? added.get(key) : valueAt(row)
    },
    has: (key) => added.has(key) || find(key) !== undefined,
    set(key, value) {
      const row = find(key)
      if (row === undefined) added.set(key, value)
      else touched.set(row, value)
      return map
    },
    delete: () => never(),
    clear: () => never(),
    forEach(take) {
      for (const [key, value] of entries()) take(value, key, map)
    },
    entries,
    keys,
    values,
    [Symbol.iterator]: entries,
    [Symbol.toStringTag]: 'Map',
  }
  opened.set(map, { rows, keyOf, bytes, touched, added })
  return map
}

/**
 * Gives the entries of a map in order: of an archive's rows that nobody asked for, the row alone.
 */
export function each<K, V>(
  map: ReadonlyMap<K, V>,
  take: { readonly row: (bytes: Uint8Array) => void; readonly entry: (key: K, value: V) => void },
): void {
  const behind = opened.get(map)
  for (let row = 0; row < (behind?.rows ?? 0); row++) {
    const { keyOf, bytes, touched } = behind!
    if (touched.has(row)) take.entry(keyOf(row) as K, touched.get(row) as V)
    else take.row(bytes(row))
  }
  for (const [key, value] of (behind?.added ?? map) as ReadonlyMap<K, V>) take.entry(key, value)
}

/** Looks rows up by key, through an index that is made on the first look. */
function finder<V>({ rows, keyOf, hashOf, hash }: Source<V>) {
  let slots: Int32Array | undefined
  const build = () => {
    let size = 16
    while (size < 2 * rows) size *= 2
    const table = new Int32Array(size)
    for (let row = 0; row < rows; row++) {
      let slot = hashOf(row) & (size - 1)
      while (table[slot] !== 0) slot = (slot + 1) & (size - 1)
      table[slot] = row + 1
    }
    return table
  }
  return (key: string): number | undefined => {
    const wanted = rows === 0 ? undefined : hash(key)
    if (wanted === undefined) return undefined
    slots ??= build()
    const mask = slots.length - 1
    for (let slot = wanted & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const row = slots[slot]! - 1
      if (hashOf(row) === wanted && keyOf(row) === key) return row
    }
    return undefined
  }
}

function never(): never {
  assert(false, 'an archive that forgets nothing')
}
