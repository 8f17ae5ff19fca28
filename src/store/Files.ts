/**
 * @module Files: whole files, all or nothing. Atomic writes; documents named by the SHA-256 of
 * their bytes; the list of a folder's files with their hashes, and what differs from it.
 *
 * Never list a folder while this process has a journal in it open: closing any handle of a file
 * frees the locks that SQLite holds on it (POSIX).
 */
import * as crypto from 'node:crypto'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { BaseError, InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'

/** A document by its hash; `erased` when there is no such file. */
export type Document =
  | { readonly kind: 'found'; readonly text: string }
  | { readonly kind: 'erased' }

/** One file of a folder: `path` relative to it with `/`, SHA-256 and length of its bytes. */
export type Entry = { readonly path: string; readonly sha256: Hex.Hex; readonly bytes: number }

/** One file that is not what a manifest says. */
export type Problem = {
  readonly path: string
  readonly problem: 'changed' | 'missing' | 'unexpected'
}

/** Which relative paths to leave out, such as keys. Folders are asked for with a `/` at the end. */
export type Exclude = (path: string) => boolean

/** Makes a folder and those above it, for its owner only, unless it is there. */
export function ensureFolder(folder: string): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
}

/** The text of a file; undefined when there is none. */
export function readText(file: string): string | undefined {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined
}

/** The bytes of a file; undefined when there is none. Throws `BaseError` (`file-unreadable`). */
export function readBytes(file: string): Uint8Array | undefined {
  const bytes = readIfThere(file)
  return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/**
 * Writes a file so that a crash at any moment leaves the old one or the new one, whole, and once
 * this returns, the new one. `mode` is exact, whatever the umask; 0644 when left out.
 */
export function writeAtomic(
  file: string,
  bytes: Uint8Array | string,
  options: { readonly mode?: number } = {},
): void {
  const temporary = stage(file, bytes, options.mode ?? 0o644)
  settle([{ temporary, file }])
}

/**
 * Stores a text under its hash, once, and returns the hash. The folder must be there. Throws
 * `InputError` for a text that UTF-8 cannot hold.
 */
export function putDocument(folder: string, text: string): Hex.Hex {
  return putDocuments(folder, [text])[0]!
}

/** Stores many texts, each under its hash: the folder itself is flushed once. */
export function putDocuments(folder: string, texts: readonly string[]): Hex.Hex[] {
  if (!texts.every((text) => text.isWellFormed()))
    throw new InputError('expected documents of well-formed UTF-16, got a lone surrogate')
  const hashes = texts.map(Hash.text)
  const staged = new Map<string, string>()
  try {
    for (const [index, hash] of hashes.entries()) {
      const file = documentFile(folder, hash)
      if (staged.has(file) || isStored(file, hash)) continue
      staged.set(file, stage(file, texts[index]!, 0o644))
    }
  } catch (error) {
    for (const temporary of staged.values()) fs.rmSync(temporary, { force: true })
    throw error
  }
  settle([...staged].map(([file, temporary]) => ({ file, temporary })))
  return hashes
}

/**
 * Looks a document up. Throws `BaseError`: `document-damaged`, naming the file, when its bytes do
 * not hash to its name; `folder-missing`, so that a folder in the wrong place is not taken for an
 * erasure.
 */
export function getDocument(folder: string, hash: Hex.Hex): Document {
  const file = documentFile(folder, hash)
  const bytes = readIfThere(file)
  if (bytes === undefined) {
    if (!fs.existsSync(folder)) throw missingFolder(folder)
    return { kind: 'erased' }
  }
  const found = Hex.encode(Hash.sha256(bytes))
  if (found === hash.toLowerCase()) {
    try {
      // The byte-order mark belongs to the text: its hash says so.
      return { kind: 'found', text: new TextDecoder('utf-8', decoding).decode(bytes) }
    } catch (cause) {
      throw damaged(file, { because: 'it is not UTF-8', cause })
    }
  }
  throw damaged(file, { because: `its bytes hash to ${found}` })
}

/**
 * Every file of a folder and its folders, by path in code-unit order. Streams, so size does not
 * matter. Throws `BaseError`: `folder-missing`, or `not-a-file` for links, sockets and the like.
 */
export function manifest(folder: string, options: { readonly exclude?: Exclude } = {}): Entry[] {
  return list(folder, options.exclude).map(({ path: name, isFile }) => {
    if (!isFile)
      throw new BaseError(`expected only files and folders in ${folder}, got ${name}`, {
        code: 'not-a-file',
        hint: 'replace it by a file, or exclude it',
        facts: { folder, path: name },
      })
    return { path: name, ...digest(path.join(folder, name)) }
  })
}

/** What differs between a folder and its manifest, by path; nothing when it is as it was. */
export function checkManifest(
  folder: string,
  entries: readonly Entry[],
  options: { readonly exclude?: Exclude } = {},
): Problem[] {
  const expected = new Map(entries.map((entry) => [entry.path, entry]))
  if (expected.size !== entries.length)
    throw new InputError('expected one entry for each path of a manifest', {
      code: 'manifest-malformed',
    })
  const problems: Problem[] = []
  for (const { path: name, isFile } of list(folder, options.exclude)) {
    const entry = expected.get(name)
    expected.delete(name)
    if (entry === undefined) problems.push({ path: name, problem: 'unexpected' })
    else if (!isFile || !matches(path.join(folder, name), entry))
      problems.push({ path: name, problem: 'changed' })
  }
  // Only what the folder holds is ever opened: a path in a manifest is a word, not a place.
  for (const name of expected.keys()) problems.push({ path: name, problem: 'missing' })
  return problems.sort((left, right) => compare(left.path, right.path))
}

const decoding = { fatal: true, ignoreBOM: true }
const chunkBytes = 1 << 20

type Listed = { readonly path: string; readonly isFile: boolean }

function list(folder: string, exclude: Exclude = () => false): Listed[] {
  const found: Listed[] = []
  const visit = (prefix: string) => {
    for (const entry of entriesOf(path.join(folder, prefix))) {
      const name = `${prefix}${entry.name}`
      if (exclude(entry.isDirectory() ? `${name}/` : name)) continue
      if (entry.isDirectory()) visit(`${name}/`)
      else found.push({ path: name, isFile: entry.isFile() })
    }
  }
  visit('')
  return found.sort((left, right) => compare(left.path, right.path))
}

function entriesOf(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw missingFolder(folder)
    throw unreadable(folder, cause)
  }
}

