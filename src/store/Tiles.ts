/**
 * @module Tiles: a log's hashes as static files (c2sp.org/tlog-tiles): 256 a tile, levels of eight, so
 * that anyone who can read a folder proves what stands in the log without its journal. Every tile
 * follows from the journal: they are written without a flush, judged by their hashes when they are read,
 * and made anew when they are torn or gone. Entry bundles are left out: they hold 64 KiB a record.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { BaseError } from '../kernel/Errors.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Frontier from '../provenance/Frontier.ts'
import * as Log from '../provenance/Log.ts'
import * as Record from '../provenance/Record.ts'
import * as Files from './Files.ts'

/** A tile of a tree: which level of eight, which of that level, and how many hashes it holds. */
export type Tile = { readonly level: number; readonly index: number; readonly width: number }

const full = 256
const hashBytes = 32
/** Tiles kept in memory: 16 KiB each. */
const maxCached = 128

/** Where a tile lies below the folder of its log: `tile/0/x001/x234/067`, `tile/0/001.p/5`. */
export function pathOf({ level, index, width }: Tile): string {
  const digits = String(index).padStart(3 * Math.ceil(String(index).length / 3), '0')
  const groups = digits.match(/.{3}/g)!
  const last = groups.pop()!
  const parts = [...groups.map((group) => `x${group}`), last]
  const name = ['tile', String(level), ...parts].join('/')
  return width === full ? name : `${name}.p/${width}`
}

/** The tiles that a log of `size` records has and one of `from` records had not. */
export function* between(from: number, size: number): Generator<Tile> {
  for (let level = 0; size >= full ** level; level++) {
    const [before, count] = [from, size].map((records) => Math.floor(records / full ** level))
    for (let index = Math.floor(before! / full); index * full < count!; index++) {
      const width = Math.min(full, count! - index * full)
      if (index * full + width > before!) yield { level, index, width }
    }
  }
}

/**
 * Writes the tiles that came with the records from `from` on, and removes the partial ones they replace.
 * Throws `BaseError` (`file-unwritable`).
 */
export function write(folder: string, log: Log.View, options: { readonly from: number }): void {
  for (const tile of between(options.from, log.size())) {
    const bytes = new Uint8Array(hashBytes * tile.width)
    for (let at = 0; at < tile.width; at++)
      bytes.set(log.subtree(8 * tile.level, tile.index * full + at), hashBytes * at)
    put(folder, tile, bytes)
  }
}

/**
 * Looks up hashes of the first `frontier.size` records of a log in its tiles. Each tile must lead to the
 * frontier; one that does not is made anew from `texts`. Throws `BaseError` (`tiles-damaged`) when there
 * are no texts, or they too lead elsewhere.
 */
export function stored(
  folder: string,
  options: {
    readonly frontier: Frontier.Frontier
    /** Canonical texts of records `from` to `until`, without the last. */
    readonly texts?: (from: number, until: number) => Iterable<string>
  },
): Log.Stored {
  const { frontier, texts } = options
  const { size } = frontier
  const edge = new Map(
    Frontier.subtrees(size).map(({ level, index }, at) => [
      `${level}/${index}`,
      frontier.hashes[at]!,
    ]),
  )
  const cache = new Map<string, readonly Uint8Array[][]>()

  const hashAt = (level: number, index: number): Uint8Array => {
    const known = edge.get(`${level}/${index}`)
    if (known !== undefined) return known
    const tile = Math.floor(level / 8)
    const across = full / 2 ** (level % 8)
    return load(tile, Math.floor(index / across))[level % 8]![index % across]!
  }

  /** Whether a tile leads to what stands above it: its parent, or the frontier. */
  const isSound = ({ level, index, width }: Tile, rows: readonly Uint8Array[][]): boolean => {
    if (width === full) return Merkle.equal(rows[8]![0]!, hashAt(8 * (level + 1), index))
    return Frontier.subtrees(width).every((part) => {
      const at = (index * full) / 2 ** part.level + part.index
      const expected = edge.get(`${8 * level + part.level}/${at}`)
      return expected !== undefined && Merkle.equal(rows[part.level]![part.index]!, expected)
    })
  }

  const load = (level: number, index: number): readonly Uint8Array[][] => {
    const key = `${level}/${index}`
    const known = cache.get(key)
    if (known !== undefined) return known
    const width = Math.min(full, Math.floor(size / full ** level) - index * full)
    const tile = { level, index, width }
    const rows = sound(tile)
    if (cache.size >= maxCached) cache.delete(cache.keys().next().value!)
    cache.set(key, rows)
    return rows
  }

  const sound = (tile: Tile): readonly Uint8Array[][] => {
    const found = get(folder, tile)
    const rows = found && rowsOf(found)
    if (rows !== undefined && isSound(tile, rows)) return rows
    if (texts === undefined)
      throw damaged(folder, tile, found === undefined ? 'missing' : 'altered')
    const bytes = derive(tile, texts)
    const made = bytes && rowsOf(bytes)
    if (made === undefined || !isSound(tile, made))
      throw damaged(folder, tile, 'not that of the records it covers')
    put(folder, tile, bytes!)
    return made
  }

  return hashAt
}

