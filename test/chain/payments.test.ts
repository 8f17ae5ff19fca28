import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as BlockHeader from '../../src/wallets/BlockHeader.ts'
import * as Chain from '../../src/wallets/Chain.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import * as Seller from '../../src/wallets/x402/Seller.ts'
import * as Setup from './Setup.ts'

let setup: Setup.Setup
beforeAll(async () => {
  setup = await Setup.open()
})
afterAll(() => setup.local.stop())

const balance = () => setup.chain.balanceAtoms(setup.asset, setup.payTo)

describe('a payment', () => {
  test('goes through header, verify and settle, and is proven by its evidence', async () => {
    const before = await balance()
    const { header, requirements, payment } = await Setup.signed(setup, { amountAtoms: 1234n })
    const decoded = Seller.decodePayment(header)
    if (!decoded.ok) throw new Error(decoded.because)
    expect(await setup.seller.verify(decoded.payload, requirements)).toEqual({
      ok: true,
      payer: setup.payer.address,
      nonce: payment.nonce,
    })
    expect(await setup.seller.lookUp(payment)).toMatchObject({ kind: 'unused' })
    const found = await setup.seller.settleOrFind({ payload: decoded.payload, payment })
    if (found.kind !== 'paid') throw new Error(found.because)
    expect((await balance()) - before).toBe(1234n)
    const { evidence } = found
    expect(evidence.logs).toHaveLength(2)
    expect(JSON.parse(JSON.stringify(evidence))).toEqual(evidence)
    expect(PaymentEvidence.check(evidence, payment)).toEqual({ ok: true })
    const header1 = BlockHeader.decode(evidence.header!)
    expect(header1).toMatchObject({ hash: evidence.blockHash, number: evidence.blockNumber })
    expect(header1?.timestampSec).toBe(evidence.timestampSec)
  })

  test('evidence proves this payment and no other', async () => {
    const { payload, payment } = await Setup.signed(setup)
    const found = await setup.seller.settleOrFind({ payload })
    if (found.kind !== 'paid') throw new Error(found.because)
    const { evidence } = found
    const refused = [
      PaymentEvidence.check(evidence, { ...payment, valueAtoms: 999n }),
      PaymentEvidence.check(evidence, { ...payment, payTo: setup.stranger.address }),
      PaymentEvidence.check(evidence, { ...payment, payer: setup.stranger.address }),
      PaymentEvidence.check(evidence, { ...payment, nonce: Setup.freshNonce() }),
      PaymentEvidence.check({ ...evidence, status: 'reverted' }, payment),
      PaymentEvidence.check({ ...evidence, chainId: 1 }, payment),
      PaymentEvidence.check({ ...evidence, logs: evidence.logs.slice(1) }, payment),
      PaymentEvidence.check({ ...evidence, timestampSec: evidence.timestampSec + 1 }, payment),
      PaymentEvidence.check({ ...evidence, blockHash: payment.nonce }, payment),
    ]
    expect(refused.filter((result) => result.ok)).toEqual([])
    expect(PaymentEvidence.check(evidence, payment)).toEqual({ ok: true })
  })

  test('twenty at once are each paid once', async () => {
    const before = await balance()
    const payments = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        Setup.signed(setup, { amountAtoms: BigInt(100 + index) }),
      ),
    )
    const found = await Promise.all(
      payments.map(({ payload }) => setup.seller.settleOrFind({ payload })),
    )
    expect(found.map(({ kind }) => kind)).toEqual(Array(20).fill('paid'))
    const txs = found.map((each) => (each.kind === 'paid' ? each.evidence.tx : ''))
    expect(new Set(txs).size).toBe(20)
    expect((await balance()) - before).toBe(20n * 100n + 190n)
  })

  test('asked five times at once, one seller sends one transaction; asked again, none', async () => {
    const counts = { eth_sendRawTransaction: 0, eth_estimateGas: 0 }
    const node = await Setup.faulty(setup.local.rpcUrl, (method) => {
      if (Object.hasOwn(counts, method)) counts[method as keyof typeof counts] += 1
      return 'none'
    })
    try {
      const chain = await Chain.open({ rpcUrl: node.rpcUrl, chainId: 31337 })
      const seller = Seller.open({ ...setup.sellerOptions, chain })
      const { payload } = await Setup.signed(setup)
      const ask = () => seller.settleOrFind({ payload })
      const found = await Promise.all(Array.from({ length: 5 }, ask))
      expect(found.map(({ kind }) => kind)).toEqual(Array(5).fill('paid'))
      expect(await ask()).toEqual(found[0])
      expect(counts).toEqual({ eth_sendRawTransaction: 1, eth_estimateGas: 1 })
    } finally {
      await node.close()
    }
  })

  test('settled five times at once by two sellers, it is paid once', async () => {
    const before = await balance()
    const { payload } = await Setup.signed(setup)
    const other = Seller.open({ ...setup.sellerOptions, wallet: setup.stranger })
    const found = await Promise.all(
      [setup.seller, setup.seller, setup.seller, other, other].map((seller) =>
        seller.settleOrFind({ payload }),
      ),
    )
    const txs = found.map((each) => (each.kind === 'paid' ? each.evidence.tx : each.because))
    expect(new Set(txs).size).toBe(1)
    expect((await balance()) - before).toBe(1000n)
  })
})

