/**
 * @module Receipt evidence: what a receipt says about whose words its answer is made of, as plain JSON,
 * and the program that recomputes it from the documents and names the first thing that differs.
 */
import { InputError } from '../../kernel/Errors.ts'
import * as Hex from '../../kernel/Hex.ts'
import * as Influence from '../../kernel/Influence.ts'
import * as Json from '../../kernel/Json.ts'
import * as PriorityCover from './PriorityCover.ts'
import * as Surprisal from './Surprisal.ts'
import * as Tokenizer from './Tokenizer.ts'
import * as Window from './Window.ts'

/** Names this method on receipts. */
export const method = 'spans/priority-cover'

/** Of the method: other rules would be another version. */
export const version = 1

/** Milli-bits and ppb as decimal strings; offsets in UTF-16 code units. */
export type Evidence = {
  readonly method: string
  readonly version: number
  readonly tokenizer: string
  /** τ in milli-bits, w in tokens. */
  readonly w: number
  readonly tauMilliBits: number
  readonly tableHash: Hex.Hex
  /** Root of the datanet version the answer was looked up in. */
  readonly indexRoot: Hex.Hex
  readonly runs: readonly PriorityCover.Run[]
  readonly unpaid: readonly PriorityCover.Unpaid[]
  readonly coverageMilliBits: string
  readonly totalMilliBits: string
  readonly commonsMilliBits: string
  readonly outputMilliBits: string
  readonly coveragePpb: string
  readonly tokens: number
  readonly entries: readonly {
    readonly docSeq: number
    readonly milliBits: string
    readonly ppb: string
    readonly rarityPpb: string
  }[]
}

/** Evidence of a cover. `options` are those the cover was made with. */
export function from(
  cover: PriorityCover.Cover,
  context: { readonly indexRoot: Hex.Hex; readonly options?: Window.Options },
): Evidence {
  const { w, tauMilliBits } = context.options ?? Window.standard
  return {
    method,
    version,
    tokenizer: Tokenizer.version,
    w,
    tauMilliBits,
    tableHash: Surprisal.tableHash(),
    indexRoot: context.indexRoot,
    runs: cover.runs,
    unpaid: cover.unpaid,
    coverageMilliBits: String(cover.coverageMilliBits),
    totalMilliBits: String(cover.totalMilliBits),
    commonsMilliBits: String(cover.commonsMilliBits),
    outputMilliBits: String(cover.outputMilliBits),
    coveragePpb: String(cover.coveragePpb),
    tokens: cover.tokens,
    entries: cover.weights.map(({ docSeq, milliBits }, index) => ({
      docSeq,
      milliBits: String(milliBits),
      ppb: String(cover.credits[index]!.ppb),
      rarityPpb: String(cover.credits[index]!.rarityPpb),
    })),
  }
}

/** Milli-bits of each run: how a document's credit divides over what is shown of it. */
export function runWeights(evidence: Evidence, answer: string): bigint[] {
  return evidence.runs.map(({ start, end }) => {
    const text = answer.slice(start, end)
    const milliBits = Surprisal.each(text, Tokenizer.all(text))
    return milliBits.reduce((sum, each) => sum + BigInt(each), 0n)
  })
}

/**
 * Recomputes evidence from the answer and the documents, the node's memory of outputs as it was *before*
 * this answer included. Evidence may be anything parsed from a file: what is malformed differs. Whether
 * `w` and τ are those the model card promises is the caller's to compare.
 */
export function recompute(
  answer: string,
  index: PriorityCover.Index & { readonly indexRoot?: Hex.Hex },
  evidence: Evidence,
): { readonly ok: true } | { readonly ok: false; readonly because: string } {
  if (typeof evidence !== 'object' || evidence === null)
    return { ok: false, because: `evidence: expected an object, got ${show(evidence)}` }
  const options = { w: evidence.w, tauMilliBits: evidence.tauMilliBits }
  if (!Window.isValid(options))
    return {
      ok: false,
      because: `w, tauMilliBits: expected 1 to 256 tokens and 1 to 4096000 milli-bits, got ${show(options)}`,
    }
  const { indexRoot = evidence.indexRoot } = index
  const expected = from(PriorityCover.cover(answer, index, options), { indexRoot, options })
  const difference = differ(expected, evidence, '')
  return difference === undefined ? { ok: true } : { ok: false, because: difference }
}

