import { beforeAll, describe, expect, test } from 'vitest'
import * as Ahead from '../../test/harness/Ahead.ts'
import * as Forger from '../../test/harness/Forger.ts'
import * as Pair from '../../test/harness/Pair.ts'
import * as Audit from './Audit.ts'

type Who = 'seller' | 'buyer'
const parties = ['seller', 'buyer'] as const

let pair: Pair.Pair
beforeAll(async () => {
  pair = await Ahead.tell()
})

describe('payments ahead, plain resources, own calls and runs', () => {
  test('verify, in both logs', () => {
    expect(Audit.lines(Audit.run(Pair.world(pair, 'seller')))).toMatchInlineSnapshot(`
      [
        "chain of hashes  21 verified",
        "clock            24 verified",
        "replay           21 verified",
        "identity         1 verified",
        "quote            5 verified",
        "receipt          2 verified",
        "attribution      2 verified",
        "document         1 verified",
        "answer           2 verified",
        "payment          11 verified",
        "causes           21 verified",
        "chain            3 recorded",
        "counterpart      5 verified",
      ]
    `)
    expect(Audit.lines(Audit.run(Pair.world(pair, 'buyer')))).toMatchInlineSnapshot(`
      [
        "chain of hashes  32 verified",
        "clock            32 verified",
        "replay           32 verified",
        "policy           7 verified",
        "identity         4 verified",
        "quote            7 verified",
        "receipt          3 verified",
        "answer           2 verified",
        "payment          12 verified",
        "transition       23 verified",
        "causes           32 verified",
        "chain            5 recorded",
        "counterpart      5 verified",
      ]
    `)
  })
})

/** Whether an audit finds a change after the forger made everything it can fit again. */
function isSeen(who: Who, change: Forger.Change, options: { alone: boolean }): boolean {
  const texts = Forger.forge(pair[who].texts, change)
  const report = Audit.run(Pair.world(pair, who, { ...options, texts }))
  for (const { because } of report.failures) expect(because).toBeTruthy()
  return report.failures.length > 0
}

/** What one log alone cannot show, of the events told here; `Audit.forgery.test.ts` has all others. */
const unseen: Record<Who, Record<string, string>> = {
  seller: {
    'funded.evidence.logs.*.data': 'AuthorizationUsed has no data: what stands there says nothing',
    'funded.evidence.tx': 'a header proves the block, not the transaction: for a look at the chain',
    'returned.because': 'words for eyes',
    'unfunded.because': 'words for eyes',
  },
  buyer: {
    'captured.delivered.bodyDigest': 'a stranger signs nothing that it delivers',
    'captured.delivered.bytes': 'the same',
    'captured.delivered.status': 'the same',
    'captured.evidence.logs.*.data': 'AuthorizationUsed has no data',
    'captured.evidence.tx': 'a header proves the block, not the transaction; of a call it is found',
    'captured.proof.path.*': 'needs the seller’s record: seen with its log',
    'captured.proof.root': 'the same',
    'captured.proof.size': 'the same',
    'decided.terms.expiresAtMs': 'nobody signed it; it lies after the decision',
    'decided.terms.simulation.gasUsed': 'the agent’s own word',
    'decided.terms.url': 'nobody signed it; host and path are what the policy was asked about',
    'moved.because': 'words for eyes',
    'moved.run': 'a name for eyes, of a run with one record',
    'moved.taskDigest': 'the task is the agent’s own',
    'moved.wakeAtMs': 'when it wakes is the agent’s own',
    'paying.validBeforeSec': 'of a call, which has no such end on chain',
    'refunded.because': 'words for eyes',
    'refunded.evidence.logs.*.data': 'AuthorizationUsed has no data',
    'refunded.evidence.tx': 'a header proves the block, not the transaction',
  },
}

describe('any value of these records, changed by who holds the key of its log', () => {
  const told =
    /^(accepted|funded|unfunded|returned|refunded|moved|decided\.terms|captured|paying)\b/
  const tried = (who: Who) => {
    const places = new Map<string, Forger.Change[]>()
    for (const change of Forger.changes(pair[who].texts)) {
      const place = Forger.place(change)
      if (told.test(place)) places.set(place, [...(places.get(place) ?? []), change])
    }
    return places
  }

  test.each(parties)('is found in the log of the %s alone, or is listed', (who) => {
    const places = tried(who)
    const missed = [...places].filter(([, changes]) =>
      changes.some((change) => !isSeen(who, change, { alone: true })),
    )
    expect(places.size).toBeGreaterThan(40)
    expect(missed.map(([place]) => place).sort()).toEqual(Object.keys(unseen[who]).sort())
  })
})

