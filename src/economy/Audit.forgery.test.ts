import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import * as Forger from '../../test/harness/Forger.ts'
import * as Pair from '../../test/harness/Pair.ts'
import * as Story from '../../test/harness/Story.ts'
import * as Log from '../provenance/Log.ts'
import * as Audit from './Audit.ts'

type Who = 'seller' | 'buyer'
const parties = ['seller', 'buyer'] as const

let pair: Pair.Pair
const changes: Record<Who, Forger.Change[]> = { seller: [], buyer: [] }
beforeAll(async () => {
  pair = await Story.tell()
  for (const who of parties) changes[who] = Forger.changes(pair[who].texts)
})

/** Whether an audit finds a change after the forger made everything it can fit again. */
function isSeen(who: Who, change: Forger.Change, options: { alone: boolean }): boolean {
  const texts = Forger.forge(pair[who].texts, change)
  const report = Audit.run(Pair.world(pair, who, { ...options, texts }))
  for (const { because } of report.failures) expect(because).toBeTruthy()
  return report.failures.length > 0
}

/** A change of each place: of one the first, of the next the last. */
function sample(all: readonly Forger.Change[]): Forger.Change[] {
  const places = new Map<string, Forger.Change[]>()
  for (const change of all) {
    const place = Forger.place(change)
    places.set(place, [...(places.get(place) ?? []), change])
  }
  return [...places.values()].map((group, at) => group.at(at % 2 === 0 ? 0 : -1)!)
}

/**
 * What one log alone cannot show, and why. All else that is changed in any record is found, although the
 * forger holds the log's key and redraws ids, links, checkpoints and the vault's evidence of them.
 */
const unseen: Record<Who, Record<string, string>> = {
  seller: {
    'record.atMs': 'a clock is its owner’s word, between the records before and after',
    'opened.name': 'a name for eyes',
    'opened.role': 'which half of the events a log has is seen in the log',
    'opened.local': 'a note for eyes; the chain’s id stands in the asset',
    'revealed.contributions.*.path':
      'of a document that nobody was ever answered from: leaf and version hold hash, owner and time',
    'unfunded.because': 'words for eyes',
    'funded.evidence.tx': 'a header proves the block, not the transaction: for a look at the chain',
    'funded.evidence.logs.*.data': 'AuthorizationUsed has no data: what stands there says nothing',
    'published.evidence.tx': 'no header: for a look at the chain',
    'published.evidence.blockHash': 'the same',
    'published.evidence.blockNumber': 'the same',
    'published.evidence.gasUsed': 'the same',
    'published.evidence.logs.*.index': 'the same',
    'published.evidence.logs.*.data': 'when the root becomes active: the same',
    'claimed.evidence.tx': 'the same',
    'claimed.evidence.blockHash': 'the same',
    'claimed.evidence.blockNumber': 'the same',
    'claimed.evidence.gasUsed': 'the same',
    'claimed.evidence.logs.*.index': 'the same',
  },
  buyer: {
    'record.atMs': 'a clock is its owner’s word, between the records before and after',
    'opened.name': 'a name for eyes',
    'opened.role': 'which half of the events a log has is seen in the log',
    'opened.local': 'a note for eyes; the chain’s id stands in the asset',
    'opened.salt': 'a buyer remembers no answers under it',
    'opened.scale': 'a buyer closes no epochs',
    'opened.till': 'a buyer pays whom the quote names and the policy allows',
    'opened.vault': 'a buyer publishes nothing',
    'captured.proof.path.*': 'needs the seller’s record: seen with its log',
    'captured.proof.root': 'the same',
    'captured.proof.size': 'the same',
    'captured.evidence.tx': 'a header proves the block, not the transaction',
    'captured.evidence.logs.*.data': 'AuthorizationUsed has no data',
    'disputed.evidence.tx': 'a header proves the block, not the transaction',
    'disputed.evidence.logs.*.data': 'AuthorizationUsed has no data',
    'disputed.because': 'words for eyes',
    'voided.because': 'words for eyes',
  },
}

/** Of these, what stays unseen although the other party's log is given too. */
const unseenByBoth: Record<Who, readonly string[]> = {
  // Every proof that the buyer holds shows the seller's whole log up to it.
  seller: [],
  buyer: Object.keys(unseen.buyer).filter(
    (place) => !/^captured\.proof|^(captured|disputed)\.evidence\.tx$/.test(place),
  ),
}

