/** @module What must hold: after every step, and when everything has come to its end. */

import * as Purchase from '../../src/agents/Purchase.ts'
import * as Audit from '../../src/economy/Audit.ts'
import * as Economy from '../../src/economy/Economy.ts'
import * as Purchases from '../../src/economy/Purchases.ts'
import * as PurchaseTerms from '../../src/economy/PurchaseTerms.ts'
import * as Sales from '../../src/economy/Sales.ts'
import * as Snapshot from '../../src/economy/Snapshot.ts'
import type * as Hex from '../../src/kernel/Hex.ts'
import * as Log from '../../src/provenance/Log.ts'
import * as Record from '../../src/provenance/Record.ts'
import * as Answers from '../../src/store/Answers.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Blocks from './Blocks.ts'
import * as Law from './Law.ts'
import * as Market from './Market.ts'
import * as Network from './Network.ts'
import type * as Processes from './Processes.ts'
import * as SellerLaw from './SellerLaw.ts'
import * as World from './World.ts'

const open = new Set(['decided', 'held', 'paying'])
const spent = new Set(['captured', 'disputed', 'refunded'])

/** After every step: each record follows the law, and no cap is passed, on the books or on the chain. */
export function always(desks: readonly Processes.Desk[], shop: Processes.Shop): void {
  const { blocks, wrong } = World.current()
  SellerLaw.follow(shop.law, shop.disk.texts)
  for (const desk of desks) {
    const { law } = desk
    Law.follow(law, desk.disk.texts)
    if (desk.calls === 0 && !desk.isDoomed) Law.nothingOnItsWay(law)
    let cap = law.capAtoms
    for (const { capAtoms } of law.inForce) if (capAtoms > cap) cap = capAtoms
    let [held, captured] = [0n, 0n]
    for (const { status, decided } of desk.books?.state.purchases.purchases.values() ?? [])
      if (open.has(status)) held += BigInt(PurchaseTerms.of(decided).payAtoms)
      else if (spent.has(status)) captured += BigInt(PurchaseTerms.of(decided).payAtoms)
    if (captured + held > cap)
      wrong.push(`${desk.name}: captured ${captured} and held ${held} above the cap ${cap}`)
    const paid = Blocks.paidBy(blocks, address(desk))
    if (paid > law.capAtoms) wrong.push(`${desk.name} paid ${paid} above the cap ${law.capAtoms}`)
  }
}

/** Whether nothing is open any more, on either side. */
export function isSettled(desks: readonly Processes.Desk[], shop: Processes.Shop): boolean {
  if ([shop, ...desks].some(({ isDoomed }) => isDoomed)) return false
  if (shop.books === undefined || shop.books.unsettled() !== undefined) return false
  if (shop.books.state.sales.openPrepaid.size > 0) return false
  for (const { status } of shop.books.state.sales.sales.values())
    if (status === 'served') return false
  return desks.every((desk) => {
    const { books, buyer } = desk
    return (
      buyer !== undefined &&
      books !== undefined &&
      books.unsettled() === undefined &&
      books.state.opened !== undefined &&
      Purchases.open(books.state.purchases).length === 0 &&
      (isSkewed(desk, shop) || !Law.isApprovedAndOpen(desk.law, books.now()))
    )
  })
}

/** Whether a seller takes what a buyer asks for now for a request of another day, and says no. */
function isSkewed(desk: Processes.Desk, shop: Processes.Shop): boolean {
  const times = [desk, shop].flatMap((each) => [World.clock(each)(), each.books!.now()])
  return Math.max(...times) - Math.min(...times) > 10_000
}

/** At the end: what was paid is what both books say, once for each purchase. */
export function afterwards(
  desks: readonly Processes.Desk[],
  shop: Processes.Shop,
  options: { readonly replay: boolean },
): void {
  const { wrong } = World.current()
  const { sales } = shop.books!.state
  let receivedAtoms = 0n
  for (const desk of desks) {
    const paid = checkBuyer(desk)
    for (const each of paid)
      receivedAtoms +=
        Network.early().has(each.nonce) && !isFunded(sales, each) ? 0n : each.valueAtoms
    checkSales(desk, sales, new Set(paid.map(({ nonce }) => nonce)))
    checkPayments(desk, shop)
  }
  if (sales.receivedAtoms !== receivedAtoms)
    wrong.push(`the seller received ${receivedAtoms}, its books say ${sales.receivedAtoms}`)
  if (sales.receivableAtoms !== 0n) wrong.push(`${sales.receivableAtoms} atoms still receivable`)
  Sales.assertConserved(sales)
  if (options.replay) for (const party of [shop, ...desks]) replay(party)
}

