/**
 * @module An attacker who holds a log's key: changes one value anywhere in a log, then makes ids, links,
 * checkpoints and even the chain's evidence of those checkpoints fit again. It cannot sign for others.
 */
import * as Event from '../../src/economy/Event.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Canonical from '../../src/kernel/Json.ts'
import * as Log from '../../src/provenance/Log.ts'
import * as Record from '../../src/provenance/Record.ts'

/** Plain JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** One change: which record, where in it, to what. */
export type Change = {
  readonly leaf: number
  readonly type: string
  /** `event.money.paidAtoms`, indices as they are. */
  readonly path: readonly (string | number)[]
  readonly value: Json
}

/** What stands at the places of a record that may be changed; links and numbers are made to fit anyway. */
export function changes(texts: readonly string[]): Change[] {
  return texts.flatMap((text, leaf) => {
    const { atMs, causes, event } = JSON.parse(text) as { [key: string]: Json }
    const { type } = event as { type: string }
    const made: Change[] = []
    walk({ atMs: atMs!, causes: causes!, event: event! }, [], (path, value) => {
      if (path.join('.') === 'event.type') return
      for (const other of others(value)) made.push({ leaf, type, path, value: other })
    })
    return made
  })
}

/** `served.receipt.tokens.in`, indices as `*`. */
export function place({ type, path }: Change): string {
  const [first, ...rest] = path.map((key) => (typeof key === 'number' ? '*' : key))
  return first === 'event' ? [type, ...rest].join('.') : ['record', first, ...rest].join('.')
}

/**
 * The log with one change, all that depends on nobody else's key made to fit. `anchored`: the vault's
 * evidence is the chain's, and stays as it was.
 */
export function forge(
  texts: readonly string[],
  change: Change,
  options: { readonly anchored?: boolean } = {},
): string[] {
  return relink(
    texts.map((text, leaf) => {
      const record = JSON.parse(text) as { [key: string]: Json }
      return leaf === change.leaf
        ? (set(record, change.path, change.value) as typeof record)
        : record
    }),
    { ...options, from: change.leaf },
  )
}

/** Numbers, links and names records anew; checkpoints after leaf `from` are drawn again. */
export function relink(
  records: readonly { [key: string]: Json }[],
  { from = -1, anchored = false }: { readonly from?: number; readonly anchored?: boolean } = {},
): string[] {
  const digests = new Map<string, string>()
  return link(records, (event, log) => {
    if (log.size() <= from) return undefined
    if (event.type === 'closing') {
      const { size } = event.checkpoint as { size: number }
      const checkpoint = { size, root: Hex.encode(log.root(Math.min(size, log.size()))) }
      digests.set(Hash.digest(event.checkpoint).slice(2), Hash.digest(checkpoint).slice(2))
      return { ...event, checkpoint }
    }
    if (event.type !== 'published' || anchored) return undefined
    let text = JSON.stringify(event)
    for (const [old, digest] of digests) text = text.replaceAll(old, digest)
    return JSON.parse(text)
  })
}

function link(
  records: readonly { [key: string]: Json }[],
  redraw: (event: { [key: string]: Json }, log: Log.Log) => { [key: string]: Json } | undefined,
): string[] {
  const log = Log.create()
  return records.map((record, leaf) => {
    const given = record.event as { [key: string]: Json }
    const event = redraw(given, log) ?? given
    const id = name(event) ?? String(record.id)
    const text = Canonical.encode({ ...record, leaf, id, previous: Log.previous(log), event })
    log.append(Record.hash(text))
    return text
  })
}

function name(event: unknown): string | undefined {
  try {
    return Event.id(Event.parse(event))
  } catch {
    return undefined
  }
}

function walk(
  value: Json,
  path: readonly (string | number)[],
  visit: (path: readonly (string | number)[], value: Json) => void,
): void {
  if (Array.isArray(value))
    for (const [at, item] of value.entries()) walk(item, [...path, at], visit)
  else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) walk(item, [...path, key], visit)
  else visit(path, value)
}

function set(value: Json, [key, ...rest]: readonly (string | number)[], to: Json): Json {
  if (key === undefined) return to
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as {
    [key: string]: Json
  }
  copy[key] = set(copy[key]!, rest, to)
  return copy as Json
}

const words: readonly (readonly string[])[] = [
  ['node', 'agent'],
  ['allow', 'deny', 'review'],
  ['claimed', 'challenged', 'attested'],
  ['engine', 'telemetry', 'estimate', 'attested'],
  ['exclusive', 'batch-share', 'wall'],
  ['extractive', 'generative'],
  ['success', 'reverted'],
  ['atoms', 'payments'],
]

/** Other values of the same kind: those a forger would try. */
function others(value: Json): Json[] {
  if (typeof value === 'boolean') return [!value]
  if (typeof value === 'number') return value > 0 ? [value + 1, value - 1] : [value + 1]
  if (typeof value !== 'string') return ['x']
  const set = words.find((each) => each.includes(value))
  if (set !== undefined) return set.filter((each) => each !== value)
  if (/^0x[0-9a-f]+$/.test(value)) {
    const spots = new Set([2, Math.floor(value.length / 2), value.length - 1])
    return [...spots].map((at) => {
      const digit = value[at] === '7' ? '8' : '7'
      return value.slice(0, at) + digit + value.slice(at + 1)
    })
  }
  if (/^\d+$/.test(value)) {
    const number = BigInt(value)
    return number > 0n ? [String(number + 1n), String(number - 1n)] : ['1']
  }
  return [`${value}x`]
}
