/**
 * @module Block headers of Ethereum (Yellow Paper § 4.3, EIP-1559, 4895, 4844, 4788, 7685) in RLP: their
 * keccak256 is the block's hash, so a header kept on file fixes number, time and bloom filter of the block
 * in which a payment stands. Pure.
 */
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'

/** What a header tells. */
export type Header = {
  readonly hash: Hex.Hex
  readonly number: number
  readonly timestampSec: number
  /** 256 bytes. */
  readonly logsBloom: Uint8Array
}

/** Members of `eth_getBlockByNumber`'s answer in the order of the header; the later ones came by forks. */
const members = [
  ['parentHash', 'bytes'],
  ['sha3Uncles', 'bytes'],
  ['miner', 'bytes'],
  ['stateRoot', 'bytes'],
  ['transactionsRoot', 'bytes'],
  ['receiptsRoot', 'bytes'],
  ['logsBloom', 'bytes'],
  ['difficulty', 'integer'],
  ['number', 'integer'],
  ['gasLimit', 'integer'],
  ['gasUsed', 'integer'],
  ['timestamp', 'integer'],
  ['extraData', 'bytes'],
  ['mixHash', 'bytes'],
  ['nonce', 'bytes'],
  ['baseFeePerGas', 'integer'],
  ['withdrawalsRoot', 'bytes'],
  ['blobGasUsed', 'integer'],
  ['excessBlobGas', 'integer'],
  ['parentBeaconBlockRoot', 'bytes'],
  ['requestsHash', 'bytes'],
] as const
const position = { logsBloom: 6, number: 8, timestamp: 11 } as const

/**
 * RLP of a block's header, from the node's JSON; undefined unless its keccak256 is the block's stated hash
 * (a fork added what this file does not know).
 */
export function encode(block: Readonly<Record<string, unknown>>): Hex.Hex | undefined {
  const items: Uint8Array[] = []
  for (const [name, kind] of members) {
    const value = block[name]
    if (value === undefined || value === null) break
    if (typeof value !== 'string' || !/^0x[0-9a-fA-F]*$/.test(value)) return undefined
    items.push(item(kind === 'integer' ? integer(value) : Hex.decode(value)))
  }
  const body = concat(items)
  const encoded = concat([prefix(body.length, 0xc0), body])
  return Hex.encode(Hash.keccak256(encoded)) === block.hash ? Hex.encode(encoded) : undefined
}

/** A header read back; undefined if it is none. */
export function decode(encoded: string): Header | undefined {
  if (!/^0x([0-9a-fA-F]{2}){1,4096}$/.test(encoded)) return undefined
  const bytes = Hex.decode(encoded)
  const outer = span(bytes, 0)
  if (outer === undefined || !outer.list || outer.end !== bytes.length) return undefined
  const items: Uint8Array[] = []
  for (let at = outer.start; at < outer.end; ) {
    const inner = span(bytes, at)
    if (inner === undefined || inner.list || inner.end > outer.end) return undefined
    items.push(bytes.subarray(inner.start, inner.end))
    at = inner.end
  }
  const logsBloom = items[position.logsBloom]
  const number = small(items[position.number])
  const timestampSec = small(items[position.timestamp])
  if (logsBloom?.length !== 256 || number === undefined || timestampSec === undefined)
    return undefined
  return { hash: Hex.encode(Hash.keccak256(bytes)), number, timestampSec, logsBloom }
}

/** False if no log of the block can hold this address or topic; true proves little (Yellow Paper M3:2048). */
export function mayHold(header: Header, addressOrTopic: Hex.Hex): boolean {
  const hash = Hash.keccak256(Hex.decode(addressOrTopic))
  return [0, 2, 4].every((at) => {
    const bit = ((hash[at]! << 8) | hash[at + 1]!) & 2047
    return (header.logsBloom[255 - (bit >> 3)]! & (1 << (bit & 7))) !== 0
  })
}

function integer(hex: string): Uint8Array {
  const digits = hex.slice(2).replace(/^0+/, '')
  return Hex.decode(`0x${digits.length % 2 === 0 ? digits : `0${digits}`}`)
}

function item(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 1 && bytes[0]! < 0x80) return bytes
  return concat([prefix(bytes.length, 0x80), bytes])
}

function prefix(length: number, offset: number): Uint8Array {
  if (length < 56) return Uint8Array.of(offset + length)
  const size = integer(`0x${length.toString(16)}`)
  return concat([Uint8Array.of(offset + 55 + size.length), size])
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** Where the item that begins at `at` has its content; undefined if it runs over the end. */
function span(
  bytes: Uint8Array,
  at: number,
): { start: number; end: number; list: boolean } | undefined {
  const first = bytes[at]
  if (first === undefined) return undefined
  if (first < 0x80) return { start: at, end: at + 1, list: false }
  const list = first >= 0xc0
  const size = first - (list ? 0xc0 : 0x80)
  if (size < 56) return within(bytes, at + 1, size, list)
  const digits = bytes.subarray(at + 1, at + 1 + size - 55)
  const length = small(digits)
  return length === undefined ? undefined : within(bytes, at + 1 + digits.length, length, list)
}

function within(bytes: Uint8Array, start: number, length: number, list: boolean) {
  const end = start + length
  return end > bytes.length ? undefined : { start, end, list }
}

function small(bytes: Uint8Array | undefined): number | undefined {
  if (bytes === undefined || bytes.length > 6) return undefined
  return bytes.reduce((value, byte) => value * 256 + byte, 0)
}
