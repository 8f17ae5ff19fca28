import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as LocalChain from '../../src/wallets/LocalChain.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Setup from './Setup.ts'

let local: LocalChain.LocalChain
beforeAll(async () => {
  local = await LocalChain.start()
})
afterAll(() => local.stop())

const to = `0x${'5e'.repeat(20)}` as Hex
const key = (index: number) => Wallet.fromPrivateKey(LocalChain.devKeys[index]!)
const gas = 21_000n

/** What the node itself answers. */
async function rpc(method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(local.rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as { result?: unknown; error?: unknown }
  if (error !== undefined) throw new Error(JSON.stringify(error))
  return result
}

/** A chain whose node fails for some of the transactions it is handed: the nth that differs, from 0. */
async function failing(fault: (nth: number) => Setup.Fault) {
  const seen: unknown[] = []
  const faults: Setup.Fault[] = []
  const node = await Setup.faulty(local.rpcUrl, (method, [raw]) => {
    if (method !== 'eth_sendRawTransaction') return 'none'
    if (!seen.includes(raw)) seen.push(raw)
    const kind = fault(seen.indexOf(raw))
    faults.push(kind)
    return kind
  })
  const chain = await Chain.open({ rpcUrl: node.rpcUrl, chainId: local.chainId })
  return { chain, faults, close: node.close }
}

describe('many transactions of one wallet at once', () => {
  test('fifty take fifty nonces, none twice', async () => {
    const chain = await Chain.open(local)
    const sender = chain.sender(key(1))
    expect(chain.sender(key(1))).toBe(sender)
    const before = await chain.balanceWei(to)
    const txs = await Promise.all(
      Array.from({ length: 50 }, () => sender.send({ to, valueWei: 1n, gas })),
    )
    const receipts = await Promise.all(txs.map((tx) => sender.wait(tx)))
    expect(new Set(txs).size).toBe(50)
    expect(receipts.every(({ status }) => status === 'success')).toBe(true)
    expect((await chain.balanceWei(to)) - before).toBe(50n)
  })

  test('one that never reached the node leaves no gap: the later ones go through', async () => {
    const { chain, faults, close } = await failing((nth) => (nth === 0 ? 'lose-request' : 'none'))
    try {
      const sender = chain.sender(key(2))
      const before = await chain.balanceWei(to)
      const sent = await Promise.allSettled([
        sender.send({ to, valueWei: 1n, gas }),
        new Promise((resolve) => setTimeout(resolve, 10)).then(() =>
          sender.send({ to, valueWei: 10n, gas }),
        ),
      ])
      const [lost, taken] = sent
      expect(lost.status).toBe('rejected')
      expect(lost).toMatchObject({ reason: { code: 'chain-unreachable', retry: 'unknown' } })
      if (taken.status === 'rejected') throw taken.reason
      expect((await sender.wait(taken.value as Hex, { timeoutMs: 10_000 })).status).toBe('success')
      expect((await chain.balanceWei(to)) - before).toBe(10n)
      expect(faults.filter((kind) => kind === 'lose-request').length).toBeGreaterThanOrEqual(1)
    } finally {
      await close()
    }
  })

  test('one that landed although its answer was lost is not sent again', async () => {
    const { chain, faults, close } = await failing((nth) => (nth === 0 ? 'lose-answer' : 'none'))
    try {
      const sender = chain.sender(key(3))
      const before = await chain.balanceWei(to)
      const tx = await sender.send({ to, valueWei: 5n, gas })
      expect((await sender.wait(tx)).status).toBe('success')
      expect((await sender.wait(await sender.send({ to, valueWei: 7n, gas }))).status).toBe(
        'success',
      )
      expect((await chain.balanceWei(to)) - before).toBe(12n)
      expect(faults).toContain('lose-answer')
    } finally {
      await close()
    }
  })

  test('a refused transaction gives its nonce back, and names the reason', async () => {
    const chain = await Chain.open(local)
    const sender = chain.sender(key(4))
    const tooMuch = 10n ** 30n
    await expect(sender.send({ to, valueWei: tooMuch, gas })).rejects.toMatchObject({
      code: 'chain-refused',
      message: expect.stringMatching(/insufficient funds/i),
    })
    const tx = await sender.send({ to, valueWei: 1n, gas })
    expect((await sender.wait(tx)).status).toBe('success')
  })

  test('nonces used by another process of the same key are skipped', async () => {
    const ours = (await Chain.open(local)).sender(key(5))
    const theirs = (await Chain.open(local)).sender(key(5))
    await ours.wait(await ours.send({ to, valueWei: 1n, gas }))
    for (let count = 0; count < 12; count++)
      await theirs.wait(await theirs.send({ to, valueWei: 1n, gas }))
    const tx = await ours.send({ to, valueWei: 1n, gas })
    expect((await ours.wait(tx)).status).toBe('success')
  })

  test('one whose block was replaced is sent again: the later ones go through', async () => {
    const sender = (await Chain.open(local)).sender(key(7))
    const gone = await sender.send({ to, valueWei: 3n, gas })
    const { blockNumber } = await sender.wait(gone)
    expect(await rpc('anvil_rollback', [1])).toBe(null)
    expect(await rpc('eth_getTransactionReceipt', [gone])).toBe(null)
    const later = await sender.send({ to, valueWei: 4n, gas })
    expect((await sender.wait(later, { timeoutMs: 10_000 })).status).toBe('success')
    const again = await sender.wait(gone, { timeoutMs: 10_000 })
    expect(again.status).toBe('success')
    expect(again.blockNumber).toBeGreaterThanOrEqual(blockNumber)
    expect(await rpc('eth_getTransactionCount', [sender.address, 'latest'])).toBe('0x2')
  })

  test('one of another process whose block was replaced is filled with nothing', async () => {
    const theirs = (await Chain.open(local)).sender(key(8))
    const ours = (await Chain.open(local)).sender(key(8))
    const before = await (await Chain.open(local)).balanceWei(to)
    await theirs.wait(await theirs.send({ to, valueWei: 100n, gas }))
    const blocked = await ours.send({ to, valueWei: 10n, gas })
    await ours.wait(blocked)
    expect(await rpc('anvil_rollback', [2])).toBe(null)
    const later = await ours.send({ to, valueWei: 1n, gas })
    expect((await ours.wait(later, { timeoutMs: 10_000 })).status).toBe('success')
    expect((await ours.wait(blocked, { timeoutMs: 10_000 })).status).toBe('success')
    expect((await (await Chain.open(local)).balanceWei(to)) - before).toBe(11n)
  })

  test('a transaction that is in no block in time is unknown, not failed', async () => {
    const sender = (await Chain.open(local)).sender(key(6))
    const never = `0x${'77'.repeat(32)}` as Hex
    await expect(sender.wait(never, { timeoutMs: 60 })).rejects.toMatchObject({
      code: 'transaction-unconfirmed',
      retry: 'unknown',
    })
  })
})
