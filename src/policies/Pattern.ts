/**
 * @module Patterns: names of payees, hosts, models and the like, in which `*` stands for one or more
 * characters. Case matters, but not in payees, hosts and assets. In hosts the port is matched by itself, so `*.example` admits no port and
 * `127.0.0.1:*` any; a lone `*` is anything. Matching is linear: no pattern can make it slow.
 */
import * as Sentence from './Sentence.ts'

/** What a pattern can be about. */
export type Dimension = keyof typeof singular

/** One of each, as a request states it. */
export const singular = {
  payees: 'payee',
  hosts: 'host',
  models: 'model',
  assets: 'asset',
  adapters: 'adapter',
  datanets: 'datanet',
  tools: 'tool',
  agents: 'agent',
  categories: 'category',
} as const

/** All dimensions. */
export const dimensions = Object.keys(singular) as readonly Dimension[]

/** A pattern of each, as one would write it. */
export const example: Readonly<Record<Dimension, string>> = {
  payees: '0x00000000000000000000000000000000000000aa',
  hosts: '127.0.0.1:*',
  models: 'docs-reader',
  assets: 'eip155:8453/*',
  adapters: 'legal-de@3',
  datanets: 'handbook',
  tools: 'search',
  agents: 'research-desk',
  categories: 'research',
}

const caseless: readonly Dimension[] = ['payees', 'hosts', 'assets']

const longest = 256
/** Printable ASCII without blank and comma. */
const printable = /^[!-+\--~]+$/
const hostFact = /^(?:[a-z0-9_](?:[a-z0-9._-]*)|\[[0-9a-f:.]+\])(?::\d{1,5})?$/
const hostPattern = /^(?:[a-z0-9._*-]+|\[[0-9a-f:.]+\])(?::(?:\d{1,5}|\*))?$/

/** What was expected, if `text` is no pattern of this dimension. */
export function refuse(dimension: Dimension, text: string): string | undefined {
  const name = singular[dimension]
  if (text.length > longest) return `a ${name} of at most ${longest} characters`
  if (!printable.test(text)) return `a ${name} in printable ASCII`
  if (text.includes('**')) return `a ${name} without "**": "*" is one or more characters already`
  if (dimension === 'hosts' && !hostPattern.test(text.toLowerCase()))
    return 'a host such as api.example, *.example or 127.0.0.1:*'
  if (dimension === 'payees' && /^0x/i.test(text) && !/^0x[0-9a-f*]+$/i.test(text))
    return 'a payee address of 0x and 40 hex digits'
  if (dimension === 'payees' && /^0x[^*]*$/i.test(text) && text.length !== 42)
    return 'a payee address of 0x and 40 hex digits'
  return undefined
}

/** The form in which patterns and names are stored and compared. */
export function normal(dimension: Dimension, text: string): string {
  // An agent is known by its address or by a name of its own.
  const isAddress = dimension === 'agents' && /^0x[0-9a-f*]+$/i.test(text)
  return isAddress || caseless.includes(dimension) ? text.toLowerCase() : text
}

/** A name a request states, in normal form; `undefined` when it is none. */
export function fact(dimension: Dimension, value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > longest || !printable.test(value))
    return undefined
  const name = normal(dimension, value)
  return dimension === 'hosts' && !hostFact.test(name) ? undefined : name
}

/** A test of names against one pattern; both in normal form. */
export function compile(dimension: Dimension, pattern: string): (name: string) => boolean {
  if (pattern === '*') return () => true
  if (dimension !== 'hosts') return glob(pattern)
  const [wantedHost, wantedPort] = splitPort(pattern)
  const [host, port] = [glob(wantedHost), glob(wantedPort)]
  return (name) => {
    const parts = splitPort(name)
    return host(parts[0]) && port(parts[1])
  }
}

/** A host and its port; the port is empty if none is named. */
export function splitPort(host: string): [name: string, port: string] {
  const colon = host.lastIndexOf(':')
  if (colon < 0 || host.endsWith(']')) return [host, '']
  return [host.slice(0, colon), host.slice(colon + 1)]
}

/** The first place of each part is as good as any later one, so one pass decides. */
function glob(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*')
  const [first, last] = [parts[0]!, parts.at(-1)!]
  if (parts.length === 1) return (name) => name === pattern
  const middle = parts.slice(1, -1)
  return (name) => {
    if (!name.startsWith(first) || !name.endsWith(last)) return false
    let at = first.length
    for (const part of middle) {
      const found = name.indexOf(part, at + 1)
      if (found < 0) return false
      at = found + part.length
    }
    return at + 1 + last.length <= name.length
  }
}

/** Reads `models a, b` to the end of a sentence. */
export function read(cursor: Sentence.Cursor): {
  readonly dimension: Dimension
  readonly patterns: readonly string[]
} {
  const dimension = Sentence.word(cursor, ...dimensions)
  const patterns = Sentence.list(cursor, {
    what: `a ${singular[dimension]}`,
    example: example[dimension],
    refuse: (item) => refuse(dimension, item),
  })
  return { dimension, patterns }
}

/** Finds the first pattern that a name matches. */
export function matcher(
  dimension: Dimension,
  patterns: readonly string[],
): (name: string) => string | undefined {
  const tests = patterns.map((pattern) => compile(dimension, pattern))
  return (name) => patterns[tests.findIndex((test) => test(name))]
}
