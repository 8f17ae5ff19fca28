import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../kernel/Assert.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
import * as Frontier from './Frontier.ts'
import * as Ids from './Ids.ts'
import * as Log from './Log.ts'
import * as Record from './Record.ts'

const origin = `0x${'11'.repeat(20)}`

/** The texts of a sound log. */
function texts(count: number, of: { origin?: string; salt?: string } = {}): string[] {
  const log = Log.create()
  return Array.from({ length: count }, (_, leaf) => {
    const text = Record.encode({
      v: 1,
      leaf,
      origin: of.origin ?? origin,
      atMs: 1_000 + leaf,
      previous: Log.previous(log),
      id: `id-${leaf}`,
      causes: leaf === 0 ? [] : [{ origin: of.origin ?? origin, leaf: leaf - 1 }],
      event: { type: 'noted', salt: of.salt ?? '' } as Record.Event,
    })
    log.append(Record.hash(text))
    return text
  })
}

test('roots are those of the reference tree of certificate transparency', () => {
  const log = Log.create()
  const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657']
  for (const leaf of [...leaves, '606162636465666768696a6b6c6d6e6f'])
    log.append(Merkle.leaf(Buffer.from(leaf, 'hex')))
  const roots = Array.from({ length: 9 }, (_, size) => Hex.encode(log.root(size)).slice(2, 14))
  expect(roots).toEqual([
    'e3b0c44298fc',
    '6e340b9cffb3',
    'fac54203e7cc',
    'aeb6bcfe274b',
    'd37ee418976d',
    '4e3bbb1f7b47',
    '76e67dadbcdf',
    'ddb89be40380',
    '5dc9da79a706',
  ])
})

test('roots and paths of every size are those of the tree built anew', () => {
  const log = Log.create()
  const leaves = Array.from({ length: 70 }, (_, leaf) => Merkle.leaf(Uint8Array.of(leaf)))
  for (const leaf of leaves) log.append(leaf)
  let proofs = 0
  for (let size = 1; size <= leaves.length; size++) {
    const then = leaves.slice(0, size)
    expect(log.root(size)).toEqual(Merkle.root(then))
    for (let leaf = 0; leaf < size; leaf++, proofs++)
      expect(log.inclusion(leaf, size)).toEqual(Merkle.inclusion(then, leaf))
  }
  expect(proofs).toBe(2_485)
  expect(log.leafHash(69)).toEqual(leaves[69])
})

test('a size or a leaf outside the log is a bug of the caller', () => {
  const log = Log.create()
  log.append(Merkle.leaf(Uint8Array.of(1)))
  expect(() => log.root(2)).toThrow(AssertionError)
  expect(() => log.inclusion(1)).toThrow(AssertionError)
  expect(() => log.inclusion(0, 0)).toThrow(AssertionError)
  expect(() => log.leafHash(1)).toThrow(AssertionError)
  expect(() => log.append(new Uint8Array(31))).toThrow(AssertionError)
})

test('a sound log is verified, and gives back its owner and its root', () => {
  const sound = texts(20)
  const check = Log.check(sound)
  if (check.kind !== 'verified') throw new Error(check.because)
  expect(check.origin).toBe(origin)
  expect(check.log.root()).toEqual(Merkle.root(sound.map(Record.hash)))
  expect(Log.check([])).toMatchObject({ kind: 'verified', origin: undefined })
})

