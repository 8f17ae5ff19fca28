import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Contribution from './Contribution.ts'
import * as Datanet from './Datanet.ts'

const salt = Hash.text('salt')
const otherSalt = Hash.text('another salt')

function documents(...names: string[]): Contribution.Document[] {
  return names.map((name) => {
    const [owner, text] = name.split('/')
    return Contribution.document({ path: `${name}.md`, owner: `npm:${owner}`, text: text! })
  })
}

function changed(change: Datanet.Change | Datanet.Refusal): Datanet.Datanet {
  if (change.kind !== 'changed') throw new Error(JSON.stringify(change))
  return change.datanet
}

function take(
  datanet: Datanet.Datanet,
  batch: readonly Contribution.Document[],
  secret: Hex = salt,
): Datanet.Datanet {
  const commitment = Datanet.commit(batch, { salt: secret })
  const promised = changed(Datanet.committed(datanet, { commitment, committedAtMs: 1 }))
  const opening = { documents: batch, salt: secret }
  return changed(Datanet.revealed(promised, { root: commitment.root, opening }))
}

const anyDocument = fc
  .record({
    path: fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
    owner: fc.constantFrom('npm:a', 'npm:@b/c', `0x${'ab'.repeat(20)}`),
    text: fc.string({ maxLength: 20, unit: 'grapheme' }),
  })
  .map(Contribution.document)
const anyBatch = fc.uniqueArray(anyDocument, {
  minLength: 1,
  maxLength: 9,
  selector: (one) => Contribution.artifact('docs', one),
})
const anySalt = fc.string({ maxLength: 8 }).map(Hash.text)

describe('Contribution', () => {
  test('the artifact is a hash of datanet, document, owner and path', () => {
    const [one] = documents('zod/text')
    expect(Contribution.artifact('docs', one!)).toBe(
      Hash.digest({
        kind: 'contribution',
        datanet: 'docs',
        docHash: Hash.text('text'),
        owner: 'npm:zod',
        path: 'zod/text.md',
      }),
    )
    const ids = [
      Contribution.artifact('docs', one!),
      Contribution.artifact('other', one!),
      Contribution.artifact('docs', { ...one!, path: 'p' }),
      Contribution.artifact('docs', { ...one!, owner: 'npm:x' }),
      Contribution.artifact('docs', { ...one!, docHash: salt }),
    ]
    expect(new Set(ids).size).toBe(5)
  })

  test('bytes are those of UTF-8', () => {
    expect(Contribution.document({ path: 'p', owner: 'npm:a', text: 'é€' }).bytes).toBe(5)
  })

  test.each([
    [{ path: '' }, /expected a path/],
    [{ path: 'a\ud800' }, /well-formed/],
    [{ owner: 'zod' }, /expected an owner/],
    [{ owner: 'npm:a b' }, /expected an owner/],
    [{ owner: `0x${'AB'.repeat(20)}` }, /lower case/],
    [{ owner: '0x1234' }, /expected an owner/],
    [{ docHash: '0x12' as Hex }, /32 bytes/],
    [{ bytes: -1 }, /bytes as an integer/],
  ])('refuses %j', (wrong, message) => {
    const [one] = documents('zod/text')
    expect(() => Contribution.validate({ ...one!, ...wrong })).toThrow(InputError)
    expect(() => Contribution.validate({ ...one!, ...wrong })).toThrow(message)
  })
})

