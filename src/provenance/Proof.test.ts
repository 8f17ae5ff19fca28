import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BaseError } from '../kernel/Errors.ts'
import type * as Hex from '../kernel/Hex.ts'
import * as Log from './Log.ts'
import * as Proof from './Proof.ts'
import * as Record from './Record.ts'

const origin = `0x${'11'.repeat(20)}`
const log = Log.create()
const texts = Array.from({ length: 13 }, (_, leaf) => {
  const previous = Log.previous(log)
  const event = { type: 'noted' }
  const id = `${leaf}`
  const text = Record.encode({ v: 1, leaf, origin, atMs: 0, previous, id, causes: [], event })
  log.append(Record.hash(text))
  return text
})

test('every record of a log has a proof at every size, and it survives its text', () => {
  let proofs = 0
  for (let size = 1; size <= texts.length; size++)
    for (let leaf = 0; leaf < size; leaf++, proofs++) {
      const proof = Proof.decode(Proof.encode(Proof.of(log, { origin, leaf, size })))
      expect(Proof.verify(proof, texts[leaf]!)).toEqual({ kind: 'verified' })
    }
  expect(proofs).toBe(91)
})

test('a proof proves its own record and no other', () => {
  const proof = Proof.of(log, { origin, leaf: 5 })
  for (const [leaf, text] of texts.entries())
    expect(Proof.verify(proof, text).kind).toBe(leaf === 5 ? 'verified' : 'failed')
  expect(Proof.verify(proof, texts[6]!)).toEqual({
    kind: 'failed',
    because: 'the record is leaf 6',
  })
  expect(Proof.verify(proof, `${texts[5]!} `)).toMatchObject({ kind: 'failed' })
  const edited = texts[5]!.replace('"atMs":0', '"atMs":1')
  expect(Proof.verify(proof, edited)).toEqual({
    kind: 'failed',
    because: 'the path does not lead from the record to the root',
  })
})

test('a proof with any part changed proves nothing', () => {
  const proof = Proof.of(log, { origin, leaf: 5 })
  const flip = (hash: Hex.Hex, at: number) => {
    const digit = (Number.parseInt(hash[2 + at]!, 16) ^ 1).toString(16)
    return `${hash.slice(0, 2 + at)}${digit}${hash.slice(3 + at)}` as Hex.Hex
  }
  const edit = fc.oneof(
    fc.nat(63).map((at) => ({ ...proof, root: flip(proof.root, at) })),
    fc.tuple(fc.nat(proof.path.length - 1), fc.nat(63)).map(([index, at]) => ({
      ...proof,
      path: proof.path.with(index, flip(proof.path[index]!, at)),
    })),
    fc.nat(12).map((leaf) => ({ ...proof, leaf })),
    fc.nat(200).map((size) => ({ ...proof, size })),
    fc.nat(proof.path.length - 1).map((at) => ({ ...proof, path: proof.path.toSpliced(at, 1) })),
    fc.constant({ ...proof, path: [...proof.path, proof.root] }),
    fc.constant({ ...proof, path: [] }),
    fc.constant({ ...proof, origin: `0x${'12'.repeat(20)}` }),
  )
  let failed = 0
  fc.assert(
    fc.property(edit, (edited) => {
      const verdict = Proof.verify(edited, texts[5]!)
      const { size: _, ...rest } = edited
      const { size: __, ...whole } = proof
      // In trees of 9 to 16 records leaf 5 has a path of one shape: only the root tells.
      if (JSON.stringify(rest) === JSON.stringify(whole) && edited.size > 8 && edited.size <= 16)
        return
      failed += 1
      expect(verdict.kind).toBe('failed')
    }),
    { numRuns: 1_000 },
  )
  expect(failed).toBeGreaterThan(800)
})

describe('what is not a proof is refused, naming what was expected', () => {
  const text = Proof.encode(Proof.of(log, { origin, leaf: 5 }))
  const cases: [string, string, RegExp][] = [
    ['not JSON', 'proof', /a proof as JSON/],
    ['a list', '[]', /a proof as an object, got a list/],
    ['spaced', ` ${text}`, /canonical/],
    ['a member too many', text.replace('{', '{"a":1,'), /only leaf, origin, path, root, size/],
    ['a leaf past the size', text.replace('"leaf":5', '"leaf":13'), /below the size 13, got 13/],
    ['a size of a word', text.replace('"size":13', '"size":"13"'), /size as a number of records/],
    ['a path of words', text.replace(/"path":\[.*?\]/, '"path":["x"]'), /at most 53 lower-case/],
    ['a root cut short', text.replace(/"root":"0x../, '"root":"0x'), /root as a lower-case hash/],
    ['hostile members', '{"origin":{"toString":1}}', /lower-case address, got an object/],
  ]
  test.each(cases)('%s', (_, edited, message) => {
    expect(edited).not.toBe(text)
    expect(() => Proof.decode(edited)).toThrow(BaseError)
    expect(() => Proof.decode(edited)).toThrow(message)
  })
})
