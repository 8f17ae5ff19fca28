import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Terms from '../../test/harness/Terms.ts'
import * as Contribution from '../datanets/Contribution.ts'
import * as Datanet from '../datanets/Datanet.ts'
import * as Version from '../datanets/Version.ts'
import * as Hash from '../kernel/Hash.ts'
import type { Hex } from '../kernel/Hex.ts'
import * as Quote from '../market/Quote.ts'
import * as Receipt from '../market/Receipt.ts'
import * as Accrual from '../royalties/Accrual.ts'
import * as Epoch from '../royalties/Epoch.ts'
import * as Economy from './Economy.ts'
import * as Event from './Event.ts'
import * as Sales from './Sales.ts'

const signature = `0x${'11'.repeat(65)}` as const
const evidence = { chainId: 31337, tx: Hash.text('tx') }
const payers = ['ann', 'bob'].map(Terms.address)
const owners = [Terms.address('owner'), 'npm:bees', 'npm:moss']

/** A log under way: what happened, when, and what follows. */
type Stall = { economy: Economy.Economy; told: [Event.Event, number][]; nowMs: number }

function apply(economy: Economy.Economy, event: Event.Event, at: { leaf: number; atMs: number }) {
  const id = Event.id(event)
  return Economy.apply(economy, {
    ...{ v: 1, origin: Terms.address('seller'), previous: Hash.text(''), causes: [] },
    ...{ ...at, id, event },
  })
}

/** Tells an event; it must follow. */
function tell(stall: Stall, event: Event.Event): void {
  const at = { leaf: stall.told.length, atMs: stall.nowMs }
  expect(apply(stall.economy, event, at)).toBeUndefined()
  stall.told.push([event, stall.nowMs])
  Sales.assertConserved(stall.economy.sales)
}

/** What a fresh fold of the same log says of one more event. */
function ask(stall: Stall, event: Event.Event): Sales.Fault {
  const economy = Economy.empty()
  for (const [leaf, [each, atMs]] of stall.told.entries()) apply(economy, each, { leaf, atMs })
  return apply(economy, event, { leaf: stall.told.length, atMs: stall.nowMs })
}

function open(): Stall {
  const stall: Stall = { economy: Economy.empty(), told: [], nowMs: Terms.nowMs }
  tell(stall, {
    ...{ type: 'opened', role: 'node', name: 'node', address: Terms.address('seller') },
    ...{ asset: Terms.asset, till: Terms.address('till'), vault: Terms.address('vault') },
    ...{ scale: '1', local: true, salt: Hash.text('salt') },
  })
  tell(stall, { type: 'registered', card: Terms.card })
  const contributions = owners.map((owner) =>
    Contribution.document({ path: 'README.md', owner, text: `words of ${owner}` }),
  )
  const salt = Hash.text('batch')
  const { root, count } = Datanet.commit(contributions, { salt })
  const datanet = 'docs'
  tell(stall, {
    ...{ type: 'committed', datanet, root, count, commons: false, committedAtMs: stall.nowMs },
  })
  const change = Datanet.revealed(stall.economy.sales.datanet!, {
    ...{ root, opening: { documents: contributions, salt } },
  })
  if (change.kind === 'refused') throw new Error(change.because)
  const versionRoot = Version.of(change.datanet).root
  tell(stall, { type: 'revealed', datanet, root, salt, contributions, versionRoot })
  return stall
}

type Step =
  | { readonly do: 'quote'; readonly payer: number; readonly stranger: boolean }
  | { readonly do: 'serve'; readonly at: number; readonly out: number; readonly ppb: number }
  | { readonly do: 'fund' | 'unfund'; readonly at: number }
  /** Closes an epoch, or publishes the one that is closed. */
  | { readonly do: 'epoch' }
  | { readonly do: 'claim'; readonly at: number }
  | { readonly do: 'wait'; readonly ms: number }