/** The shares a receipt pays, by artifact. Throws `InputError` when they are not sound. */
export function influence(
  evidence: Evidence,
  artifactOf: (docSeq: number) => Hex.Hex,
): Influence.Influence {
  const shares = new Map<Hex.Hex, bigint>()
  for (const { docSeq, ppb } of evidence.entries) {
    const artifact = artifactOf(docSeq)
    shares.set(artifact, (shares.get(artifact) ?? 0n) + BigInt(ppb))
  }
  return Influence.validate({
    method: evidence.method,
    version: evidence.version,
    recomputable: true,
    indexRoot: evidence.indexRoot,
    entries: [...shares]
      .map(([artifact, sharePpb]) => ({ artifact, sharePpb }))
      .filter(({ sharePpb }) => sharePpb !== 0n)
      .sort((left, right) => (left.artifact < right.artifact ? -1 : 1)),
    coveragePpb: BigInt(evidence.coveragePpb),
  })
}

const shapes: Readonly<Record<string, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  hash: (value) => Hex.is(value, 32),
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  amount: (value) => typeof value === 'string' && /^(0|[1-9]\d{0,29})$/.test(value),
}

const members = {
  evidence: {
    method: 'text',
    version: 'count',
    tokenizer: 'text',
    w: 'count',
    tauMilliBits: 'count',
    tableHash: 'hash',
    indexRoot: 'hash',
    coverageMilliBits: 'amount',
    totalMilliBits: 'amount',
    commonsMilliBits: 'amount',
    outputMilliBits: 'amount',
    coveragePpb: 'amount',
    tokens: 'count',
  },
  runs: { start: 'count', end: 'count', docSeq: 'count', offset: 'count' },
  unpaid: { start: 'count', end: 'count', kind: 'text' },
  entries: { docSeq: 'count', milliBits: 'amount', ppb: 'amount', rarityPpb: 'amount' },
} as const

/** Reads evidence from parsed JSON. Throws `InputError` naming the member that is not as expected. */
export function parse(value: unknown): Evidence {
  check(value, members.evidence, 'evidence')
  for (const name of ['runs', 'unpaid', 'entries'] as const) {
    const list = (value as Record<string, unknown>)[name]
    if (!Array.isArray(list)) throw new InputError(`expected evidence.${name} as a list`)
    for (const [index, item] of list.entries())
      check(item, members[name], `evidence.${name}[${index}]`)
  }
  return value as Evidence
}

function check(value: unknown, kinds: Readonly<Record<string, string>>, path: string): void {
  if (typeof value !== 'object' || value === null)
    throw new InputError(`expected ${path} as an object, got ${show(value)}`)
  for (const [name, kind] of Object.entries(kinds)) {
    const member = (value as Record<string, unknown>)[name]
    if (!shapes[kind]!(member))
      throw new InputError(`expected ${path}.${name} as ${kind}, got ${show(member)}`)
  }
}

/** Path of the first difference with both values, or `undefined`. */
function differ(expected: unknown, got: unknown, path: string): string | undefined {
  if (typeof expected !== 'object' || expected === null)
    return Object.is(expected, got) ? undefined : clash(expected, got, path)
  if (typeof got !== 'object' || got === null || Array.isArray(got) !== Array.isArray(expected))
    return clash(expected, got, path)
  const [left, right] = [expected, got] as Record<string, unknown>[]
  for (const key of Object.keys(left!)) {
    const place = Array.isArray(expected) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
    const found = differ(left![key], right![key], place)
    if (found !== undefined) return found
  }
  for (const key of Object.keys(right!))
    if (!Object.hasOwn(left!, key))
      return `${path === '' ? '' : `${path}.`}${key}: expected nothing, got ${show(right![key])}`
  return undefined
}

function clash(expected: unknown, got: unknown, path: string): string {
  return `${path}: expected ${show(expected)}, got ${show(got)}`
}

function show(value: unknown): string {
  try {
    const text = Json.encode(value)
    return text.length > 120 ? `${text.slice(0, 120)}…` : text
  } catch {
    return typeof value
  }
}
