/**
 * @module Answers that do not come, and payments that do not: an engine that hangs is stopped unpaid, a
 * payment that was accepted and is never made leaves nothing, one that was made for nothing is given back
 * by a node that is up.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as Asset from '../src/kernel/Asset.ts'
import type { Hex } from '../src/kernel/Hex.ts'
import * as Http from '../src/server/Http.ts'
import * as Settlement from '../src/server/Settlement.ts'
import * as TestDollar from '../src/wallets/abi/TestDollar.ts'
import * as LocalChain from '../src/wallets/LocalChain.ts'
import * as Wallet from '../src/wallets/Wallet.ts'
import * as Shop from './clients/Shop.ts'

let shop: Shop.Shop
let engine: ReturnType<typeof Shop.gated>
beforeEach(async () => {
  engine = Shop.gated(['High ', 'water'])
  shop = await Shop.open(engine.script)
})
afterEach(async () => {
  const { records, failures } = await shop.close()
  expect(records).toBeGreaterThan(3)
  expect(failures).toBe(0)
})

const events = (type: string) => Shop.recorded(shop, type)
const available = (wallet: Wallet.Wallet) =>
  shop.market.node.books.state.sales.change.get(wallet.address)?.availableAtoms ?? 0n

test('an engine that hangs on a plain request is stopped when the quote ends: refused, unpaid', async () => {
  const { send, wallet } = await shop.payment(Shop.chat('Talk'))
  await shop.market.pass(27)
  const response = await send()
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ error: { code: 'answer-late' } })
  await Shop.until(() => engine.isAborted())
  expect(await shop.market.paid(wallet.address)).toEqual([])
  expect([...events('served'), ...events('accepted')]).toEqual([])
  expect((await send()).status).toBe(402)
})

describe('a payment that was accepted and is never made', () => {
  /** The same, where something happens on chain between the record and the settlement. */
  async function overtaken(act: (wallet: Wallet.Wallet, nonce: Hex) => Promise<unknown>) {
    const bought = await shop.payment(Shop.chat('Talk', { stream: true }))
    const { seller } = shop.market.node
    const { settleOrFind } = seller
    vi.spyOn(seller, 'settleOrFind').mockImplementationOnce(async (payment) => {
      expect(events('accepted')).toHaveLength(1)
      await act(bought.wallet, bought.nonce)
      return settleOrFind(payment)
    })
    const response = await bought.send()
    await Shop.until(() => engine.isAborted())
    return { ...bought, response }
  }

  const expectNothing = async ({ send, wallet }: Awaited<ReturnType<typeof overtaken>>) => {
    const { code } = ((await (await send()).json()) as { error: { code: string } }).error
    expect(code).toBe('payment-required')
    await Settlement.settleOpen(shop.market.node)
    expect(['unfunded', 'funded', 'served', 'returned'].map((type) => events(type).length)).toEqual(
      [1, 0, 0, 0],
    )
    expect(await shop.market.paid(wallet.address)).toEqual([])
    expect(available(wallet)).toBe(0n)
  }

  const sender = () => shop.market.chain.sender(Wallet.fromPrivateKey(LocalChain.devKeys[8]!))
  const token = () => Asset.parts(shop.market.contracts.asset.id).address

  test('cancelled by its payer is unfunded: new terms, no word, the engine stopped', async () => {
    const come = await overtaken(async (wallet, nonce) => {
      const { chainId } = shop.market.chain
      const signature = await wallet.signTypedData({
        domain: { name: 'USD Coin', version: '2', chainId, verifyingContract: token() },
        primaryType: 'CancelAuthorization',
        types: {
          CancelAuthorization: [
            { name: 'authorizer', type: 'address' },
            { name: 'nonce', type: 'bytes32' },
          ],
        },
        message: { authorizer: wallet.address, nonce },
      })
      const args = [wallet.address, nonce, signature]
      const call = { address: token(), abi: TestDollar.abi, functionName: 'cancelAuthorization' }
      await sender().execute({ ...call, args })
    })
    expect(come.response.status).toBe(402)
    expect(events('unfunded')).toMatchObject([{ because: expect.stringContaining('cancelled') }])
    await expectNothing(come)
  })

  test('for want of money is unclear until its time is over, and unfunded then', async () => {
    const come = await overtaken(async (wallet) => {
      const { chain, contracts } = shop.market
      await sender().send({ to: wallet.address, valueWei: 10n ** 18n })
      const atoms = await chain.balanceAtoms(contracts.asset, wallet.address)
      const call = { address: token(), abi: TestDollar.abi, functionName: 'transfer' }
      const args = [sender().address, atoms]
      await chain.sender(wallet).execute({ ...call, args })
    })
    expect(come.response.status).toBe(503)
    expect(events('unfunded')).toEqual([])
    await shop.market.pass(120)
    await Settlement.settleOpen(shop.market.node)
    await expectNothing(come)
  })
})

test('a payment that was not answered is given back by a node that is up, without anybody asking', async () => {
  const { send, wallet, amountAtoms } = await shop.payment(Shop.chat('Talk', { stream: true }))
  const leaving = new AbortController()
  await send({ signal: leaving.signal })
  leaving.abort()
  await Shop.until(() => engine.isAborted() && shop.market.node.working.size === 0)
  const again = await Http.listen(shop.market.node, 0, { everyMs: 10 })
  try {
    await sleep(50)
    expect(events('returned')).toEqual([])
    await shop.market.pass(120)
    await Shop.until(() => events('returned').length === 1)
    expect(available(wallet)).toBe(amountAtoms)
  } finally {
    await again.close()
  }
})
