import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Forger from '../../test/harness/Forger.ts'
import * as Pair from '../../test/harness/Pair.ts'
import * as Trade from '../../test/harness/Trade.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Share from '../kernel/Share.ts'
import type * as Artifact from '../royalties/Artifact.ts'
import * as Epoch from '../royalties/Epoch.ts'
import * as Audit from './Audit.ts'
import * as Lineage from './Lineage.ts'

const sentences = [
  'High water comes about fifty minutes later each day because the moon moves on while the earth turns beneath it',
  'A forager tells her sisters where the clover stands by dancing at the angle of the flight against the sun',
  'Sphagnum holds twenty times its weight in rainwater and turns the bog acid so that nothing there decays',
  'The keel was laid in winter since frozen ground carries a heavier cradle than the mud of April ever could',
  'Bakers in the valley keep their leaven alive in cellars where the temperature hardly changes between seasons',
]
const document = (at: number) => Hash.text(`document ${at}`)
const authors = ['tides', 'bees', 'moss', 'keel', 'leaven']

/** A seller with five documents, and what their artifacts are. */
function open(): { pair: Pair.Pair; documents: Artifact.Artifact[] } {
  const pair = Pair.open()
  Pair.register(
    pair,
    sentences.map((text, at) => ({ path: `${at}.md`, owner: `npm:${authors[at]}`, text })),
  )
  return { pair, documents: [...pair.seller.economy.sales.artifacts.values()] }
}

function register(pair: Pair.Pair, artifacts: readonly Artifact.Artifact[]): void {
  Pair.append(pair, pair.seller, Lineage.event(artifacts))
}

function model(name: string, parents: Artifact.Parent[], more: Partial<Artifact.Artifact> = {}) {
  const owners = [{ account: `npm:${name.replace(' ', '-')}`, sharePpb: Share.whole }]
  return { id: Hash.text(name), kind: 'model', owners, parents, ...more } as Artifact.Artifact
}

/** Bees derive from tides, by half, through an empty wrapper: two epochs of sales. */
async function told(): Promise<Pair.Pair> {
  const { pair, documents } = open()
  const [tides, bees] = documents as [Artifact.Artifact, Artifact.Artifact]
  const wrapper = model('wrapper', [{ artifact: tides.id, sharePpb: 1n }])
  const parents = [{ artifact: wrapper.id, sharePpb: 500_000_000n }]
  register(pair, [wrapper, { ...bees, parents }])
  for (const at of [1, 2]) {
    await Trade.trade(pair, { question: 'Where?', answer: `${sentences[1]}. ${sentences[at]}.` })
    await Trade.trade(pair, { question: 'Sure?', answer: `${sentences[1]}.` })
    Trade.closeEpoch(pair)
  }
  return pair
}

const failures = (report: Audit.Report) =>
  report.failures.map(({ name, subject }) => `${name}: ${subject}`)

describe('an honest log with lineage', () => {
  test('verifies, each epoch worked out a second time from receipts and lineage', async () => {
    const pair = await told()
    const report = Audit.run(Pair.world(pair, 'seller'))
    expect(report.failures).toEqual([])
    // Each epoch: checkpoint, leaves, file, lineage, publication.
    expect(report.checks.epoch.verified).toBe(10)
    const { balances } = pair.seller.economy.sales.accruals
    const [tides, bees] = ['npm:tides', 'npm:bees'].map((name) => balances.get(name)!.accruedNano)
    // Of an odd sum the half nano-atom stays with the child, once an epoch.
    expect([bees! - tides!, balances.has('npm:wrapper')]).toEqual([2n, false])
    expect(Audit.run(Pair.world(pair, 'buyer')).failures).toEqual([])
  })

  test('whose leaves are withdrawn is still worked out a second time', async () => {
    const pair = await told()
    const report = Audit.run(Pair.world(pair, 'seller', { leaves: () => undefined }))
    expect(report.failures).toEqual([])
    expect(report.checks.epoch).toMatchObject({ erased: 2, verified: 8 })
  })
})

