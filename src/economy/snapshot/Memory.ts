/**
 * @module Memory: what a node remembers of its answers, as the arrays it is searched in: read back
 * without a copy, and not before the first search. Lost, it is made anew from the records.
 */
import * as Outputs from '../../attribution/spans/Outputs.ts'
import type { Hex } from '../../kernel/Hex.ts'
import * as Plain from './Plain.ts'
import * as Source from './Source.ts'
import { malformed } from './Table.ts'

type Head = readonly { readonly salt: Hex; readonly sizes: readonly number[] }[]

/** Bytes of a window: its time and its hash. */
const width = 16

/** The arrays one after the other, times before hashes; before them eight bytes for the head's length. */
export function encode(outputs: Outputs.Outputs): Uint8Array {
  const { shelves } = outputs
  const sizes = shelves.map(({ salt, blocks }) => {
    return { salt, sizes: blocks.map(({ timesMs }) => timesMs.length) }
  })
  const head = Plain.encode(sizes)
  const start = padded(8 + head.length)
  const windows = sizes.flatMap((shelf) => shelf.sizes).reduce((sum, size) => sum + size, 0)
  const bytes = new Uint8Array(start + width * windows)
  new DataView(bytes.buffer).setUint32(0, head.length)
  bytes.set(head, 8)
  let at = start
  for (const { timesMs, hashes } of shelves.flatMap(({ blocks }) => blocks))
    for (const array of [timesMs, hashes]) {
      bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at)
      at += array.byteLength
    }
  return bytes
}

/** The memory of a section; of a damaged one, that of the answers sold. */
export function decode(
  source: Source.Source,
  options: {
    readonly salt: Hex
    readonly sales: ReadonlyMap<Hex, { readonly leaf: number }>
  },
): Outputs.Outputs {
  const bytes = source.section('outputs')
  return bytes === undefined ? anew(source, options) : read(bytes)
}

function read(given: Uint8Array): Outputs.Outputs {
  const bytes = given.byteOffset % 8 === 0 ? given : given.slice()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const length = view.getUint32(0)
  const head = Plain.decode(bytes.subarray(8, 8 + length)) as Head
  let at = padded(8 + length)
  const shelves = head.map(({ salt, sizes }) => ({
    salt,
    blocks: sizes.map((size) => {
      if (at + width * size > bytes.length) throw malformed(`${size} windows`, 'fewer')
      const timesMs = new Float64Array(bytes.buffer, bytes.byteOffset + at, size)
      const hashes = new Uint32Array(bytes.buffer, bytes.byteOffset + at + 8 * size, 2 * size)
      at += width * size
      return { timesMs, hashes }
    }),
  }))
  return { shelves }
}

function anew(
  source: Source.Source,
  { salt, sales }: Parameters<typeof decode>[1],
): Outputs.Outputs {
  let outputs = Outputs.empty
  for (const { leaf } of sales.values()) {
    const { event } = Source.event(source, leaf, 'served')
    const { issuedAtMs: answeredAtMs } = event.receipt
    outputs = Outputs.remember(outputs, { salt, windows: event.outputs as Hex, answeredAtMs })
  }
  return outputs
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8
}
