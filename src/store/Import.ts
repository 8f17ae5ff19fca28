/**
 * @module Imports: documents that already exist, on their way into a datanet. The documentation of a
 * project's installed packages, each owned by the named account of its package (`npm:zod`), or any
 * folder of text. Order is fixed by names alone, so two imports of the same files are the same batch.
 */
import { readFileSync, statSync } from 'node:fs'
import { basename, join, resolve, sep } from 'node:path'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as TextFile from './TextFile.ts'

/** A document with the account that earns by it. */
export type ImportedDocument = {
  /** `zod/README.md`: under node_modules, or under the repository; forward slashes. */
  readonly path: string
  readonly package: string
  /** An account: `npm:<package>`, or what the caller said. */
  readonly owner: string
  /** The file's UTF-8, unchanged. */
  readonly text: string
}

/** What an import found. */
export type Imported = {
  /** The repository's own first, then by package and path in code-unit order. */
  readonly documents: readonly ImportedDocument[]
  /** Licence texts, one per distinct text: they belong to nobody and are registered first of all. */
  readonly commons: readonly ImportedDocument[]
  readonly skipped: readonly TextFile.Skipped[]
}

/** How far an import has come. */
export type Progress = { readonly documents: number; readonly bytes: number }

/** Where documentation is looked for. */
export type DocumentationOptions = {
  /** The repository. */
  readonly root: string
  /** Installed packages; `node_modules` of the repository unless given. */
  readonly nodeModules?: string
  /** Account that owns the repository's own documents. */
  readonly repositoryOwner: string
  /** Paths below `root`; README, CONTRIBUTING and markdown under `docs/` unless given. */
  readonly repositoryFiles?: readonly string[]
  readonly onProgress?: (progress: Progress) => void
}

const markdown = /\.(?:md|markdown|mdx)$/i
const plain = /\.(?:txt|text|rst|adoc)$/i
const code = /\.(?:[cm]?[jt]sx?|json|map|html?|css|ya?ml|sol|svg|png)$/i
const readme = /^readme(?:$|[._-])/i
const licence = /^(?:licen[sc]es?|copying|notices?)(?:$|[._-])/i
const excluded = /^(?:change-?log|changes|history|licen[sc]es?|copying|notices?|third-?party)/i
const fixtures = /^(?:tests?|__tests__|fixtures?|__fixtures__|__mocks__|testdata)$/i

/**
 * The documentation of a repository and of the packages installed in it. Throws `InputError` if there is
 * no such folder, or nothing in it can be taken.
 */
export function importDocumentation(options: DocumentationOptions): Imported {
  const root = folder(options.root, 'the repository')
  const nodeModules = folder(
    options.nodeModules ?? join(root, 'node_modules'),
    'installed packages',
    'run `npm install` first',
  )
  const collected = collector(options.onProgress)
  const name = packageName(root, collected) ?? basename(root)
  const own = { package: name, owner: options.repositoryOwner }
  for (const file of repository(root, options.repositoryFiles, collected)) collected.take(file, own)
  const packages = installed(nodeModules, collected)
  for (const { file, package: owner } of packages)
    collected.take(file, { package: owner, owner: `npm:${owner}` })
  return collected.done(`documentation in ${root} or ${nodeModules}`)
}

/**
 * Text and markdown files of an ordinary folder, by path. Throws `InputError` if there is no such folder
 * or nothing in it can be taken; `facts.skipped` then says why.
 */
export function importFolder(
  path: string,
  options: { owner: string; onProgress?: (progress: Progress) => void },
): Imported {
  const root = folder(path, 'documents')
  const collected = collector(options.onProgress)
  const { found, skipped } = TextFile.walk(root, {
    enter: ({ name }) => !name.startsWith('.') && name !== 'node_modules',
    want: ({ name }) => !name.startsWith('.'),
  })
  collected.skipped.push(...skipped)
  const own = { package: basename(root), owner: options.owner }
  for (const file of found) {
    if (markdown.test(file.name) || plain.test(file.name) || !file.name.includes('.'))
      collected.take(file, own)
    else collected.skip(file.path, 'expected text or markdown (.md, .markdown, .mdx, .txt, .rst)')
  }
  return collected.done(`text or markdown in ${root}`)
}

function isDocumentation(name: string): boolean {
  if (readme.test(name)) return markdown.test(name) || plain.test(name) || !code.test(name)
  return markdown.test(name) && !excluded.test(name)
}

function isLicence(name: string): boolean {
  return licence.test(name) && !code.test(name)
}

function wanted({ name }: { name: string }): boolean {
  return isDocumentation(name) || isLicence(name)
}

