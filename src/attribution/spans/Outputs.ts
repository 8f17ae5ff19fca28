/**
 * @module A node's memory of its own answers: salted hashes of their windows and when they were given,
 * never the text. A window said here before a document was committed pays that document nothing, so
 * yesterday's answers cannot be registered and sold as data.
 */
import { assert } from '../../kernel/Assert.ts'
import { InputError } from '../../kernel/Errors.ts'
import * as Hash from '../../kernel/Hash.ts'
import * as Hex from '../../kernel/Hex.ts'
import * as Tokenizer from './Tokenizer.ts'
import * as Window from './Window.ts'

/** One answer as it is recorded: its windows' hashes as {@link windows} gives them. */
export type Said = {
  /** The node's secret. One salt for all answers: each further one makes every look-up longer. */
  readonly salt: Hex.Hex
  readonly windows: Hex.Hex
  readonly answeredAtMs: number
}

/** Immutable; {@link remember} shares all blocks it does not merge. One shelf per salt. */
export type Outputs = {
  readonly shelves: readonly { readonly salt: Hex.Hex; readonly blocks: readonly Block[] }[]
}

/** Windows in ascending order of their hashes: two words a hash, one time a hash. */
export type Block = { readonly hashes: Uint32Array; readonly timesMs: Float64Array }

/** A memory of nothing. */
export const empty: Outputs = { shelves: [] }

const bytesPerHash = 8

/** The memory of recorded answers, in any order. */
export function from(said: Iterable<Said>): Outputs {
  let outputs = empty
  for (const answer of said) outputs = remember(outputs, answer)
  return outputs
}

/** The memory with one more answer. Of a window said twice the earlier time stays. */
export function remember(outputs: Outputs, said: Said): Outputs {
  let block = blockOf(said)
  if (block.timesMs.length === 0) return outputs
  const shelf = outputs.shelves.find(({ salt }) => salt === said.salt)
  const blocks = [...(shelf?.blocks ?? [])]
  while (blocks.length > 0 && blocks.at(-1)!.timesMs.length <= 2 * block.timesMs.length)
    block = merge(blocks.pop()!, block)
  const filled = { salt: said.salt, blocks: [...blocks, block] }
  return {
    shelves:
      shelf === undefined
        ? [...outputs.shelves, filled]
        : outputs.shelves.map((each) => (each === shelf ? filled : each)),
  }
}

/**
 * What to record of an answer: the first 64 bits of SHA-256 over salt, tokeniser, w, τ and the folded
 * words of each of its windows; distinct, ascending, one after another.
 */
export function windows(
  answer: string,
  salt: Hex.Hex,
  options: Window.Options = Window.standard,
): Hex.Hex {
  const tokens = Tokenizer.all(answer)
  const ends = Window.ends(answer, tokens, options)
  const hashes = new Set<string>()
  for (const hash of hasher(answer, tokens, ends, options)(salt))
    if (hash !== undefined) hashes.add(Hex.encode(hash).slice(2))
  return `0x${[...hashes].sort().join('')}`
}

/** When each window of an answer was first said, in ms; `Infinity` when never. By starting token. */
export function firstSaidAtMs(
  outputs: Outputs,
  answer: string,
  tokens: Tokenizer.Columns,
  ends: Int32Array,
  options: Window.Options,
): Float64Array {
  const found = new Float64Array(ends.length).fill(Number.POSITIVE_INFINITY)
  const hashes = hasher(answer, tokens, ends, options)
  for (const { salt, blocks } of outputs.shelves)
    for (const [start, hash] of hashes(salt).entries()) {
      if (hash === undefined) continue
      const view = new DataView(hash.buffer, hash.byteOffset)
      const [high, low] = [view.getUint32(0), view.getUint32(4)]
      for (const block of blocks) found[start] = Math.min(found[start]!, look(block, high, low))
    }
  return found
}

/** Hashes of an answer's windows under a salt, by starting token. */
function hasher(
  answer: string,
  tokens: Tokenizer.Columns,
  ends: Int32Array,
  { w, tauMilliBits }: Window.Options,
): (salt: Hex.Hex) => (Uint8Array | undefined)[] {
  const words = Array.from({ length: tokens.count }, (_, index) =>
    Tokenizer.fold(answer.slice(tokens.starts[index], tokens.ends[index])),
  )
  return (salt) =>
    Array.from(ends, (end, start) => {
      if (end === 0) return undefined
      const window = words.slice(start, end).join(' ')
      const text = `${salt} ${Tokenizer.version} ${w} ${tauMilliBits} ${window}`
      return Hash.sha256(text).subarray(0, bytesPerHash)
    })
}

function look({ hashes, timesMs }: Block, high: number, low: number): number {
  let [from, to] = [0, timesMs.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (order(hashes[2 * middle]!, hashes[2 * middle + 1]!, high, low) < 0) from = middle + 1
    else to = middle
  }
  const isThere = hashes[2 * from] === high && hashes[2 * from + 1] === low
  return isThere ? timesMs[from]! : Number.POSITIVE_INFINITY
}

function blockOf({ windows, answeredAtMs }: Said): Block {
  assert(Number.isSafeInteger(answeredAtMs), 'a time in whole milliseconds')
  const bytes = Hex.decode(windows)
  const refusal = 'expected hashes of windows, 8 bytes each, in ascending order, each once'
  if (bytes.length % bytesPerHash !== 0) throw new InputError(refusal)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const hashes = new Uint32Array(bytes.length / 4)
  for (let at = 0; at < hashes.length; at++) hashes[at] = view.getUint32(4 * at)
  for (let at = 2; at < hashes.length; at += 2)
    if (order(hashes[at - 2]!, hashes[at - 1]!, hashes[at]!, hashes[at + 1]!) >= 0)
      throw new InputError(refusal)
  return { hashes, timesMs: new Float64Array(hashes.length / 2).fill(answeredAtMs) }
}

function merge(left: Block, right: Block): Block {
  const size = left.timesMs.length + right.timesMs.length
  const [hashes, timesMs] = [new Uint32Array(2 * size), new Float64Array(size)]
  let [a, b, count] = [0, 0, 0]
  while (a < left.timesMs.length || b < right.timesMs.length) {
    const sign = next(left, a, right, b)
    const [from, at] = sign <= 0 ? [left, a] : [right, b]
    hashes[2 * count] = from.hashes[2 * at]!
    hashes[2 * count + 1] = from.hashes[2 * at + 1]!
    timesMs[count++] =
      sign === 0 ? Math.min(left.timesMs[a]!, right.timesMs[b]!) : from.timesMs[at]!
    if (sign <= 0) a++
    if (sign >= 0) b++
  }
  return { hashes: hashes.slice(0, 2 * count), timesMs: timesMs.slice(0, count) }
}

/** Below 0 when the left block's entry comes next, above 0 the right one's, 0 when they are equal. */
function next(left: Block, a: number, right: Block, b: number): number {
  if (a === left.timesMs.length) return 1
  if (b === right.timesMs.length) return -1
  const [leftAt, rightAt] = [2 * a, 2 * b]
  return order(
    left.hashes[leftAt]!,
    left.hashes[leftAt + 1]!,
    right.hashes[rightAt]!,
    right.hashes[rightAt + 1]!,
  )
}

function order(leftHigh: number, leftLow: number, rightHigh: number, rightLow: number): number {
  return leftHigh - rightHigh || leftLow - rightLow
}