function isFunded(sales: Sales.Sales, { from, nonce }: { from: Hex.Hex; nonce: Hex.Hex }): boolean {
  const key = Sales.paymentKey({ payer: from, nonce })
  const hash = sales.payments.get(key)
  if (hash === undefined) return sales.prepaid.get(key)?.status === 'returned'
  return sales.sales.get(hash)!.status === 'funded'
}

/** Each payment is served and captured, or given back and change, or never came; both sides say so. */
function checkPayments(desk: Processes.Desk, shop: Processes.Shop): void {
  const { wrong, acts } = World.current()
  const ends = new Map<string, string>()
  for (const { payer, nonce, isServed, money } of shop.law.payments.values())
    if (payer === address(desk)) ends.set(nonce, isServed ? `served, ${money}` : money)
  for (const { id, status, paying } of desk.books!.state.purchases.purchases.values()) {
    if (paying === undefined) continue
    const end = ends.get(paying.nonce) ?? 'unknown'
    const isEarly = Network.early().has(paying.nonce)
    if (!(expected[status] ?? []).includes(end) && !(isEarly && status === 'disputed'))
      wrong.push(`${desk.name}: ${id} is ${status}, and ${end} with the seller`)
    if (status === 'refunded') acts['change instead of an answer'] += 1
  }
}

/** What a seller may say of a payment, by what its buyer says. */
const expected: Readonly<Record<string, readonly string[]>> = {
  captured: ['served, funded'],
  refunded: ['returned'],
  voided: ['unknown', 'unfunded', 'served, unfunded'],
}

function checkBuyer(desk: Processes.Desk) {
  const { blocks, wrong } = World.current()
  const { purchases } = desk.books!.state
  const paid = Blocks.payments(blocks, address(desk))
  const nonces = new Set(paid.map(({ nonce }) => nonce))
  if (nonces.size !== paid.length) wrong.push(`${desk.name}: a nonce was paid twice`)
  const steps = new Set<string>()
  let spentAtoms = 0n
  for (const { id, status, decided, paying } of purchases.purchases.values()) {
    const isPaid = paying !== undefined && nonces.delete(paying.nonce)
    if (isPaid !== spent.has(status))
      wrong.push(`${desk.name}: ${id} is ${status}, paid: ${isPaid}`)
    if (!isPaid) continue
    const { key } = decided
    spentAtoms += BigInt(PurchaseTerms.of(decided).payAtoms)
    if (status === 'refunded') continue
    const step = `${key.run} ${key.step}`
    if (steps.has(step)) wrong.push(`${desk.name} paid twice for ${step}`)
    steps.add(step)
    if (status === 'disputed' && !Network.early().has(paying.nonce))
      wrong.push(`${desk.name}: ${id} was paid and is disputed`)
  }
  for (const nonce of nonces) wrong.push(`${desk.name} paid ${nonce}, which is no purchase's`)
  if (spentAtoms !== purchases.spentAtoms)
    wrong.push(`${desk.name} spent ${spentAtoms}, its books say ${purchases.spentAtoms}`)
  checkHolds(desk)
  return paid
}

/** Longer than any review waits. */
const laterMs = 7_200_000

/** Only what waits for an answer holds something; when that is too late, nothing does. */
function checkHolds({ law, name, buyer, books }: Processes.Desk): void {
  const world = World.current()
  const expect = (heldAtoms: bigint) => {
    for (const { meter, rule } of buyer!.status())
      if (rule.startsWith('cap') && meter.held !== `${heldAtoms}`)
        world.wrong.push(`${name}: ${rule} holds ${meter.held}, and should hold ${heldAtoms}`)
  }
  Law.expire(law, books!.now())
  const heldAtoms = Law.heldAtoms(law, books!.now())
  expect(heldAtoms)
  if (heldAtoms === 0n) return
  world.nowMs += laterMs
  const left = books!.now()
  expect(Law.heldAtoms(law, left))
}

