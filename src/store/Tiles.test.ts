import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Log from '../provenance/Log.ts'
import * as Record from '../provenance/Record.ts'
import * as Tiles from './Tiles.ts'

let folder: string
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tiles-'))
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const text = (leaf: number) => `record ${leaf}`
function logOf(size: number): Log.Log {
  const log = Log.create()
  for (let leaf = 0; leaf < size; leaf++) log.append(Record.hash(text(leaf)))
  return log
}
function* texts(from: number, until: number): Generator<string> {
  for (let leaf = from; leaf < until; leaf++) yield text(leaf)
}
/** Every file below the folder, by path. */
function files(): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => fs.statSync(path.join(folder, name)).isFile())
    .sort()
}
const head = (log: Log.View) => ({ size: log.size(), root: Hex.encode(log.root()) })
const change = (name: string, edit: (bytes: Buffer) => Buffer) => {
  const file = path.join(folder, name)
  fs.writeFileSync(file, edit(fs.readFileSync(file)))
}

test.each([
  [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
  [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
  [{ level: 1, index: 273, width: 112 }, 'tile/1/273.p/112'],
  [{ level: 2, index: 1_000, width: 1 }, 'tile/2/x001/000.p/1'],
])('paths are those of the specification: %j', (tile, expected) => {
  expect(Tiles.pathOf(tile)).toBe(expected)
})

test('a tree of 70,000 has the tiles that the specification counts', () => {
  const tiles = [...Tiles.between(0, 70_000)]
  const count = (level: number, isFull: boolean) =>
    tiles.filter((tile) => tile.level === level && (tile.width === 256) === isFull)
  expect([count(0, true).length, count(0, false).map(({ width }) => width)]).toEqual([273, [112]])
  expect([count(1, true).length, count(1, false).map(({ width }) => width)]).toEqual([1, [17]])
  expect([count(2, true).length, count(2, false).map(({ width }) => width)]).toEqual([0, [1]])
  expect(tiles).toHaveLength(277)
  expect([...Tiles.between(0, 256)]).toEqual([
    { level: 0, index: 0, width: 256 },
    { level: 1, index: 0, width: 1 },
  ])
  expect([...Tiles.between(0, 0)]).toEqual([])
  expect([...Tiles.between(512, 512)]).toEqual([])
})

describe('tiles', () => {
  test('hold consecutive hashes, and grow as the log does', () => {
    const log = logOf(600)
    Tiles.write(folder, log, { from: 0 })
    expect(files()).toEqual(['tile/0/000', 'tile/0/001', 'tile/0/002.p/88', 'tile/1/000.p/2'])
    const first = fs.readFileSync(path.join(folder, 'tile/0/000'))
    expect(first).toHaveLength(8_192)
    expect(Merkle.equal(first.subarray(32 * 7, 32 * 8), Record.hash(text(7)))).toBe(true)
    const above = fs.readFileSync(path.join(folder, 'tile/1/000.p/2'))
    const whole = Merkle.root(Array.from({ length: 256 }, (_, leaf) => Record.hash(text(leaf))))
    expect(Merkle.equal(above.subarray(0, 32), whole)).toBe(true)
    for (let leaf = 600; leaf < 700; leaf++) log.append(Record.hash(text(leaf)))
    Tiles.write(folder, log, { from: 600 })
    for (let leaf = 700; leaf < 800; leaf++) log.append(Record.hash(text(leaf)))
    Tiles.write(folder, log, { from: 700 })
    expect(files()).toEqual([
      ...['tile/0/000', 'tile/0/001', 'tile/0/002', 'tile/0/003.p/32'],
      ...['tile/1/000.p/2', 'tile/1/000.p/3'],
    ])
  })

  test('alone prove inclusion and consistency of whatever size', () => {
    let proofs = 0
    for (const size of [1, 2, 255, 256, 257, 512, 777, 1_024]) {
      fs.rmSync(path.join(folder, 'tile'), { recursive: true, force: true })
      const log = logOf(size)
      Tiles.write(folder, log, { from: 0 })
      const view = Tiles.open(folder, head(log))
      for (let leaf = 0; leaf < size; leaf += 17, proofs++) {
        expect(view.inclusion(leaf)).toEqual(log.inclusion(leaf))
        expect(view.leafHash(leaf)).toEqual(log.leafHash(leaf))
        expect(view.consistency(leaf + 1)).toEqual(log.consistency(leaf + 1))
        expect(view.root(leaf)).toEqual(log.root(leaf))
      }
    }
    expect(proofs).toBeGreaterThan(150)
    expect(Tiles.open(folder, head(logOf(0))).size()).toBe(0)
  })

  test('of 70,000 records, three levels of them, prove each record with a tile a level', () => {
    const log = logOf(70_000)
    Tiles.write(folder, log, { from: 0 })
    expect(files()).toHaveLength(277)
    const view = Tiles.open(folder, head(log))
    for (const leaf of [0, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999])
      expect(view.inclusion(leaf)).toEqual(log.inclusion(leaf))
    expect(view.consistency(65_537)).toEqual(log.consistency(65_537))
  })

  test('with any bit turned, torn or missing, prove nothing, and say which records', () => {
    const log = logOf(600)
    Tiles.write(folder, log, { from: 0 })
    const prove = () => {
      const view = Tiles.open(folder, head(log))
      for (let leaf = 0; leaf < 600; leaf += 50) view.inclusion(leaf)
    }
    prove()
    let found = 0
    for (const name of files())
      for (const edit of [
        (bytes: Buffer) =>
          Buffer.from(
            bytes.with((37 * found) % bytes.length, bytes[(37 * found) % bytes.length]! ^ 4),
          ),
        (bytes: Buffer) => bytes.subarray(0, bytes.length - 1),
        (bytes: Buffer) => Buffer.alloc(bytes.length),
        () => Buffer.alloc(0),
      ]) {
        const before = fs.readFileSync(path.join(folder, name))
        change(name, edit)
        expect(prove, name).toThrow(expect.objectContaining({ code: 'tiles-damaged' }))
        change(name, () => before)
        found += 1
      }
    expect(found).toBe(16)
    fs.rmSync(path.join(folder, 'tile/0/001'))
    expect(prove).toThrow(/records 256 to 511 in .*tile\/0\/001 are missing/)
    expect(() => Tiles.open(folder, { ...head(log), root: Hash.text('other') })).toThrow(/the root/)
  })
})

describe('for the writer of the journal', () => {
  test('damaged tiles are made anew from the records, and kept', () => {
    const log = logOf(900)
    Tiles.write(folder, log, { from: 0 })
    const sound = new Map(files().map((name) => [name, fs.readFileSync(path.join(folder, name))]))
    for (const name of sound.keys()) {
      change(name, (bytes) => Buffer.alloc(bytes.length, 7))
      let read = 0
      const look = Tiles.stored(folder, {
        frontier: log.frontier(),
        texts(from, until) {
          read += until - from
          return texts(from, until)
        },
      })
      for (let leaf = 0; leaf < 900; leaf += 100) expect(look(0, leaf)).toEqual(log.leafHash(leaf))
      expect(look(9, 0)).toEqual(log.subtree(9, 0))
      expect(look(8, 2)).toEqual(log.subtree(8, 2))
      expect(read).toBeGreaterThan(0)
      expect(fs.readFileSync(path.join(folder, name)).equals(sound.get(name)!)).toBe(true)
    }
  })

  test('records that lead elsewhere are not taken for them', () => {
    const log = logOf(300)
    const look = Tiles.stored(folder, {
      frontier: log.frontier(),
      texts: (from, until) => [...texts(from, until)].map((one, at) => (at === 9 ? 'other' : one)),
    })
    expect(() => look(0, 3)).toThrow(
      expect.objectContaining({
        code: 'tiles-damaged',
        facts: { first: 0, last: 255, file: expect.any(String) },
      }),
    )
    const none = Tiles.stored(folder, { frontier: log.frontier(), texts: () => [] })
    expect(() => none(0, 3)).toThrow(/records 0 to 255/)
  })

  test('tiles left by a crash before their checkpoint do no harm', () => {
    const log = logOf(500)
    Tiles.write(folder, log, { from: 0 })
    const { frontier } = log
    const earlier = frontier()
    for (let leaf = 500; leaf < 900; leaf++) log.append(Record.hash(text(leaf)))
    Tiles.write(folder, log, { from: 500 })
    const look = Tiles.stored(folder, { frontier: earlier, texts })
    for (let leaf = 0; leaf < 500; leaf += 49) expect(look(0, leaf)).toEqual(log.leafHash(leaf))
    const view = Tiles.open(folder, head(log))
    expect(view.inclusion(899)).toEqual(log.inclusion(899))
  })
})
