import { beforeAll, describe, expect, test } from 'vitest'
import * as Forger from '../../test/harness/Forger.ts'
import * as Pair from '../../test/harness/Pair.ts'
import * as Story from '../../test/harness/Story.ts'
import * as Terms from '../../test/harness/Terms.ts'
import * as Trade from '../../test/harness/Trade.ts'
import * as Hash from '../kernel/Hash.ts'
import type * as Quote from '../market/Quote.ts'
import * as Audit from './Audit.ts'

let pair: Pair.Pair
beforeAll(async () => {
  pair = await Story.tell()
})

/** `name: subject`, of failures. */
function failures(report: Audit.Report): string[] {
  return report.failures.map(({ name, subject }) => `${name}: ${subject}`)
}

describe('an honest pair', () => {
  test('verifies, and every kind of check was made', () => {
    expect(Audit.lines(Audit.run(Pair.world(pair, 'seller')))).toMatchInlineSnapshot(`
      [
        "chain of hashes  35 verified",
        "clock            45 verified",
        "replay           35 verified",
        "identity         1 verified",
        "quote            8 verified",
        "receipt          7 verified",
        "attribution      7 verified",
        "document         5 verified",
        "answer           7 verified",
        "payment          12 verified",
        "epoch            8 verified",
        "claim            2 verified",
        "causes           35 verified",
        "chain            9 recorded",
        "counterpart      10 verified, 1 recorded",
      ]
    `)
    expect(Audit.lines(Audit.run(Pair.world(pair, 'buyer')))).toMatchInlineSnapshot(`
      [
        "chain of hashes  31 verified",
        "clock            31 verified",
        "replay           31 verified",
        "policy           8 verified",
        "identity         1 verified",
        "quote            8 verified",
        "receipt          4 verified",
        "answer           4 verified",
        "payment          12 verified",
        "transition       21 verified",
        "causes           31 verified",
        "chain            5 recorded",
        "counterpart      10 verified, 1 recorded",
      ]
    `)
  })

  test('gives the root of its log and the sums that follow', () => {
    const report = Audit.run(Pair.world(pair, 'seller'))
    expect(report.size).toBe(pair.seller.texts.length)
    expect(report.replayed).toBe(report.records)
    expect(report.totals).toMatchInlineSnapshot(`
      {
        "claimableAtoms": 420n,
        "claimedAtoms": 139n,
        "receivableAtoms": 99n,
        "receivedAtoms": 2138n,
        "spentAtoms": 0n,
      }
    `)
    expect(report.totals.receivedAtoms).toBe(Audit.run(Pair.world(pair, 'buyer')).totals.spentAtoms)
  })

  test('alone, what needs the other party is recorded, not verified', () => {
    const report = Audit.run(Pair.world(pair, 'buyer', { alone: true }))
    expect(report.failures).toEqual([])
    expect(report.checks.counterpart.verified).toBe(0)
    expect(report.checks.causes.recorded).toBe(4)
  })

  test('names every transaction for a look at the chain', () => {
    const { looks } = Audit.run(Pair.world(pair, 'seller'))
    expect(looks.map(({ type }) => type).sort()).toEqual([
      ...['claimed', 'claimed', 'funded', 'funded', 'funded', 'funded', 'funded'],
      ...['published', 'published'],
    ])
    expect(new Set(looks.map(({ tx }) => tx)).size).toBe(looks.length)
  })

  test('an empty log has nothing wrong, and nothing in it', () => {
    const report = Audit.run(Pair.world(pair, 'seller', { texts: [] }))
    expect(report.failures).toEqual([])
    expect(report.records).toBe(0)
    expect(Audit.lines(report)).toEqual([])
  })
})