const at = fc.nat(40)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: fc.constant('quote' as const), payer: fc.nat(1) },
      stranger: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      ...{ do: fc.constant('serve' as const), at, out: fc.nat(128) },
      ppb: fc.nat(333_333_333),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('fund' as const), at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unfund' as const), at }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('epoch' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('claim' as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(30_000) }) },
)

/** The event that a step means here and now; undefined where there is nothing to do it to. */
function eventOf(stall: Stall, given: Step): Event.Event | undefined {
  const { sales } = stall.economy
  const pick = <T>(list: readonly T[], index: number) => list[index % Math.max(1, list.length)]
  switch (given.do) {
    case 'quote':
      return quoteOf(stall, given.stranger ? null : payers[given.payer]!)
    case 'serve': {
      const open = [...sales.quotes.values()].filter(
        ({ quote, used }) => !used && quote.expiresAtMs > stall.nowMs,
      )
      const found = pick(open, given.at)
      return found && serveOf(stall, found.quote, given)
    }
    case 'fund':
    case 'unfund': {
      const found = pick(
        [...sales.sales.values()].filter(({ status }) => status === 'served'),
        given.at,
      )
      if (found === undefined) return undefined
      const { receiptHash } = found
      return given.do === 'fund'
        ? { type: 'funded', receiptHash, evidence }
        : { type: 'unfunded', receiptHash, because: 'cancelled' }
    }
    case 'epoch': {
      const last = sales.epochs.at(-1)
      if (last === undefined || last.published !== undefined) return closeOf(stall)
      return { type: 'published', epoch: last.epoch, evidence }
    }
    case 'claim':
      return claimOf(stall, given.at)
    case 'wait':
      stall.nowMs += given.ms
      return undefined
  }
}

function quoteOf(stall: Stall, payer: Hex | null): Event.Of<'quoted'> {
  const { sales } = stall.economy
  const maxAtoms = BigInt(Terms.quote().maxAtoms)
  const spendable = payer === null ? 0n : Sales.spendableChange(sales, payer, stall.nowMs)
  const appliedAtoms = spendable < maxAtoms ? spendable : maxAtoms - 1n
  const quote = Terms.quote({
    ...{ payer, appliedAtoms, issuedAtMs: stall.nowMs, expiresAtMs: stall.nowMs + 60_000 },
    salt: Hash.text(`${stall.told.length}`),
  })
  return { type: 'quoted', quote, signature }
}

function serveOf(
  stall: Stall,
  quote: Quote.Quote,
  { out, ppb }: { readonly out: number; readonly ppb: number },
): Event.Of<'served'> {
  const { sales } = stall.economy
  const payer = quote.payer ?? payers[out % 2]!
  const nonce = Hash.text(`nonce ${stall.told.length}`)
  const shaped = [...sales.artifacts.keys()]
    .slice(0, out % 4)
    .map((artifact) => ({ artifact, sharePpb: BigInt(ppb), rarityPpb: 700_000_000n }))
  const receipt = Terms.receipt(quote, {
    ...{ payer, shaped, tokens: { in: 5, cached: 0, out }, paymentNonce: nonce },
    ...{ seq: sales.nextSeq, prevHash: sales.lastReceipt, issuedAtMs: stall.nowMs },
  })
  const { payTo, payAtoms: valueAtoms } = quote
  const payment = { payer, nonce, payTo, valueAtoms, validBeforeSec: 1, payload: {} }
  return { type: 'served', receipt, signature, evidence: {}, outputs: '0x', payment }
}

function closeOf(stall: Stall): Event.Of<'closing'> | undefined {
  const { sales } = stall.economy
  const last = sales.epochs.at(-1)
  if (last !== undefined && last.published === undefined) return undefined
  const proposal = Epoch.propose(sales.accruals, { nowMs: stall.nowMs, scale: 1n })
  if (proposal.receipts.length === 0) return undefined
  return {
    ...{ type: 'closing', epoch: sales.epochs.length },
    ...{ root: proposal.rootWord, depth: proposal.depth, receipts: [...proposal.receipts] },
    totalAtoms: String(proposal.totalAtoms),
    leavesDigest: Hash.text(Epoch.toLines(proposal.leaves)),
    checkpoint: { size: stall.told.length, root: Hash.text('root') },
  }
}