describe('a seller that closes an epoch over another cascade is found, and the account named', () => {
  /** The first epoch with its leaves altered, root, total and digest made to fit; the vault's evidence too. */
  async function forged(alter: (leaves: Epoch.Leaf[]) => Epoch.Leaf[]) {
    const pair = await told()
    const leaf = pair.seller.texts.findIndex((text) => text.includes('"type":"closing"'))
    const leaves = alter(Epoch.fromLines(pair.leaves.get(0)!))
    const text = Epoch.toLines(leaves)
    const tree = Epoch.tree(leaves, Epoch.depthFor(leaves.length))
    let texts = pair.seller.texts.slice(0, leaf + 1)
    for (const [key, value] of Object.entries({
      root: tree.rootWord,
      leavesDigest: Hash.text(text),
      depth: tree.depth,
      totalAtoms: String(tree.total),
    }))
      texts = Forger.forge(texts, { leaf, type: 'closing', path: ['event', key], value })
    const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts, leaves: () => text }))
    expect(failures(report)).toEqual([
      `replay: leaf ${leaf} (closing)`,
      `epoch: leaf ${leaf} (closing) lineage`,
    ])
    return report.failures[1]!.because
  }
  const at = (leaves: Epoch.Leaf[], name: string) => {
    const address = Hash.keccak256(name)
    const account = `0x${Buffer.from(address.subarray(12)).toString('hex')}`
    return leaves.findIndex((leaf) => leaf.account === account)
  }

  test('nothing passed on', async () => {
    const because = await forged((leaves) => {
      const [bees, tides] = [at(leaves, 'npm:bees'), at(leaves, 'npm:tides')]
      const sum = leaves[bees]!.cumulative + leaves[tides]!.cumulative
      return leaves
        .with(bees, { ...leaves[bees]!, cumulative: sum })
        .filter((_, index) => index !== tides)
        .map((leaf, index) => ({ ...leaf, index }))
    })
    expect(because).toMatch(/^leaf \d of npm:bees states \d+ units, receipts and lineage give \d+$/)
  })

  test('a unit moved from the parent to the seller itself', async () => {
    const because = await forged((leaves) => {
      const tides = at(leaves, 'npm:tides')
      return leaves
        .with(tides, { ...leaves[tides]!, cumulative: leaves[tides]!.cumulative - 1n })
        .with(0, { ...leaves[0]!, cumulative: leaves[0]!.cumulative + 1n })
    })
    expect(because).toMatch(
      /^leaf 0 of 0x[0-9a-f]{40} states (\d+) units, receipts and lineage give/,
    )
  })

  test('a unit less for the parent, that nobody has instead', async () => {
    const because = await forged((leaves) => {
      const tides = at(leaves, 'npm:tides')
      return leaves.with(tides, { ...leaves[tides]!, cumulative: leaves[tides]!.cumulative - 1n })
    })
    expect(because).toMatch(/^leaf \d of npm:tides states \d+ units, receipts and lineage give/)
  })

  test('a parent left out', async () => {
    const because = await forged((leaves) => leaves.slice(0, at(leaves, 'npm:tides')))
    expect(because).toMatch(/^no leaf of npm:tides, to whom receipts and lineage give \d+ units$/)
  })
})

test('lineage altered after the fact does not give the epochs that were published', async () => {
  const pair = await told()
  const leaf = pair.seller.texts.findIndex((text) => text.includes('"artifacts":['))
  const path = ['event', 'artifacts', 1, 'parents', 0, 'sharePpb']
  const change = { leaf, type: 'registered', path, value: '400000000' }
  const texts = Forger.forge(pair.seller.texts, change)
  const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts }))
  const found = failures(report).filter((one) => one.startsWith('epoch: '))
  expect(found).toEqual([
    expect.stringMatching(/^epoch: leaf \d+ \(closing\) lineage$/),
    expect.stringMatching(/^epoch: leaf \d+ \(closing\) lineage$/),
  ])
})

test('no value of a stated lineage can be changed under a root that was published', async () => {
  const pair = await told()
  const { texts } = pair.seller
  const leaf = texts.findIndex((text) => text.includes('"artifacts":['))
  const changes = Forger.changes(texts).filter((change) => change.leaf === leaf)
  expect(changes.length).toBeGreaterThan(20)
  for (const change of changes) {
    const forged = Forger.forge(texts, change, { anchored: true })
    const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts: forged }))
    expect(report.failures.length, change.path.join('.')).toBeGreaterThan(0)
  }
})

