import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Share from '../../kernel/Share.ts'
import * as Outputs from './Outputs.ts'
import * as PriorityCover from './PriorityCover.ts'
import * as Segment from './Segment.ts'
import * as Surprisal from './Surprisal.ts'
import * as Tokenizer from './Tokenizer.ts'

const salt = `0x${'5a'.repeat(32)}` as const
/** Windows of three or four tokens over the words below, so that small texts are full of them. */
const options: PriorityCover.Options = { w: 3, tauMilliBits: 40_000 }
const words = ['zig', 'zag', 'zog', 'the', '-']

type World = {
  readonly documents: readonly Segment.Document[]
  readonly cuts: readonly number[]
  readonly said: readonly { readonly text: string; readonly answeredAtMs: number }[]
  readonly answer: string
}

const text = (maxLength: number) =>
  fc.array(fc.constantFrom(...words), { maxLength }).map((list) => list.join(' '))

type Piece = { readonly from: number; readonly at: number; readonly size: number }

/** Pieces of documents and of earlier answers, stitched together with words of nobody's. */
function stitch(texts: readonly string[], pieces: readonly (Piece | string)[]): string {
  return pieces
    .map((piece) => {
      if (typeof piece === 'string') return piece
      const list = (texts[piece.from % texts.length] ?? '').split(' ')
      return list.slice(piece.at, piece.at + piece.size).join(' ')
    })
    .join(' ')
}

/** Documents in batches, by three owners, some copied, some of the genesis commons. */
const worlds: fc.Arbitrary<World> = fc
  .record({
    drafts: fc.array(
      fc.record({
        owner: fc.constantFrom('ann', 'bob', 'cid'),
        text: text(12),
        copies: fc.option(fc.nat(7), { freq: 3 }),
        opensBatch: fc.boolean(),
        isCommons: fc.integer({ min: 0, max: 11 }).map((roll) => roll === 0),
      }),
      { minLength: 1, maxLength: 8 },
    ),
    cuts: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 }),
    said: fc.array(fc.record({ text: text(6), answeredAtMs: fc.constantFrom(50, 100, 150, 250) }), {
      maxLength: 2,
    }),
    pieces: fc.array(
      fc.oneof(
        text(3),
        fc.record({ from: fc.nat(9), at: fc.nat(6), size: fc.integer({ min: 3, max: 9 }) }),
      ),
      { maxLength: 6 },
    ),
  })
  .map(({ drafts, cuts, said, pieces }) => {
    let batch = 0
    const documents = drafts.map(({ owner, text, copies, opensBatch, isCommons }, seq) => {
      if (opensBatch) batch++
      const copied = copies === null ? text : drafts[copies % drafts.length]!.text
      const document = { seq, batch, committedAtMs: batch * 100, owner, text: copied }
      return isCommons ? { ...document, commons: true } : document
    })
    const texts = [...documents, ...said].map((each) => each.text)
    return { documents, cuts, said, answer: stitch(texts, pieces) }
  })

function outputsOf(said: World['said']): Outputs.Outputs {
  return Outputs.from(
    said.map(({ text, answeredAtMs }) => ({
      salt,
      windows: Outputs.windows(text, salt, options),
      answeredAtMs,
    })),
  )
}

function coverOf(world: World, documents = world.documents): PriorityCover.Cover {
  const index = { segments: [Segment.build(documents)], outputs: outputsOf(world.said) }
  return PriorityCover.cover(world.answer, index, options)
}