function matches(file: string, entry: Entry): boolean {
  if (fs.statSync(file).size !== entry.bytes) return false
  return digest(file).sha256 === entry.sha256
}

function digest(file: string): { sha256: Hex.Hex; bytes: number } {
  const hash = crypto.createHash('sha256')
  let bytes = 0
  for (const chunk of chunks(file)) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { sha256: `0x${hash.digest('hex')}`, bytes }
}

/** A file piece by piece; each piece is gone with the next. */
function* chunks(file: string): Generator<Uint8Array> {
  const chunk = Buffer.allocUnsafe(chunkBytes)
  let handle: number | undefined
  try {
    handle = fs.openSync(file, 'r')
    for (;;) {
      const read = fs.readSync(handle, chunk)
      if (read === 0) return
      yield chunk.subarray(0, read)
    }
  } catch (cause) {
    throw unreadable(file, cause)
  } finally {
    if (handle !== undefined) fs.closeSync(handle)
  }
}

/** Writes and flushes the bytes beside `file`, under a name of its own, and returns that name. */
function stage(file: string, bytes: Uint8Array | string, mode: number): string {
  const folder = path.dirname(file)
  const temporary = path.join(
    folder,
    `.${path.basename(file)}.${crypto.randomBytes(6).toString('hex')}.tmp`,
  )
  let handle: number
  try {
    handle = fs.openSync(temporary, 'wx', mode)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw missingFolder(folder)
    throw unwritable(file, cause)
  }
  try {
    fs.fchmodSync(handle, mode)
    fs.writeFileSync(handle, bytes)
    fs.fsyncSync(handle)
  } catch (cause) {
    fs.rmSync(temporary, { force: true })
    throw unwritable(file, cause)
  } finally {
    fs.closeSync(handle)
  }
  return temporary
}

/** Gives staged files their names and flushes the folders that now say so. */
function settle(staged: readonly { readonly temporary: string; readonly file: string }[]): void {
  for (const { temporary, file } of staged) {
    try {
      fs.renameSync(temporary, file)
    } catch (cause) {
      for (const { temporary } of staged) fs.rmSync(temporary, { force: true })
      throw unwritable(file, cause)
    }
  }
  for (const folder of new Set(staged.map(({ file }) => path.dirname(file)))) flushFolder(folder)
}

function flushFolder(folder: string): void {
  // Windows has no handle for a folder, and flushes names with the file.
  if (process.platform === 'win32') return
  const handle = fs.openSync(folder, 'r')
  try {
    fs.fsyncSync(handle)
  } finally {
    fs.closeSync(handle)
  }
}

function documentFile(folder: string, hash: Hex.Hex): string {
  if (!Hex.is(hash, 32))
    throw new InputError(`expected a hash of 32 bytes, got ${JSON.stringify(hash)}`)
  return path.join(folder, `${hash.slice(2).toLowerCase()}.txt`)
}

/** A damaged file under the right name is written anew. */
function isStored(file: string, hash: Hex.Hex): boolean {
  const bytes = readIfThere(file)
  return bytes !== undefined && Hex.encode(Hash.sha256(bytes)) === hash
}

function readIfThere(file: string): Uint8Array | undefined {
  try {
    return fs.readFileSync(file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(file, cause)
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function damaged(
  file: string,
  options: { readonly because: string; readonly cause?: unknown },
): BaseError {
  return new BaseError(`the document ${file} is damaged: ${options.because}`, {
    code: 'document-damaged',
    hint: 'put back a copy whose bytes hash to the name of the file',
    facts: { file },
    cause: options.cause,
  })
}

function missingFolder(folder: string): BaseError {
  return new BaseError(`expected a folder at ${folder}, found nothing`, {
    code: 'folder-missing',
    hint: 'make it first, or check the path',
    facts: { folder },
  })
}

function unreadable(file: string, cause: unknown): BaseError {
  return new BaseError(`cannot read ${file}: ${(cause as Error).message}`, {
    code: 'file-unreadable',
    hint: 'check who may read it',
    facts: { file },
    cause,
  })
}

/** The failure of a file that cannot be written: the disk is full, or it may not be. */
export function unwritable(file: string, cause: unknown): BaseError {
  return new BaseError(`cannot write ${file}: ${(cause as Error).message}`, {
    code: 'file-unwritable',
    hint: 'check who may write into its folder, and that the disk has room',
    retry: 'safe',
    facts: { file },
    cause,
  })
}
