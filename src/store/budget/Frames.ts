/** @module Frames: messages over a stream, one JSON text a line, bounded in bytes on either side. */

/** A line that is not to be read on: too long, no UTF-8 or no JSON. */
export type Refused = { readonly because: string }

/**
 * Takes a stream's chunks apart. After the first line that is refused nothing more is taken: where the next
 * one begins can no longer be known.
 */
export function reader(options: {
  /** The longest line. */
  readonly mostBytes: number
  readonly take: (message: unknown) => void
  readonly refuse: (refused: Refused) => void
}): (chunk: Uint8Array) => void {
  const { mostBytes, take, refuse } = options
  let parts: Uint8Array[] = []
  let size = 0
  let isRefused = false
  const stop = (because: string) => {
    isRefused = true
    parts = []
    refuse({ because })
  }
  const message = (line: Uint8Array) => {
    const value = parse(line)
    if (value === undefined) stop('expected a line of JSON in UTF-8')
    else take(value)
  }
  return (chunk) => {
    for (let from = 0; !isRefused && from < chunk.length; ) {
      const end = chunk.indexOf(newline, from)
      const part = chunk.subarray(from, end === -1 ? chunk.length : end)
      size += part.length
      if (size > mostBytes) return stop(`expected a line of at most ${mostBytes} bytes`)
      parts.push(part)
      if (end === -1) return
      const line = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      parts = []
      size = 0
      from = end + 1
      message(line)
    }
  }
}

/** A message as its line. */
export function write(message: unknown): string {
  return `${JSON.stringify(message)}\n`
}

/** JSON has no `undefined`: that is what is no JSON. */
function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(line))
  } catch {
    return undefined
  }
}

const newline = 0x0a
const utf8 = new TextDecoder('utf-8', { fatal: true })
