import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Pattern from './Pattern.ts'

const payee = '0x00000000000000000000000000000000000000aa'

function matches(dimension: Pattern.Dimension, pattern: string, name: string): boolean {
  const fact = Pattern.fact(dimension, name)
  if (fact === undefined) return false
  return Pattern.compile(dimension, Pattern.normal(dimension, pattern))(fact)
}

test.each<[Pattern.Dimension, string, string, boolean]>([
  ['payees', payee, payee, true],
  ['payees', payee, payee.toUpperCase().replace('0X', '0x'), true],
  ['payees', payee, payee.replace('aa', 'ab'), false],
  ['payees', '*.research.example', 'lab.research.example', true],
  ['payees', '*.research.example', 'a.b.research.example', true],
  ['payees', '*.research.example', 'research.example', false],
  ['payees', '*.research.example', '.research.example', false],
  ['payees', '*.research.example', 'research.example.evil', false],
  ['payees', '*', 'anyone', true],
  ['hosts', '127.0.0.1:*', '127.0.0.1:4020', true],
  ['hosts', '127.0.0.1:*', '127.0.0.1', false],
  ['hosts', '127.0.0.1:*', '127.0.0.1:', false],
  ['hosts', '127.0.0.1:*', '127.0.0.10:80', false],
  ['hosts', '127.0.0.1:*', 'evil.example:127.0.0.1:80', false],
  ['hosts', '*.example', 'API.example', true],
  ['hosts', '*.example', 'api.example:8443', false],
  ['hosts', '*.example:443', 'api.example:443', true],
  ['hosts', '*.example', 'evil.test/.example', false],
  ['hosts', '*.example', 'user@evil.test#.example', false],
  ['hosts', '*', '127.0.0.1:4020', true],
  ['hosts', '[::1]:*', '[::1]:4020', true],
  ['hosts', '[::1]', '[::1]', true],
  ['models', 'docs-reader', 'docs-reader', true],
  ['models', 'docs-reader', 'Docs-Reader', false],
  ['models', 'docs-reader', 'docs-reader-2', false],
  ['models', 'legal-de@*', 'legal-de@2026-01', true],
  ['models', 'legal-de@*', 'legal-de@', false],
  ['models', 'a*b*c', 'a1b2c', true],
  ['models', 'a*b*c', 'abc', false],
  ['models', 'a*a', 'aa', false],
])('%s %s on %s: %s', (dimension, pattern, name, expected) => {
  expect(Pattern.refuse(dimension, pattern)).toBeUndefined()
  expect(matches(dimension, pattern, name)).toBe(expected)
})

test.each<[Pattern.Dimension, string]>([
  ['payees', '0xabc'],
  ['payees', '0xzz00000000000000000000000000000000000000'],
  ['payees', `${payee}0`],
  ['payees', 'a**b'],
  ['payees', 'naïve'],
  ['payees', 'x'.repeat(257)],
  ['hosts', 'http://api.example'],
  ['hosts', 'api.example/path'],
  ['hosts', 'api.example:port'],
  ['hosts', 'a:1:2'],
  ['models', 'a b'],
])('%s %s is no pattern', (dimension, pattern) => {
  expect(Pattern.refuse(dimension, pattern)).toBeTypeOf('string')
})

describe('matching', () => {
  const letters = fc.constantFrom('a', 'b', '-')
  const names = fc.string({ unit: letters, minLength: 1, maxLength: 12 })
  const patterns = fc
    .array(fc.constantFrom('a', 'b', '-', '*'), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.join(''))
    .filter((pattern) => !pattern.includes('**'))

  test('agrees with a regular expression that backtracks', () => {
    let matched = 0
    fc.assert(
      fc.property(patterns, names, (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.+')}$`).test(name)
        if (expected) matched++
        expect(matches('models', pattern, name)).toBe(expected)
      }),
      { numRuns: 3_000 },
    )
    expect(matched).toBeGreaterThan(100)
  })

  test('stays quick on patterns that would make a backtracking one explode', () => {
    const pattern = `${'a*'.repeat(100)}b`
    const startMs = performance.now()
    for (let round = 0; round < 1_000; round++) matches('models', pattern, 'a'.repeat(250))
    expect(performance.now() - startMs).toBeLessThan(1_000)
  })
})