describe('what was withdrawn is erased, never failed', () => {
  test('an answer', () => {
    const report = Audit.run(Pair.world(pair, 'seller', { answer: () => ({ kind: 'erased' }) }))
    expect(report.failures).toEqual([])
    expect(report.checks.answer.erased).toBe(7)
    expect(report.checks.attribution.erased).toBe(7)
    expect(report.checks.receipt.verified).toBe(7)
  })

  test.each([
    ['tides', 2],
    ['bees', 4],
    ['moss', 2],
    ['LICENSE', 1],
  ])('a document, %s: only receipts that rest on it', (path, resting) => {
    const text = [...pair.documents.values()].find((one) =>
      one.toLowerCase().includes(path === 'LICENSE' ? 'mit.' : path),
    )!
    const document: Audit.World['document'] = (docHash) =>
      docHash === Hash.text(text)
        ? { kind: 'erased' }
        : { kind: 'found', text: pair.documents.get(docHash)! }
    const report = Audit.run(Pair.world(pair, 'seller', { document }))
    expect(report.failures).toEqual([])
    expect(report.checks.document.erased).toBe(1)
    expect(report.checks.attribution).toMatchObject({ erased: resting, verified: 7 - resting })
  })

  test('the leaves of an epoch: the log still has their digest', () => {
    const report = Audit.run(Pair.world(pair, 'seller', { leaves: () => undefined }))
    expect(report.failures).toEqual([])
    expect(report.checks.epoch.erased).toBe(2)
  })
})

describe('what was altered is failed, and named', () => {
  test('a document whose file says another text', () => {
    const because = 'documents/aa.txt is damaged'
    const document: Audit.World['document'] = (docHash) =>
      pair.documents.get(docHash)!.includes('Bees')
        ? { kind: 'altered', because }
        : { kind: 'found', text: pair.documents.get(docHash)! }
    const report = Audit.run(Pair.world(pair, 'seller', { document }))
    expect(report.failures).toContainEqual({
      ...{ name: 'document', subject: 'bees/README.md', outcome: 'failed', because },
    })
  })

  test('a document that its store calls found, and is another', () => {
    const document: Audit.World['document'] = (docHash) => {
      const text = pair.documents.get(docHash)!
      return { kind: 'found', text: text.replace(/.$/, '!') }
    }
    const { checks } = Audit.run(Pair.world(pair, 'seller', { document }))
    expect(checks.document.failed).toBe(5)
    expect(checks.attribution.failed).toBeGreaterThan(0)
  })

  test.each(['prompt', 'promptSalt', 'output', 'outputSalt'] as const)('an answer’s %s', (key) => {
    for (const who of ['seller', 'buyer'] as const) {
      const answer: Audit.World['answer'] = (hash) => {
        const text = { ...pair.answers.get(hash)! }
        return { kind: 'found', answer: { ...text, [key]: `${text[key]} ` } }
      }
      const { checks } = Audit.run(Pair.world(pair, who, { answer }))
      expect(checks.answer.failed).toBe(who === 'seller' ? 7 : 4)
    }
  })

  test('an answer that is no answer at all', () => {
    const answer: Audit.World['answer'] = () => ({ kind: 'found', answer: null as never })
    const { checks } = Audit.run(Pair.world(pair, 'seller', { answer }))
    expect(checks.answer.failed).toBe(7)
  })

  test.each([
    ['an amount', (text: string) => text.replace(/"cumulative":"(\d+)"/, '"cumulative":"1$1"')],
    ['an account', (text: string) => text.replace('0xa7', '0xb7')],
    ['a line left out', (text: string) => text.slice(text.indexOf('\n') + 1)],
    ['what is no leaf', () => 'leaf\n'],
  ])('published leaves: %s', (_, forge) => {
    const leaves = (epoch: number) => forge(pair.leaves.get(epoch)!)
    const report = Audit.run(Pair.world(pair, 'seller', { leaves }))
    expect(failures(report)).toEqual(['epoch: leaves of epoch 0', 'epoch: leaves of epoch 1'])
  })

  test('a table that is not the machine’s', () => {
    const [entry] = Pair.world(pair, 'buyer').transitionTables
    const [digest, table] = entry!
    const wider = { ...table, paying: { ...table.paying, jump: 'captured' } }
    for (const transitionTables of [new Map(), new Map([[digest, wider]])]) {
      const { checks } = Audit.run(Pair.world(pair, 'buyer', { transitionTables }))
      expect(checks.transition).toMatchObject({ verified: 0, failed: 21 })
    }
  })
})