/** The definition, word by word: sets of windows, no index, no cleverness. */
function oracle({ documents, said, answer }: World) {
  const list = Tokenizer.tokenize(answer).map((token) => token.text)
  const bits = list.map(Surprisal.of)
  const holds = (text: string, window: readonly string[]) => {
    const tokens = Tokenizer.tokenize(text).map((token) => token.text)
    return tokens.some((_, at) => window.every((word, index) => tokens[at + index] === word))
  }
  const claims: { at: number; end: number; time: number; owners: Set<string>; seqs: number[] }[] =
    []
  for (const at of list.keys()) {
    let [end, sum] = [at, 0]
    while (end < list.length && (end - at < options.w || sum < options.tauMilliBits))
      sum += bits[end++]!
    if (end - at < options.w || sum < options.tauMilliBits) continue
    const window = list.slice(at, end)
    const holders = documents.filter(({ text }) => holds(text, window))
    // A batch's time comes before that of an answer given at the same moment.
    for (const { owner, seq, committedAtMs, commons } of holders)
      claims.push({
        at,
        end,
        time: commons ? -1 : committedAtMs,
        owners: new Set([commons ? 'commons' : owner]),
        seqs: [seq],
      })
    for (const { text, answeredAtMs } of said)
      if (holds(text, window))
        claims.push({ at, end, time: answeredAtMs + 0.5, owners: new Set(['output']), seqs: [] })
  }
  return list.map((_, token) => {
    const covering = claims.filter(({ at, end }) => at <= token && token < end)
    const time = Math.min(...covering.map((claim) => claim.time))
    const earliest = covering.filter((claim) => claim.time === time)
    const owners = new Set(earliest.flatMap((claim) => [...claim.owners]))
    if (owners.size === 0) return 'nobody'
    if (owners.has('output')) return 'output'
    if (owners.size > 1 || owners.has('commons')) return 'commons'
    return Math.min(...earliest.flatMap((claim) => claim.seqs))
  })
}

/** Whose each token is, read off a cover's runs and unpaid stretches. */
function paint(answer: string, cover: PriorityCover.Cover): (string | number)[] {
  return Tokenizer.tokenize(answer).map(({ start, end }) => {
    const has = (stretch: { start: number; end: number }) =>
      stretch.start <= start && end <= stretch.end
    const found = [...cover.runs.filter(has), ...cover.unpaid.filter(has)]
    expect(found.length).toBeLessThan(2)
    const [stretch] = found
    if (stretch === undefined) return 'nobody'
    return 'kind' in stretch ? stretch.kind : stretch.docSeq
  })
}

const byOwner = (world: World, cover: PriorityCover.Cover) => {
  const sums: Record<string, bigint> = {}
  for (const { docSeq, milliBits } of cover.weights) {
    const { owner } = world.documents.find(({ seq }) => seq === docSeq)!
    sums[owner] = (sums[owner] ?? 0n) + milliBits
  }
  return sums
}

const runs = { numRuns: 1500 }

describe('against brute force', () => {
  test('every token goes where the definition says', () => {
    const seen = new Map<string, number>()
    fc.assert(
      fc.property(worlds, (world) => {
        const expected = oracle(world)
        expect(paint(world.answer, coverOf(world))).toEqual(expected)
        for (const kind of new Set(
          expected.map((who) => (typeof who === 'number' ? 'document' : who)),
        ))
          seen.set(kind, (seen.get(kind) ?? 0) + 1)
      }),
      { numRuns: 3000 },
    )
    for (const kind of ['document', 'commons', 'output', 'nobody'])
      expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(30)
  })

  test('one segment and many give the same cover', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const segments = [0, 1, 2].map((part) =>
          Segment.build(world.documents.filter((_, index) => world.cuts[index] === part)),
        )
        const index = { segments, outputs: outputsOf(world.said) }
        const whole = coverOf(world)
        expect(PriorityCover.cover(world.answer, index, options)).toEqual(whole)
        const merged = { ...index, segments: [Segment.merge(segments)] }
        expect(PriorityCover.cover(world.answer, merged, options)).toEqual(whole)
      }),
      runs,
    )
  })

  test('a run stands in its document at its offset, and is as long as it can be', () => {
    let seen = 0
    fc.assert(
      fc.property(worlds, (world) => {
        const cover = coverOf(world)
        for (const [index, { start, end, docSeq, offset }] of cover.runs.entries()) {
          seen++
          const { text } = world.documents.find(({ seq }) => seq === docSeq)!
          const said = Tokenizer.tokenize(world.answer.slice(start, end))
          const held = Tokenizer.tokenize(text.slice(offset))
          expect(held.slice(0, said.length).map((token) => token.text)).toEqual(
            said.map((token) => token.text),
          )
          const next = cover.runs[index + 1]
          if (next?.docSeq !== docSeq || next.start !== end + 1) continue
          const [more] = Tokenizer.tokenize(world.answer.slice(next.start))
          expect(held[said.length]?.text).not.toBe(more!.text)
        }
      }),
      runs,
    )
    expect(seen).toBeGreaterThan(500)
  })
})

