import { describe, expect, test } from 'vitest'
import * as Hash from '../../kernel/Hash.ts'
import * as Evidence from './Evidence.ts'
import * as Outputs from './Outputs.ts'
import * as PriorityCover from './PriorityCover.ts'
import * as Segment from './Segment.ts'

const salt = `0x${'5a'.repeat(32)}` as const
const indexRoot = Hash.text('root')
const [zebras, otters, boilerplate, yesterday] = [
  'Zebras quietly borrowed eleven umbrellas from a suspicious lighthouse keeper.',
  'Seven otters rehearse operetta beneath the municipal swimming baths at dawn.',
  'Permission is hereby granted, free of charge, to any walrus obtaining a copy.',
  'Our kiosk recommends lukewarm gazpacho alongside philosophical marzipan tortoises.',
]
const document = (seq: number, batch: number, owner: string, text: string, commons = false) => ({
  seq,
  batch,
  committedAtMs: batch * 100,
  owner,
  text,
  commons,
})
const documents = [
  document(0, 0, 'commons', boilerplate, true),
  document(1, 1, 'ann', `About zebras. ${zebras}`),
  document(2, 1, 'bob', otters),
  document(3, 2, 'cid', `${zebras} ${yesterday}`),
]
const answer = `It is said: ${zebras} Besides, ${otters} ${boilerplate} ${yesterday} The end.`
const outputs = Outputs.from([
  { salt, windows: Outputs.windows(yesterday, salt), answeredAtMs: 150 },
])
const index = { segments: [Segment.build(documents)], outputs, indexRoot }
const cover = PriorityCover.cover(answer, index)
const evidence = Evidence.from(cover, { indexRoot })
const again = (): Evidence.Evidence => JSON.parse(JSON.stringify(evidence))
const artifactOf = (seq: number) => Hash.text(`artifact ${seq}`)

test('says whose words an answer is made of', () => {
  const shown = [...evidence.runs, ...evidence.unpaid].map((stretch) => [
    'kind' in stretch ? stretch.kind : stretch.docSeq,
    answer.slice(stretch.start, stretch.end),
  ])
  expect(shown).toEqual([
    [1, zebras],
    [2, otters],
    ['commons', boilerplate],
    ['output', yesterday],
  ])
  expect(evidence.runs[0]!.offset).toBe('About zebras. '.length)
  expect(evidence.entries.map(({ docSeq }) => docSeq)).toEqual([1, 2])
})

test('survives JSON and recomputes', () => {
  expect(Evidence.parse(again())).toEqual(evidence)
  expect(Evidence.recompute(answer, index, again())).toEqual({ ok: true })
  const parted = { ...index, segments: documents.map((each) => Segment.build([each])) }
  expect(Evidence.recompute(answer, parted, again())).toEqual({ ok: true })
})

test('run weights sum to the weight of their document', () => {
  const weights = Evidence.runWeights(evidence, answer)
  for (const { docSeq, milliBits } of evidence.entries) {
    const sum = evidence.runs.reduce(
      (sum, run, index) => sum + (run.docSeq === docSeq ? weights[index]! : 0n),
      0n,
    )
    expect(sum).toBe(BigInt(milliBits))
  }
})

