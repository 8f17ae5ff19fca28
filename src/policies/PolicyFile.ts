/**
 * @module The policy file: YAML with three keys, `policy`, `asset` and `rules`. Every error names file,
 * line and column, what was expected there and, for a sentence, the nearest right one.
 */
import * as Yaml from 'yaml'
import type * as Asset from '../kernel/Asset.ts'
import { InputError } from '../kernel/Errors.ts'
import * as Nearest from './Nearest.ts'
import * as Rule from './Rule.ts'
import { Mistake } from './Sentence.ts'
import * as Untrusted from './Untrusted.ts'

/** What a file says, not yet checked as a policy. */
export type Contents = {
  readonly name: string
  readonly asset: Asset.Asset
  readonly rules: readonly Rule.Rule[]
}

/** What is read, and with what. */
export type Options = { readonly file: string; readonly assets: readonly Asset.Asset[] }

/** The largest file, in UTF-16 units: some thousand payees. */
export const longestText = 65_536
/** The most rules of a policy. */
export const mostRules = 1_024
const longestName = 64
const keys = ['policy', 'asset', 'rules'] as const

/** What was expected, if a name is none. */
export function refuseName(name: string): string | undefined {
  return /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) && name.length <= longestName
    ? undefined
    : `a name of at most ${longestName} letters, digits and . _ -`
}

/** A place in the file and the file itself. */
type Source = Options & { readonly text: string; readonly lines: Yaml.LineCounter }

/** Reads a file's text. Throws `InputError` (`bad-policy`) with the place. */
export function parse(text: string, options: Options): Contents {
  if (text.length > longestText)
    throw new InputError(
      `${options.file}: expected at most ${longestText} characters, got ${text.length}`,
      { code: 'bad-policy', facts: { file: options.file } },
    )
  const source = { ...options, text, lines: new Yaml.LineCounter() }
  const values = members(source, document(source))
  const name = string(source, values.policy, 'a name such as research-desk')
  const expected = refuseName(name)
  if (expected !== undefined)
    throw wrong(source, start(values.policy), expected, Untrusted.show(name))
  const asset = assetOf(source, values.asset)
  return { name, asset, rules: rules(source, values.rules, asset) }
}

/** Writes a policy's file; {@link parse} reads it back. */
export function format(contents: Contents): string {
  const { asset, name } = contents
  const sentences = contents.rules.map((rule) => Rule.format(rule, asset))
  const document = new Yaml.Document({ policy: name, asset: asset.id, rules: sentences })
  const node = document.get('asset', true) as Yaml.Scalar
  node.comment = ` ${asset.symbol}, ${asset.decimals} decimals`
  return document.toString({ lineWidth: 0 })
}

function document(source: Source): Yaml.Node | null {
  let document: Yaml.Document.Parsed
  try {
    const options = { lineCounter: source.lines, prettyErrors: false, uniqueKeys: true }
    document = Yaml.parseDocument(source.text, options)
  } catch (cause) {
    // Flow collections nested by the thousand exhaust the reader's stack.
    throw wrong(source, 0, 'YAML that can be read', (cause as Error).message, { cause })
  }
  const trouble = document.errors[0] ?? document.warnings[0]
  if (trouble !== undefined) throw wrong(source, trouble.pos[0], 'plain YAML', trouble.message)
  return document.contents
}

function members(source: Source, node: Yaml.Node | null): Record<(typeof keys)[number], Yaml.Node> {
  if (!Yaml.isMap(node))
    throw wrong(source, start(node), `the keys ${keys.join(', ')}`, describe(node))
  plain(source, node)
  const found: Partial<Record<(typeof keys)[number], Yaml.Node>> = {}
  for (const { key, value } of node.items as Yaml.Pair<Yaml.Node, Yaml.Node | null>[]) {
    const name = Yaml.isScalar(key) ? String(key.value) : describe(key)
    const known = keys.find((known) => known === name)
    if (known === undefined) {
      const nearest = Nearest.closest(name.slice(0, longestName), keys)
      throw wrong(source, start(key), `one of ${keys.join(', ')}`, Untrusted.show(name), {
        nearest,
      })
    }
    if (value === null) throw wrong(source, start(key), `a value for ${known}`, 'nothing')
    found[known] = value
  }
  const { policy, asset, rules } = found
  if (policy !== undefined && asset !== undefined && rules !== undefined)
    return { policy, asset, rules }
  const absent = keys.filter((key) => found[key] === undefined)
  throw wrong(source, start(node), `the keys ${keys.join(', ')}`, `none of ${absent.join(', ')}`)
}

