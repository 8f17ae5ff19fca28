/**
 * @module Counts again what a buyer paid, from its journal's texts and from the chain's logs: no window of
 * its policy is ever exceeded, no purchase is paid twice, no payment is of no purchase. Knows nothing of
 * how budgets count.
 */
import { join } from 'node:path'
import * as Journal from '../../src/store/Journal.ts'
import type { Limits } from './Limits.ts'
import type { Payment } from './Payments.ts'
import type { Trader } from './Trader.ts'

/** What is known of a buyer's journal so far. */
export type Recount = {
  read: number
  /** Purchase, time of signing, run and step of each nonce. */
  readonly signed: Map<string, Signed>
  readonly keys: Map<string, string>
  /** What was bought by which call. */
  readonly steps: Map<string, string>
  readonly paid: Paid[]
  readonly nonces: Set<string>
  spentAtoms: bigint
  /** Highest sum seen in each window, against what it may hold: how close it came. */
  readonly closest: Map<string, { mostAtoms: bigint; capAtoms: bigint }>
}

type Signed = { readonly purchase: string; readonly atMs: number }
type Paid = { readonly atMs: number; readonly atoms: bigint; readonly payee: string }

/** Of a journal without records. */
export function create(): Recount {
  return {
    ...{ read: 0, signed: new Map(), keys: new Map(), steps: new Map(), paid: [] },
    ...{ nonces: new Set(), spentAtoms: 0n, closest: new Map() },
  }
}

/** Reads on, and says what does not hold. */
export function follow(
  recount: Recount,
  trader: Trader,
  payments: readonly Payment[],
): readonly string[] {
  readOn(recount, join(trader.dir, 'buyer', 'journal.db'))
  const wrong: string[] = []
  const fresh: Paid[] = []
  for (const { payer, nonce, to, atoms } of payments) {
    if (payer !== trader.wallet.address || recount.nonces.has(nonce)) continue
    recount.nonces.add(nonce)
    const signed = recount.signed.get(nonce)
    if (signed === undefined) {
      wrong.push(`${trader.name} paid ${nonce}, which its journal does not hold`)
      continue
    }
    const step = recount.keys.get(signed.purchase)!
    const before = recount.steps.get(step)
    if (before !== undefined) wrong.push(`${trader.name} paid twice for ${step}`)
    recount.steps.set(step, signed.purchase)
    recount.spentAtoms += atoms
    fresh.push({ atMs: signed.atMs, atoms, payee: to })
  }
  recount.paid.push(...fresh)
  recount.paid.sort((one, two) => one.atMs - two.atMs)
  for (const each of fresh) wrong.push(...windows(recount, trader.limits, each))
  return wrong.map((text) => (text.startsWith(trader.name) ? text : `${trader.name}: ${text}`))
}

type Told = {
  readonly atMs: number
  readonly event: {
    readonly type: string
    readonly purchase: string
    readonly nonce: string
    readonly key: { readonly run: string; readonly step: number }
  }
}

function readOn(recount: Recount, file: string): void {
  const reader = Journal.reader(file)
  for (const text of reader.read(recount.read)) {
    recount.read += 1
    const { atMs, event } = JSON.parse(text) as Told
    const { type, purchase, nonce, key } = event
    if (type === 'decided') recount.keys.set(purchase, `${key.run} ${key.step}`)
    if (type === 'paying') recount.signed.set(nonce, { purchase, atMs })
  }
  reader.close()
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** Every window that ends with a payment: any other holds no more than one of these. */
function windows(recount: Recount, limits: Limits, { atMs, atoms, payee }: Paid): string[] {
  const wrong: string[] = []
  const month = monthOf(atMs)
  let [day, week, payeeDay, calendar, hour] = [0n, 0n, 0n, 0n, 0n]
  for (let index = recount.paid.length - 1; index >= 0; index -= 1) {
    const one = recount.paid[index]!
    if (one.atMs > atMs) continue
    const ageMs = atMs - one.atMs
    if (ageMs > 32 * dayMs) break
    if (ageMs < dayMs) day += one.atoms
    if (ageMs < 7 * dayMs) week += one.atoms
    if (ageMs < dayMs && one.payee === payee) payeeDay += one.atoms
    if (monthOf(one.atMs) === month) calendar += one.atoms
    if (ageMs < hourMs) hour += 1n
  }
  const judge = (name: string, sum: bigint, cap: bigint) => {
    if (sum > cap) wrong.push(`${sum} in ${name}, above ${cap}`)
    const known = recount.closest.get(name)
    if (known === undefined || sum > known.mostAtoms)
      recount.closest.set(name, { mostAtoms: sum, capAtoms: cap })
  }
  judge('a payment', atoms, limits.paymentAtoms)
  judge('24h', day, limits.dayAtoms)
  judge('7d', week, limits.weekAtoms)
  judge('24h to one payee', payeeDay, limits.payeeDayAtoms)
  judge('a month in Berlin', calendar, limits.monthAtoms)
  judge('payments an hour', hour, BigInt(limits.perHour))
  return wrong
}

const berlin = new Intl.DateTimeFormat('en', {
  timeZone: 'Europe/Berlin',
  year: 'numeric',
  month: 'numeric',
})

function monthOf(atMs: number): string {
  return berlin.format(atMs)
}
