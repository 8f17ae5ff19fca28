/**
 * @module What the files and the chain say, read plainly: no fold of the product is asked, so that a fold
 * that is wrong does not judge itself. From it follows what a kill left behind, wherever it was aimed.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type * as Event from '../../src/economy/Event.ts'
import * as PurchaseTerms from '../../src/economy/PurchaseTerms.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Journal from '../../src/store/Journal.ts'
import type { Chain } from '../../src/wallets/Chain.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'

/** A purchase as a buyer's journal tells it. */
export type Purchase = {
  readonly id: Hex
  readonly order: string
  readonly allowed: boolean
  status: 'refused' | 'held' | 'paying' | 'captured' | 'disputed' | 'voided' | 'refunded'
  nonce?: Hex
  atoms: bigint
  receiptHash?: Hex
  evidence?: PaymentEvidence.Evidence
}

/** A sale as a seller's journal tells it. */
export type Sale = {
  /** Of what was served. */
  receiptHash?: Hex
  readonly nonce: Hex
  readonly atoms: bigint
  /** Told while it was made, and paid before. */
  readonly isAhead: boolean
  /** `accepted` and `ahead`: to be paid, and paid, for an answer that is still to come. */
  status: 'accepted' | 'ahead' | 'served' | 'funded' | 'unfunded' | 'returned'
  evidence?: PaymentEvidence.Evidence
}

/** A payment as the chain tells it: every use of a nonce, and what was transferred in its transaction. */
export type Payment = {
  readonly nonce: Hex
  readonly tx: Hex
  readonly transfers: readonly bigint[]
}

/** Every event of a folder's journal, in order; none when there is no journal yet. */
export function events(dir: string): readonly Event.Event[] {
  const file = join(dir, 'journal.db')
  if (!existsSync(file)) return []
  const reader = Journal.reader(file)
  try {
    return [...reader.read()].map((text) => JSON.parse(text).event as Event.Event)
  } finally {
    reader.close()
  }
}

/** Name of an order: whoever buys it again buys the same. */
export function orderName(run: string, step: number): string {
  return `${run}/${step}`
}

/** A buyer's purchases by id. */
export function purchases(dir: string): ReadonlyMap<Hex, Purchase> {
  const all = new Map<Hex, Purchase>()
  for (const event of events(dir))
    if (event.type === 'decided')
      all.set(event.purchase, {
        id: event.purchase,
        order: orderName(event.key.run, event.key.step),
        allowed: event.verdict === 'allow',
        status: 'refused',
        atoms: BigInt(PurchaseTerms.of(event).payAtoms),
      })
    else if (event.type === 'held') all.get(event.purchase)!.status = 'held'
    else if (event.type === 'paying')
      Object.assign(all.get(event.purchase)!, { status: 'paying', nonce: event.nonce })
    else if (event.type === 'captured')
      Object.assign(all.get(event.purchase)!, {
        status: 'captured',
        atoms: BigInt(event.atoms),
        receiptHash: Receipt.hash(event.receipt!),
        evidence: event.evidence,
      })
    else if (event.type === 'refunded')
      Object.assign(all.get(event.purchase)!, { status: 'refunded', evidence: event.evidence })
    else if (event.type === 'disputed' || event.type === 'voided')
      all.get(event.purchase)!.status = event.type
  return all
}

/** A seller's sales, by the nonce of their payment. */
export function sales(dir: string): ReadonlyMap<Hex, Sale> {
  const all = new Map<Hex, Sale>()
  const named = new Map<Hex, Sale>()
  for (const event of events(dir))
    if (event.type === 'accepted') {
      const { nonce, valueAtoms } = event.payment
      all.set(nonce, { nonce, atoms: BigInt(valueAtoms), isAhead: true, status: 'accepted' })
    } else if (event.type === 'served') {
      const receiptHash = Receipt.hash(event.receipt)
      const { nonce, valueAtoms } = event.payment
      const before = all.get(nonce) ?? { nonce, atoms: BigInt(valueAtoms), isAhead: false }
      const status = 'status' in before && before.status === 'ahead' ? 'funded' : 'served'
      const sale: Sale = { ...before, receiptHash, status }
      all.set(nonce, sale)
      named.set(receiptHash, sale)
    } else if (event.type === 'funded' || event.type === 'unfunded') {
      const { receiptHash, payment } = event
      const sale = receiptHash === undefined ? all.get(payment!.nonce)! : named.get(receiptHash)!
      if (event.type === 'unfunded') sale.status = 'unfunded'
      else {
        sale.status = sale.status === 'accepted' ? 'ahead' : 'funded'
        sale.evidence = event.evidence as PaymentEvidence.Evidence
      }
    } else if (event.type === 'returned') all.get(event.payment.nonce)!.status = 'returned'
  return all
}

