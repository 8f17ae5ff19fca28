/**
 * @module A source file as the tidy test sees it: its room, its imports resolved to files, its syntax tree.
 * Parsed by oxc, since a regular expression would also read imports out of comments and texts.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** One `import`, `export … from`, `import()` or `import('…')` type. */
export type Import = {
  readonly specifier: string
  /** The file it names, from the repository's folder; nothing for packages and builtins. */
  readonly file: string | undefined
  /** The package it names, without a path inside it. */
  readonly library: string | undefined
  /** `node:fs` and the like. */
  readonly builtin: string | undefined
  /** Erased by the compiler: it loads nothing. */
  readonly typeOnly: boolean
}

/** A node of the syntax tree, with where it stands. */
export type Node = {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** One file. */
export type Source = {
  /** From the repository's folder, with `/`. */
  readonly path: string
  readonly text: string
  /** `policies` for what is in `src/policies`; nothing for `src/index.ts` and files outside `src`. */
  readonly room: string | undefined
  readonly isTest: boolean
  /** Written by a script, not by hand. */
  readonly isGenerated: boolean
  readonly imports: readonly Import[]
  readonly program: Node
  readonly openingComment: string
}

const generated = [/^src\/wallets\/abi\//, /^src\/attribution\/spans\/SurprisalTable\.ts$/]

/** Every `.ts` and `.mjs` file at or below those of the folders that are there, parsed. */
export function load(...folders: readonly string[]): Source[] {
  const there = folders.filter((folder) => existsSync(join(root, folder)))
  return there.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
      .map((entry) => posix.join(folder, relative(folder, entry.parentPath), entry.name))
      .sort()
      .map((path) => parse(path, readFileSync(join(root, path), 'utf8'))),
  )
}

/** A file's text as a source. Throws if it does not parse. */
export function parse(path: string, text: string): Source {
  const result = parseSync(basename(path), text)
  if (result.errors.length > 0)
    throw new Error(`expected ${path} to parse: ${result.errors[0]!.message}`)
  const program = result.program as unknown as Node
  const [, room] = /^src\/([^/]+)\//.exec(path) ?? []
  return {
    path,
    text,
    room,
    isTest: /\.(test|bench|test-d)\.ts$/.test(path) || !path.startsWith('src/'),
    isGenerated: generated.some((pattern) => pattern.test(path)),
    imports: importsOf(path, program),
    program,
    openingComment: opening(text, result.comments[0]),
  }
}

/** Calls `visit` with each node of a tree and the nodes above it, nearest last. */
export function walk(
  node: Node,
  visit: (node: Node, above: readonly Node[]) => void,
  above: readonly Node[] = [],
): void {
  visit(node, above)
  const path = [...above, node]
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (isNode(child)) walk(child, visit, path)
}

/** The line, from 1, of an offset. */
export function line(source: Source, offset: number): number {
  return source.text.slice(0, offset).split('\n').length
}

/** `src/x/Y.ts:12` */
export function place(source: Source, node: Node): string {
  return `${source.path}:${line(source, node.start)}`
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}

function opening(text: string, first: { start: number; value: string } | undefined): string {
  const before = first === undefined ? '' : text.slice(0, first.start).replace(/^#!.*\n/, '')
  return first === undefined || before.trim() !== '' ? '' : first.value
}

function importsOf(path: string, program: Node): Import[] {
  const imports: Import[] = []
  walk(program, (node) => {
    const literal = (node.source ?? undefined) as { value?: unknown } | undefined
    if (typeof literal?.value !== 'string') return
    imports.push({ ...resolve(path, literal.value), typeOnly: isErased(node) })
  })
  return imports
}

function isErased(node: Node): boolean {
  if (node.type === 'TSImportType') return true
  if (node.importKind === 'type' || node.exportKind === 'type') return true
  const specifiers = (node.specifiers ?? []) as { importKind?: string; exportKind?: string }[]
  return (
    specifiers.length > 0 &&
    specifiers.every((each) => each.importKind === 'type' || each.exportKind === 'type')
  )
}

function resolve(path: string, specifier: string): Omit<Import, 'typeOnly'> {
  const none = { specifier, file: undefined, library: undefined, builtin: undefined }
  if (specifier.startsWith('.'))
    return { ...none, file: posix.join(posix.dirname(path), specifier) }
  if (specifier.startsWith('#')) return none
  if (specifier.startsWith('node:')) return { ...none, builtin: specifier }
  const [scope, name] = specifier.split('/')
  return { ...none, library: specifier.startsWith('@') ? `${scope}/${name}` : scope! }
}

function relative(folder: string, parent: string): string {
  return posix.relative(join(root, folder).replaceAll('\\', '/'), parent.replaceAll('\\', '/'))
}