describe('any value of any record, changed by who holds the key of its log', () => {
  test.each(parties)('is found in the log of the %s alone, or is listed', (who) => {
    const tried = sample(changes[who])
    const missed = tried.filter((change) => !isSeen(who, change, { alone: true }))
    expect(tried.length).toBeGreaterThan(200)
    expect(new Set(Object.keys(unseen[who]))).toEqual(
      new Set([...Object.keys(unseen[who]), ...missed.map(Forger.place)]),
    )
  })

  test.each(parties)('and nothing of the %s is listed that is found', (who) => {
    for (const place of Object.keys(unseen[who])) {
      const there = changes[who].filter((change) => Forger.place(change) === place)
      const missed = there.some((change) => !isSeen(who, change, { alone: true }))
      expect(missed, place).toBe(true)
    }
  })

  test.each(parties)('of the %s, most of what is listed is found with both logs', (who) => {
    const listed = sample(changes[who].filter((each) => Forger.place(each) in unseen[who]))
    const left = listed.filter((change) => !isSeen(who, change, { alone: false }))
    const places = left.map(Forger.place)
    expect(places.filter((place) => !unseenByBoth[who].includes(place))).toEqual([])
  })

  test('at random, with both logs', () => {
    fc.assert(
      fc.property(fc.constantFrom(...parties), fc.nat(), (who, at) => {
        const change = changes[who][at % changes[who].length]!
        const seen = isSeen(who, change, { alone: false })
        expect(seen || unseenByBoth[who].includes(Forger.place(change))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

describe('with every text withdrawn', () => {
  const gone: Pick<Audit.World, 'answer' | 'leaves'> = {
    answer: () => ({ kind: 'erased' }),
    leaves: () => undefined,
  }
  test.each(['served.evidence', 'served.receipt', 'closing'])('%s is as it was signed', (place) => {
    const tried = sample(changes.seller.filter((each) => Forger.place(each).startsWith(place)))
    expect(tried.length).toBeGreaterThan(5)
    for (const change of tried) {
      const texts = Forger.forge(pair.seller.texts, change)
      const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts, ...gone }))
      expect(report.failures, Forger.place(change)).not.toEqual([])
    }
  })
})

describe('who cannot redraw what the chain anchors', () => {
  test('changes nothing before the last checkpoint, not even a word', () => {
    const last = pair.seller.texts.findLastIndex((text) => text.includes('"type":"closing"'))
    const before = changes.seller.filter(({ leaf }) => leaf < last)
    fc.assert(
      fc.property(fc.nat(), (at) => {
        const change = before[at % before.length]!
        const texts = Forger.forge(pair.seller.texts, change, { anchored: true })
        const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts }))
        expect(report.checks.epoch.failed).toBeGreaterThan(0)
        expect(report.failures).not.toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})

describe('hostile records are findings, never crashes', () => {
  const scalar = fc.oneof(
    fc.constantFrom('0x', '-1', '1e9', '9'.repeat(78), '', '\u0000', '__proto__', 'allow'),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.constant([]),
    fc.constant({}),
  )
  test('whatever a value becomes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...parties), fc.nat(), scalar, (who, at, value) => {
        const change = changes[who][at % changes[who].length]!
        const texts = Forger.forge(pair[who].texts, { ...change, value: value as Forger.Json })
        const report = Audit.run(Pair.world(pair, who, { texts }))
        expect(report.records).toBe(texts.length)
      }),
      { numRuns: 80 },
    )
  })

  test('whatever an event becomes', () => {
    const types = [...new Set(parties.flatMap((who) => changes[who].map(({ type }) => type)))]
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...types), fc.object(), (at, type, junk) => {
        const leaf = at % pair.seller.texts.length
        const value = { ...JSON.parse(JSON.stringify(junk)), type }
        const texts = Forger.forge(pair.seller.texts, { leaf, type, path: ['event'], value })
        const report = Audit.run(Pair.world(pair, 'seller', { texts }))
        expect(report.failures).not.toEqual([])
        expect(report.replayed).toBe(leaf)
      }),
      { numRuns: 40 },
    )
  })

  test('whatever order they come in, links made to fit', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(pair.seller.texts, { minLength: 2 }), (picked) => {
        const records = picked.map((text) => JSON.parse(text))
        const texts = Forger.relink(records)
        const report = Audit.run(Pair.world(pair, 'seller', { texts, alone: true }))
        expect(report.records).toBe(picked.length)
        expect(Log.check(texts).kind === 'verified' || report.failures.length > 0).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})
