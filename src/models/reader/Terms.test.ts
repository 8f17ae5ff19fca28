import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Terms from './Terms.ts'

describe('stem', () => {
  test.each([
    ['validate', 'validates', 'validating', 'validated', 'validation', 'validator'],
    ['compress', 'compresses', 'compressing', 'compressed', 'compression'],
    ['retry', 'retries', 'retried'],
    ['query', 'queries'],
    ['hash', 'hashes', 'hashing', 'hashed'],
    ['serialize', 'serializer', 'serializing', 'serialization', 'serialise', 'serialisation'],
    ['run', 'runs'],
    ['wrap', 'wraps', 'wrapped', 'wrapping'],
  ])('%s and its forms are one term', (...forms) => {
    expect(new Set(forms.map(Terms.stem)).size).toBe(1)
  })

  test.each([
    ['string', 'strict'],
    ['class', 'clash'],
    ['status', 'state'],
    ['file', 'fill'],
  ])('%s and %s stay apart', (left, right) => {
    expect(Terms.stem(left)).not.toBe(Terms.stem(right))
  })

  test('short words and words with digits stay as they are', () => {
    expect(['ws', 'sed', 'x402', 'sha3'].map(Terms.stem)).toEqual(['ws', 'sed', 'x402', 'sha3'])
  })
})

describe('terms', () => {
  test('words that ask are left out; identifiers are found whole and by parts', () => {
    expect(Terms.of('How do I use the safeParse method?')).toEqual([
      'saf',
      'pars',
      'safepars',
      'method',
    ])
    expect(Terms.of('MAX_FILE_SIZE')).toContain('siz')
    expect(Terms.of('XMLHttpRequest')).toContain('http')
  })

  test('other spellings are one term', () => {
    expect(Terms.of('colour')).toEqual(Terms.of('color'))
    expect(Terms.of('directory')).toEqual(Terms.of('folders'))
  })

  test('other scripts: words where there are spaces, code points where there are none', () => {
    expect(Terms.of('проверка типов')).toEqual(['проверка', 'типов'])
    expect(Terms.of('型安全')).toEqual(['型', '安', '全'])
  })

  test('names of inherited members are words like others', () => {
    expect(Terms.of('constructor __proto__ toString')).toContain('construct')
  })

  test('any text has terms that are lower-case and not empty, the same each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const terms = Terms.of(text)
        expect(Terms.of(text)).toEqual(terms)
        for (const term of terms) {
          expect(term).not.toBe('')
          expect(term).toBe(term.toLowerCase())
        }
      }),
    )
  })
})
