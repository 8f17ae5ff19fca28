import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BaseError } from '../kernel/Errors.ts'
import * as Record from './Record.ts'

const origin = `0x${'ab'.repeat(20)}`
const record: Record.Record = {
  v: 1,
  leaf: 3,
  origin,
  atMs: 1_700_000_000_000,
  previous: `0x${'0f'.repeat(32)}`,
  id: 'purchase/0x01/held',
  causes: [
    { origin, leaf: 2 },
    { origin: `0x${'cd'.repeat(20)}`, leaf: 90 },
  ],
  event: { type: 'held', atoms: '9007199254740993' } as Record.Event,
}

test('the text of a record is its canonical JSON, and reads back the same', () => {
  const text = Record.encode(record)
  expect(text).toBe(
    `{"atMs":1700000000000,"causes":[{"leaf":2,"origin":"${origin}"},` +
      `{"leaf":90,"origin":"0x${'cd'.repeat(20)}"}],"event":{"atoms":"9007199254740993",` +
      `"type":"held"},"id":"purchase/0x01/held","leaf":3,"origin":"${origin}",` +
      `"previous":"0x${'0f'.repeat(32)}","v":1}`,
  )
  expect(Record.decode(text)).toEqual(record)
})

test('any event of plain JSON survives, as the canonicaliser of RFC 8785 would write it', () => {
  const members = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
  let seen = 0
  fc.assert(
    fc.property(members, (event) => {
      const given = { ...record, event: { ...event, type: 'x' } }
      let text: string
      try {
        text = Record.encode(given)
      } catch (error) {
        expect((error as BaseError).code).toBe('json-not-canonical')
        return
      }
      seen += 1
      expect(text).toBe(canonicalize(given))
      expect(Record.encode(Record.decode(text))).toBe(text)
    }),
    { numRuns: 300 },
  )
  expect(seen).toBeGreaterThan(200)
})

test('the hash of a record is the leaf hash of RFC 6962: SHA-256 of 0x00 and the text', () => {
  expect(Buffer.from(Record.hash('')).toString('hex')).toBe(
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  )
})

const edits: [string, (text: string) => string, RegExp][] = [
  ['space', (text) => `${text} `, /canonical/],
  ['members in another order', (text) => `{"v":1,${text.slice(1, -7)}}`, /canonical/],
  ['a member twice', (text) => `{"atMs":1,${text.slice(1)}`, /canonical/],
  ['an escape that needs none', (text) => text.replace('held', '\\u0068eld'), /canonical/],
  ['a number beyond 2⁵³', (t) => t.replace('"9007199254740993"', '9007199254740993'), /canonical/],
  ['a number written otherwise', (text) => text.replace('000,', '000.0,'), /canonical/],
  ['a member too many', (text) => text.replace('"v":1', '"v":1,"w":2'), /only atMs.*"w"/],
  ['a member too few', (text) => text.replace('"id":"purchase/0x01/held",', ''), /id.*nothing/],
  ['another version', (text) => text.replace('"v":1', '"v":2'), /version 1, got 2/],
  ['a leaf that is no index', (text) => text.replace('"leaf":3', '"leaf":3.5'), /leaf as an index/],
  ['a negative leaf', (text) => text.replace('"leaf":3', '"leaf":-3'), /leaf as an index/],
  ['an origin in capitals', (text) => text.replaceAll('abab', 'ABAB'), /lower-case address/],
  ['a short previous', (text) => text.replace('0f0f', ''), /previous as a lower-case hash/],
  ['an empty id', (text) => text.replace('purchase/0x01/held', ''), /id as 1 to 256/],
  ['a line break in an id', (text) => text.replace('purchase/', 'purchase\\n'), /id as 1 to 256/],
  ['a cause that comes after', (t) => t.replace('{"leaf":2', '{"leaf":3'), /before leaf 3.*got 3/],
  ['a cause of something', (text) => text.replace('"leaf":2,', '"leaf":2,"n":1,'), /only leaf/],
  ['causes that are no list', (text) => text.replace(/\[.*\]/, '{}'), /causes as a list/],
  ['an event without type', (text) => text.replace('"type":"held"', '"x":1'), /event.type/],
  [
    'an event that is a list',
    (text) => text.replace(/"event":\{.*?\}/, '"event":[]'),
    /event as an/,
  ],
  ['half a record', (text) => text.slice(0, 40), /a record as JSON/],
  ['a word', () => 'held', /a record as JSON/],
  ['null', () => 'null', /a record as an object/],
  ['hostile members', () => '{"v":{"toString":1,"valueOf":1}}', /version 1, got an object/],
]

describe('what is not a record is refused, naming what was expected', () => {
  test.each(edits)('%s', (_, edit, message) => {
    const text = Record.encode(record)
    const edited = edit(text)
    expect(edited).not.toBe(text)
    expect(() => Record.decode(edited)).toThrow(BaseError)
    expect(() => Record.decode(edited)).toThrow(message)
  })
})

test('a record that cannot be written is refused before it is', () => {
  const event = { type: 'held', atoms: 1n }
  expect(() => Record.encode({ ...record, event })).toThrow(/plain JSON value at \$\.event\.atoms/)
  expect(() => Record.encode({ ...record, leaf: 2 })).toThrow(/before leaf 2/)
})

test('composed at its place, it is the text that encoding it whole gives', () => {
  const place = fc.record({
    leaf: fc.nat(),
    atMs: fc.nat(),
    id: fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter(Record.isId),
    previous: fc.constantFrom(record.previous, Record.genesis),
    origin: fc.constant(origin),
  })
  const other = `0x${'cd'.repeat(20)}`
  const causes = fc.array(fc.record({ origin: fc.constant(other), leaf: fc.nat() }), {
    maxLength: 3,
  })
  const event = fc.record({ type: fc.constant('noted'), z: fc.jsonValue(), a: fc.jsonValue() })
  fc.assert(
    fc.property(place, causes, event, (place, causes, event) => {
      const contents = Record.contents({ causes, event })
      expect(Record.compose(place, contents)).toBe(Record.encode({ v: 1, ...place, causes, event }))
    }),
    { numRuns: 500 },
  )
  const contents = Record.contents(record)
  expect(() => Record.compose({ ...record, leaf: 2 }, contents)).toThrow(/before leaf 2/)
  expect(() => Record.compose({ ...record, previous: '0x' }, contents)).toThrow(/previous as/)
  expect(() => Record.compose({ ...record, origin: '0x' }, contents)).toThrow(/origin as/)
  expect(() => Record.compose({ ...record, id: '\n' }, contents)).toThrow(/id as/)
  expect(() => Record.contents({ ...record, event: { type: '' } })).toThrow(/event.type/)
})

test('what the owner of contents does to them later changes nothing', () => {
  const causes = [{ origin, leaf: 2 }]
  const contents = Record.contents({ causes, event: { type: 'noted' } })
  causes[0]!.leaf = 9
  expect(Record.decode(Record.compose(record, contents)).causes).toEqual([{ origin, leaf: 2 }])
})