/** A story in which the seller, holding its own key, states `lie` of an answer; its log follows. */
async function lying(lie: NonNullable<Trade.Order['lie']>): Promise<Audit.Report> {
  const told = Pair.open()
  const text = [...pair.documents.values()].find((one) => one.includes('Tides'))!
  const friend =
    'Nothing of what this friend wrote down has anything to do with the sea or with the moon'
  Pair.register(told, [
    { path: 'tides.md', owner: 'npm:tides', text },
    { path: 'friend.md', owner: 'npm:friend', text: friend },
  ])
  await Trade.trade(told, { question: 'When?', answer: text, lie })
  return Audit.run(Pair.world(told, 'seller', { alone: true }))
}

const entry = { docSeq: 1, milliBits: '1', ppb: '900000000', rarityPpb: '500000000' }

describe('a seller that signs a lie which its log bears out is found by the texts', () => {
  test('the truth is no lie', async () => {
    expect(failures(await lying((truth) => truth))).toEqual([])
  })

  test.each<[string, string[], NonNullable<Trade.Order['lie']>]>([
    [
      'words billed that were never said',
      ['receipt: leaf 5 (served)', 'answer: leaf 5 (served)'],
      (truth) => ({ ...truth, tokens: { ...truth.tokens, out: truth.tokens.out + 9 } }),
    ],
    [
      'words billed that were never asked',
      ['answer: leaf 5 (served)'],
      (truth) => ({ ...truth, tokens: { ...truth.tokens, in: truth.tokens.in + 9 } }),
    ],
    [
      'words billed as cached',
      ['answer: leaf 5 (served)'],
      (truth) => ({ ...truth, tokens: { ...truth.tokens, cached: 9 } }),
    ],
    [
      'a share for a friend',
      ['attribution: leaf 5 (served)'],
      ({ evidence, ...truth }) => ({
        ...truth,
        evidence: { ...evidence, entries: [entry], coveragePpb: entry.ppb },
      }),
    ],
    [
      'an owner left out',
      ['attribution: leaf 5 (served)'],
      ({ evidence, ...truth }) => ({
        ...truth,
        evidence: { ...evidence, entries: [], runs: [], coveragePpb: '0' },
      }),
    ],
    [
      'rarity of its own making',
      ['attribution: leaf 5 (served)'],
      ({ evidence, ...truth }) => ({
        ...truth,
        evidence: {
          ...evidence,
          entries: evidence.entries.map((each) => ({ ...each, rarityPpb: '1000000000' })),
        },
      }),
    ],
    [
      'windows shorter than the standard',
      ['receipt: leaf 5 (served)', 'attribution: leaf 5 (served)'],
      ({ evidence, ...truth }) => ({ ...truth, evidence: { ...evidence, w: 2 } }),
    ],
    [
      'an answer it will not remember, to sell it as data tomorrow',
      ['answer: leaf 5 (served)'],
      (truth) => ({ ...truth, outputs: '0x' }),
    ],
    [
      'an answer given later than it was',
      ['clock: leaf 5 (served) receipt'],
      (truth) => ({ ...truth, issuedAtMs: truth.issuedAtMs + 1 }),
    ],
  ])('%s', async (_, named, lie) => {
    expect(failures(await lying(lie))).toEqual(named)
  })

  test('a commitment dated back', async () => {
    const told = Pair.open()
    const texts = [
      { path: 'a.md', owner: 'npm:a', text: 'So many words that nobody else has said' },
    ]
    told.nowMs += 5_000
    Pair.register(told, texts, { committedAtMs: told.nowMs - 5_001 })
    const report = Audit.run(Pair.world(told, 'seller', { alone: true }))
    expect(failures(report)).toEqual(['clock: leaf 2 (committed) commitment'])
  })
})

