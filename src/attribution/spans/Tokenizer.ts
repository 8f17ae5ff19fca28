/**
 * @module Tokeniser `words@1`: words and single marks, ASCII case folded, white space ignored, one code
 * point a token in scripts written without spaces and beyond the basic plane. It is part of consensus:
 * its classes are frozen ranges below, not the Unicode tables of whatever engine runs it.
 */

/** Names this tokeniser on receipts; other rules would be another version. */
export const version = 'words@1'

/** A token: `text` folded; `start` and `end` are UTF-16 offsets into the source. */
export type Token = { readonly text: string; readonly start: number; readonly end: number }

/** Tokens as columns, for the index: offsets and a hash of the folded text; `count` are filled. */
export type Columns = {
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly hashes: Int32Array
  count: number
}

const [blank, word, mark, lead] = [0, 1, 2, 3]

/** First and last code unit of what separates and is never a token: spaces, controls, invisible marks. */
const blanks =
  '0000-0020 007F-00A0 00AD-00AD 1680-1680 180E-180E 2000-200F 2028-202F 205F-206F 3000-3000 FE00-FE0F FEFF-FEFF FFF9-FFFB'

/** What stands alone: punctuation, symbols, private use, surrogates, and scripts without spaces. */
const alone = [
  '0021-002F 003A-0040 005B-005E 0060-0060 007B-007E 00A1-00A9 00AB-00AC 00AE-00B4 00B6-00B9',
  '00BB-00BF 00D7-00D7 00F7-00F7 0E00-109F 1780-17FF 1950-19FF 1A20-1AAF 2010-2027 2030-205E',
  '2070-2BFF 2E00-2FFF 3001-312F 31A0-A4CF A9E0-A9FF AA60-AADF D800-FAFF FD3E-FD3F FE10-FE6F',
  'FF01-FF0F FF1A-FF20 FF3B-FF40 FF5B-FF9F FFF0-FFF8 FFFC-FFFF',
].join(' ')

const classes = new Uint8Array(0x10000).fill(word)
paint(alone, mark)
paint('D800-DBFF', lead)
paint(blanks, blank)

function paint(ranges: string, kind: number): void {
  for (const range of ranges.split(' ')) {
    const [first, last] = range.split('-').map((digits) => Number.parseInt(digits, 16))
    classes.fill(kind, first!, last! + 1)
  }
}

/** Empty columns for at most `capacity` tokens. */
export function columns(capacity: number): Columns {
  return {
    starts: new Int32Array(capacity),
    ends: new Int32Array(capacity),
    hashes: new Int32Array(capacity),
    count: 0,
  }
}

/**
 * Fills `into` with tokens of `text` from offset `from`, which must be the boundary of a token. Returns
 * the offset to go on from, `text.length` or more when all is read.
 */
export function scan(text: string, from: number, into: Columns): number {
  const { starts, ends, hashes } = into
  const { length } = text
  const capacity = starts.length
  let [at, count] = [from, 0]
  while (at < length && count < capacity) {
    const start = at
    let unit = text.charCodeAt(at++)
    const kind = classes[unit]
    if (kind === blank) continue
    let hash = 0
    if (kind === word) {
      do {
        if (unit >= 65 && unit <= 90) unit += 32
        hash = Math.imul(hash ^ unit, 0x01000193)
        unit = at < length ? text.charCodeAt(at) : 32
        at++
      } while (classes[unit] === word)
      at--
    } else {
      hash = Math.imul(unit, 0x01000193)
      if (kind === lead && at < length && (text.charCodeAt(at) & 0xfc00) === 0xdc00)
        hash = Math.imul(hash ^ text.charCodeAt(at++), 0x01000193)
    }
    starts[count] = start
    ends[count] = at
    hashes[count++] = hash ^ (hash >>> 15)
  }
  into.count = count
  return at
}

/** All tokens of a text as columns. */
export function all(text: string): Columns {
  const into = columns(count(text))
  scan(text, 0, into)
  return into
}

/** The number of tokens: what a buyer recounts. */
export function count(text: string): number {
  let total = 0
  const into = columns(Math.min(text.length, 4096))
  for (let at = 0; at < text.length; total += into.count) at = scan(text, at, into)
  return total
}

/**
 * The tokens of a text in order.
 *
 * @example tokenize('Hello, 世界').map((token) => token.text) // ['hello', ',', '世', '界']
 */
export function tokenize(text: string): Token[] {
  const { starts, ends, count } = all(text)
  return Array.from({ length: count }, (_, index) => {
    const [start, end] = [starts[index]!, ends[index]!]
    return { text: fold(text.slice(start, end)), start, end }
  })
}

/** A token's text as it is compared: A–Z in lower case, all else as it is. */
export function fold(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (part) => part.toLowerCase()) : text
}