describe('tampering is found, at the record where it shows', () => {
  const sound = texts(12)
  const other = texts(12, { salt: 'other' })
  const stranger = texts(12, { origin: `0x${'22'.repeat(20)}` })
  const cases: [string, string[], number, RegExp][] = [
    ['dropped', sound.toSpliced(4, 1), 4, /leaf 4, got leaf 5/],
    ['repeated', sound.toSpliced(4, 0, sound[4]!), 5, /leaf 5, got leaf 4/],
    ['swapped', sound.with(4, sound[5]!).with(5, sound[4]!), 4, /leaf 4, got leaf 5/],
    ['edited', sound.with(4, sound[4]!.replace('1004', '1005')), 5, /a link to 0x/],
    ['forked', [...sound.slice(0, 4), ...other.slice(4)], 4, /a link to 0x/],
    ['first replaced', sound.with(0, other[0]!), 1, /a link to 0x/],
    ['beheaded', sound.slice(1), 0, /leaf 0, got leaf 1/],
    ['of another owner', sound.with(4, stranger[4]!), 4, /origin 0x1111/],
    ['not canonical', sound.with(4, `${sound[4]} `), 4, /canonical/],
    ['not a record', sound.with(4, '{}'), 4, /record of version 1/],
  ]
  test.each(cases)('%s', (_, tampered, leaf, because) => {
    const check = Log.check(tampered)
    expect(check).toMatchObject({ kind: 'failed', leaf })
    expect(check.kind === 'failed' && check.because).toMatch(because)
  })

  test('an id used twice, in a log otherwise sound', () => {
    const log = Log.create()
    const twice = [0, 1].map((leaf) => {
      const previous = Log.previous(log)
      const event = { type: 'noted' }
      const id = 'same'
      const text = Record.encode({ v: 1, leaf, origin, atMs: 0, previous, id, causes: [], event })
      log.append(Record.hash(text))
      return text
    })
    expect(Log.check(twice)).toMatchObject({
      kind: 'failed',
      leaf: 1,
      because: 'expected an id of its own, got the id of record 0: same',
    })
  })

  test('one changed character anywhere changes the root or is refused', () => {
    const whole = Log.check(sound)
    if (whole.kind !== 'verified') throw new Error(whole.because)
    const place = fc.record({
      leaf: fc.nat(11),
      at: fc.nat(1_000),
      by: fc.integer({ min: 1, max: 94 }),
    })
    fc.assert(
      fc.property(place, ({ leaf, at, by }) => {
        const text = sound[leaf]!
        const index = at % text.length
        const character = String.fromCharCode(32 + ((text.charCodeAt(index) - 32 + by) % 95))
        const edited = text.slice(0, index) + character + text.slice(index + 1)
        const check = Log.check(sound.with(leaf, edited))
        if (check.kind === 'verified') expect(check.log.root()).not.toEqual(whole.log.root())
        // Only the last record can change without breaking a link: its root gives it away.
        if (check.kind === 'verified') expect(leaf).toBe(11)
      }),
      { numRuns: 2_000 },
    )
  })
})

test('a record is taken only in its place', () => {
  const [first, second] = texts(2) as [string, string]
  const log = Log.create()
  expect(() => Log.extend(log, { text: second })).toThrow(/expected leaf 0, got leaf 1/)
  expect(log.size()).toBe(0)
  expect(Log.extend(log, { text: first }).id).toBe('id-0')
  expect(() => Log.extend(log, { text: second, origin: `0x${'33'.repeat(20)}` })).toThrow(/origin/)
  expect(Log.extend(log, { text: second, origin }).leaf).toBe(1)
  expect(log.size()).toBe(2)
})

test('consistency proofs of every two sizes are those of the tree built anew', () => {
  const log = Log.create()
  const leaves = Array.from({ length: 33 }, (_, leaf) => Merkle.leaf(Uint8Array.of(leaf)))
  for (const leaf of leaves) log.append(leaf)
  for (let size = 1; size <= leaves.length; size++)
    for (let from = 1; from <= size; from++)
      expect(log.consistency(from, size)).toEqual(Merkle.consistency(leaves.slice(0, size), from))
  expect(() => log.consistency(0)).toThrow(AssertionError)
  expect(() => log.consistency(3, 34)).toThrow(AssertionError)
})

