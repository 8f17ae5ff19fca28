import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Market from '../../test/harness/Market.ts'
import * as Journal from '../store/Journal.ts'
import type * as Buyer from './Buyer.ts'

let market: Market.Market
beforeAll(async () => {
  market = await Market.open()
})
afterAll(() => market.close())

const careful = ['approve above 0.0001 USDC by ops', 'cap 1 USDC per 24h']

/** Events in a buyer's journal, after it was closed. */
async function recorded({ buyer, dir }: { buyer: Buyer.Buyer; dir: string }) {
  await buyer.close()
  const reader = Journal.reader(join(dir, 'journal.db'))
  const events = [...reader.read()].map((text) => JSON.parse(text).event)
  reader.close()
  return events as { readonly type: string; readonly [key: string]: unknown }[]
}

describe('a purchase under review', () => {
  test('waits unpaid, is approved, and is then bought at a fresh quote', async () => {
    const agent = await market.agent({ rules: careful })
    const call = Market.call(market)
    const first = await agent.buyer.buy(call)
    expect(first).toMatchObject({ state: 'refused', verdict: 'review', code: 'needs-approval' })
    const again = await agent.buyer.buy(call)
    expect(again).toMatchObject({ purchase: first.purchase, code: 'needs-approval' })
    const [waiting] = agent.buyer.reviews()
    expect(waiting).toMatchObject({ purchase: first.purchase, model: call.model })
    expect(agent.buyer.status()[0]!.meter.held).toBe(String(waiting!.atoms))
    expect(await market.paid(agent.wallet.address)).toEqual([])

    const bought = await agent.buyer.approve(first.purchase, { by: 'ops' })
    expect(bought).toMatchObject({ state: 'captured', verdict: 'allow' })
    expect(bought.purchase).not.toBe(first.purchase)
    expect(agent.buyer.reviews()).toEqual([])
    expect(agent.buyer.status()[0]!.meter).toMatchObject({
      used: String(bought.paidAtoms),
      held: '0',
    })
    expect(await market.paid(agent.wallet.address)).toEqual([bought.paidAtoms])
    const types = (await recorded(agent)).map(({ type }) => type)
    expect(types).toEqual([
      ...['opened', 'adopted', 'decided', 'approved', 'decided', 'held', 'paying', 'captured'],
    ])
  })

  test('is approved by nobody the policy does not name, nor twice, nor once declined', async () => {
    const { buyer } = await market.agent({ rules: careful })
    const { purchase } = await buyer.buy(Market.call(market))
    await expect(buyer.approve(purchase, { by: 'mallory' })).rejects.toThrow(
      'expected an approver whom the policy names: ops, got mallory',
    )
    await buyer.decline(purchase, { by: 'ops', because: 'too dear' })
    expect(buyer.status()[0]!.meter.held).toBe('0')
    await expect(buyer.approve(purchase, { by: 'ops' })).rejects.toMatchObject({
      code: 'not-under-review',
    })
    expect(await buyer.buy(Market.call(market))).toMatchObject({ verdict: 'review' })
  })

  test('approved below what the fresh quote asks is reviewed again, and nothing is paid', async () => {
    const { buyer, wallet } = await market.agent({ rules: careful })
    const { purchase } = await buyer.buy(Market.call(market))
    const again = await buyer.approve(purchase, { by: 'ops', ceilingAtoms: 1n })
    expect(again).toMatchObject({ state: 'refused', verdict: 'review', code: 'needs-approval' })
    expect(buyer.reviews().map((each) => each.purchase)).toEqual([again.purchase])
    expect(await market.paid(wallet.address)).toEqual([])
  })

  test('survives a restart, and what was approved while its seller was away is bought later', async () => {
    let isAway = false
    const baseUrl = await market.front(async (request, ask) => (isAway ? ask.drop() : ask(request)))
    const first = await market.agent({ rules: careful })
    const { purchase } = await first.buyer.buy(Market.call({ baseUrl }))
    await first.buyer.close()
    const second = await market.agent({ ...first, rules: careful, fundAtoms: 0n })
    expect(second.buyer.reviews()).toMatchObject([{ purchase }])
    isAway = true
    const away = await second.buyer.approve(purchase, { by: 'ops' })
    expect(away).toMatchObject({ state: 'refused', paidAtoms: 0n })
    await second.buyer.close()
    isAway = false
    const third = await market.agent({ ...first, rules: careful, fundAtoms: 0n })
    expect(await third.buyer.finish()).toMatchObject([{ state: 'captured', verdict: 'allow' }])
    expect(await market.paid(first.wallet.address)).toHaveLength(1)
  })
})

describe('a kill switch', () => {
  test('stops a model at once, and lets it go on when it is thawed', async () => {
    const { buyer, wallet } = await market.agent()
    const target = { kind: 'model', name: 'docs-reader' } as const
    await buyer.freeze(target, { by: 'ops', because: 'drill' })
    const denied = await buyer.buy(Market.call(market))
    expect(denied).toMatchObject({ state: 'refused', verdict: 'deny' })
    expect(denied.because).toContain('frozen model docs-reader: by ops, drill')
    expect(buyer.freezes()).toHaveLength(1)
    await buyer.thaw(target, { by: 'ops' })
    await expect(buyer.thaw(target, { by: 'ops' })).rejects.toMatchObject({ code: 'not-frozen' })
    expect(await buyer.buy(Market.call(market, { step: 1 }))).toMatchObject({ state: 'captured' })
    expect(await market.paid(wallet.address)).toHaveLength(1)
  })

  test('thrown between verdict and signature, lets nothing be signed', async () => {
    const { buyer, wallet } = await market.agent()
    let frozen: Promise<void> | undefined
    // Looked at between any two steps: the first time something is held is right after the verdict.
    const signal = Object.defineProperty(new AbortController().signal, 'aborted', {
      get() {
        if (buyer.status()[0]!.meter.held !== '0')
          frozen ??= buyer.freeze({ kind: 'everything' }, { by: 'ops', because: 'drill' })
        return false
      },
    })
    const outcome = await buyer.buy(Market.call(market, { signal }))
    expect(outcome).toMatchObject({ state: 'refused', verdict: 'allow', code: 'frozen' })
    await frozen
    expect(await market.paid(wallet.address)).toEqual([])
    expect(buyer.status()[0]!.meter).toMatchObject({ used: '0', held: '0' })
  })
})

describe('a policy on trial', () => {
  test('has no effect, and what it would have decided is on record', async () => {
    const agent = await market.agent({ shadow: ['cap 0.0001 USDC per payment'] })
    expect(await agent.buyer.buy(Market.call(market))).toMatchObject({ state: 'captured' })
    const decided = (await recorded(agent)).find(({ type }) => type === 'decided')
    expect(decided).toMatchObject({ verdict: 'allow', shadow: { verdict: 'deny' } })
  })

  test('in a file is read again when it changes', async () => {
    const file = join(market.scratch, 'trial.yaml')
    writeFileSync(file, market.policyText(['cap 0.0001 USDC per payment']))
    const agent = await market.agent({ shadow: file })
    await agent.buyer.buy(Market.call(market))
    writeFileSync(file, market.policyText(['cap 1 USDC per payment']))
    await agent.buyer.buy(Market.call(market, { step: 1 }))
    const verdicts = (await recorded(agent)).flatMap(({ type, shadow }) =>
      type === 'decided' ? [(shadow as { verdict: string }).verdict] : [],
    )
    expect(verdicts).toEqual(['deny', 'allow'])
  })
})