function claimOf(stall: Stall, index: number): Event.Of<'claimed'> | undefined {
  const { accruals } = stall.economy.sales
  const open = Epoch.leaves(accruals, { scale: 1n }).filter(
    (leaf) => leaf.cumulative > accruals.balances.get(accruals.leaves[leaf.index]!)!.claimedAtoms,
  )
  const leaf = open[index % Math.max(1, open.length)]
  if (leaf === undefined) return undefined
  const before = accruals.balances.get(accruals.leaves[leaf.index]!)!.claimedAtoms
  return {
    ...{ type: 'claimed', account: leaf.account, index: leaf.index, evidence },
    cumulativeAtoms: String(leaf.cumulative),
    atoms: String(leaf.cumulative - before),
  }
}

/** What change must be, from the story alone. */
function changeOf(stall: Stall, payer: Hex): { available: bigint; pending: bigint } {
  let [available, pending] = [0n, 0n]
  const quotes = new Map<string, Quote.Quote>()
  const served = new Map<string, { left: bigint; applied: bigint; payer: Hex }>()
  for (const [event] of stall.told) {
    if (event.type === 'quoted') quotes.set(Quote.hash(event.quote), event.quote)
    if (event.type === 'served') {
      const { money, payer } = event.receipt
      const quote = quotes.get(money.quoteHash)!
      const left = BigInt(quote.maxAtoms) - BigInt(money.chargedAtoms)
      const applied = BigInt(quote.changeAppliedAtoms)
      served.set(Receipt.hash(event.receipt), { left, applied, payer })
    }
    if (event.type !== 'served' && event.type !== 'funded' && event.type !== 'unfunded') continue
    const hash = event.type === 'served' ? Receipt.hash(event.receipt) : event.receiptHash!
    const sale = served.get(hash)!
    if (sale.payer !== payer) continue
    if (event.type === 'served')
      [available, pending] = [available - sale.applied, pending + sale.left]
    if (event.type === 'funded') [available, pending] = [available + sale.left, pending - sale.left]
    if (event.type === 'unfunded')
      [available, pending] = [available + sale.applied, pending - sale.left]
  }
  return { available, pending }
}

/** Runs steps, telling what can happen; counts what did. */
function run(steps: readonly Step[], look?: (stall: Stall) => void): Stall {
  const stall = open()
  for (const each of steps) {
    const event = eventOf(stall, each)
    if (event === undefined) continue
    tell(stall, event)
    look?.(stall)
  }
  return stall
}

const steps = fc.array(step, { minLength: 30, maxLength: 60, size: 'max' })