test.each<[string, (documents: Artifact.Artifact[]) => Artifact.Artifact[]]>([
  [
    'a cycle',
    () =>
      ['a', 'b'].map((name, at) => model(name, [{ artifact: Hash.text('ba'[at]!), sharePpb: 9n }])),
  ],
  ['an unknown parent', () => [model('a', [{ artifact: document(9), sharePpb: 9n }])]],
])('%s in a forged log is a failed replay, never a crash', async (_, artifacts) => {
  const pair = await told()
  const { documents } = open()
  const leaf = pair.seller.texts.findIndex((text) => text.includes('"artifacts":['))
  const value = Lineage.event(artifacts(documents)).artifacts as unknown as Forger.Json
  const change = { leaf, type: 'registered', path: ['event', 'artifacts'], value }
  const texts = Forger.forge(pair.seller.texts, change)
  const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts }))
  expect(failures(report)).toContain(`replay: leaf ${leaf} (registered)`)
  expect(report.records).toBe(pair.seller.texts.length)
})

describe('any graph over documents, any sales, any epochs', () => {
  const parents = fc.uniqueArray(fc.tuple(fc.nat(30), fc.bigInt(1n, 333_333_333n)), {
    ...{ minLength: 1, maxLength: 3, selector: ([parent]: [number, bigint]) => parent },
  })
  const draft = fc.record({ parents, work: fc.bigInt(0n, 1n), derived: fc.boolean() })
  const sale = fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 })
  const story = fc.record({
    drafts: fc.array(draft, { minLength: 5, maxLength: 5 }),
    sales: fc.array(fc.array(sale, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  })

  test('pass the whole audit, and every atom is somewhere (invariants 5, 11)', async () => {
    const seen = { lineage: 0, claimed: 0n, reached: 0 }
    await fc.assert(
      fc.asyncProperty(story, async ({ drafts, sales }) => {
        const { pair, documents } = open()
        const known: Hex[] = []
        const artifacts = drafts.flatMap(({ parents, work, derived }, at) => {
          const shares = new Map(
            parents.flatMap(([parent, sharePpb]) =>
              known.length === 0 ? [] : [[known[parent % known.length]!, sharePpb] as const],
            ),
          )
          const list = [...shares].map(([artifact, sharePpb]) => ({ artifact, sharePpb }))
          const trained = model(`model ${at}`, list, { addedStdUs: work })
          const { id } = documents[at]!
          const own = { artifact: trained.id, sharePpb: 400_000_000n }
          known.push(trained.id, id)
          return derived ? [trained, { ...documents[at]!, parents: [own] }] : [trained]
        })
        register(pair, artifacts)
        for (const epoch of sales) {
          for (const at of epoch) {
            const answer = at.map((one) => `${sentences[one]}.`).join(' ')
            await Trade.trade(pair, { question: 'Well?', answer })
          }
          Trade.closeEpoch(pair)
          for (const account of pair.seller.economy.sales.accruals.leaves) {
            const { publishedAtoms, claimedAtoms } =
              pair.seller.economy.sales.accruals.balances.get(account)!
            if (publishedAtoms === claimedAtoms || !account.startsWith('npm:')) continue
            Trade.claim(pair, account, `0x${'c1'.repeat(20)}`)
            seen.claimed += publishedAtoms - claimedAtoms
            if (account.startsWith('npm:model')) seen.reached += 1
          }
        }
        const report = Audit.run(Pair.world(pair, 'seller'))
        expect(report.failures).toEqual([])
        expect(report.checks.epoch.verified).toBe(5 * sales.length)
        seen.lineage += sales.length
        const { receivedAtoms, claimedAtoms } = report.totals
        expect(claimedAtoms <= receivedAtoms).toBe(true)
      }),
      { numRuns: 20 },
    )
    expect(seen.lineage).toBeGreaterThan(25)
    expect(seen.reached).toBeGreaterThan(15)
    expect(seen.claimed).toBeGreaterThan(100n)
  })
})
