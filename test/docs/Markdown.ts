/** @module A document as its test reads it: code blocks, code in lines, links, headings, tables. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { root } from '../tidy/Source.ts'

/** A fenced block; `info` is what follows the fence, e.g. `ts run`. */
export type Block = { readonly info: string; readonly text: string; readonly line: number }

/** One document. */
export type Document = {
  /** From the repository's folder. */
  readonly path: string
  readonly text: string
  readonly blocks: readonly Block[]
  /** The text with blocks left out. */
  readonly prose: string
}

/** The documents that users read: those of the root, and all of `docs`. */
export function load(): Document[] {
  const names = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md']
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  return [...names, ...docs.sort().map((name) => `docs/${name}`)].map((path) =>
    parse(path, readFileSync(join(root, path), 'utf8')),
  )
}

/** A text as a document. Throws if a fence is left open. */
export function parse(path: string, text: string): Document {
  const blocks: Block[] = []
  const prose: string[] = []
  let open: { info: string; line: number; text: string[] } | undefined
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line)
    if (open === undefined && fence === null) prose.push(line)
    else if (open === undefined) open = { info: fence![1]!.trim(), line: index + 1, text: [] }
    else if (line === '```') {
      blocks.push({ ...open, text: open.text.join('\n') })
      open = undefined
    } else open.text.push(line)
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: a fence that is not closed`)
  return { path, text, blocks, prose: prose.join('\n') }
}

/** Blocks of one language, whatever else their info says. */
export function blocks(document: Document, language: string): Block[] {
  return document.blocks.filter(({ info }) => info.split(' ')[0] === language)
}

/** Code inside lines. */
export function codes({ prose }: Document): string[] {
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!)
}

/** Targets of links and images. */
export function links({ prose }: Document): string[] {
  const text = prose.replaceAll(/`[^`\n]+`/g, 'code')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
}

/** Why a link leads nowhere; undefined when it leads somewhere, or out of the repository. */
export function linkFault(document: Document, target: string): string | undefined {
  if (/^(https?|mailto):/.test(target)) return undefined
  const [file, anchor] = target.split('#') as [string, string | undefined]
  const path = file === '' ? document.path : normalize(join(dirname(document.path), file))
  if (!existsSync(join(root, path))) return `${document.path}: no file at ${target}`
  if (anchor === undefined) return undefined
  const { prose } = parse(path, readFileSync(join(root, path), 'utf8'))
  const anchors = [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => slug(heading!))
  return anchors.includes(anchor) ? undefined : `${document.path}: no heading at ${target}`
}

/** Rows of the tables whose first head cell is `head`; cells without the blanks around them. */
export function table({ prose }: Document, head: string): string[][] {
  const rows: string[][] = []
  let inside = false
  for (const line of prose.split('\n')) {
    const cells = /^\|(.*)\|$/
      .exec(line)?.[1]
      ?.split('|')
      .map((cell) => cell.trim())
    if (cells === undefined) inside = false
    else if (inside && !/^[:-]+$/.test(cells[0]!)) rows.push(cells)
    else if (cells[0] === head) inside = true
  }
  return rows
}

/** As GitHub makes them. */
function slug(heading: string): string {
  const words = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
  return words.trim().replaceAll(/\s/g, '-')
}