/** Every authorization a payer's key was used for, on chain, with the transfers to `payTo` beside it. */
export async function payments(
  chain: Chain,
  of: { readonly asset: Asset.Asset; readonly payer: Hex; readonly payTo: Hex },
): Promise<readonly Payment[]> {
  const { address } = Asset.parts(of.asset.id)
  const { usedTopic, transferTopic, addressTopic } = PaymentEvidence
  const look = (topics: readonly Hex[]) => chain.logs({ address, topics, fromBlock: 0 })
  const used = await look([usedTopic, addressTopic(of.payer)])
  const moved = await look([transferTopic, addressTopic(of.payer), addressTopic(of.payTo)])
  return used.map(({ topics, tx }) => ({
    nonce: topics[2]!,
    tx,
    transfers: moved.filter((log) => log.tx === tx).map(({ data }) => BigInt(data)),
  }))
}

/** What a killed buyer can leave open. */
export type LeftByBuyer =
  | 'held'
  | 'paying-before-send'
  | 'sent-unconfirmed'
  | 'sent-and-lost'
  | 'answered-unstored'

/** What a killed seller can leave open. */
export type LeftBySeller =
  | 'asked-unserved'
  | 'accepted-not-funded'
  | 'funded-not-served'
  | 'mid-stream'
  | 'served-unsettled'
  | 'settled-unstored'
  | 'funded-untold'

/** What the wire saw of a paid request. */
export type Seen = {
  asked: number
  answered: number
  open: number
  /** Words of an answer went by that did not end yet. */
  isTold: boolean
}

/**
 * What a dead buyer left open. Sent is what left a trace in the seller's journal or on chain; a request
 * that only the wire saw was lost on its way.
 */
export function leftByBuyer(facts: {
  readonly purchases: ReadonlyMap<Hex, Purchase>
  readonly sales: ReadonlyMap<Hex, Sale>
  readonly used: ReadonlySet<Hex>
  readonly wire: ReadonlyMap<Hex, Seen>
}): ReadonlySet<LeftByBuyer> {
  const left = new Set<LeftByBuyer>()
  for (const { status, nonce } of facts.purchases.values()) {
    if (status === 'held') left.add('held')
    if (status !== 'paying') continue
    const seen = facts.wire.get(nonce!)
    if (facts.sales.has(nonce!) || facts.used.has(nonce!))
      left.add((seen?.answered ?? 0) > 0 ? 'answered-unstored' : 'sent-unconfirmed')
    else left.add(seen === undefined ? 'paying-before-send' : 'sent-and-lost')
  }
  return left
}

/** What a dead seller left open; `open`: nonces it was being asked under when it died. */
export function leftBySeller(facts: {
  readonly sales: ReadonlyMap<Hex, Sale>
  readonly used: ReadonlySet<Hex>
  readonly open: ReadonlySet<Hex>
  /** Nonces under which it was telling an answer. */
  readonly told: ReadonlySet<Hex>
}): ReadonlySet<LeftBySeller> {
  const left = new Set<LeftBySeller>()
  for (const { status, nonce } of facts.sales.values()) {
    if (status === 'served')
      left.add(facts.used.has(nonce) ? 'settled-unstored' : 'served-unsettled')
    const isAhead = status === 'accepted' || status === 'ahead'
    if (isAhead && facts.told.has(nonce)) left.add('mid-stream')
    else if (isAhead) left.add(status === 'ahead' ? 'funded-not-served' : 'accepted-not-funded')
    if (status === 'funded' && facts.open.has(nonce)) left.add('funded-untold')
  }
  for (const nonce of facts.open) if (!facts.sales.has(nonce)) left.add('asked-unserved')
  return left
}