function assetOf(source: Source, node: Yaml.Node): Asset.Asset {
  const id = string(source, node, 'an asset id such as eip155:8453/erc20:0x…')
  const found = source.assets.find((asset) => asset.id === id.toLowerCase())
  if (found !== undefined) return found
  const known = source.assets.map((asset) => `${asset.id} (${asset.symbol})`)
  const expected = known.length === 0 ? 'no asset: none is known here' : known.join(' or ')
  throw wrong(source, start(node), expected, Untrusted.show(id), { code: 'unknown-asset' })
}

function rules(source: Source, node: Yaml.Node, asset: Asset.Asset): readonly Rule.Rule[] {
  if (!Yaml.isSeq(node) || node.items.length === 0)
    throw wrong(source, start(node), 'a list of at least one sentence', describe(node))
  plain(source, node)
  const items = node.items as readonly (Yaml.Node | null)[]
  if (items.length > mostRules)
    throw wrong(source, start(items[mostRules]), `at most ${mostRules} rules`, `${items.length}`)
  return items.map((item) => {
    const example = `a sentence such as "cap 2 ${asset.symbol} per payment"`
    const sentence = string(source, item ?? node, example)
    try {
      return Rule.parse(sentence, asset)
    } catch (error) {
      if (!(error instanceof Mistake)) throw error
      const nearest = Nearest.sentence(sentence, asset)
      const { offset, expected, got } = error
      throw wrong(source, within(source, item!, offset), expected, got, { nearest })
    }
  })
}

function string(source: Source, node: Yaml.Node, expected: string): string {
  if (!Yaml.isScalar(node) || typeof node.value !== 'string' || node.value.trim() === '')
    throw wrong(source, start(node), expected, describe(node))
  plain(source, node)
  return node.value
}

/** Anchors and tags have no use here, and would hide what a rule says. */
function plain(source: Source, node: Yaml.Node): void {
  const { anchor, tag } = node as { anchor?: string; tag?: string }
  if (anchor !== undefined) throw wrong(source, start(node), 'no anchor', `&${anchor}`)
  if (tag !== undefined) throw wrong(source, start(node), 'no tag', tag)
}

function start(node: Yaml.Node | null | undefined): number {
  return node?.range?.[0] ?? 0
}

/** Where in the file a place of a sentence is: exact unless the sentence is folded or escaped. */
function within(source: Source, node: Yaml.Node, offset: number): number {
  const [begin, finish] = node.range!
  const written = source.text.slice(begin, finish)
  const { value } = node as Yaml.Scalar<string>
  if (written.startsWith(value)) return begin + offset
  return written.slice(1).startsWith(value) ? begin + 1 + offset : begin
}

function describe(node: Yaml.Node | null | undefined): string {
  if (Yaml.isAlias(node)) return `the alias *${node.source}`
  if (Yaml.isMap(node)) return 'a mapping'
  if (Yaml.isSeq(node)) return node.items.length === 0 ? 'an empty list' : 'a list'
  return Yaml.isScalar(node) && node.value !== null ? Untrusted.show(node.value) : 'nothing'
}

function wrong(
  source: Source,
  offset: number,
  expected: string,
  got: string,
  more: { readonly nearest?: string; readonly code?: string; readonly cause?: unknown } = {},
): InputError {
  const { line, col } = source.lines.linePos(Math.min(offset, source.text.length))
  const [row, column] = [Math.max(line, 1), Math.max(col, 1)]
  const { nearest, code = 'bad-policy', cause } = more
  return new InputError(`${source.file}:${row}:${column}: expected ${expected}, got ${got}`, {
    code,
    facts: { file: source.file, line: row, column, expected, nearest },
    ...(nearest === undefined ? {} : { hint: `the nearest right one: ${nearest}` }),
    ...(cause === undefined ? {} : { cause }),
  })
}
