/**
 * The short campaign: at least fifteen kills, each state at least once, and a payment that the chain takes
 * back. `npm run test:kill` is the long one.
 */
import { expect, test } from 'vitest'
import * as Plan from './Plan.ts'
import * as Reorg from './Reorg.ts'
import * as World from './World.ts'

const plan: Plan.Plan = {
  seed: 1,
  buyer: {
    ...{ held: 2, paying: 2, sending: 1, asking: 1, answering: 2, told: 1, answered: 1 },
    'any time': 1,
  },
  seller: {
    ...{ served: 2, settled: 1, accepted: 1, funded: 1, telling: 1 },
    ...{ unsent: 1, landed: 1, 'any time': 0 },
  },
  storm: 1,
  loseEvery: 1,
  restarts: 1,
  atLeast: 1,
}

test('buyers and seller killed where it hurts: paid once, delivered once, nothing held', async () => {
  const world = await World.open({ buyers: 2, blockEverySec: 1 })
  try {
    const report = await Plan.run(world, plan, () => undefined)
    expect(report.verdict.broken).toEqual([])
    expect(report.missing).toEqual([])
    expect(report.log.kills.length).toBeGreaterThanOrEqual(15)
    expect(report.restarts).toBe(1)
    const { orders, payments, receipts, returned, funded } = report.verdict
    expect(orders).toBeGreaterThan(5)
    expect([payments - returned, receipts, funded]).toEqual([orders, orders, orders])
  } finally {
    await world.close()
  }
}, 150_000)

test('a payment that the chain takes back is settled again, and not called paid before', async () => {
  const { verdict, looks, undone } = await Reorg.run({ isExpiryToo: false })
  expect(verdict.broken).toEqual([])
  expect(verdict).toMatchObject({ orders: 1, payments: 1, receipts: 1, funded: 1 })
  expect(undone.settledAgain).toBe(1)
  expect(looks).toBeGreaterThan(20)
}, 90_000)
