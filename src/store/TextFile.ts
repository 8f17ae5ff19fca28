/**
 * @module Text files found on disk: walked in a fixed order, never out of their root, read as UTF-8 or
 * named with the reason why not.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'

/** A file that was looked at and not taken. */
export type Skipped = { readonly path: string; readonly because: string }

/** A file found; `path` is relative to the root, with forward slashes. */
export type Found = { readonly path: string; readonly name: string; readonly file: string }

/** Files above this many bytes are skipped. */
export const largestBytes = 2 * 1024 * 1024

/** What a walk does. */
export type WalkOptions = {
  /** Whether to go into a folder; `path` as in {@link Found}, `names` its entries' names. */
  readonly enter: (folder: { path: string; name: string }) => boolean
  /** Called for every folder entered, before what is in it. */
  readonly entered?: (folder: { path: string; file: string; names: readonly string[] }) => void
  /** Whether a file is wanted; what is not wanted is passed over silently. */
  readonly want: (file: Found) => boolean
}

/**
 * All wanted files under `root`, by path in code-unit order. A symbolic link is followed only to a place
 * inside the root that no other path reaches; the rest is named in `skipped`.
 */
export function walk(
  root: string,
  options: WalkOptions,
): { readonly found: Found[]; readonly skipped: Skipped[] } {
  const found: Found[] = []
  const skipped: Skipped[] = []
  const realRoot = realpathSync(root)
  const visited = new Set<string>([realRoot])
  const links: Found[] = []
  const linkedFiles: Found[] = []

  const visitFolder = (file: string, path: string): void => {
    const entries = attempt(() => readdirSync(file, { withFileTypes: true }), path, skipped)
    if (entries === undefined) return
    const sorted = entries.sort((left, right) => byCodeUnit(left.name, right.name))
    options.entered?.({ path, file, names: sorted.map(({ name }) => name) })
    for (const entry of sorted) {
      const { name } = entry
      const one = { path: path === '' ? name : `${path}/${name}`, name, file: join(file, name) }
      if (entry.isSymbolicLink()) links.push(one)
      else if (entry.isDirectory()) {
        if (options.enter(one)) visit(one)
      } else if (options.want(one)) {
        if (!entry.isFile()) skipped.push({ path: one.path, because: 'expected a regular file' })
        else take(one)
      }
    }
  }
  // `file` is always a real path: its folder's is, and it is no link itself.
  const visit = ({ file, path }: Found): void => {
    if (visited.has(file)) return
    visited.add(file)
    visitFolder(file, path)
  }
  const take = (one: Found): void => {
    if (visited.has(one.file)) return
    visited.add(one.file)
    found.push(one)
  }
  const follow = (link: Found): void => {
    if (!(options.enter(link) || options.want(link))) return
    const real = attempt(() => realpathSync(link.file), link.path, skipped)
    if (real === undefined || visited.has(real)) return
    const isFolder = attempt(() => statSync(real).isDirectory(), link.path, skipped)
    if (isFolder === undefined || !(isFolder ? options.enter(link) : options.want(link))) return
    if (!real.startsWith(`${realRoot}${sep}`)) {
      skipped.push({ path: link.path, because: 'a symbolic link that leads out of the folder' })
      return
    }
    if (isFolder) visit({ ...link, file: real })
    else linkedFiles.push({ ...link, file: real })
  }

  visitFolder(realRoot, '')
  // A real path is the better name for a file than a linked folder, and that than a linked file.
  for (let link = links.shift(); link !== undefined; link = links.shift()) follow(link)
  for (const one of linkedFiles) take(one)
  found.sort((left, right) => byCodeUnit(left.path, right.path))
  return { found, skipped }
}

/** The exact text of a UTF-8 file, or why it is not one. */
export function read(file: Found): { readonly text: string } | Skipped {
  const refuse = (because: string): Skipped => ({ path: file.path, because })
  const skipped: Skipped[] = []
  const bytes = attempt(
    () => {
      const stat = statSync(file.file)
      return stat.isFile() && stat.size <= largestBytes ? readFileSync(file.file) : stat
    },
    file.path,
    skipped,
  )
  if (bytes === undefined) return skipped[0]!
  if (!(bytes instanceof Uint8Array))
    return refuse(
      bytes.isFile()
        ? `expected at most ${largestBytes} bytes, got ${bytes.size}`
        : 'expected a regular file',
    )
  const nul = bytes.indexOf(0)
  if (nul !== -1) return refuse(`expected text, got a binary file (a NUL byte at ${nul})`)
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    return refuse('expected text in UTF-8, got other bytes')
  }
  return text.trim() === '' ? refuse('expected text, got an empty file') : { text }
}

/** Whether a file exists and its real path lies under a folder's real path. */
export function isInside(folder: string, file: string): boolean {
  try {
    return realpathSync(file).startsWith(`${realpathSync(folder)}${sep}`)
  } catch {
    return false
  }
}

/** Order of code units: the same everywhere, whatever the locale. */
export function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

// A byte-order mark stays: offsets and hashes are those of the file.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function attempt<T>(read: () => T, path: string, skipped: Skipped[]): T | undefined {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (typeof code !== 'string') throw error
    skipped.push({ path, because: `cannot be read (${code})` })
    return undefined
  }
}