function checkSales(desk: Processes.Desk, sales: Sales.Sales, paid: ReadonlySet<string>): void {
  const { wrong } = World.current()
  const served = new Set<string>()
  let changeAtoms = 0n
  for (const { status, payment } of sales.prepaid.values()) {
    if (payment.payer !== address(desk) || status !== 'returned') continue
    served.add(payment.nonce)
    changeAtoms += BigInt(payment.valueAtoms)
  }
  for (const { receipt, status, payment } of sales.sales.values()) {
    if (receipt.payer !== address(desk)) continue
    served.add(payment.nonce)
    if ((status === 'funded') !== paid.has(payment.nonce))
      wrong.push(`a sale is ${status}, paid: ${paid.has(payment.nonce)}`)
    if (status === 'funded') changeAtoms += BigInt(receipt.money.changeAtoms)
  }
  for (const nonce of paid)
    if (!served.has(nonce) && !Network.early().has(nonce))
      wrong.push(`paid, neither served nor given back: ${nonce}`)
  const change = sales.change.get(address(desk)) ?? { availableAtoms: 0n, pendingAtoms: 0n }
  if (change.pendingAtoms !== 0n || change.availableAtoms !== changeAtoms || changeAtoms < 0n)
    wrong.push(`${desk.name} has ${change.availableAtoms} atoms of change, not ${changeAtoms}`)
}

/** The journal alone gives the same state, byte for byte; so does a state kept halfway, and the rest. */
function replay({ name, disk, books }: World.Party): void {
  const { wrong } = World.current()
  const log = Log.create()
  const economy = Economy.empty()
  const half = disk.texts.length >> 1
  let resumed: Economy.Economy | undefined
  for (const [leaf, text] of disk.texts.entries()) {
    if (leaf === half) resumed = kept(economy, disk.texts)
    const record = Log.extend(log, { text, origin: books!.origin })
    const fault = Economy.apply(economy, record) ?? (resumed && Economy.apply(resumed, record))
    if (fault !== undefined) {
      wrong.push(`${name} does not replay: ${fault}`)
      return
    }
    if (Record.encode(record) !== text) wrong.push(`${name}: a record that is not canonical`)
  }
  const [live, again, later] = [books!.state, economy, resumed!].map((state) =>
    Snapshot.encode(state)
      .map(({ name, bytes }) => `${name} ${Buffer.from(bytes).toString('hex')}`)
      .join(),
  )
  if (live !== again) wrong.push(`${name} replays to another state`)
  if (live !== later) wrong.push(`${name} goes on from a kept state to another`)
}

/** A state as a process that ends leaves it to the next. */
function kept(economy: Economy.Economy, texts: readonly string[]): Economy.Economy {
  const sections = new Map(Snapshot.encode(economy).map(({ name, bytes }) => [name, bytes]))
  return Snapshot.decode({
    section: (name) => sections.get(name),
    text: (leaf) => texts[leaf]!,
  })
}

/** Audits every log against the others. */
export function audit(desks: readonly Processes.Desk[], shop: Processes.Shop): number {
  const { wrong } = World.current()
  const parties = [shop, ...desks]
  let checks = 0
  for (const party of parties) {
    const others = parties.filter((each) => each !== party && (each === shop || party === shop))
    const report = Audit.run({
      texts: party.disk.texts,
      document: (hash) => {
        const text = shop.disk.files.get(`/seller/documents/${hash}`)
        return text === undefined ? { kind: 'erased' } : { kind: 'found', text }
      },
      answer: (hash) => Answers.read(`/${party.name}`, hash),
      leaves: () => undefined,
      verifySignature: Wallet.verifyTypedData,
      checkPayment: (evidence, payment) =>
        PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
      transitionTables: new Map([[Purchase.machineDigest, Purchase.table]]),
      counterparts: new Map(others.map((each) => [address(each), each.disk.texts])),
    })
    for (const { name, subject, because } of report.failures)
      wrong.push(`audit of ${party.name}: ${name}: ${subject}: ${because}`)
    if (report.replayed !== party.disk.texts.length) wrong.push(`audit of ${party.name} stopped`)
    checks += Object.values(report.checks).reduce((sum, { verified }) => sum + verified, 0)
  }
  return checks
}

function address({ name }: World.Party): Hex.Hex {
  return Market.wallets.get(name)!.address
}