describe('a log taken up at its frontier', () => {
  const leaves = Array.from({ length: 40 }, (_, leaf) => Merkle.leaf(Uint8Array.of(leaf)))
  const whole = Log.create()
  for (const leaf of leaves) whole.append(leaf)

  test('from any size grows to the same roots, without what lies before', () => {
    for (let from = 0; from <= leaves.length; from++) {
      const before = Log.create()
      for (const leaf of leaves.slice(0, from)) before.append(leaf)
      const frontier = Frontier.fromJson(
        JSON.parse(JSON.stringify(Frontier.toJson(before.frontier()))),
      )
      expect(Frontier.root(frontier)).toEqual(whole.root(from))
      const log = Log.resume(frontier)
      expect(log.size()).toBe(from)
      if (from > 0) expect(log.leafHash(from - 1)).toEqual(leaves[from - 1])
      for (const leaf of leaves.slice(from)) {
        log.append(leaf)
        expect(log.root()).toEqual(whole.root(log.size()))
        expect(log.frontier()).toEqual(Log.resume(log.frontier()).frontier())
      }
      expect(log.frontier()).toEqual(whole.frontier())
    }
  })

  test('proves all that the whole log proves, if it can ask for the hashes before', () => {
    let asked = 0
    for (const from of [1, 2, 7, 8, 21, 32, 39]) {
      const before = Log.create()
      for (const leaf of leaves.slice(0, from)) before.append(leaf)
      const log = Log.resume(before.frontier(), (level, index) => {
        expect((index + 1) * 2 ** level).toBeLessThanOrEqual(from)
        asked += 1
        return before.subtree(level, index)
      })
      for (const leaf of leaves.slice(from)) log.append(leaf)
      for (let size = 1; size <= leaves.length; size++) {
        expect(log.root(size)).toEqual(whole.root(size))
        for (let leaf = 0; leaf < size; leaf += 3)
          expect(log.inclusion(leaf, size)).toEqual(whole.inclusion(leaf, size))
        for (let first = 1; first <= size; first += 3)
          expect(log.consistency(first, size)).toEqual(whole.consistency(first, size))
      }
    }
    expect(asked).toBeGreaterThan(1_000)
  })

  test('asked for what it forgot, it is a bug of the caller', () => {
    const log = Log.resume(whole.frontier())
    expect(log.root()).toEqual(whole.root())
    for (const ask of [() => log.leafHash(3), () => log.root(39), () => log.inclusion(0)])
      expect(ask).toThrow(AssertionError)
  })

  test('a frontier that is none is refused', () => {
    const sound = Frontier.toJson(whole.frontier())
    const [first, ...rest] = sound.hashes
    const cases = [
      ...[null, [], { ...sound, size: -1 }, { ...sound, size: 2 ** 32 }, { ...sound, size: 41 }],
      ...[
        { ...sound, hashes: rest },
        { ...sound, hashes: [first, 'x'] },
        { ...sound, last: '0x' },
      ],
      ...[
        { size: 0, hashes: [], last: first },
        { size: 40, hashes: sound.hashes },
      ],
      { ...sound, more: 1 },
    ]
    for (const value of cases)
      expect(() => Frontier.fromJson(value)).toThrow(
        expect.objectContaining({ code: 'frontier-malformed' }),
      )
    expect(Frontier.fromJson({ size: 0, hashes: [] })).toEqual(Frontier.empty)
  })
})

