/**
 * @module Markdown in blocks, and blocks in passages: the units a reader answers with. A passage is one
 * contiguous stretch of the text; code blocks, lists and tables are never cut; badges, raw HTML, tables
 * of contents and link lists are in none. Linear in the text, whatever the text.
 */

/** One block; `start` and `end` are UTF-16 offsets, white space at the end left out. */
export type Block = {
  readonly kind: 'heading' | 'paragraph' | 'code' | 'list' | 'noise'
  readonly start: number
  readonly end: number
  /** 1 to 6 for headings, else 0. */
  readonly depth: number
}

/** A stretch of text to answer with. */
export type Passage = {
  readonly start: number
  readonly end: number
  /** The headings it stands under, outermost first. */
  readonly headings: readonly string[]
  readonly hasCode: boolean
  /** Whether it has a sentence, a list or code, and is more than a heading. */
  readonly hasBody: boolean
  /** Words in it. */
  readonly words: number
}

type Line = { readonly start: number; readonly end: number; readonly text: string }

/** The blocks of a markdown text, in order. */
export function blocks(text: string): Block[] {
  const lines = split(text)
  const found: Block[] = []
  let index = frontMatter(lines)
  if (index > 0) found.push(block('noise', lines, 0, index))
  while (index < lines.length) {
    if (lines[index]!.text === '') {
      index++
      continue
    }
    const [kind, next, depth] = blockAt(lines, index, found.at(-1))
    const made = block(kind, lines, index, next, depth)
    found.push(isNoise(made, text) ? { ...made, kind: 'noise' } : made)
    index = next
  }
  return found
}

function blockAt(
  lines: readonly Line[],
  index: number,
  before: Block | undefined,
): [Block['kind'], number, number?] {
  const line = lines[index]!.text
  const fence = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]
  if (fence !== undefined) return ['code', fenceEnd(lines, index, fence)]
  const heading = /^ {0,3}(#{1,6})(?:\s|$)/.exec(line)
  if (heading !== null) return ['heading', index + 1, heading[1]!.length]
  if (/^ {0,3}<!--/.test(line)) return ['noise', until(lines, index, (one) => one.includes('-->'))]
  if (/^ {0,3}<\/?[A-Za-z]/.test(line) && !/^ {0,3}<https?:/.test(line))
    return ['noise', blank(lines, index)]
  if (/^ {0,3}(?:[-*_] *){3,}$/.test(line)) return ['noise', index + 1]
  if (/^ {0,3}\[[^\]]{1,200}\]:\s/.test(line)) return ['noise', references(lines, index)]
  if (isItem(line)) return ['list', listEnd(lines, index)]
  if (/^(?: {4}|\t)/.test(line) && before?.kind !== 'list') return ['code', indented(lines, index)]
  return paragraph(lines, index)
}

function paragraph(lines: readonly Line[], from: number): [Block['kind'], number, number?] {
  let index = from + 1
  for (; index < lines.length; index++) {
    const line = lines[index]!.text
    if (line.trim() === '' || /^\s*(?:`{3,}|~{3,})/.test(line)) break
    if (/^ {0,3}#{1,6}\s/.test(line) || /^ {0,3}<!--/.test(line)) break
    if (/^ {0,3}=+\s*$/.test(line)) return ['heading', index + 1, 1]
    if (/^ {0,3}-{2,}\s*$/.test(line)) return ['heading', index + 1, 2]
    if (/^ {0,3}[-*+]\s+\S/.test(line)) break
  }
  return ['paragraph', index]
}

function fenceEnd(lines: readonly Line[], from: number, fence: string): number {
  const closing = (line: string) => {
    const trimmed = line.trim()
    return trimmed.length >= fence.length && trimmed === fence[0]!.repeat(trimmed.length)
  }
  for (let index = from + 1; index < lines.length; index++)
    if (closing(lines[index]!.text)) return index + 1
  return lines.length
}

/** A list with all its items, what is indented under them and fences inside them. */
function listEnd(lines: readonly Line[], from: number): number {
  let end = from + 1
  for (let index = from + 1; index < lines.length; ) {
    const line = lines[index]!.text
    const fence = /^\s+(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) {
      index = fenceEnd(lines, index, fence)
      end = index
      continue
    }
    if (line.trim() !== '') {
      const afterBlank = lines[index - 1]!.text.trim() === ''
      const belongs = isItem(line) || /^(?: {2,}|\t)/.test(line) || !afterBlank
      if (!belongs || /^ {0,3}#{1,6}\s/.test(line) || /^(?:`{3,}|~{3,}|<)/.test(line)) break
      end = index + 1
    }
    index++
  }
  return end
}

function indented(lines: readonly Line[], from: number): number {
  let end = from + 1
  for (let index = from + 1; index < lines.length; index++) {
    const line = lines[index]!.text
    if (line.trim() === '') continue
    if (!/^(?: {4}|\t)/.test(line)) break
    end = index + 1
  }
  return end
}

