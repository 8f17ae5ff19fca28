/**
 * @module Table: rows of fixed width in one block of bytes. Nothing is read of it before it is asked for,
 * so a table of any length is open at once. Integers and times are big-endian.
 */
import { InputError } from '../../kernel/Errors.ts'
import type { Hex } from '../../kernel/Hex.ts'

/** Bytes of each field, in order: 1 or 4 an unsigned integer, 8 a float, any other a hash or an address. */
export type Layout = { readonly [field: string]: number }

/** Rows to read. */
export type Table<L extends Layout> = {
  readonly rows: number
  number(row: number, field: keyof L): number
  hex(row: number, field: keyof L): Hex
  /** The first four bytes of a field. */
  head(row: number, field: keyof L): number
  /** The row's own bytes. */
  bytes(row: number): Uint8Array
}

/** Rows to come. */
export type Writer<L extends Layout> = {
  add(values: { readonly [F in keyof L]: number | Hex }): void
  /** Adds a row of another table of the same layout. */
  copy(row: Uint8Array): void
  /** Changes an integer of the row that was added last. */
  patch(field: keyof L, value: number): void
  bytes(): Uint8Array
}

type Field = { readonly at: number; readonly size: number }

/** Reads a table. Throws `InputError` unless its bytes are whole rows. */
export function read<L extends Layout>(layout: L, bytes: Uint8Array): Table<L> {
  const { fields, width } = measure(layout)
  if (bytes.length % width !== 0) throw malformed(`rows of ${width} bytes`, `${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    rows: bytes.length / width,
    number: (row, field) => readNumber(view, row * width, fields[field]!),
    hex(row, field) {
      const { at, size } = fields[field]!
      const start = row * width + at
      return toHex(bytes.subarray(start, start + size))
    },
    head: (row, field) => view.getUint32(row * width + fields[field]!.at),
    bytes: (row) => bytes.subarray(row * width, (row + 1) * width),
  }
}

/** An empty table. */
export function write<L extends Layout>(layout: L): Writer<L> {
  const { fields, width } = measure(layout)
  let bytes = new Uint8Array(width * 64)
  let size = 0
  const grow = () => {
    if (size + width <= bytes.length) return
    const wider = new Uint8Array(2 * bytes.length)
    wider.set(bytes)
    bytes = wider
  }
  return {
    add(values) {
      grow()
      const view = new DataView(bytes.buffer, size, width)
      for (const field in fields) {
        const { at, size: length } = fields[field]!
        const value = values[field]!
        if (typeof value === 'number') writeNumber(view, { at, size: length }, value)
        else bytes.set(fromHex(value, length), size + at)
      }
      size += width
    },
    copy(row) {
      grow()
      bytes.set(row, size)
      size += width
    },
    patch(field, value) {
      writeNumber(new DataView(bytes.buffer, size - width, width), fields[field]!, value)
    },
    bytes: () => bytes.slice(0, size),
  }
}

/** How rows are found by a field that is their key, or the part of it that tells them apart. */
export function keyed<L extends Layout>(table: Table<L>, field: keyof L) {
  return {
    rows: table.rows,
    bytes: table.bytes,
    keyOf: (row: number): string => table.hex(row, field),
    hashOf: (row: number) => table.head(row, field),
    hash: (key: string) => hash(key.slice(2, 10)),
  }
}

/** Four bytes of lower-case hex as a number; undefined of any other text. */
export function hash(text: string): number | undefined {
  return /^[0-9a-f]{8}$/.test(text) ? Number.parseInt(text, 16) : undefined
}

/** The `InputError` of a snapshot that is not as expected. */
export function malformed(expected: string, got: unknown): InputError {
  return new InputError(`expected ${expected} in a snapshot, got ${String(got)}`, {
    code: 'snapshot-malformed',
  })
}

function measure<L extends Layout>(layout: L) {
  const fields = {} as { [F in keyof L]: Field }
  let width = 0
  for (const field in layout) {
    const size = layout[field] as number
    fields[field] = { at: width, size }
    width += size
  }
  return { fields, width }
}

function readNumber(view: DataView, start: number, { at, size }: Field): number {
  if (size === 1) return view.getUint8(start + at)
  return size === 4 ? view.getUint32(start + at) : view.getFloat64(start + at)
}

function writeNumber(view: DataView, { at, size }: Field, value: number): void {
  if (size === 1) view.setUint8(at, value)
  else if (size === 4) view.setUint32(at, value)
  else view.setFloat64(at, value)
}

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const values = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(digit) ? 0 : digit
})

function toHex(bytes: Uint8Array): Hex {
  let text = '0x'
  for (const byte of bytes) text += digits[byte]
  return text as Hex
}

/** What the fold holds is lower-case hex of known length: it is not checked again. */
function fromHex(text: string, size: number): Uint8Array {
  if (text.length !== 2 + 2 * size) throw malformed(`hex of ${size} bytes`, text)
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++)
    bytes[at] = 16 * values[text.charCodeAt(2 + 2 * at)]! + values[text.charCodeAt(3 + 2 * at)]!
  return bytes
}