describe('look before you pay', () => {
  test('a settlement that landed although the caller saw an error is found, not repeated', async () => {
    const before = await balance()
    let lost = 0
    const node = await Setup.faulty(setup.local.rpcUrl, (method) => {
      if (method !== 'eth_sendRawTransaction') return 'none'
      lost += 1
      return 'lose-answer'
    })
    try {
      const chain = await Chain.open({ rpcUrl: node.rpcUrl, chainId: 31337 })
      const seller = Seller.open({ ...setup.sellerOptions, chain })
      const { payload, payment, requirements } = await Setup.signed(setup)
      await seller.settle(payload, requirements)
      expect(lost).toBeGreaterThan(0)
      const found = await seller.settleOrFind({ payload, payment })
      expect(found.kind).toBe('paid')
      expect((await balance()) - before).toBe(1000n)
    } finally {
      await node.close()
    }
  })

  test('a node that falls silent for good leaves the payment unknown, then found', async () => {
    const before = await balance()
    let silent = false
    const node = await Setup.faulty(setup.local.rpcUrl, (method) => {
      if (silent) return 'lose-request'
      if (method !== 'eth_sendRawTransaction') return 'none'
      silent = true
      return 'lose-answer'
    })
    try {
      const chain = await Chain.open({ rpcUrl: node.rpcUrl, chainId: 31337 })
      const seller = Seller.open({ ...setup.sellerOptions, chain, wallet: setup.stranger })
      const { payload } = await Setup.signed(setup)
      await expect(seller.settleOrFind({ payload })).rejects.toMatchObject({
        code: 'settlement-unknown',
        retry: 'unknown',
      })
      await expect(seller.settleOrFind({ payload })).rejects.toMatchObject({
        code: 'chain-unreachable',
        retry: 'safe',
      })
      expect(silent).toBe(true)
      const found = await setup.seller.settleOrFind({ payload })
      expect(found.kind).toBe('paid')
      expect((await balance()) - before).toBe(1000n)
    } finally {
      await node.close()
    }
  })

  test('submitted by a stranger first: found as paid', async () => {
    const before = await balance()
    const { payload, requirements } = await Setup.signed(setup)
    const { tx } = await Setup.submit(setup, setup.stranger, payload)
    const found = await setup.seller.settleOrFind({ payload })
    expect(found).toMatchObject({ kind: 'paid', evidence: { tx } })
    expect(await setup.seller.settle(payload, requirements)).toMatchObject({
      kind: 'failed',
      retry: 'unknown',
    })
    expect(await setup.seller.verify(payload, requirements)).toMatchObject({
      ok: false,
      code: 'nonce-used',
    })
    expect((await balance()) - before).toBe(1000n)
  })

  test('nonce spent elsewhere: another transfer under the same nonce', async () => {
    const before = await balance()
    const { payload, payment, requirements } = await Setup.signed(setup)
    const elsewhere = {
      ...setup,
      payTo: setup.stranger.address,
      seller: Seller.open({ ...setup.sellerOptions, payTo: setup.stranger.address }),
    }
    const other = await Setup.signed(elsewhere, { nonce: payment.nonce })
    const { tx } = await Setup.submit(setup, setup.stranger, other.payload)
    expect(await setup.chain.lookUpPayment(payment)).toEqual({ kind: 'elsewhere', tx })
    expect(await setup.chain.lookUpPayment(other.payment)).toMatchObject({ kind: 'paid' })
    expect(await setup.seller.settleOrFind({ payload })).toMatchObject({
      kind: 'unpaid',
      how: 'elsewhere',
      because: expect.stringContaining(tx),
    })
    expect(await setup.seller.verify(payload, requirements)).toMatchObject({ code: 'nonce-used' })
    expect(await balance()).toBe(before)
  })

  test('nonce cancelled by the payer', async () => {
    const before = await balance()
    const { payload, payment } = await Setup.signed(setup)
    const signature = await setup.payer.signTypedData({
      domain: {
        name: 'USD Coin',
        version: '2',
        chainId: 31337,
        verifyingContract: setup.token,
      },
      primaryType: 'CancelAuthorization',
      types: {
        CancelAuthorization: [
          { name: 'authorizer', type: 'address' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      message: { authorizer: setup.payer.address, nonce: payment.nonce },
    })
    const { tx } = await setup.chain.sender(setup.stranger).execute({
      address: setup.token,
      abi: Setup.abi,
      functionName: 'cancelAuthorization',
      args: [setup.payer.address, payment.nonce, signature],
    })
    expect(await setup.chain.lookUpPayment(payment)).toEqual({ kind: 'cancelled', tx })
    expect(await setup.seller.settleOrFind({ payload })).toMatchObject({
      kind: 'unpaid',
      how: 'cancelled',
    })
    expect(await balance()).toBe(before)
  })

  test('pending until it has the confirmations asked for', async () => {
    const { payload, payment } = await Setup.signed(setup)
    const cautious = Seller.open({ ...setup.sellerOptions, lookUp: { confirmations: 3 } })
    const first = await cautious.settleOrFind({ payload })
    expect(first).toMatchObject({ kind: 'unclear', tx: expect.stringMatching(/^0x/) })
    const lookUp = () => setup.chain.lookUpPayment(payment, { confirmations: 3 })
    expect(await lookUp()).toMatchObject({ kind: 'pending', would: 'paid' })
    expect(await setup.chain.lookUpPayment(payment)).toMatchObject({ kind: 'paid' })
    await setup.local.mine()
    expect(await lookUp()).toMatchObject({ kind: 'pending', would: 'paid' })
    await setup.local.mine()
    expect(await lookUp()).toMatchObject({ kind: 'paid' })
    expect(await cautious.settleOrFind({ payload })).toMatchObject({ kind: 'paid' })
  })

  test('logs are searched in windows, from the newest back', async () => {
    const { payload, payment } = await Setup.signed(setup)
    const found = await setup.seller.settleOrFind({ payload })
    if (found.kind !== 'paid') throw new Error(found.because)
    await setup.local.mine({ blocks: 11 })
    const { rpcUrl, chainId } = setup.local
    const open = (logRange: number) => Chain.open({ rpcUrl, chainId, logRange })
    for (const logRange of [1, 2, 3, 4, 5, 100])
      expect(await (await open(logRange)).lookUpPayment(payment)).toMatchObject({ kind: 'paid' })
    const narrow = await open(3)
    const late = { fromBlock: found.evidence.blockNumber + 1 }
    await expect(narrow.lookUpPayment(payment, late)).rejects.toMatchObject({
      code: 'payment-log-missing',
      retry: 'safe',
    })
  })
})

describe('expiry', () => {
  test('an unpaid payment is expired by the time of a final block alone', async () => {
    const beforeSec = (await Setup.chainSec(setup)) + 60
    const { payload, payment, requirements } = await Setup.signed(setup, {
      validBeforeSec: beforeSec,
    })
    const lookUp = (confirmations: number) => setup.chain.lookUpPayment(payment, { confirmations })
    const clock = () => (beforeSec + 3600) * 1000
    const late = Seller.open({ ...setup.sellerOptions, now: clock })
    expect(await late.verify(payload, requirements)).toMatchObject({ ok: false, code: 'expired' })
    expect(PaymentEvidence.expired(await lookUp(1), beforeSec)).toBe(false)
    expect(await late.settleOrFind({ payload })).toMatchObject({ kind: 'unclear' })
    await setup.local.mine({ aheadSec: 120 })
    expect(PaymentEvidence.expired(await lookUp(2), beforeSec)).toBe(false)
    expect(PaymentEvidence.expired(await lookUp(1), beforeSec)).toBe(true)
    expect(await late.settleOrFind({ payload })).toMatchObject({ kind: 'unpaid', how: 'expired' })
    await expect(Setup.submit(setup, setup.stranger, payload)).rejects.toMatchObject({
      code: 'reverted',
      message: expect.stringContaining('ERC3009InvalidAuthorizationTime'),
    })
  })
})