describe('a seller that signs terms it may not give is found by the quote', () => {
  test.each<[string, Partial<Quote.Quote>, RegExp]>([
    ['past the till', { payTo: Terms.address('own pocket') }, /not the till/],
    [
      'in another asset',
      { asset: { ...Pair.asset, id: `eip155:31337/erc20:${Terms.address('other')}` } },
      /the log is in/,
    ],
    ['under another symbol', { asset: { ...Pair.asset, symbol: 'USDT' } }, /the log is in/],
    ['for a card nobody knows', { cardHash: Hash.text('card') }, /never registered/],
    ['for another model', { model: 'other' }, /the card is of docs-reader/],
    ['over an older datanet', { indexRoot: Hash.text('older') }, /it stood at/],
    ['for longer answers than the card allows', { maxTokensOut: 9_999 }, /limits other than/],
    ['already expired', { expiresAtMs: 1 }, /expired/],
    ['in somebody else’s name', { seller: Terms.address('other') }, /in the log of/],
  ])('%s', async (_, given, because) => {
    const told = Pair.open()
    Pair.register(told, [{ path: 'a.md', owner: 'npm:a', text: 'So many words' }])
    await Trade.quote(told, Hash.text('honest'))
    await Trade.quote(told, Hash.text('request'), given)
    const { failures, checks } = Audit.run(Pair.world(told, 'seller', { alone: true }))
    expect(checks.quote).toMatchObject({ verified: 1, failed: 1 })
    expect(failures.map((each) => each.because)).toEqual([expect.stringMatching(because)])
  })
})

describe('an epoch that waits for its transaction', () => {
  const waiting = () => {
    const at = pair.seller.texts.findIndex((text) => text.includes('"type":"closing"'))
    return { texts: pair.seller.texts.slice(0, at + 1), leaf: at, type: 'closing' }
  }
  test('is as the log implies', () => {
    const { texts } = waiting()
    const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts }))
    expect(report.failures).toEqual([])
    expect(report.checks.epoch.verified).toBe(3)
  })

  test.each([
    ['root', Hash.text('x')],
    ['size', 1],
  ])('and its checkpoint is of this log: not by another %s', (key, value) => {
    const { texts, ...place } = waiting()
    const path = ['event', 'checkpoint', key]
    const forged = Forger.forge(texts, { ...place, path, value })
    const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts: forged }))
    expect(failures(report)).toEqual([`epoch: leaf ${place.leaf} (closing) checkpoint`])
  })
})

test('leaves made to fit a digest still have to fit the root', () => {
  const lines = pair.leaves.get(0)!.replace(/"cumulative":"(\d+)"/, '"cumulative":"1$1"')
  const { leaf, type } = { leaf: 1, type: 'registered' }
  // Replay ends at once: what is left to judge by is the record and the file.
  const broken = Forger.forge(pair.seller.texts, {
    ...{ leaf, type, path: ['event', 'card', 'model'], value: 'other' },
  })
  const at = broken.findIndex((text) => text.includes('"type":"closing"'))
  const texts = Forger.forge(broken, {
    ...{ leaf: at, type: 'closing', path: ['event', 'leavesDigest'], value: Hash.text(lines) },
  })
  const leaves = (epoch: number) => (epoch === 0 ? lines : pair.leaves.get(epoch))
  const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts, leaves }))
  const told = report.failures.find(({ subject }) => subject === 'leaves of epoch 0')
  expect(told?.because).toMatch(/^leaves with root/)
})

describe('an edge', () => {
  const of = (type: string) =>
    pair.buyer.texts.findIndex((text) => text.includes(`"type":"${type}"`))
  test.each([
    ['voided', { from: 'discovering', event: 'none', to: 'refused' }, /cannot be reached/],
    ['voided', { from: 'quoting', event: 'refused', to: 'refused' }, /cannot be reached/],
    ['disputed', { from: 'verifying', event: 'captured', to: 'captured' }, /disputed by an edge/],
    ['captured', { from: 'verifying', event: 'unpaid', to: 'looking' }, /captured by an edge/],
    ['paying', { from: 'paying', event: 'unsigned', to: 'releasing' }, /paying by an edge/],
    ['decided', { from: 'deciding', event: 'deny', to: 'refused' }, /after the verdict allow/],
    ['paying', { from: 'paying', event: 'signed', to: 'captured' }, /no edge/],
    ['paying', { from: 'constructor', event: 'name', to: 'Object' }, /no edge/],
  ])('of %s that the machine has, but not there: %o', (type, edge, because) => {
    const leaf = of(type)
    const { event } = JSON.parse(pair.buyer.texts[leaf]!)
    const value = { ...event.transition, ...edge }
    const path = ['event', 'transition']
    const texts = Forger.forge(pair.buyer.texts, { leaf, type, path, value })
    const report = Audit.run(Pair.world(pair, 'buyer', { alone: true, texts }))
    const told = report.failures.filter(({ name }) => name === 'transition')
    expect(told[0]?.because).toMatch(because)
  })
})

