import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../kernel/Assert.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Merkle from '../kernel/Merkle.ts'
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
