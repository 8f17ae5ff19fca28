/**
 * @module Server-sent events (WHATWG HTML § 9.2): the data of each, in order, from bytes in pieces of any
 * size. Names, ids and comments are left out; an event at the end counts without the empty line after it.
 */
import { upstreamError } from '../UpstreamError.ts'

/** The data of events. Throws `UpstreamError` (`upstream-too-large`) for one above `maxLength` UTF-16 units. */
export async function* events(
  parts: AsyncIterable<Uint8Array>,
  { maxLength }: { readonly maxLength: number },
): AsyncGenerator<string, void, undefined> {
  let data: string[] = []
  let length = 0
  for await (const line of lines(parts, maxLength)) {
    length += line.length
    if (length > maxLength) throw tooLong(maxLength)
    if (line === 'data' || line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    if (line !== '') continue
    if (data.length > 0) yield data.join('\n')
    data = []
    length = 0
  }
  if (data.length > 0) yield data.join('\n')
}

/** Lines, ended by `\r\n`, `\n` or `\r`. What is held of one is held in pieces, and joined once. */
async function* lines(parts: AsyncIterable<Uint8Array>, maxLength: number) {
  const decoder = new TextDecoder()
  let held: string[] = []
  let heldLength = 0
  let isAfterReturn = false
  for await (const part of parts) {
    const text = decoder.decode(part, { stream: true })
    if (text === '') continue
    let from = 0
    for (const { 0: mark, index } of text.matchAll(/\r\n|\n|\r/g)) {
      const isSecondHalf = isAfterReturn && index === 0 && mark === '\n'
      if (!isSecondHalf) yield [...held, text.slice(from, index)].join('')
      held = []
      heldLength = 0
      from = index + mark.length
    }
    isAfterReturn = text.endsWith('\r')
    if (from === text.length) continue
    held.push(text.slice(from))
    heldLength += text.length - from
    if (heldLength > maxLength) throw tooLong(maxLength)
  }
  if (heldLength > 0) yield held.join('')
}

function tooLong(maxLength: number) {
  return upstreamError('upstream-too-large', `expected events of at most ${maxLength} characters`)
}
