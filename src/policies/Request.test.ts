import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Hex from '../kernel/Hex.ts'
import * as Request from './Request.ts'

const plain: Request.Request = {
  id: `0x${'AB'.repeat(32)}`,
  digest: `0x${'01'.repeat(32)}`,
  agent: '0xA16E02E87b7454126E5E10d957A927A7F5B5d2be',
  asset: 'eip155:1/erc20:0xA16E02E87b7454126E5E10d957A927A7F5B5d2be',
  atoms: 5n,
  payee: 'Lab.Research.example',
  host: 'LOCALHOST:80',
  model: 'Docs',
}

describe('a request that was read', () => {
  test('states its facts in normal form, and nothing else that anyone can see', () => {
    const read = Request.from(plain)
    expect(read).toEqual(Request.facts(plain))
    expect(read.id).toBe(plain.id.toLowerCase())
    expect(JSON.stringify(Object.keys(read))).toBe(
      JSON.stringify(Object.keys(Request.facts(plain))),
    )
    expect(structuredClone(read)).toEqual(read)
  })

  test('cannot be changed, and is not read again', () => {
    const read = Request.from({
      ...plain,
      approval: { by: 'ops', payee: 'p', model: 'm', ceilingAtoms: 1n },
    })
    expect(() => Object.assign(read, { atoms: 6n })).toThrow(TypeError)
    expect(() => Object.assign(read.approval!, { ceilingAtoms: 6n })).toThrow(TypeError)
    expect(Request.facts(read)).toBe(read)
    expect(Request.from(read)).toBe(read)
  })

  test('lends its mark to no copy and no heir', () => {
    const read = Request.from(plain)
    const heir = Object.create(read, { atoms: { value: -1n, enumerable: true } })
    expect(Request.facts(heir).atoms).toBeUndefined()
    expect(Request.facts({ ...read, atoms: -1n }).atoms).toBeUndefined()
    const marked = Object.defineProperties({}, Object.getOwnPropertyDescriptors(read))
    expect(Request.facts(marked as Request.Request)).not.toBe(marked)
  })

  test('is known by itself: no frozen copy, no proxy that answers to everything passes for it', () => {
    const bad = { ...plain, atoms: -1n }
    expect(Request.facts(Object.freeze({ ...bad })).atoms).toBeUndefined()
    const sly: Request.Request = new Proxy(bad, {
      get: (target, key, self) => (key in target ? target[key as 'atoms'] : self),
    })
    expect(Request.facts(sly).atoms).toBeUndefined()
    const read = Request.from(plain)
    const forged = { ...bad }
    for (const key of Object.getOwnPropertySymbols(read))
      Object.defineProperty(forged, key, { value: forged })
    expect(Request.facts(forged).atoms).toBeUndefined()
    expect(Request.facts(new Proxy(read, {}))).not.toBe(read)
  })

  test('leaves out what is wrong, whatever it is', () => {
    const bad = { ...plain, id: '0x01', atoms: 1, payee: 'a b', host: 'a/b', model: '', agent: 5 }
    const read = Request.from(bad as unknown as Request.Request)
    const { digest, asset } = Request.facts(plain)
    expect(read).toEqual({ digest, asset })
    for (const value of [undefined, null, 5, 'x', () => 1])
      expect(Request.from(value as unknown as Request.Request)).toEqual({})
  })
})

test('names are read alike the first time and after', () => {
  const names = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('LAB.example', 'lab.example', '[::1]:80', '\ud800', 'x'.repeat(257)),
    fc.constantFrom(undefined, null, 5, 5n, {}),
  )
  fc.assert(
    fc.property(names, (name) => {
      const request = { ...plain, agent: name, payee: name, host: name, model: name, asset: name }
      const read = () => Request.facts(request as Request.Request)
      expect(read()).toEqual(read())
    }),
    { numRuns: 500 },
  )
})

test('a word is 32 bytes of hex in whatever case, and comes back in lower', () => {
  const digit = fc.constantFrom(...'0123456789abcdefABCDEFgG \u00e9\uff11')
  const nearly = fc
    .array(digit, { minLength: 62, maxLength: 66 })
    .map((digits) => `0x${digits.join('')}`)
  const right = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(Hex.encode)
  const shouted = right.map((word) => `0x${word.slice(2).toUpperCase()}`)
  let words = 0
  fc.assert(
    fc.property(fc.oneof(nearly, right, shouted, fc.string()), (text) => {
      const expected = Hex.is(text, 32) ? text.toLowerCase() : undefined
      if (expected !== undefined) words++
      expect(Request.word(text)).toBe(expected)
    }),
    { numRuns: 2_000 },
  )
  expect(words).toBeGreaterThan(500)
})
