/**
 * @module Sentences: reading a rule word by word. What cannot be read is a `Mistake` that knows where it
 * is, what was expected there, and which words would have gone on, so that a right sentence can be named.
 */
import type * as Asset from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Money from '../kernel/Money.ts'
import * as Share from '../kernel/Share.ts'
import * as Calendar from './Calendar.ts'
import * as Window from './Window.ts'

/** A word or a comma, and where it begins. */
type Token = { readonly text: string; readonly offset: number }

/** Where reading is. */
export type Cursor = { readonly text: string; readonly tokens: readonly Token[]; at: number }

/** What could not be read. `offset` and `length` in UTF-16 units of the sentence; length 0 = at its end. */
export class Mistake extends InputError {
  override name = 'Mistake'
  readonly offset: number
  readonly length: number
  readonly expected: string
  readonly got: string
  /** Words that would have gone on here. */
  readonly candidates: readonly string[]

  constructor(cursor: Cursor, expected: string, candidates: readonly string[] = []) {
    const token = cursor.tokens[cursor.at]
    const got = quote(token?.text)
    super(`expected ${expected}, got ${got}`, { code: 'bad-sentence' })
    this.offset = token?.offset ?? cursor.text.length
    this.length = token?.text.length ?? 0
    this.expected = expected
    this.got = got
    this.candidates = candidates
  }
}

function quote(text: string | undefined): string {
  if (text === undefined) return 'the end of the sentence'
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/** Opens a sentence at its first word. */
export function open(text: string): Cursor {
  const tokens = [...text.matchAll(/[^\s,]+|,/g)]
  return { text, tokens: tokens.map((match) => ({ text: match[0], offset: match.index })), at: 0 }
}

/** Reads one of some words, and returns it. */
export function word<const Word extends string>(cursor: Cursor, ...words: readonly Word[]): Word {
  const found = words.find((word) => word === cursor.tokens[cursor.at]?.text)
  if (found === undefined)
    throw new Mistake(cursor, words.map((word) => `"${word}"`).join(' or '), words)
  cursor.at++
  return found
}

/** Reads the words if they come next. */
export function maybe(cursor: Cursor, ...words: readonly string[]): boolean {
  const follows = words.every((word, index) => cursor.tokens[cursor.at + index]?.text === word)
  if (follows) cursor.at += words.length
  return follows
}

/** Reads `2 USDC` as a decimal string of atoms. A bare number or another symbol is a mistake. */
export function money(cursor: Cursor, asset: Asset.Asset): string {
  const amount = cursor.tokens[cursor.at]?.text ?? ''
  const match = /^\d{1,30}(?:\.(\d+))?$/.exec(amount)
  if (match === null || (match[1] ?? '').length > asset.decimals)
    throw new Mistake(
      cursor,
      `an amount such as 2 ${asset.symbol}, with at most ${asset.decimals} decimals`,
      ['2'],
    )
  cursor.at++
  const symbol = cursor.tokens[cursor.at]?.text
  if (symbol !== asset.symbol)
    throw new Mistake(cursor, `${asset.symbol}, the symbol of the amount`, [asset.symbol])
  cursor.at++
  return Money.parse(`${amount} ${symbol}`, asset).atoms.toString()
}

/** Reads the name of a time zone. */
export function zone(cursor: Cursor): string {
  const text = cursor.tokens[cursor.at]?.text ?? ''
  if (!Calendar.isZone(text))
    throw new Mistake(cursor, 'a time zone such as Europe/Berlin or UTC', ['UTC', 'Europe/Berlin'])
  cursor.at++
  return text
}

/** Reads `22:00` as minutes since midnight. */
export function time(cursor: Cursor): number {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(cursor.tokens[cursor.at]?.text ?? '')
  if (match === null)
    throw new Mistake(cursor, 'a time of day such as 22:00, from 00:00 to 23:59', ['22:00'])
  cursor.at++
  return 60 * Number(match[1]) + Number(match[2])
}

/** Minutes since midnight as {@link time} reads them. */
export function formatTime(minutes: number): string {
  const two = (number: number) => String(number).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** Reads a length of time such as `60s` or `5m` as milliseconds. */
export function duration(cursor: Cursor): number {
  const ms = Window.read(cursor.tokens[cursor.at]?.text ?? '')
  if (ms === undefined)
    throw new Mistake(cursor, 'a length of time such as 60s, 5m or hour', ['5m'])
  cursor.at++
  return ms
}

/** Reads an asset's CAIP-19 id, in lower case. */
export function asset(cursor: Cursor): string {
  const text = (cursor.tokens[cursor.at]?.text ?? '').toLowerCase()
  if (!/^eip155:[1-9]\d{0,15}\/erc20:0x[0-9a-f]{40}$/.test(text))
    throw new Mistake(cursor, 'an asset id such as eip155:8453/erc20:0x… of 40 hex digits')
  cursor.at++
  return text
}

/** Reads a whole number from `least` to `most`. */
export function count(cursor: Cursor, what: string, most: number, least = 1): number {
  const text = cursor.tokens[cursor.at]?.text ?? ''
  const value = /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : -1
  if (value < least || value > most)
    throw new Mistake(cursor, `a number of ${what} from ${least} to ${most}`, [
      `${Math.min(30, most)}`,
    ])
  cursor.at++
  return value
}

/** Reads `50%` as parts per billion. */
export function share(cursor: Cursor): Share.Share {
  const text = cursor.tokens[cursor.at]?.text ?? ''
  try {
    const share = Share.parse(text)
    cursor.at++
    return share
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new Mistake(cursor, 'a share such as 50%, from 0% to 100%', [`${text}%`, '50%'])
  }
}

/** Reads `a, b, c`. `refuse` says what was expected of an item that is wrong. */
export function list(
  cursor: Cursor,
  options: {
    readonly what: string
    readonly example: string
    readonly refuse: (item: string) => string | undefined
  },
): readonly string[] {
  const items: string[] = []
  do {
    const item = cursor.tokens[cursor.at]?.text
    if (item === undefined || item === ',')
      throw new Mistake(cursor, options.what, [options.example])
    const expected = items.includes(item) ? 'each item of a list once' : options.refuse(item)
    if (expected !== undefined) throw new Mistake(cursor, expected, [options.example])
    items.push(item)
    cursor.at++
  } while (maybe(cursor, ','))
  if (cursor.at < cursor.tokens.length)
    throw new Mistake(cursor, '"," or the end of the sentence', [','])
  return items
}

/** Nothing may follow. */
export function end(cursor: Cursor): void {
  if (cursor.at < cursor.tokens.length) throw new Mistake(cursor, 'the end of the sentence', [''])
}