describe('a check that goes on where another ended', () => {
  const sound = texts(50)

  test('finds what a check of the whole finds, with a handful of hashes in hand', () => {
    const whole = Log.check(sound)
    if (whole.kind !== 'verified') throw new Error(whole.because)
    const places: Log.Place[] = []
    const ids = Ids.create()
    const first = Log.check(sound.slice(0, 37), {
      ids,
      every: 5,
      onPlace: (place) => places.push(place),
    })
    expect(first).toMatchObject({ kind: 'verified', origin })
    expect(places.map(({ frontier }) => frontier.size)).toEqual([5, 10, 15, 20, 25, 30, 35])
    for (const from of places) {
      const rest = Log.check(sound.slice(from.frontier.size), { from, every: 4 })
      if (rest.kind !== 'verified') throw new Error(rest.because)
      expect(rest.log.root()).toEqual(whole.log.root())
      expect(rest.origin).toBe(origin)
    }
    expect(ids.size()).toBe(37)
  })

  test('names the record that does not go on, by its place in the whole log', () => {
    const first = Log.check(sound.slice(0, 20))
    if (first.kind !== 'verified') throw new Error(first.because)
    const from = { origin, frontier: first.log.frontier() }
    expect(Log.check(sound.slice(21), { from })).toMatchObject({ kind: 'failed', leaf: 20 })
    const edited = sound[30]!.replace('1030', '1031')
    const failed = Log.check(sound.slice(20).with(10, edited), { from })
    expect(failed).toMatchObject({ kind: 'failed', leaf: 31, place: { frontier: { size: 31 } } })
    const stranger = texts(50, { origin: `0x${'22'.repeat(20)}` })
    expect(Log.check(stranger.slice(20), { from })).toMatchObject({ kind: 'failed', leaf: 20 })
  })

  test('an id used before is found by the look-up that is given, or by the ids kept', () => {
    const log = Log.create()
    const bad = [0, 1, 2].map((leaf) => {
      const id = leaf === 1 ? 'other' : 'same'
      const link = Log.previous(log)
      const text = Record.encode({
        ...{ v: 1, leaf, origin, atMs: 0, previous: link, id, causes: [] },
        event: { type: 'noted' },
      })
      log.append(Record.hash(text))
      return text
    })
    const first = Log.check(bad.slice(0, 2))
    if (first.kind !== 'verified') throw new Error(first.because)
    const from = { origin, frontier: first.log.frontier() }
    const ids = Ids.create((id) => (id === 'same' ? 0 : undefined))
    expect(Log.check(bad.slice(2), { from, ids })).toMatchObject({ kind: 'failed', leaf: 2 })
    expect(Log.check(bad.slice(2), { from })).toMatchObject({ kind: 'verified' })
  })
})

describe('what others hold', () => {
  const sound = texts(20)
  const check = Log.check(sound)
  if (check.kind !== 'verified') throw new Error(check.because)
  const { log } = check
  const held = (size: number): Log.Held => ({ size, root: log.root(size) })
  const rewritten = texts(20, { salt: 'other' })

  test('agrees with the log it is of, at every size', () => {
    const all = Array.from({ length: 21 }, (_, size) => held(size))
    expect(Log.check(sound, { held: all })).toMatchObject({ kind: 'verified' })
    for (const one of all) expect(Log.agrees(one, log)).toBe(true)
    expect(Log.agrees(held(20), Log.resume(log.frontier()))).toBe(true)
  })

  test('a log written anew is caught by any checkpoint, where the next one tells it apart', () => {
    const from6 = Log.create()
    const partly = sound.map((text, leaf) => {
      if (leaf < 6) from6.append(Record.hash(text))
      if (leaf < 6) return text
      const record = { ...Record.decode(text), previous: Log.previous(from6) }
      const other = Record.encode({ ...record, event: { type: 'other' } })
      from6.append(Record.hash(other))
      return other
    })
    expect(Log.check(partly)).toMatchObject({ kind: 'verified' })
    expect(Log.check(partly, { held: [held(3)] })).toMatchObject({ kind: 'verified' })
    expect(Log.check(partly, { held: [held(3), held(10)] })).toMatchObject({
      kind: 'failed',
      leaf: 3,
      because: expect.stringMatching(/held checkpoint after record 9.*at or after record 3/),
    })
    const tiles = { ...held(20), leafHash: log.leafHash }
    expect(Log.check(partly, { held: [tiles] })).toMatchObject({ kind: 'failed', leaf: 6 })
    for (let size = 1; size <= 20; size++)
      expect(Log.check(rewritten, { held: [held(size)] })).toMatchObject({
        kind: 'failed',
        leaf: 0,
      })
  })

  test('a log that ends before a checkpoint is caught there', () => {
    expect(Log.check(sound.slice(0, 12), { held: [held(15), held(2)] })).toMatchObject({
      kind: 'failed',
      leaf: 12,
      because: 'expected the 15 records of a held checkpoint, got 12',
    })
  })
})

test('a hundred thousand ids, each once, and each known again', () => {
  const ids = Ids.create()
  for (let leaf = 0; leaf < 100_000; leaf++) expect(ids.add(`id-${leaf}`, leaf)).toBe(undefined)
  for (let leaf = 0; leaf < 100_000; leaf += 997) expect(ids.add(`id-${leaf}`, 5)).toBe(leaf)
  expect(ids.size()).toBe(100_000)
})