describe('money', () => {
  test('credits, unpaid and the rest make exactly the whole', () => {
    fc.assert(
      fc.property(worlds, (world) => {
        const cover = coverOf(world)
        const sum = cover.weights.reduce((sum, { milliBits }) => sum + milliBits, 0n)
        expect(sum).toBe(cover.coverageMilliBits)
        const paid = cover.credits.reduce((sum, { ppb }) => sum + ppb, 0n)
        expect(paid).toBe(cover.coveragePpb)
        expect(cover.coveragePpb <= Share.whole).toBe(true)
        const unpaid = cover.commonsMilliBits + cover.outputMilliBits
        expect(sum + unpaid <= cover.totalMilliBits).toBe(true)
        for (const [index, { ppb, rarityPpb }] of cover.credits.entries()) {
          const exact = cover.weights[index]!.milliBits * Share.whole
          const error = ppb * cover.totalMilliBits - exact
          expect(error < cover.totalMilliBits && -error < cover.totalMilliBits).toBe(true)
          expect(rarityPpb > 0n && rarityPpb <= Share.whole).toBe(true)
        }
        if (sum === cover.totalMilliBits && sum > 0n) expect(cover.coveragePpb).toBe(Share.whole)
      }),
      runs,
    )
  })

  test('what is registered later never lowers an earlier weight', () => {
    fc.assert(
      fc.property(worlds, fc.array(text(12), { minLength: 1, maxLength: 3 }), (world, texts) => {
        const before = coverOf(world)
        const late = texts.map((text, index) => ({
          seq: 100 + index,
          batch: 100,
          committedAtMs: 100_000,
          owner: `late${index}`,
          text,
        }))
        const after = coverOf(world, [...world.documents, ...late])
        const earlier = after.weights.filter(({ docSeq }) => docSeq < 100)
        expect(earlier).toEqual(before.weights)
        expect(after.commonsMilliBits >= before.commonsMilliBits).toBe(true)
        expect(after.outputMilliBits).toBe(before.outputMilliBits)
      }),
      runs,
    )
  })

  test('ten copies registered later earn nothing and move nobody', () => {
    let seen = 0
    fc.assert(
      fc.property(worlds, fc.nat(7), (world, pick) => {
        const original = world.documents[pick % world.documents.length]!
        const copies = Array.from({ length: 10 }, (_, index) => ({
          seq: 100 + index,
          batch: 100 + index,
          committedAtMs: 100_000,
          owner: `copycat${index}`,
          text: original.text,
        }))
        const before = coverOf(world)
        seen += before.runs.length
        expect(coverOf(world, [...world.documents, ...copies])).toEqual(before)
      }),
      runs,
    )
    expect(seen).toBeGreaterThan(500)
  })

  test('splitting a document, or its owner, gains nothing', () => {
    let seen = 0
    fc.assert(
      fc.property(worlds, fc.nat(7), fc.nat(8), fc.boolean(), (world, pick, cut, newNames) => {
        fc.pre(world.documents[pick % world.documents.length]!.commons !== true)
        const spaced = world.documents.map((document) => ({ ...document, seq: document.seq * 3 }))
        const whole = spaced[pick % spaced.length]!
        const list = whole.text.split(' ')
        const parts = [list.slice(0, cut), list.slice(cut)].map((part, index) => ({
          ...whole,
          seq: whole.seq + index,
          owner: newNames ? `${whole.owner}${index}` : whole.owner,
          text: part.join(' '),
        }))
        const others = spaced.filter((document) => document !== whole)
        const earns = (documents: readonly Segment.Document[]) => {
          const isHis = new Map(
            documents.map((each) => [each.seq, each.owner.startsWith(whole.owner)]),
          )
          return coverOf(world, documents)
            .weights.filter(({ docSeq }) => isHis.get(docSeq))
            .reduce((sum, { milliBits }) => sum + milliBits, 0n)
        }
        const before = earns(spaced)
        if (before > 0n) seen++
        expect(earns([...others, ...parts]) <= before).toBe(true)
      }),
      runs,
    )
    expect(seen).toBeGreaterThan(200)
  })

  test('the order within a batch decides nothing between owners', () => {
    fc.assert(
      fc.property(worlds, fc.array(fc.nat(1000), { minLength: 8, maxLength: 8 }), (world, keys) => {
        const shuffled = world.documents
          .map((document, index) => ({ document, key: keys[index]! }))
          .sort((left, right) => left.document.batch - right.document.batch || left.key - right.key)
          .map(({ document }, seq) => ({ ...document, seq }))
        const other = { ...world, documents: shuffled }
        const [left, right] = [coverOf(world), coverOf(other)]
        expect(byOwner(other, right)).toEqual(byOwner(world, left))
        expect(right.commonsMilliBits).toBe(left.commonsMilliBits)
      }),
      runs,
    )
  })
})

