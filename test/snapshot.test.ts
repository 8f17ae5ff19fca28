/** The state of a log as bytes: whatever it is cut at, it goes on as if it had never been closed. */
import { beforeAll, describe, expect, test } from 'vitest'
import * as Economy from '../src/economy/Economy.ts'
import * as Sales from '../src/economy/Sales.ts'
import * as Snapshot from '../src/economy/Snapshot.ts'
import * as Record from '../src/provenance/Record.ts'
import * as Ahead from './harness/Ahead.ts'
import * as Story from './harness/Story.ts'

type Sections = Map<string, Uint8Array>

const logs: { [who: string]: readonly string[] } = {}
beforeAll(async () => {
  const { seller, buyer } = await Story.tell()
  logs.seller = seller.texts
  logs.buyer = buyer.texts
  const ahead = await Ahead.tell()
  logs['seller who is paid ahead'] = ahead.seller.texts
  logs['buyer who pays ahead'] = ahead.buyer.texts
})

function fold(economy: Economy.Economy, texts: readonly string[]): Economy.Economy {
  for (const text of texts) {
    const fault = Economy.apply(economy, Record.decode(text))
    if (fault !== undefined) throw new Error(fault)
  }
  return economy
}

function encode(economy: Economy.Economy): Sections {
  return new Map(Snapshot.encode(economy).map(({ name, bytes }) => [name, bytes]))
}

function open(sections: Sections, texts: readonly string[], read: number[] = []) {
  return Snapshot.decode({
    section: (name) => sections.get(name),
    text(leaf) {
      read.push(leaf)
      return texts[leaf]!
    },
  })
}

/** All of a state as plain maps and values: nothing is left to be read. Meters are sums. */
function whole(value: unknown): unknown {
  if (value instanceof Uint32Array || value instanceof Float64Array) return [...value]
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(whole)
  if (value instanceof Set) return [...value]
  if ('toJSON' in value) return whole((value as { toJSON: () => unknown }).toJSON())
  if (Object.prototype.toString.call(value) === '[object Map]')
    return [...(value as Map<unknown, unknown>)].map(([key, one]) => [key, whole(one)])
  const members = Object.entries(value).filter(
    ([key, one]) => key !== 'families' && one !== undefined,
  )
  return Object.fromEntries(members.map(([key, member]) => [key, whole(member)]))
}

const parties = ['seller', 'buyer', 'seller who is paid ahead', 'buyer who pays ahead']

describe.each(parties)('the %s’s log', (who) => {
  test('cut anywhere, gives the state and the bytes of the whole', () => {
    const texts = logs[who]!
    const all = fold(Economy.empty(), texts)
    const expected = encode(all)
    const state = whole(all)
    const prefix = Economy.empty()
    let cuts = 0
    for (const [leaf, text] of texts.entries()) {
      fold(prefix, [text])
      const cut = leaf + 1
      if (cut > 6 && cut < texts.length - 9 && cut % 4 !== 0) continue
      cuts += 1
      const before = encode(prefix)
      // Encoding reads and changes nothing; what was decoded encodes to the same bytes, untouched.
      expect(encode(prefix)).toEqual(before)
      const read: number[] = []
      const opened = open(before, texts, read)
      expect(read).toEqual([])
      expect(encode(opened)).toEqual(before)
      const again = fold(open(before, texts), texts.slice(cut))
      expect(encode(again), `cut at ${cut}`).toEqual(expected)
      expect(whole(again)).toEqual(state)
      expect(whole(opened)).toEqual(whole(prefix))
      expect(encode(opened)).toEqual(before)
    }
    expect(cuts).toBeGreaterThan(15)
  })

  test('cut again and again on its way, ends the same', () => {
    const texts = logs[who]!
    let economy = Economy.empty()
    for (const [leaf, text] of texts.entries()) {
      fold(economy, [text])
      if (leaf % 2 === 0) economy = open(encode(economy), texts)
    }
    expect(encode(economy)).toEqual(encode(fold(Economy.empty(), texts)))
  })

  test('a section that is lost is refused, but for the one that is made anew', () => {
    const texts = logs[who]!
    const sections = encode(fold(Economy.empty(), texts))
    const state = whole(open(sections, texts))
    let lost = 0
    for (const name of sections.keys()) {
      const fewer = new Map(sections)
      fewer.delete(name)
      if (Snapshot.deferred.includes(name)) {
        expect(whole(open(fewer, texts))).toEqual(state)
        lost += 1
      } else if (name !== 'leaves' || who === 'seller')
        expect(() => whole(open(fewer, texts)), name).toThrow(
          expect.objectContaining({ code: 'snapshot-malformed' }),
        )
    }
    expect(lost).toBe(Snapshot.deferred.length)
  })
})

test('a map that is read back is a map in all that a fold does with it', () => {
  const texts = logs.seller!
  const folded = fold(Economy.empty(), texts).sales
  const { sales } = open(encode(fold(Economy.empty(), texts)), texts)
  expect(sales.quotes.size).toBe(folded.quotes.size)
  expect([...sales.quotes.keys()]).toEqual([...folded.quotes.keys()])
  expect([...sales.payments]).toEqual([...folded.payments])
  const [first] = [...folded.sales.keys()]
  expect(sales.sales.get(first!)).toBe(sales.sales.get(first!))
  expect(sales.sales.get(first!.toUpperCase().replace('0X', '0x') as `0x${string}`)).toBe(undefined)
  for (const key of ['', '0x', first!.slice(0, -1), `${first}0`, 'x'.repeat(66)])
    expect(sales.sales.has(key as `0x${string}`)).toBe(folded.sales.has(key as `0x${string}`))
  const seen: string[] = []
  sales.quotes.forEach((_, key) => {
    seen.push(key)
  })
  expect(seen).toEqual([...folded.quotes.keys()])
  Sales.assertConserved(sales)
})