describe('commit and reveal', () => {
  test('what was committed opens, in order, with seq from the first', () => {
    fc.assert(
      fc.property(anyBatch, anySalt, fc.nat(1000), (batch, secret, firstSeq) => {
        const commitment = Datanet.commit(batch, { salt: secret })
        const opening = { documents: batch, salt: secret }
        const opened = Datanet.reveal(opening, commitment, { datanet: 'docs', firstSeq })
        expect(opened.kind).toBe('revealed')
        if (opened.kind !== 'revealed') return
        expect(opened.contributions.map(({ seq }) => seq)).toEqual(
          batch.map((_, index) => firstSeq + index),
        )
        expect(opened.contributions.map(({ path }) => path)).toEqual(batch.map((one) => one.path))
      }),
    )
  })

  test('one document or one owner changed is named; another salt opens nothing', () => {
    fc.assert(
      fc.property(anyBatch, anySalt, fc.nat(), fc.boolean(), (batch, secret, pick, theft) => {
        const commitment = Datanet.commit(batch, { salt: secret })
        const at = pick % batch.length
        const altered = batch.map((one, index) => {
          if (index !== at) return one
          return theft ? { ...one, owner: 'npm:thief' } : { ...one, docHash: otherSalt }
        })
        const place = { datanet: 'docs', firstSeq: 0 }
        const refusal = Datanet.reveal({ documents: altered, salt: secret }, commitment, place)
        expect(refusal).toMatchObject({ kind: 'refused', code: 'leaf-differs', at })
        const { root, count } = commitment
        const blind = Datanet.reveal({ documents: altered, salt: secret }, { root, count }, place)
        expect(blind).toMatchObject({ kind: 'refused', code: 'root-differs' })
        const unsalted = Datanet.reveal({ documents: batch, salt: otherSalt }, commitment, place)
        expect(unsalted).toMatchObject({ kind: 'refused', code: 'leaf-differs', at: 0 })
      }),
    )
  })

  test('refuses another order, another count, foreign leaves and a document that stands twice', () => {
    const batch = documents('a/1', 'b/2', 'c/3')
    const commitment = Datanet.commit(batch, { salt })
    const place = { datanet: 'docs', firstSeq: 0 }
    const swapped = [batch[0]!, batch[2]!, batch[1]!]
    expect(Datanet.reveal({ documents: swapped, salt }, commitment, place)).toMatchObject({
      code: 'leaf-differs',
      at: 1,
    })
    expect(Datanet.reveal({ documents: batch.slice(1), salt }, commitment, place)).toMatchObject({
      code: 'count-differs',
      because: '3 documents were committed, 2 revealed',
    })
    const foreign = { ...commitment, leaves: [...commitment.leaves].reverse() }
    expect(Datanet.reveal({ documents: batch, salt }, foreign, place)).toMatchObject({
      code: 'leaves-differ-from-root',
    })
    const twice = [...batch, batch[1]!]
    expect(
      Datanet.reveal({ documents: twice, salt }, Datanet.commit(twice, { salt }), place),
    ).toMatchObject({ code: 'artifact-twice', at: 3 })
  })

  test('an empty batch and a short salt are bad input', () => {
    expect(() => Datanet.commit([], { salt })).toThrow(/at least one document/)
    expect(() => Datanet.commit(documents('a/1'), { salt: '0x12' })).toThrow(/salt of 32 bytes/)
    expect(() => Datanet.empty('Not A Name')).toThrow(/datanet's name/)
  })
})

describe('the fold', () => {
  test('order of commitment is order of priority, whoever reveals first', () => {
    const early = documents('author/text')
    const late = documents('copycat/text')
    const first = Datanet.commit(early, { salt })
    const second = Datanet.commit(late, { salt: otherSalt })
    let datanet = Datanet.empty('docs')
    datanet = changed(Datanet.committed(datanet, { commitment: first, committedAtMs: 5 }))
    datanet = changed(Datanet.committed(datanet, { commitment: second, committedAtMs: 6 }))
    const copied = { root: second.root, opening: { documents: late, salt: otherSalt } }
    datanet = changed(Datanet.revealed(datanet, copied))
    expect(Datanet.earliest(datanet, Hash.text('text'))?.contributions[0]?.owner).toBe(
      'npm:copycat',
    )
    datanet = changed(
      Datanet.revealed(datanet, { root: first.root, opening: { documents: early, salt } }),
    )
    const found = Datanet.earliest(datanet, Hash.text('text'))
    expect(found).toMatchObject({
      commons: false,
      contributions: [{ seq: 0, owner: 'npm:author' }],
    })
    expect(Datanet.duplicates(datanet)).toMatchObject([
      {
        contributions: [
          { seq: 0, owner: 'npm:author' },
          { seq: 1, owner: 'npm:copycat' },
        ],
      },
    ])
  })

  test('documents of one batch are simultaneous: under two owners nobody is first', () => {
    const shared = take(Datanet.empty('docs'), documents('a/text', 'b/text', 'b/own'))
    expect(Datanet.earliest(shared, Hash.text('text'))?.commons).toBe(true)
    expect(Datanet.earliest(shared, Hash.text('own'))?.commons).toBe(false)
    expect(Datanet.earliest(shared, Hash.text('absent'))).toBeUndefined()
    const later = take(shared, documents('c/text'), otherSalt)
    expect(Datanet.earliest(later, Hash.text('text'))?.commons).toBe(true)
  })

  test('a commons batch belongs to nobody', () => {
    const batch = documents('a/licence')
    const commitment = Datanet.commit(batch, { salt })
    const event = { commitment, committedAtMs: 1, commons: true }
    const promised = changed(Datanet.committed(Datanet.empty('docs'), event))
    const opening = { documents: batch, salt }
    const datanet = changed(Datanet.revealed(promised, { root: commitment.root, opening }))
    expect(Datanet.earliest(datanet, Hash.text('licence'))?.commons).toBe(true)
  })

  test('twice is exists; twice with other contents is refused', () => {
    const batch = documents('a/1', 'b/2')
    const commitment = Datanet.commit(batch, { salt })
    const once = changed(Datanet.committed(Datanet.empty('docs'), { commitment, committedAtMs: 1 }))
    const again = Datanet.committed(once, { commitment, committedAtMs: 9 })
    expect(again).toMatchObject({ kind: 'exists', datanet: once })
    expect(
      Datanet.committed(once, { commitment: { ...commitment, count: 3 }, committedAtMs: 1 }),
    ).toMatchObject({ code: 'exists-with-different-count' })
    const event = { root: commitment.root, opening: { documents: batch, salt } }
    const open = changed(Datanet.revealed(once, event))
    expect(Datanet.revealed(open, event)).toMatchObject({ kind: 'exists', datanet: open })
    const moved = [batch[0]!, { ...batch[1]!, path: 'elsewhere.md' }]
    expect(
      Datanet.revealed(open, { root: commitment.root, opening: { documents: moved, salt } }),
    ).toMatchObject({ code: 'exists-with-different-documents', at: 1 })
    expect(Datanet.revealed(open, { ...event, root: salt })).toMatchObject({
      code: 'not-committed',
    })
  })

  test('a later batch never moves an earlier seq, and every seq finds its contribution', () => {
    fc.assert(
      fc.property(fc.array(anyBatch, { minLength: 1, maxLength: 5 }), (batches) => {
        let datanet = Datanet.empty('docs')
        for (const [index, batch] of batches.entries()) {
          const before = Datanet.contributions(datanet)
          datanet = take(datanet, batch, Hash.text(`salt ${index}`))
          const after = Datanet.contributions(datanet)
          expect(after.slice(0, before.length)).toEqual(before)
          expect(after.map(({ seq }) => seq)).toEqual(after.map((_, seq) => seq))
        }
        for (const one of Datanet.contributions(datanet)) {
          expect(Datanet.contribution(datanet, one.seq)).toBe(one)
          expect(Datanet.batchOf(datanet, one.seq)?.contributions).toContain(one)
          const first = Datanet.earliest(datanet, one.docHash)!
          expect(first.contributions[0]!.seq).toBeLessThanOrEqual(one.seq)
        }
        expect(Datanet.contribution(datanet, Datanet.nextSeq(datanet))).toBeUndefined()
        expect(Datanet.contribution(datanet, -1)).toBeUndefined()
      }),
      { numRuns: 40 },
    )
  })
})