const quote = 'Zebras quietly borrowed eleven umbrellas from a suspicious lighthouse keeper.'
const filler = 'and so on'
const at = (
  seq: number,
  batch: number,
  owner: string,
  text: string,
  more: Partial<Segment.Document> = {},
): Segment.Document => ({ seq, batch, committedAtMs: batch * 100, owner, text, ...more })

function earners(
  answer: string,
  documents: readonly Segment.Document[],
  outputs?: Outputs.Outputs,
) {
  const segments = documents.map((document) => Segment.build([document]))
  const cover = PriorityCover.cover(answer, outputs ? { segments, outputs } : { segments })
  return {
    docs: cover.credits.map(({ docSeq }) => docSeq),
    unpaid: cover.unpaid.map(({ kind }) => kind),
  }
}

describe('who wins a window', () => {
  test.each<[string, readonly Segment.Document[], { docs: number[]; unpaid: string[] }]>([
    ['the only document', [at(0, 1, 'ann', quote)], { docs: [0], unpaid: [] }],
    [
      'the earlier batch',
      [at(0, 1, 'ann', quote), at(1, 2, 'bob', quote)],
      { docs: [0], unpaid: [] },
    ],
    [
      'nobody, of two owners in one batch',
      [at(0, 1, 'ann', quote), at(1, 1, 'bob', quote)],
      { docs: [], unpaid: ['commons'] },
    ],
    [
      'the first of one owner’s two documents in a batch',
      [at(0, 1, 'ann', quote), at(1, 1, 'ann', quote)],
      { docs: [0], unpaid: [] },
    ],
    [
      'nobody, however late the commons were registered',
      [at(0, 1, 'ann', quote), at(1, 9, 'commons', quote, { commons: true })],
      { docs: [], unpaid: ['commons'] },
    ],
  ])('%s', (_, documents, expected) => {
    expect(earners(`${filler} ${quote} ${filler}`, documents)).toEqual(expected)
    expect(earners(`${filler} ${quote} ${filler}`, [...documents].reverse())).toEqual(expected)
  })

  test.each([
    ['an answer given before the document was committed', 99, { docs: [], unpaid: ['output'] }],
    ['the document, in the same moment', 100, { docs: [0], unpaid: [] }],
    ['the document, committed before', 101, { docs: [0], unpaid: [] }],
  ])('%s', (_, answeredAtMs, expected) => {
    const windows = Outputs.windows(quote, salt)
    const outputs = Outputs.from([{ salt, windows, answeredAtMs }])
    expect(earners(quote, [at(0, 1, 'ann', quote)], outputs)).toEqual(expected)
  })

  test('an answer is remembered for one preset at a time', () => {
    const windows = Outputs.windows(quote, salt, PriorityCover.sensitive)
    const outputs = Outputs.from([{ salt, windows, answeredAtMs: 1 }])
    const segments = [Segment.build([at(0, 1, 'ann', quote)])]
    expect(PriorityCover.cover(quote, { segments, outputs }).credits).toHaveLength(1)
    const sensitive = PriorityCover.cover(quote, { segments, outputs }, PriorityCover.sensitive)
    expect(sensitive.credits).toHaveLength(0)
  })

  test('within a batch, words that two owners’ windows cover at once are commons', () => {
    const [left, shared, right] = [
      'quixotic marmalade vendors juggle',
      'seventeen porcelain walruses',
      'behind municipal aquarium windows',
    ]
    const answer = `${left} ${shared} ${right}`
    const documents = [
      at(0, 1, 'ann', `${left} ${shared} elsewhere`),
      at(1, 1, 'bob', `nowhere ${shared} ${right}`),
    ]
    const index = { segments: [Segment.build(documents)] }
    const cover = PriorityCover.cover(answer, index, { w: 5, tauMilliBits: 1 })
    const shown = [...cover.runs, ...cover.unpaid].map(({ start, end }) => answer.slice(start, end))
    expect(shown).toEqual([left, right, shared])
    expect(cover.unpaid[0]).toMatchObject({ kind: 'commons' })
  })

  test('a window of unknown words never crosses from one document into the next', () => {
    const documents = [
      at(0, 1, 'ann', 'glorp snarf blimp frood'),
      at(1, 1, 'ann', 'zarkon queg plin vorb'),
    ]
    const answer = 'glorp snarf blimp frood zarkon queg plin vorb'
    expect(earners(answer, documents)).toEqual({ docs: [], unpaid: [] })
    const unknown = 'glorp snarf blimp frood unseen zarkon queg plin vorb'
    const index = { segments: [Segment.build(documents)] }
    expect(PriorityCover.cover(unknown, index).credits).toEqual([])
  })
})

