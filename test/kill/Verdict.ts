/**
 * @module What must hold once all is done, however often anybody died: orders, payments on chain, receipts
 * and funded sales are the same set; nothing is held; both logs verify; evidence is of blocks that stand.
 */
import { join } from 'node:path'
import * as Verify from '../../examples/support/Verify.ts'
import * as Purchases from '../../src/economy/Purchases.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Budget from '../../src/policies/Budget.ts'
import * as Books from '../../src/store/Books.ts'
import type * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import * as Autopsy from './Autopsy.ts'
import type * as Campaign from './Campaign.ts'
import type * as World from './World.ts'

/** What was counted, and what does not hold. */
export type Verdict = {
  readonly orders: number
  readonly payments: number
  readonly receipts: number
  readonly funded: number
  /** Of these, told while they were made. */
  readonly told: number
  /** Payments that were given back as change; each order is paid once besides. */
  readonly returned: number
  readonly attempts: number
  readonly paidAtoms: bigint
  readonly records: number
  readonly broken: readonly string[]
}

/** Judges a market whose processes have ended. */
export async function of(world: World.World, log: Campaign.Log): Promise<Verdict> {
  const broken: string[] = [...log.faults]
  const expect = (holds: boolean, otherwise: string) => {
    if (!holds) broken.push(otherwise)
  }
  const sales = Autopsy.sales(world.sellerDir)
  const ends = ['funded', 'unfunded', 'returned']
  const open = [...sales.values()].filter(({ status }) => !ends.includes(status))
  expect(open.length === 0, `${open.length} sales are neither funded nor given up nor given back`)
  const total = { orders: 0, payments: 0, receipts: 0, returned: 0, attempts: 0, paidAtoms: 0n }
  for (const desk of world.desks) {
    const orders = log.orders.get(desk.name) ?? new Set()
    const purchases = [...Autopsy.purchases(desk.dir).values()]
    const captured = purchases.filter(({ status }) => status === 'captured')
    for (const order of orders) {
      const bought = captured.filter((purchase) => purchase.order === order)
      expect(bought.length === 1, `${order} was bought ${bought.length} times`)
      const told = [...(log.told.get(`${desk.name} ${order}`) ?? [])]
      const same = told.length === 1 && told[0] === bought[0]?.receiptHash
      expect(same, `${order} was told as ${told.length} receipts, or another than captured`)
    }
    expect(captured.length === orders.size, `${desk.name} captured ${captured.length} purchases`)
    const disputed = purchases.filter(({ status }) => status === 'disputed')
    expect(disputed.length === 0, `${desk.name} disputed ${disputed.length} purchases`)
    const payments = await world.payments(desk)
    const refunded = purchases.filter(({ status }) => status === 'refunded')
    for (const { nonce, tx, transfers } of payments) {
      const purchase = [...captured, ...refunded].find((each) => each.nonce === nonce)
      const sale = sales.get(nonce)
      const same =
        transfers.length === 1 && transfers[0] === purchase?.atoms && transfers[0] === sale?.atoms
      expect(same, `payment ${nonce} in ${tx} is not the one that was captured and funded`)
      const end = purchase?.status === 'refunded' ? 'returned' : 'funded'
      expect(sale?.status === end, `payment ${nonce} is ${sale?.status}, not ${end}`)
      const told = purchase?.receiptHash === sale?.receiptHash
      expect(told, `payment ${nonce} has two receipts`)
    }
    const paid = new Set(payments.map(({ nonce }) => nonce))
    expect(paid.size === payments.length, `${desk.name} used a nonce twice`)
    for (const { nonce, order } of captured)
      expect(paid.has(nonce!), `${order} was captured and not paid`)
    for (const { nonce } of refunded) expect(paid.has(nonce!), `${nonce} was refunded and not paid`)
    for (const { evidence } of [...captured, ...refunded])
      broken.push(...(await standing(world, evidence)))
    broken.push(...held(desk))
    total.orders += orders.size
    total.payments += payments.length
    total.returned += refunded.length
    total.receipts += new Set(captured.map(({ receiptHash }) => receiptHash)).size
    total.attempts += purchases.filter(({ allowed }) => allowed).length
    total.paidAtoms += [...captured, ...refunded].reduce((sum, { atoms }) => sum + atoms, 0n)
  }
  const funded = [...sales.values()].filter(({ status }) => status === 'funded')
  for (const { evidence } of funded) broken.push(...(await standing(world, evidence)))
  const returned = [...sales.values()].filter(({ status }) => status === 'returned')
  const fundedAtoms = [...funded, ...returned].reduce((sum, { atoms }) => sum + atoms, 0n)
  const { asset, till } = world.contracts
  const tillAtoms = await world.chain.balanceAtoms(asset, till)
  expect(
    returned.length === total.returned,
    `${returned.length} payments were given back, ${total.returned} were taken as change`,
  )
  const counts = [total.payments - total.returned, total.receipts, funded.length]
  expect(
    counts.every((count) => count === total.orders),
    `${total.orders} orders, but payments, receipts and funded sales are ${counts.join(', ')}`,
  )
  expect(
    fundedAtoms === total.paidAtoms && tillAtoms === total.paidAtoms,
    `${total.paidAtoms} atoms captured, ${fundedAtoms} funded, ${tillAtoms} in the till`,
  )
  const audit = Verify.folders(world.sellerDir, ...world.desks.map(({ dir }) => dir))
  expect(audit.failures === 0, `the audit found ${audit.failures} failures`)
  expect(audit.erased === 0, `the audit missed ${audit.erased} texts`)
  const told = funded.filter(({ isAhead }) => isAhead).length
  return { ...total, funded: funded.length, told, records: audit.records, broken }
}

/** What a buyer still holds, by the product's own fold. */
function held(desk: World.Desk): string[] {
  const books = Books.open({
    file: join(desk.dir, 'journal.db'),
    origin: desk.address,
    now: Date.now,
  })
  try {
    const { purchases } = books.state
    const open = Purchases.open(purchases).length
    const broken = open === 0 ? [] : [`${desk.name} has ${open} purchases open`]
    for (const policy of purchases.policies.values())
      for (const { rule, meter } of Budget.status(purchases.usage, policy, books.now()))
        if (meter.held !== '0') broken.push(`${desk.name} holds ${meter.held} under ${rule}`)
    return broken
  } finally {
    books.close()
  }
}

/** Evidence must be of a block that is on the chain now, however often the chain was wound back. */
async function standing(
  world: World.World,
  evidence: PaymentEvidence.Evidence | undefined,
): Promise<string[]> {
  if (evidence === undefined) return ['money without evidence']
  const receipt = await world.chain.receipt(evidence.tx as Hex)
  if (receipt?.blockHash === evidence.blockHash && receipt.status === 'success') return []
  return [`evidence of ${evidence.tx} in block ${evidence.blockNumber}, which is not on the chain`]
}

/** A test dollar, for eyes only. */
export function dollars(world: World.World, atoms: bigint): string {
  const { decimals, symbol } = world.contracts.asset
  const digits = String(atoms).padStart(decimals + 1, '0')
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)} ${symbol}`
}