/**
 * A log of known size and root, read from its tiles alone: what proves inclusion and consistency to
 * others. Throws `BaseError` (`tiles-damaged`) now or when what is asked for is missing or altered.
 */
export function open(
  folder: string,
  head: { readonly size: number; readonly root: Hex.Hex },
): Log.View {
  const { size, root } = head
  const hashes: Uint8Array[] = []
  for (const { level, index } of Frontier.subtrees(size)) {
    const tile = Math.floor(level / 8)
    const across = full / 2 ** (level % 8)
    const at = Math.floor(index / across)
    const width = Math.min(full, Math.floor(size / full ** tile) - at * full)
    const bytes = get(folder, { level: tile, index: at, width })
    if (bytes === undefined) throw damaged(folder, { level: tile, index: at, width }, 'missing')
    hashes.push(rowsOf(bytes)[level % 8]![index % across]!)
  }
  const edge = { size, hashes }
  if (Hex.encode(Frontier.root(edge)) !== root)
    throw new BaseError(`the tiles in ${folder} do not lead to the root ${root}`, {
      code: 'tiles-damaged',
      hint: 'they are of another log, or altered: make them anew from the journal',
      facts: { folder, size, root },
    })
  if (size === 0) return Log.resume(Frontier.empty)
  const look = stored(folder, { frontier: edge })
  return Log.resume({ ...edge, last: look(0, size - 1) }, look)
}

/** A tile's hashes and those of the subtrees they make up, by height. */
function rowsOf(bytes: Uint8Array): Uint8Array[][] {
  const rows = [
    Array.from({ length: bytes.length / hashBytes }, (_, at) =>
      bytes.subarray(hashBytes * at, hashBytes * (at + 1)),
    ),
  ]
  for (let height = 0; rows[height]!.length > 1; height++) {
    const below = rows[height]!
    rows.push(
      Array.from({ length: below.length >> 1 }, (_, at) =>
        Merkle.node(below[2 * at]!, below[2 * at + 1]!),
      ),
    )
  }
  return rows
}

/** The bytes of a tile, or of the full one that it became. */
function get(folder: string, tile: Tile): Uint8Array | undefined {
  for (const width of new Set([tile.width, full])) {
    const bytes = Files.readBytes(path.join(folder, pathOf({ ...tile, width })))
    if (bytes?.length === hashBytes * width) return bytes.subarray(0, hashBytes * tile.width)
  }
  return undefined
}

function put(folder: string, tile: Tile, bytes: Uint8Array): void {
  const file = path.join(folder, pathOf(tile))
  const partial = path.join(folder, `${pathOf({ ...tile, width: full })}.p`)
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 })
    fs.writeFileSync(`${file}.tmp`, bytes, { mode: 0o644 })
    fs.renameSync(`${file}.tmp`, file)
    if (tile.width === full) fs.rmSync(partial, { recursive: true, force: true })
    else prune(partial)
  } catch (cause) {
    throw Files.unwritable(file, cause)
  }
}

/** Of partial tiles the two widest stay: that of the checkpoint in force, and that of the next. */
function prune(partial: string): void {
  const widths = fs.readdirSync(partial).map(Number)
  for (const width of widths.sort((left, right) => right - left).slice(2))
    fs.rmSync(path.join(partial, String(width)), { force: true })
}

/** A tile from the records it covers; undefined when there are not so many. */
function derive(
  { level, index, width }: Tile,
  texts: (from: number, until: number) => Iterable<string>,
): Uint8Array | undefined {
  const log = Log.create()
  const across = full ** level
  for (const text of texts(index * full * across, (index * full + width) * across))
    log.append(Record.hash(text))
  if (log.size() !== width * across) return undefined
  const bytes = new Uint8Array(hashBytes * width)
  for (let at = 0; at < width; at++) bytes.set(log.subtree(8 * level, at), hashBytes * at)
  return bytes
}

function damaged(folder: string, tile: Tile, because: string): BaseError {
  const file = path.join(folder, pathOf(tile))
  const across = full ** tile.level
  const first = tile.index * full * across
  const last = first + tile.width * across - 1
  return new BaseError(`the hashes of records ${first} to ${last} in ${file} are ${because}`, {
    code: 'tiles-damaged',
    hint: 'run `requite verify`; put back a copy of the folder that verifies',
    facts: { file, first, last },
  })
}
