import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Asset from './Asset.ts'
import { InputError } from './Errors.ts'
import * as Money from './Money.ts'

const usdc = Asset.from({
  id: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913',
  decimals: 6,
  symbol: 'USDC',
})
const whole = Asset.from({ ...usdc, decimals: 0, symbol: 'W' })

const weights = fc
  .array(fc.bigInt(0n, 10n ** 12n), { minLength: 1, maxLength: 40 })
  .filter((all) => all.some((weight) => weight > 0n))
const total = fc.oneof(fc.bigInt(0n, 50n), fc.bigInt(0n, 10n ** 30n))
const sum = (parts: readonly bigint[]) => parts.reduce((left, part) => left + part, 0n)
const sorted = (parts: readonly bigint[]) =>
  [...parts].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map(String)

describe('split', () => {
  test.each([
    [10n, [1n, 1n, 1n], [4n, 3n, 3n]],
    [0n, [5n, 0n], [0n, 0n]],
    [7n, [0n, 1n, 0n], [0n, 7n, 0n]],
    [100n, [333n, 333n, 334n], [33n, 33n, 34n]],
    [2n, [1n, 3n], [0n, 2n]],
    [2n, [3n, 1n], [2n, 0n]],
    [2n, [2n, 1n], [1n, 1n]],
    [1n, [1n, 1n, 1n, 1n], [1n, 0n, 0n, 0n]],
  ])('%s by %s is %s', (amount, by, parts) => {
    expect(Money.split(amount, by)).toEqual(parts)
  })

  test('sums to the whole, each part within one atom of its exact share', () => {
    fc.assert(
      fc.property(total, weights, (amount, by) => {
        const parts = Money.split(amount, by)
        expect(parts).toHaveLength(by.length)
        expect(sum(parts)).toBe(amount)
        for (const [index, part] of parts.entries()) {
          const exact = amount * by[index]!
          const floor = exact / sum(by)
          expect(part === floor || (part === floor + 1n && exact % sum(by) > 0n)).toBe(true)
        }
      }),
    )
  })

  test('the order of the weights changes nobody’s part except among equals', () => {
    const shuffled = fc
      .tuple(fc.bigInt(0n, 60n), fc.array(fc.bigInt(1n, 6n), { minLength: 1, maxLength: 9 }))
      .chain(([amount, by]) =>
        fc.tuple(
          fc.constant(amount),
          fc.constant(by),
          fc.shuffledSubarray([...by.keys()], { minLength: by.length }),
        ),
      )
    fc.assert(
      fc.property(shuffled, ([amount, by, order]) => {
        const parts = Money.split(amount, by)
        const others = Money.split(
          amount,
          order.map((index) => by[index]!),
        )
        for (const weight of new Set(by)) {
          const before = parts.filter((_, index) => by[index] === weight)
          const after = others.filter((_, index) => by[order[index]!] === weight)
          expect(sorted(after)).toEqual(sorted(before))
        }
      }),
      { numRuns: 500 },
    )
  })

  test('more weight never gets less', () => {
    fc.assert(
      fc.property(total, weights, (amount, by) => {
        const parts = Money.split(amount, by)
        const byWeight = [...by.keys()].sort((a, b) => (by[a]! < by[b]! ? -1 : 1))
        for (const [at, index] of byWeight.entries()) {
          const next = byWeight[at + 1]
          if (next !== undefined && by[index]! < by[next]!)
            expect(parts[index]! <= parts[next]!).toBe(true)
        }
      }),
    )
  })

  test.each([
    ['no weights', 5n, []],
    ['weights all 0', 5n, [0n, 0n]],
    ['a weight below 0', 5n, [3n, -1n]],
    ['a total below 0', -1n, [1n]],
  ])('%s is a bug', (_, amount, by) => {
    expect(() => Money.split(amount, by)).toThrow(/^bug: expected/)
  })
})

describe('parse and format', () => {
  test.each([
    ['2 USDC', 2_000_000n],
    ['0.0001 USDC', 100n],
    ['1.500000 USDC', 1_500_000n],
    [' 0 USDC ', 0n],
    ['007 USDC', 7_000_000n],
  ])('%j is %s atoms', (text, atoms) => {
    expect(Money.parse(text, usdc)).toEqual({ atoms, asset: usdc })
  })

  test.each([
    '2',
    '',
    'USDC',
    '2USDC',
    '2 usdc',
    '2 DAI',
    '-2 USDC',
    '+2 USDC',
    '1e3 USDC',
    '0x2 USDC',
    '.5 USDC',
    '2. USDC',
    '1,000 USDC',
    '1_000 USDC',
    '0.0000001 USDC',
    '2 USDC USDC',
    '٢ USDC',
    `${'9'.repeat(31)} USDC`,
  ])('%j is refused, naming what was expected', (text) => {
    expect(() => Money.parse(text, usdc)).toThrow(InputError)
    expect(() => Money.parse(text, usdc)).toThrow(/^expected .*USDC/)
  })

  test('an asset without decimals has none', () => {
    expect(Money.parse('5 W', whole).atoms).toBe(5n)
    expect(() => Money.parse('5.0 W', whole)).toThrow('at most 0 decimals')
    expect(Money.format(Money.of(whole, 5n))).toBe('5 W')
  })

  test('what format writes, parse reads back', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.bigInt(0n, 20_000_000n), fc.bigInt(0n, 10n ** 29n)),
        fc.integer({ min: 0, max: 36 }),
        (atoms, decimals) => {
          const asset = Asset.from({ ...usdc, decimals })
          expect(Money.parse(Money.format(Money.of(asset, atoms)), asset).atoms).toBe(atoms)
        },
      ),
    )
  })

  test.each([
    [0n, 6, '0'],
    [1n, 6, '0.000001'],
    [1_000_000n, 6, '1'],
    [-1_250_000n, 6, '-1.25'],
    [120n, 0, '120'],
    [2n ** 256n - 1n, 18, `${2n ** 256n / 10n ** 18n}.584007913129639935`],
  ])('decimal(%s, %s) is %s', (value, decimals, text) => {
    expect(Money.decimal(value, decimals)).toBe(text)
  })

  test('nano-atoms are a billion to the atom', () => {
    expect(Money.formatNano(Money.nanoPerAtom, usdc)).toBe('0.000001 USDC')
    expect(Money.formatNano(1n, usdc)).toBe('0.000000000000001 USDC')
  })
})

describe('add', () => {
  test('sums atoms of one asset', () => {
    expect(Money.add(Money.of(usdc, 2n), Money.of(usdc, 3n))).toEqual(Money.of(usdc, 5n))
  })
  test('two assets on either side of a sum are a bug', () => {
    expect(() => Money.add(Money.of(usdc, 2n), Money.of(whole, 3n))).toThrow(/^bug: expected/)
  })
})

describe('atoms from untrusted input', () => {
  test('reads what a bigint prints, and nothing else', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 78n - 1n), (value) => {
        expect(Money.atoms(value.toString(), 'price')).toBe(value)
      }),
    )
  })
  test.each(['', '-1', '01', '1.0', '1e3', '0x1', ' 1', '1\n', '9'.repeat(79)])(
    'refuses %j',
    (text) => {
      expect(() => Money.atoms(text, 'a price')).toThrow('expected a price as a decimal string')
    },
  )
  test.each([1, 1n, null, undefined, true, ['1'], { toString: () => '1' }])(
    'refuses what is not text: %s',
    (value) => {
      expect(() => Money.atoms(value, 'a price')).toThrow(InputError)
    },
  )
})