describe('every flip is found and named', () => {
  /** Every leaf of the evidence, with the path that recompute should name. */
  function leaves(
    value: unknown,
    path: string,
    into: [string, (string | number)[]][],
    keys: (string | number)[],
  ) {
    if (typeof value !== 'object' || value === null) into.push([path, keys])
    else if (Array.isArray(value))
      for (const [at, each] of value.entries()) leaves(each, `${path}[${at}]`, into, [...keys, at])
    else
      for (const [key, each] of Object.entries(value))
        leaves(each, path === '' ? key : `${path}.${key}`, into, [...keys, key])
    return into
  }
  const paths = leaves(evidence, '', [], [])

  test('there are many', () => {
    expect(paths.length).toBeGreaterThan(35)
  })

  test.each(paths)('%s', (path, keys) => {
    const flipped = again()
    let at = flipped as unknown as Record<string | number, unknown>
    for (const key of keys.slice(0, -1)) at = at[key] as typeof at
    const key = keys.at(-1)!
    const value = at[key]
    at[key] = typeof value === 'number' ? value + 1 : `${String(value).slice(0, -1)}~`
    const verdict = Evidence.recompute(answer, index, flipped)
    expect(verdict.ok).toBe(false)
    // Other options give other windows: w and τ are named by whatever changes with them, or by the root.
    if (!verdict.ok && path !== 'w' && path !== 'tauMilliBits')
      expect(verdict.because).toMatch(new RegExp(`^${path.replace(/[.[\]]/g, '\\$&')}: expected `))
  })

  test.each<[string, (evidence: Record<string, unknown>) => unknown, string]>([
    ['a run left out', (each) => ({ ...each, runs: evidence.runs.slice(1) }), 'runs[0].start'],
    [
      'a run too many',
      (each) => ({ ...each, runs: [...evidence.runs, evidence.runs[0]] }),
      'runs.2',
    ],
    ['no entries', ({ entries: _, ...each }) => each, 'entries'],
    ['a member too many', (each) => ({ ...each, bonus: '1' }), 'bonus: expected nothing'],
    ['runs that are no list', (each) => ({ ...each, runs: {} }), 'runs: expected'],
    ['an absurd w', (each) => ({ ...each, w: 0 }), 'w, tauMilliBits'],
    ['an absurd τ', (each) => ({ ...each, tauMilliBits: 1e300 }), 'w, tauMilliBits'],
    ['no evidence', () => null, 'expected an object'],
  ])('%s', (_, change, because) => {
    const verdict = Evidence.recompute(answer, index, change({ ...again() }) as Evidence.Evidence)
    expect(verdict).toEqual({ ok: false, because: expect.stringContaining(because) })
  })

  test('another answer, an omitted document, another memory of outputs', () => {
    const verdicts = [
      Evidence.recompute(answer.replace('eleven', 'twelve'), index, again()),
      Evidence.recompute(
        answer,
        { ...index, segments: [Segment.build(documents.slice(2))] },
        again(),
      ),
      Evidence.recompute(answer, { segments: index.segments, indexRoot }, again()),
      Evidence.recompute(answer, { ...index, indexRoot: Hash.text('another root') }, again()),
    ]
    expect(verdicts.map(({ ok }) => ok)).toEqual([false, false, false, false])
  })
})

describe('parse', () => {
  test.each<[string, unknown, string]>([
    ['nothing', null, 'evidence as an object'],
    ['a float', { ...evidence, w: 8.5 }, 'evidence.w as count'],
    ['a number of milli-bits', { ...evidence, totalMilliBits: 5 }, 'evidence.totalMilliBits'],
    ['a bad hash', { ...evidence, indexRoot: '0x12' }, 'evidence.indexRoot as hash'],
    ['no runs', { ...evidence, runs: undefined }, 'evidence.runs as a list'],
    [
      'a negative offset',
      { ...evidence, runs: [{ ...evidence.runs[0], offset: -1 }] },
      'runs[0].offset',
    ],
    ['a sign', { ...evidence, entries: [{ ...evidence.entries[0], ppb: '-1' }] }, 'entries[0].ppb'],
  ])('refuses %s', (_, value, because) => {
    expect(() => Evidence.parse(value)).toThrow(because)
  })
})

describe('influence', () => {
  test('is the credits by artifact', () => {
    const influence = Evidence.influence(evidence, artifactOf)
    expect(influence).toMatchObject({ method: 'spans/priority-cover', version: 1, indexRoot })
    expect(influence.coveragePpb).toBe(cover.coveragePpb)
    const shares = new Map(influence.entries.map((entry) => [entry.artifact, entry.sharePpb]))
    for (const { docSeq, ppb } of cover.credits) expect(shares.get(artifactOf(docSeq))).toBe(ppb)
  })

  test('adds up documents of one artifact', () => {
    const influence = Evidence.influence(evidence, () => artifactOf(0))
    expect(influence.entries).toEqual([{ artifact: artifactOf(0), sharePpb: cover.coveragePpb }])
  })

  test('refuses shares that do not sum to the coverage', () => {
    const wrong = { ...evidence, coveragePpb: String(cover.coveragePpb + 1n) }
    expect(() => Evidence.influence(wrong, artifactOf)).toThrow('sum of shares')
  })
})