describe('runs', () => {
  const exact: PriorityCover.Options = { w: 3, tauMilliBits: 1 }
  const pieces = (answer: string, documents: readonly Segment.Document[]) =>
    PriorityCover.cover(answer, { segments: [Segment.build(documents)] }, exact).runs.map(
      ({ start, end, docSeq, offset }) => [answer.slice(start, end), docSeq, offset],
    )

  test('one run where the document holds it in one piece, however often it starts', () => {
    const text = 'a b c x a b c d y a b c d e z a b c d e'
    expect(pieces('a b c d e', [at(0, 1, 'ann', text)])).toEqual([['a b c d e', 0, 18]])
  })

  test('two runs where the document holds two pieces, though a later one holds the whole', () => {
    const documents = [at(0, 1, 'ann', 'a b c x b c d'), at(1, 2, 'bob', 'a b c d')]
    expect(pieces('a b c d', documents)).toEqual([
      ['a b c', 0, 0],
      ['d', 0, 12],
    ])
  })

  test('in the tail of an answer the longer of two pieces', () => {
    const document = at(0, 1, 'ann', 'a b c d x c d e y d e f')
    expect(pieces('a b c d e f', [document])).toEqual([
      ['a b c d', 0, 0],
      ['e f', 0, 20],
    ])
  })

  test('what an earlier document took is cut out, and the offset moves with it', () => {
    const documents = [at(0, 1, 'ann', 'a b c'), at(1, 2, 'bob', 'so a b c d e f')]
    expect(pieces('a b c d e f', documents)).toEqual([
      ['a b c', 0, 0],
      ['d e f', 1, 9],
    ])
  })
})

describe('hostile text', () => {
  const segments = [
    Segment.build([
      at(0, 1, 'ann', '-'.repeat(1_000_000)),
      at(1, 2, 'bob', `👩‍🚀🚀 ${quote} \ud800 \udc00\ud800`),
    ]),
  ]

  test.each([
    ['nothing', ''],
    ['white space', ' \n\t\u00a0\u200b\ufeff'],
    ['lone surrogates', '\ud800\udc00\ud800 \udc00\ud800\ud800 \udfff'],
    ['emoji', '👩‍🚀🚀🇨🇭👍🏽'.repeat(50)],
    ['one endless word', 'a'.repeat(1_000_000)],
    ['a thousand accents on one letter', `e${'\u0301'.repeat(1000)}`],
  ])('%s is covered in integers', (_, answer) => {
    const cover = PriorityCover.cover(answer, { segments })
    expect(cover.totalMilliBits).toBe(
      Tokenizer.tokenize(answer).reduce((sum, { text }) => sum + BigInt(Surprisal.of(text)), 0n),
    )
    expect(cover.credits).toEqual([])
  })

  test('a text of lone surrogates that is registered is credited', () => {
    const text = '\ud801 \udc02 \ud803 \udc04 \ud805 \udc06 \ud807 \udc08'
    const index = { segments: [Segment.build([at(0, 1, 'ann', `x ${text}`)])] }
    const [run] = PriorityCover.cover(text, index).runs
    expect(run).toEqual({ start: 0, end: text.length, docSeq: 0, offset: 2 })
  })

  test('a long row of one mark against a longer one of it stays linear', () => {
    const startedAtMs = performance.now()
    const cover = PriorityCover.cover('-'.repeat(100_000), { segments })
    expect(performance.now() - startedAtMs).toBeLessThan(15_000)
    expect(cover.runs).toEqual([{ start: 0, end: 100_000, docSeq: 0, offset: 0 }])
    expect(cover.coveragePpb).toBe(Share.whole)
  })
})