function references(lines: readonly Line[], from: number): number {
  let index = from + 1
  while (index < lines.length && /^ {0,3}\[[^\]]{1,200}\]:\s/.test(lines[index]!.text)) index++
  return index
}

function blank(lines: readonly Line[], from: number): number {
  let index = from + 1
  while (index < lines.length && lines[index]!.text.trim() !== '') index++
  return index
}

function until(lines: readonly Line[], from: number, last: (line: string) => boolean): number {
  for (let index = from; index < lines.length; index++)
    if (last(lines[index]!.text)) return index + 1
  return lines.length
}

function frontMatter(lines: readonly Line[]): number {
  if (lines[0]?.text.trim() !== '---') return 0
  const end = lines.findIndex((line, index) => index > 0 && line.text.trim() === '---')
  return end === -1 || end > 60 ? 0 : end + 1
}

function isItem(line: string): boolean {
  return /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/.test(line)
}

function block(
  kind: Block['kind'],
  lines: readonly Line[],
  from: number,
  next: number,
  depth = 0,
): Block {
  let last = next - 1
  while (last > from && lines[last]!.text.trim() === '') last--
  return { kind, start: lines[from]!.start, end: lines[last]!.end, depth }
}

/** Words a reader would read: badges, images, bare links and tags taken out. */
export function prose(markdown: string): string {
  return markdown
    .replace(/<!--[^>]{0,2000}-->/g, ' ')
    .replace(/!\[[^\]]{0,300}\](?:\([^)\s]{0,600}[^)]{0,100}\)|\[[^\]]{0,100}\])/g, ' ')
    .replace(/<[^<>]{0,600}>/g, ' ')
    .replace(/https?:\/\/\S{1,600}/g, ' ')
}

function withoutLinks(markdown: string): string {
  return prose(markdown).replace(/\[[^\]]{0,300}\](?:\([^)]{0,700}\)|\[[^\]]{0,100}\])/g, ' ')
}

function countWords(text: string): number {
  return text.match(/[\p{L}\p{N}]{2,}/gu)?.length ?? 0
}

/** Nothing but links, badges or tags: a reader learns nothing from it. */
function isNoise({ kind, start, end }: Block, text: string): boolean {
  if (kind !== 'paragraph' && kind !== 'list') return kind === 'noise'
  const source = text.slice(start, Math.min(end, start + 20_000))
  if (!/\][([]|<|https?:/.test(source)) return false
  const left = countWords(withoutLinks(source))
  if (kind === 'paragraph') return left < 3
  const items = source.match(/^\s*(?:[-*+]|\d{1,9}[.)])\s/gm)?.length ?? 1
  return left < 2 * items
}

/** A heading's words: no marks, links as their text. */
export function title(heading: string): string {
  return prose(heading.slice(0, 300))
    .replace(/\[([^\]]{0,300})\](?:\([^)]{0,700}\)|\[[^\]]{0,100}\])/g, '$1')
    .replace(/^\s*#+\s*|\s*#+\s*$|[`*]|\r?\n[=-]+\s*$/g, '')
    .trim()
}

const wordsPerPassage = 170
const mostWordsPerPassage = 380

/** The passages of a text, in order; together they leave out only noise. */
export function passages(text: string, all: readonly Block[] = blocks(text)): Passage[] {
  const found: Passage[] = []
  const path: { depth: number; name: string }[] = []
  let open: Block[] = []
  let words = 0
  const close = (): void => {
    const first = open[0]
    if (first !== undefined) {
      const end = open.at(-1)!.end
      found.push({
        start: first.start,
        end,
        headings: path.map(({ name }) => name),
        hasCode: open.some(({ kind }) => kind === 'code'),
        hasBody: open.some(({ kind }) => kind !== 'heading'),
        words,
      })
    }
    open = []
    words = 0
  }
  for (const [index, one] of all.entries()) {
    if (one.kind === 'noise') {
      close()
      continue
    }
    const size = countWords(text.slice(one.start, one.end))
    if (one.kind === 'heading') {
      if (open.some(({ kind }) => kind !== 'heading')) close()
      while (path.length > 0 && path.at(-1)!.depth >= one.depth) path.pop()
      path.push({ depth: one.depth, name: title(text.slice(one.start, one.end)) })
    } else if (open.some(({ kind }) => kind !== 'heading')) {
      const limit = belongsToPrevious(text, all[index - 1]!, one)
        ? mostWordsPerPassage
        : wordsPerPassage
      if (words + size > limit) close()
    }
    open.push(one)
    words += size
  }
  close()
  return found
}

/** Code, a list or a table after a paragraph that leads to it. */
function belongsToPrevious(text: string, before: Block, one: Block): boolean {
  if (before.kind !== 'paragraph') return false
  return one.kind === 'code' || /:\s*$/.test(text.slice(before.start, before.end))
}

function split(text: string): Line[] {
  const lines: Line[] = []
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const next = newline === -1 ? text.length : newline
    const line = text.slice(start, next).trimEnd()
    lines.push({ start, end: start + line.length, text: line })
    start = next + 1
  }
  return lines
}
