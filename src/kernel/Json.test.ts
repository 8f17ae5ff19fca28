import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from './Errors.ts'
import * as Json from './Json.ts'

/** An IEEE-754 double of its 64 bits, as RFC 8785 appendix B writes them. */
function double(bits: string): number {
  return Buffer.from(bits, 'hex').readDoubleBE()
}

describe('RFC 8785', () => {
  test('§ 3.2.2 and 3.2.4: the sample and its bytes', () => {
    const sample = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`)
    const text = Json.encode(sample)
    expect(text).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    )
    expect(Buffer.from(text).subarray(0, 16).toString('hex')).toBe(
      '7b226c69746572616c73223a5b6e756c',
    )
  })

  test('§ 3.2.3: members sorted by UTF-16 code units, not by code points or locale', () => {
    const sample = JSON.parse(String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One", "\ud83d\ude00": "Emoji: Grinning Face",
      "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }`)
    expect(Object.values(JSON.parse(Json.encode(sample)) as object).sort()).toEqual(
      Object.values(sample as object).sort(),
    )
    expect([...Json.encode(sample).matchAll(/:"(\w+)/g)].map(([, word]) => word)).toEqual([
      'Carriage',
      'One',
      'Control',
      'Latin',
      'Euro',
      'Emoji',
      'Hebrew',
    ])
  })

  test.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('appendix B: %s is %s', (bits, text) => {
    expect(Json.encode(double(bits))).toBe(text)
  })

  test.each(['7fffffffffffffff', '7ff0000000000000', 'fff0000000000000'])(
    'appendix B: %s is refused',
    (bits) => {
      expect(() => Json.encode(double(bits))).toThrow('expected a finite number at $')
    },
  )
})

describe('against the reference implementation', () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 })
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, true, false),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      text,
      fc.array(tie('value'), { maxLength: 6 }),
      fc.dictionary(text, tie('value'), { maxKeys: 6 }),
    ),
  }))

  test('writes the same text for every plain value', () => {
    fc.assert(
      fc.property(value, (plain) => {
        expect(Json.encode(plain)).toBe(canonicalize(plain))
      }),
      { numRuns: 1000 },
    )
  })

  test('is a fixed point: what it reads back it writes again', () => {
    fc.assert(
      fc.property(value, (plain) => {
        const once = Json.encode(plain)
        expect(Json.encode(Json.parse(once, 'a value'))).toBe(once)
      }),
    )
  })
})

describe('what its quick way must not change', () => {
  test.each([
    ['keys that look like numbers', { 10: 1, 9: 2, a: 3 }, '{"10":1,"9":2,"a":3}'],
    ['such keys deep inside', [{ b: [{ 2: 0, 10: 0 }] }], '[{"b":[{"10":0,"2":0}]}]'],
    [
      'a text that speaks of an escape',
      { b: '\\ud800', a: '\\\\udfff' },
      '{"a":"\\\\\\\\udfff","b":"\\\\ud800"}',
    ],
    ['a pair of surrogates', { '\u{1f600}': '\u{1f600}' }, '{"\u{1f600}":"\u{1f600}"}'],
    ['minus zero and large numbers', [-0, 1e21, 1e-7, 0.1], '[0,1e+21,1e-7,0.1]'],
    [
      'nothing among members',
      { c: 1, b: undefined, a: [{ z: 1, y: undefined }] },
      '{"a":[{"z":1}],"c":1}',
    ],
  ])('%s', (_, value, text) => {
    expect(Json.encode(value)).toBe(text)
    expect(canonicalize(value)).toBe(text)
  })

  test('what is written is not changed by it', () => {
    const value = Object.freeze({ b: Object.freeze([Object.freeze({ d: 1, c: 2 })]), a: 'x' })
    expect(Json.encode(value)).toBe('{"a":"x","b":[{"c":2,"d":1}]}')
    expect(Object.keys(value)).toEqual(['b', 'a'])
    expect(Object.keys(value.b[0]!)).toEqual(['d', 'c'])
  })
})

describe('what canonical JSON cannot hold', () => {
  test('members that are undefined are left out', () => {
    expect(Json.encode({ b: undefined, a: 1 })).toBe('{"a":1}')
  })

  test('a member called __proto__ is a member', () => {
    expect(Json.encode(JSON.parse('{"__proto__":1,"a":2}'))).toBe('{"__proto__":1,"a":2}')
  })

  const hollow: unknown[] = [1]
  hollow[2] = 3
  test.each([
    ['a bigint', { a: { b: 1n } }, '$.a.b'],
    ['undefined', undefined, '$'],
    ['undefined in an array', [1, undefined], '$[1]'],
    ['a hole in an array', hollow, '$[1]'],
    ['NaN', [Number.NaN], '$[0]'],
    ['a function', { f: () => 1 }, '$.f'],
    ['a symbol', Symbol('s'), '$'],
    ['a date', { at: new Date(0) }, '$.at'],
    ['a map', new Map(), '$'],
    ['bytes', new Uint8Array(2), '$'],
    ['a class’s instance', new (class Point {})(), '$'],
    ['a lone surrogate', 'a\ud800', '$'],
    ['a lone surrogate in a key', { a: { '\udc00': 1 } }, '$.a'],
  ])('%s is refused, and the place named', (_, bad, path) => {
    expect(() => Json.encode(bad)).toThrow(InputError)
    expect(() => Json.encode(bad)).toThrow(` at ${path}, got `)
  })

  test('nesting is bounded, cycles included', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    expect(() => Json.encode(cycle)).toThrow('at most 64 levels')
    const nested = (levels: number) => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
    expect(Json.encode(nested(65))).toHaveLength(130)
    expect(() => Json.encode(nested(66))).toThrow('at most 64 levels')
  })
})

test('parse names what it wanted', () => {
  expect(Json.parse('{"a":[1]}', 'a quote')).toEqual({ a: [1] })
  for (const text of ['', '{', "{'a':1}", 'undefined', '01'])
    expect(() => Json.parse(text, 'a quote')).toThrow(/^expected a quote as JSON: /)
})