describe('in whatever order it happens', () => {
  test('every atom is received, receivable, claimed, claimable, carried, change or rounding', () => {
    const happened: Record<string, number> = {}
    fc.assert(
      fc.property(steps, (list) => {
        const stall = run(list, ({ economy: { sales } }) => {
          const { claimedNano, claimableNano, carryNano } = Accrual.totals(sales.accruals)
          let change = 0n
          for (const each of sales.change.values()) {
            expect(each.availableAtoms >= 0n && each.pendingAtoms >= 0n).toBe(true)
            change += each.availableAtoms + each.pendingAtoms
          }
          const there = (sales.receivedAtoms + sales.receivableAtoms) * 10n ** 9n
          const placed = claimedNano + claimableNano + carryNano + sales.roundingNano
          expect(placed + change * 10n ** 9n).toBe(there)
        })
        for (const [{ type }] of stall.told) happened[type] = (happened[type] ?? 0) + 1
      }),
      { numRuns: 150 },
    )
    for (const type of ['served', 'funded', 'unfunded', 'closing', 'published', 'claimed'])
      expect(happened[type], type).toBeGreaterThan(40)
  })

  test('change is what is left of payments, used once, and never below nothing', () => {
    let applied = 0
    fc.assert(
      fc.property(steps, (list) => {
        run(list, (stall) => {
          for (const payer of payers) {
            const { availableAtoms = 0n, pendingAtoms = 0n } =
              stall.economy.sales.change.get(payer) ?? {}
            expect({ available: availableAtoms, pending: pendingAtoms }).toEqual(
              changeOf(stall, payer),
            )
          }
          const [last] = stall.told.at(-1)!
          if (last.type === 'quoted' && last.quote.changeAppliedAtoms !== '0') applied += 1
        })
      }),
      { numRuns: 100 },
    )
    expect(applied).toBeGreaterThan(50)
  })

  test('no receipt is charged above its quote’s maximum, nor paid above it', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { sales } = run(list).economy
        for (const { receipt } of sales.sales.values()) {
          const { quote } = sales.quotes.get(receipt.money.quoteHash)!
          expect(BigInt(receipt.money.chargedAtoms) <= BigInt(quote.maxAtoms)).toBe(true)
          expect(BigInt(receipt.money.paidAtoms) >= 1n).toBe(true)
          expect(BigInt(receipt.money.paidAtoms) <= BigInt(quote.maxAtoms)).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })

  test('nothing is quoted, served, funded, published or claimed a second time', () => {
    fc.assert(
      fc.property(steps, fc.nat(), (list, at) => {
        const stall = run(list)
        const [event] = stall.told[at % stall.told.length]!
        const again = () => ask(stall, event)
        // Documents and cards told twice change nothing: they are no money.
        if (['registered', 'committed', 'revealed'].includes(event.type)) return
        expect(again()).toMatch(/./)
      }),
      { numRuns: 100 },
    )
  })

  test('a receipt is published in one epoch, and only once funded and past its window', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const stall = run(list)
        const seen = new Set<string>()
        const funded = new Map<string, number>()
        for (const [event, atMs] of stall.told) {
          if (event.type === 'funded') funded.set(event.receiptHash!, atMs)
          if (event.type !== 'closing') continue
          for (const receipt of event.receipts) {
            expect(seen.has(receipt)).toBe(false)
            seen.add(receipt)
            expect(funded.get(receipt)! + 1_000).toBeLessThanOrEqual(atMs)
          }
        }
      }),
      { numRuns: 50 },
    )
  })

  test('told again, the same books, byte for byte', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { told, economy } = run(list)
        const again = Economy.empty()
        for (const [leaf, [event, atMs]] of told.entries()) apply(again, event, { leaf, atMs })
        const bytes = ({ sales }: Economy.Economy) =>
          JSON.stringify([Accrual.snapshot(sales.accruals), [...sales.change].map(String)])
        expect(bytes(again)).toBe(bytes(economy))
        expect(again.sales.lastReceipt).toBe(economy.sales.lastReceipt)
      }),
      { numRuns: 50 },
    )
  })
})

