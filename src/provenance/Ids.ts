/**
 * @module Ids: which ids a log has used, in 20 bytes each, so that a million are held in little memory.
 * An id is known by the first 128 bits of its SHA-256: nobody can make two that agree in them.
 */
import * as Hash from '../kernel/Hash.ts'

/** Ids and the records that bear them. */
export type Ids = {
  /** Notes the id of a record; the record that bore it before, if any, and then notes nothing. */
  add(id: string, leaf: number): number | undefined
  /** Number of ids noted here. */
  size(): number
}

const wordsPerId = 5

/**
 * No ids yet. `earlier` finds the record of an id that was used before the first one noted here, such
 * as by a look into an index of the part that was checked before.
 */
export function create(earlier?: (id: string) => number | undefined): Ids {
  let capacity = 1024
  let slots = new Uint32Array(wordsPerId * capacity)
  let size = 0

  /** The slot of an id, or the free one where it belongs. The last word is the leaf plus one. */
  const find = (id: Uint32Array, within: Uint32Array, mask: number) => {
    for (let slot = id[0]! & mask; ; slot = (slot + 1) & mask) {
      const at = wordsPerId * slot
      if (within[at + 4] === 0) return at
      if (id.every((word, index) => word === within[at + index])) return at
    }
  }

  const grow = () => {
    const wider = new Uint32Array(2 * slots.length)
    for (let at = 0; at < slots.length; at += wordsPerId) {
      if (slots[at + 4] === 0) continue
      const entry = slots.subarray(at, at + wordsPerId)
      wider.set(entry, find(entry.subarray(0, 4), wider, 2 * capacity - 1))
    }
    slots = wider
    capacity *= 2
  }

  return {
    size: () => size,
    add(id, leaf) {
      const before = earlier?.(id)
      if (before !== undefined) return before
      if (4 * size >= 3 * capacity) grow()
      const { buffer, byteOffset } = Hash.sha256(id).slice(0, 16)
      const words = new Uint32Array(buffer, byteOffset, 4)
      const at = find(words, slots, capacity - 1)
      if (slots[at + 4] !== 0) return slots[at + 4]! - 1
      slots.set(words, at)
      slots[at + 4] = leaf + 1
      size += 1
      return undefined
    },
  }
}