function repository(
  root: string,
  files: readonly string[] | undefined,
  collected: Collector,
): TextFile.Found[] {
  if (files !== undefined)
    return files.flatMap((path) => {
      const file = resolve(root, path)
      if (!file.startsWith(`${root}${sep}`))
        throw new InputError(`expected a path inside the repository, got ${JSON.stringify(path)}`)
      const inside = TextFile.isInside(root, file)
      if (!inside) collected.skip(path, 'expected a file that exists inside the repository')
      return inside ? [{ path, name: basename(path), file }] : []
    })
  const { found, skipped } = TextFile.walk(root, {
    enter: ({ path, name }) =>
      path === 'docs' || (path.startsWith('docs/') && !/^\./.test(name) && !fixtures.test(name)),
    want: ({ path, name }) =>
      path.startsWith('docs/')
        ? markdown.test(name) && wanted({ name })
        : isLicence(name) || (isDocumentation(name) && /^(?:readme|contributing)\b/i.test(name)),
  })
  collected.skipped.push(...skipped)
  return found
}

/** Wanted files of every package, each with the nearest name above it, by package and path. */
function installed(
  nodeModules: string,
  collected: Collector,
): { file: TextFile.Found; package: string }[] {
  const names = new Map<string, string>()
  const { found, skipped } = TextFile.walk(nodeModules, {
    enter: ({ path, name }) => !name.startsWith('.') && (isPackage(path) || !fixtures.test(name)),
    entered({ path, file, names: entries }) {
      const above = names.get(path.slice(0, Math.max(path.lastIndexOf('/'), 0)))
      const own = entries.includes('package.json') ? packageName(file, collected, path) : undefined
      const name = own ?? above
      if (name !== undefined) names.set(path, name)
    },
    want: wanted,
  })
  collected.skipped.push(...skipped)
  const owned: { file: TextFile.Found; package: string }[] = []
  for (const file of found) {
    const name = names.get(file.path.slice(0, Math.max(file.path.lastIndexOf('/'), 0)))
    if (name !== undefined) owned.push({ file, package: name })
    else collected.skip(file.path, 'expected a package.json with a name in a folder above')
  }
  return owned.sort(
    (left, right) =>
      TextFile.byCodeUnit(left.package, right.package) ||
      TextFile.byCodeUnit(left.file.path, right.file.path),
  )
}

/** Whether a path under node_modules is the place of a package: such a folder may be called `test`. */
function isPackage(path: string): boolean {
  return /(?:^|\/node_modules\/)(?:@[^/]+\/)?[^/]+$/.test(`/node_modules/${path}`)
}

function packageName(file: string, collected: Collector, path = ''): string | undefined {
  const shown = path === '' ? 'package.json' : `${path}/package.json`
  let text: string
  try {
    text = readFileSync(join(file, 'package.json'), 'utf8')
  } catch {
    return undefined
  }
  try {
    const name = (JSON.parse(text) as { name?: unknown } | null)?.name
    const isName = typeof name === 'string' && /^(?:@[^\s/]+\/)?[^\s/@][^\s/]*$/.test(name)
    return isName && name.length <= 190 ? name : undefined
  } catch {
    collected.skip(shown, 'expected JSON')
    return undefined
  }
}

function folder(path: string, what: string, hint?: string): string {
  const full = resolve(path)
  let isFolder = false
  let reason = 'nothing is there'
  try {
    isFolder = statSync(full).isDirectory()
    reason = 'a file is there'
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT') reason = `it cannot be read (${code})`
  }
  if (!isFolder)
    throw new InputError(`expected a folder with ${what} at ${full}, but ${reason}`, {
      code: 'folder-missing',
      ...(hint === undefined ? {} : { hint }),
    })
  return full
}

type Collector = ReturnType<typeof collector>

function collector(onProgress?: (progress: Progress) => void) {
  const documents: ImportedDocument[] = []
  const commons: ImportedDocument[] = []
  const skipped: TextFile.Skipped[] = []
  const licences = new Set<string>()
  let bytes = 0
  const skip = (path: string, because: string): void => {
    skipped.push({ path, because })
  }
  const take = (file: TextFile.Found, own: { package: string; owner: string }): void => {
    const result = TextFile.read(file)
    if ('because' in result) {
      skipped.push(result)
      return
    }
    const one = { path: file.path, ...own, text: result.text }
    if (!isLicence(file.name)) {
      documents.push(one)
      bytes += Buffer.byteLength(result.text)
      onProgress?.({ documents: documents.length, bytes })
      return
    }
    const hash = Hash.text(result.text)
    if (licences.has(hash)) return
    licences.add(hash)
    commons.push(one)
  }
  const done = (what: string): Imported => {
    if (documents.length === 0)
      throw new InputError(
        `expected ${what}, found none${skipped.length === 0 ? '' : `: ${explain(skipped)}`}`,
        { code: 'documents-none', facts: { skipped } },
      )
    return { documents, commons, skipped }
  }
  return { take, skip, skipped, done }
}

function explain(skipped: readonly TextFile.Skipped[]): string {
  const shown = skipped.slice(0, 3).map(({ path, because }) => `${path || '.'} ${because}`)
  return `${shown.join('; ')}${skipped.length > 3 ? `; and ${skipped.length - 3} more` : ''}`
}
