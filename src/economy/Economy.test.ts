import { beforeAll, describe, expect, test } from 'vitest'
import type * as Pair from '../../test/harness/Pair.ts'
import * as Story from '../../test/harness/Story.ts'
import * as Terms from '../../test/harness/Terms.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Budget from '../policies/Budget.ts'
import * as Record from '../provenance/Record.ts'
import * as Accrual from '../royalties/Accrual.ts'
import * as Epoch from '../royalties/Epoch.ts'
import * as Economy from './Economy.ts'
import * as Event from './Event.ts'

let pair: Pair.Pair
beforeAll(async () => {
  pair = await Story.tell()
})

function fold(texts: readonly string[]): Economy.Economy {
  const economy = Economy.empty()
  for (const text of texts) expect(Economy.apply(economy, Record.decode(text))).toBeUndefined()
  return economy
}

/** All that a log implies, as bytes. */
function bytes({ opened, sales, purchases }: Economy.Economy): string {
  return JSON.stringify([
    opened,
    Accrual.snapshot(sales.accruals),
    [...sales.change].map(([payer, change]) => [payer, ...Object.values(change).map(String)]),
    [sales.receivedAtoms, sales.receivableAtoms, sales.roundingNano].map(String),
    [...sales.quotes].map(([hash, { used, leaf }]) => [hash, used, leaf]),
    sales.epochs.map(({ closing, published }) => [closing, published]),
    [sales.nextSeq, sales.lastReceipt, sales.datanet],
    sales.outputs.shelves.map(({ salt, blocks }) => [
      salt,
      blocks.map(({ hashes }) => [...hashes]),
    ]),
    Budget.toJson(purchases.usage),
    [...purchases.purchases.values()].map(({ id, status, leaves }) => [id, status, leaves]),
    String(purchases.spentAtoms),
  ])
}

describe('the same records', () => {
  test('give the same balances, meters and roots, byte for byte', () => {
    for (const { texts, economy } of [pair.seller, pair.buyer]) {
      expect(bytes(fold(texts))).toBe(bytes(economy))
      expect(bytes(fold(texts))).toBe(bytes(fold(texts)))
    }
  })

  test('give at every length what was there when it was that long', () => {
    for (const { texts } of [pair.seller, pair.buyer]) {
      const growing = Economy.empty()
      for (const [at, text] of texts.entries()) {
        Economy.apply(growing, Record.decode(text))
        if (at % 6 === 0) expect(bytes(fold(texts.slice(0, at + 1)))).toBe(bytes(growing))
      }
    }
  })

  test('give the root of each epoch from its own leaves', () => {
    const { sales } = pair.seller.economy
    expect(sales.epochs).toHaveLength(2)
    for (const { closing } of sales.epochs) {
      const leaves = Epoch.fromLines(pair.leaves.get(closing.epoch)!)
      expect(Epoch.tree(leaves, closing.depth).rootWord).toBe(closing.root)
    }
  })

  test('other records, other bytes', () => {
    expect(bytes(pair.seller.economy)).not.toBe(bytes(pair.buyer.economy))
    expect(bytes(fold(pair.seller.texts.slice(0, -1)))).not.toBe(bytes(pair.seller.economy))
  })
})

describe('a log', () => {
  const opened: Event.Event = {
    ...{ type: 'opened', role: 'node', name: 'node', address: Terms.address('seller') },
    ...{ asset: Terms.asset, till: Terms.address('till'), vault: Terms.address('vault') },
    ...{ scale: '1', local: true, salt: Hash.text('salt') },
  }
  const record = (event: Event.Event, id = Event.id(event)) => ({
    ...({
      v: 1,
      leaf: 0,
      origin: Terms.address('seller'),
      atMs: 1,
      causes: [],
      id,
      event,
    } as const),
    previous: Record.genesis,
  })

  test('opens once, and first of all', () => {
    const economy = Economy.empty()
    const registered = { type: 'registered', card: Terms.card } as const
    expect(Economy.apply(economy, record(registered))).toBe(
      'a log that does not open with `opened`',
    )
    const fresh = Economy.empty()
    expect(Economy.apply(fresh, record(opened))).toBeUndefined()
    expect(Economy.apply(fresh, record(opened))).toBe('a log opened twice')
  })

  test('names each event by what it is', () => {
    expect(Economy.apply(Economy.empty(), record(opened, 'opened/2'))).toBe(
      'record id opened/2, expected opened',
    )
  })

  test.each<[string, unknown]>([
    ['no event', undefined],
    ['an unknown event', { type: 'minted' }],
    ['a member too many', { ...opened, bonus: '1' }],
    ['a member too few', { ...opened, salt: undefined }],
    ['an amount as a number', { ...opened, scale: 1 }],
    ['an address in capitals', { ...opened, till: opened.till.toUpperCase() }],
  ])('is not lengthened by %s', (_, event) => {
    const given = { ...record(opened), event: event as never }
    expect(() => Economy.apply(Economy.empty(), given)).toThrow(/expected an event/)
  })
})

test('every event has a name of its own, and twice the same event the same name', () => {
  const ids = [...pair.seller.texts, ...pair.buyer.texts].map((text) => {
    const { id, event, origin } = Record.decode<Event.Event>(text)
    expect(Event.id(Event.parse(JSON.parse(JSON.stringify(event))))).toBe(id)
    return `${origin} ${id}`
  })
  expect(new Set(ids).size).toBe(ids.length)
})
