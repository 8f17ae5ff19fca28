/**
 * @module Surprisal: what a word weighs, −log₂ of its frequency in a frozen background table. Frozen,
 * because frequencies of the living corpus could be griefed; integers, so that every machine agrees.
 */
import * as Hash from '../../kernel/Hash.ts'
import type { Hex } from '../../kernel/Hex.ts'
import { table } from './SurprisalTable.ts'
import * as Tokenizer from './Tokenizer.ts'

/** What a word outside the table weighs, in milli-bits: the cap, 24 bits. */
export const unknownMilliBits = 24_000

let words: Map<string, number> | undefined
let hash: Hex | undefined

/** Milli-bits of one folded token; always from 1 to 24 000. */
export function of(word: string): number {
  words ??= read(table)
  return words.get(word) ?? unknownMilliBits
}

/** Milli-bits of each token of a text, given its columns. */
export function each(text: string, tokens: Tokenizer.Columns): Int32Array {
  const milliBits = new Int32Array(tokens.count)
  for (let index = 0; index < tokens.count; index++)
    milliBits[index] = of(Tokenizer.fold(text.slice(tokens.starts[index], tokens.ends[index])))
  return milliBits
}

/** SHA-256 of the table's text: receipts name the table they were computed with. */
export function tableHash(): Hex {
  hash ??= Hash.text(table)
  return hash
}

/** All words of the table with their milli-bits. */
export function read(text: string): Map<string, number> {
  const read = new Map<string, number>()
  let milliBits = 0
  for (const piece of text.trim().split(/\s+/))
    if (piece.length > 1 && piece.startsWith('=')) milliBits = Number(piece.slice(1))
    else read.set(piece, milliBits)
  return read
}