describe('a chain of receipts', () => {
  const served = (stall: Stall) => {
    const quoted = quoteOf(stall, payers[0]!)
    tell(stall, quoted)
    return serveOf(stall, quoted.quote, { out: 40, ppb: 300_000_000 })
  }
  const altered = (event: Event.Of<'served'>, receipt: Partial<Receipt.Receipt>) => ({
    ...event,
    receipt: { ...event.receipt, ...receipt },
  })

  test('has no gap, no twin and no other past', () => {
    const stall = open()
    tell(stall, served(stall))
    const event = served(stall)
    expect(ask(stall, altered(event, { seq: 0 }))).toBe('receipt 0, expected 1')
    expect(ask(stall, altered(event, { seq: 2 }))).toBe('receipt 2, expected 1')
    expect(ask(stall, altered(event, { prevHash: Hash.text('x') }))).toMatch(/does not follow/)
    expect(ask(stall, event)).toBeUndefined()
  })

  test.each<[string, (event: Event.Of<'served'>) => Event.Of<'served'>, RegExp]>([
    [
      'somebody else’s payment',
      (event) => ({ ...event, payment: { ...event.payment, payer: Terms.address('x') } }),
      /payment of somebody else/,
    ],
    [
      'another nonce',
      (event) => ({ ...event, payment: { ...event.payment, nonce: Hash.text('x') } }),
      /another nonce/,
    ],
    [
      'another payee',
      (event) => ({ ...event, payment: { ...event.payment, payTo: Terms.address('x') } }),
      /another payee/,
    ],
    [
      'an atom less',
      ({ payment, ...event }) => ({
        ...event,
        payment: { ...payment, valueAtoms: String(BigInt(payment.valueAtoms) - 1n) },
      }),
      /another amount/,
    ],
    [
      'artifacts that nobody registered',
      (event) => {
        const { receipt } = event
        const [first, ...rest] = receipt.influence.entries
        const entries = [...rest, { ...first!, artifact: Hash.text('x') }]
        return altered(event, { influence: { ...receipt.influence, entries } })
      },
      /not registered/,
    ],
  ])('is not lengthened for %s', (_, forge, because) => {
    const stall = open()
    const quoted = quoteOf(stall, payers[0]!)
    tell(stall, quoted)
    const event = serveOf(stall, quoted.quote, { out: 41, ppb: 300_000_000 })
    expect(ask(stall, event)).toBeUndefined()
    expect(ask(stall, forge(event))).toMatch(because)
  })

  test('a quote is used once, whoever pays again', () => {
    const stall = open()
    const quoted = quoteOf(stall, payers[0]!)
    tell(stall, quoted)
    tell(stall, serveOf(stall, quoted.quote, { out: 40, ppb: 0 }))
    expect(ask(stall, serveOf(stall, quoted.quote, { out: 41, ppb: 0 }))).toBe('quote used twice')
  })

  test('a payment buys one answer', () => {
    const stall = open()
    const first = served(stall)
    tell(stall, first)
    const second = served(stall)
    const { nonce } = first.payment
    const twice = altered(second, { paymentNonce: nonce })
    expect(ask(stall, { ...twice, payment: { ...second.payment, nonce } })).toBe(
      'payment used twice',
    )
  })
})

describe('change', () => {
  /** A payer with change, and a quote that applies all of it. */
  function saved(): { stall: Stall; quoted: Event.Of<'quoted'> } {
    const stall = open()
    const first = quoteOf(stall, payers[0]!)
    tell(stall, first)
    const sold = serveOf(stall, first.quote, { out: 0, ppb: 0 })
    tell(stall, sold)
    tell(stall, { type: 'funded', receiptHash: Receipt.hash(sold.receipt), evidence })
    const quoted = quoteOf(stall, payers[0]!)
    expect(quoted.quote.changeAppliedAtoms).not.toBe('0')
    return { stall, quoted }
  }

  test('is spendable once its payment is final, not before', () => {
    const stall = open()
    const first = quoteOf(stall, payers[0]!)
    tell(stall, first)
    tell(stall, serveOf(stall, first.quote, { out: 0, ppb: 0 }))
    expect(Sales.spendableChange(stall.economy.sales, payers[0]!, stall.nowMs)).toBe(0n)
  })

  test('reserved by one quote is not applied by another, until that one expires', () => {
    const { stall, quoted } = saved()
    const twin = { ...quoted, quote: { ...quoted.quote, salt: Hash.text('twin') } }
    tell(stall, quoted)
    expect(ask(stall, twin)).toMatch(/more than .* has/)
    stall.nowMs = quoted.quote.expiresAtMs
    const later = { issuedAtMs: stall.nowMs, expiresAtMs: stall.nowMs + 60_000 }
    expect(ask(stall, { ...twin, quote: { ...twin.quote, ...later } })).toBeUndefined()
  })

  test('of a quote that has expired is not used any more', () => {
    const { stall, quoted } = saved()
    tell(stall, quoted)
    const event = serveOf(stall, quoted.quote, { out: 3, ppb: 0 })
    stall.nowMs = quoted.quote.expiresAtMs - 1
    expect(ask(stall, event)).toBeUndefined()
    stall.nowMs = quoted.quote.expiresAtMs
    expect(ask(stall, event)).toBe('quote had expired')
  })

  test('used twice by quotes that lie about when they were given is a fault, not a crash', () => {
    const { stall, quoted } = saved()
    tell(stall, quoted)
    const twin = {
      ...quoted,
      quote: { ...quoted.quote, salt: Hash.text('twin'), issuedAtMs: quoted.quote.expiresAtMs },
    }
    tell(stall, twin)
    tell(stall, serveOf(stall, twin.quote, { out: 3, ppb: 0 }))
    expect(ask(stall, serveOf(stall, quoted.quote, { out: 3, ppb: 0 }))).toMatch(/0 are left/)
  })

  test('of a payment that never came goes back where it was', () => {
    const { stall, quoted } = saved()
    const before = Sales.spendableChange(stall.economy.sales, payers[0]!, stall.nowMs)
    tell(stall, quoted)
    const event = serveOf(stall, quoted.quote, { out: 3, ppb: 0 })
    tell(stall, event)
    expect(Sales.spendableChange(stall.economy.sales, payers[0]!, stall.nowMs)).toBe(0n)
    const receiptHash = Receipt.hash(event.receipt)
    tell(stall, { type: 'unfunded', receiptHash, because: 'cancelled' })
    expect(Sales.spendableChange(stall.economy.sales, payers[0]!, stall.nowMs)).toBe(before)
  })
})