test('a record told twice has lost its name, links or no links', () => {
  const records = pair.seller.texts.slice(0, 2).map((text) => JSON.parse(text))
  const texts = Forger.relink([...records, records[1]])
  const report = Audit.run(Pair.world(pair, 'seller', { alone: true, texts }))
  expect(report.failures.map(({ because }) => because)).toEqual([
    expect.stringMatching(/its id was used before: registered/),
  ])
})

describe('two logs that contradict each other', () => {
  test('the buyer void where the seller was paid', async () => {
    const told = await Story.tell({ short: true })
    // The other log of the same story, told up to before it paid.
    const texts = told.buyer.texts.slice(0, 5)
    const counterparts = new Map([[told.buyer.wallet.address, texts]])
    const report = Audit.run(Pair.world(told, 'seller', { counterparts }))
    expect(report.failures.map(({ because }) => because)).toEqual([
      'the buyer never signed its payment',
    ])
    expect(report.checks.counterpart.recorded).toBe(1)
  })

  test('a seller that shows less than it showed before', () => {
    const texts = pair.seller.texts.slice(0, 8)
    const report = Audit.run(Pair.world(pair, 'seller', { texts }))
    const because = report.failures.map(({ because }) => because)
    expect(because).toHaveLength(4)
    for (const each of because) expect(each).toMatch(/the seller shows 8$/)
  })

  test('a seller that shows the buyer another history', async () => {
    const other = Pair.open()
    Pair.register(other, [{ path: 'x.md', owner: 'npm:x', text: 'Nothing that anybody has asked' }])
    for (let i = 0; i < 40; i++) await Trade.quote(other, Hash.text(`${i}`))
    const report = Audit.run(Pair.world(pair, 'seller', { texts: other.seller.texts }))
    const because = report.failures.map(({ because }) => because)
    expect(because).toHaveLength(4)
    for (const each of because) expect(each).toMatch(/the seller's log then had/)
  })

  test('a counterpart whose own log is broken, or is another’s', () => {
    const { address } = pair.buyer.wallet
    const broken = pair.buyer.texts.with(3, pair.buyer.texts[4]!)
    for (const texts of [broken, pair.seller.texts]) {
      const counterparts = new Map([[address, texts]])
      const report = Audit.run(Pair.world(pair, 'seller', { counterparts }))
      expect(failures(report)).toEqual([`counterpart: log of ${address}`])
    }
  })
})

describe('a log is one chain', () => {
  const texts = () => pair.seller.texts
  test.each<[string, () => string[]]>([
    ['a byte flipped', () => texts().with(9, texts()[9]!.replace('docs-reader', 'docs-readex'))],
    ['two swapped', () => texts().with(8, texts()[9]!).with(9, texts()[8]!)],
    ['one dropped', () => texts().toSpliced(9, 1)],
    ['one told twice', () => texts().toSpliced(10, 0, texts()[9]!)],
    ['not canonical', () => texts().with(9, ` ${texts()[9]}`)],
    ['not JSON', () => texts().with(9, '{')],
    ['another’s record', () => texts().with(9, pair.buyer.texts[9]!)],
  ])('%s', (_, forged) => {
    const report = Audit.run(Pair.world(pair, 'seller', { texts: forged(), alone: true }))
    expect(report.failures.map(({ name }) => name)).toContain('chain-of-hashes')
    expect(report.replayed).toBeLessThanOrEqual(10)
    expect(report.checks['chain-of-hashes'].failed).toBe(1)
  })

  test('what comes after the break is judged by itself all the same', () => {
    const forged = texts().with(1, texts()[1]!.replace('docs-reader', 'docs-readex'))
    const report = Audit.run(Pair.world(pair, 'seller', { texts: forged, alone: true }))
    expect(report.replayed).toBe(1)
    expect(report.checks.receipt.verified).toBe(7)
    expect(report.checks.document.verified).toBe(5)
    expect(report.checks.payment.verified).toBe(12)
  })
})