describe('two parties’ logs that do not fit', () => {
  type Told = { event: { [key: string]: Forger.Json }; [key: string]: Forger.Json }
  type Call = { [key: string]: Forger.Json }
  const told = (who: Who) => pair[who].texts.map((text) => JSON.parse(text) as Told)
  const found = (who: Who, records: readonly Told[]) =>
    Audit.run(Pair.world(pair, who, { texts: Forger.relink(records) })).failures.flatMap(
      ({ name, because }) => (name === 'counterpart' ? [because] : []),
    )

  test('returned by the seller, and never paid with the buyer', () => {
    const transition = { event: 'expired', from: 'releasing', to: 'expired' }
    const records = told('buyer').map((record) => {
      const { type, purchase, transition: edge } = record.event as { [key: string]: Forger.Json }
      if (type !== 'refunded') return record
      const { machine } = edge as { machine: string }
      const because = 'never paid'
      const event = { type: 'voided', purchase, because, transition: { ...transition, machine } }
      return { ...record, event: event as Told['event'] }
    })
    expect(found('buyer', records)).toEqual(['returned by the seller, voided on the buyer’s side'])
  })

  test('refunded with the buyer, and served by the seller', () => {
    const seller = told('seller')
    const [, served] = seller.filter(({ event }) => event.type === 'served')
    const back = seller.find(({ event }) => event.type === 'returned')!
    const swapped = seller.map((record) => {
      if (record !== served) return record
      const { payment } = record.event as { payment: object }
      const name = back.event.payment as object
      return {
        ...record,
        event: { ...record.event, payment: { ...payment, ...name } } as Told['event'],
      }
    })
    expect(found('seller', swapped)).toContain('served by the seller, refunded on the buyer’s side')
  })

  test('a refund on a record that returns another payment, or of another’s log', () => {
    const at = pair.buyer.texts.findIndex((text) => text.includes('"type":"refunded"'))
    const judge = (change: (text: string) => string) => {
      const records = told('buyer')
      const { event } = records[at]!
      const record = change(String(event.record))
      records[at] = { ...records[at]!, event: { ...event, record } }
      const report = Audit.run(
        Pair.world(pair, 'buyer', { texts: Forger.relink(records), alone: true }),
      )
      return report.failures.map(({ name, because }) => `${name}: ${because}`).join()
    }
    expect(judge((text) => text)).toBe('')
    expect(judge((text) => text.replace('"nonce":"0x', '"nonce":"0x0'))).toMatch(/^receipt: /)
    const other = pair.seller.texts.find((text) => text.includes('"type":"served"'))!
    expect(judge(() => other)).toMatch(/^receipt: /)
  })

  test('a call that is not the transaction signed, or did not succeed', () => {
    const records = told('buyer')
    const at = records.findIndex(
      ({ event }) =>
        (event.evidence as Call | null)?.status === 'success' &&
        !('logs' in (event.evidence as Call)),
    )
    const judge = (change: Call) => {
      const { event } = records[at]!
      const evidence = { ...(event.evidence as Call), ...change }
      const texts = Forger.relink(
        records.with(at, { ...records[at]!, event: { ...event, evidence } }),
      )
      const { failures } = Audit.run(Pair.world(pair, 'buyer', { texts, alone: true }))
      return failures.map(({ name, because }) => `${name}: ${because}`).join()
    }
    expect(judge({})).toBe('')
    expect(judge({ tx: `0x${'11'.repeat(32)}` })).toMatch(/^payment: evidence of transaction 0x11/)
    expect(judge({ status: 'reverted' })).toBe('payment: transaction that is reverted, not success')
    expect(judge({ chainId: 1 })).toBe('payment: evidence from chain 1, expected chain 31337')
  })

  test('a run whose machine nobody knows, or with a record left out', () => {
    const run = (transitionTables: Audit.World['transitionTables'], records = told('buyer')) =>
      Audit.run(Pair.world(pair, 'buyer', { transitionTables, texts: Forger.relink(records) }))
    const { transitionTables } = Pair.world(pair, 'buyer')
    const [[digest, purchases]] = [...transitionTables] as [[`0x${string}`, Audit.Table]]
    expect(run(new Map([[digest, purchases]])).checks.transition.failed).toBe(3)
    const without = told('buyer').filter(({ event }) => event.run !== 'r1' || event.seq !== 0)
    const { failures } = run(transitionTables, without)
    expect(failures.map(({ because }) => because)).toContain('working does not follow idle')
  })
})