describe('an epoch', () => {
  function due(): { stall: Stall; closing: Event.Of<'closing'> } {
    const stall = open()
    const quoted = quoteOf(stall, payers[0]!)
    tell(stall, quoted)
    const event = serveOf(stall, quoted.quote, { out: 127, ppb: 333_333_333 })
    tell(stall, event)
    tell(stall, { type: 'funded', receiptHash: Receipt.hash(event.receipt), evidence })
    stall.nowMs += 1_000
    return { stall, closing: closeOf(stall)! }
  }

  test.each<[string, (closing: Event.Of<'closing'>) => Event.Of<'closing'>, RegExp]>([
    ['the number', (closing) => ({ ...closing, epoch: 1 }), /epoch 1, expected 0/],
    ['the root', (closing) => ({ ...closing, root: Hash.text('x') }), /epoch root/],
    ['the depth', (closing) => ({ ...closing, depth: closing.depth + 1 }), /epoch depth/],
    ['the total', (closing) => ({ ...closing, totalAtoms: '1' }), /epoch total/],
    ['its receipts', (closing) => ({ ...closing, receipts: [] }), /other receipts/],
  ])('is the one that the log implies: not by %s', (_, forge, because) => {
    const { stall, closing } = due()
    expect(ask(stall, closing)).toBeUndefined()
    expect(ask(stall, forge(closing))).toMatch(because)
  })

  test('does not close before the dispute window has passed', () => {
    const { stall, closing } = due()
    stall.nowMs -= 1
    expect(ask(stall, closing)).toMatch(/epoch root/)
  })

  test('is claimed leaf by leaf, by whom it belongs to, as much as is there', () => {
    const { stall, closing } = due()
    tell(stall, closing)
    expect(ask(stall, { ...closing, epoch: 1 })).toBe('an epoch is still being published')
    tell(stall, { type: 'published', epoch: 0, evidence })
    const claim = claimOf(stall, 0)!
    const more = (by: bigint) => ({
      ...claim,
      cumulativeAtoms: String(BigInt(claim.cumulativeAtoms) + by),
    })
    expect(ask(stall, claim)).toBeUndefined()
    expect(ask(stall, { ...claim, account: Terms.address('x') })).toMatch(/it is/)
    expect(ask(stall, { ...claim, index: 31 })).toMatch(/no published root has/)
    expect(ask(stall, more(1n))).toMatch(/recomputed/)
    expect(ask(stall, { ...more(1n), atoms: String(BigInt(claim.atoms) + 1n) })).toMatch(
      /above-published/,
    )
  })
})
