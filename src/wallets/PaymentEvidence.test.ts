import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Hex } from '../kernel/Hex.ts'
import * as KernelHex from '../kernel/Hex.ts'
import * as BlockHeader from './BlockHeader.ts'
import * as PaymentEvidence from './PaymentEvidence.ts'

const token = `0x${'ab'.repeat(20)}` as Hex
const payer = `0x${'01'.repeat(20)}` as Hex
const payTo = `0x${'02'.repeat(20)}` as Hex
const other = `0x${'03'.repeat(20)}` as Hex
const nonce = `0x${'0c'.repeat(32)}` as Hex
const otherNonce = `0x${'0d'.repeat(32)}` as Hex
const payment: PaymentEvidence.Payment = {
  asset: { id: `eip155:31337/erc20:${token}`, decimals: 6, symbol: 'USDC' },
  payer,
  nonce,
  payTo,
  valueAtoms: 500n,
}

type Draft = Omit<PaymentEvidence.Log, 'index'>
const { addressTopic, usedTopic, cancelledTopic, transferTopic } = PaymentEvidence
const used = (by: Hex, under: Hex, address = token): Draft => ({
  address,
  topics: [usedTopic, addressTopic(by), under],
  data: '0x',
})
const transfer = (from: Hex, to: Hex, atoms: bigint, address = token): Draft => ({
  address,
  topics: [transferTopic, addressTopic(from), addressTopic(to)],
  data: KernelHex.word(atoms),
})
const numbered = (drafts: readonly Draft[]) => drafts.map((log, index) => ({ ...log, index }))

test('topics are those of the standards', () => {
  expect(usedTopic).toBe('0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5')
  expect(cancelledTopic).toBe('0x1cdd46ff242716cdaa72d159d339a485b3438398348d68f09d7c8c0a59353d81')
  expect(transferTopic).toBe('0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef')
})

describe('which logs prove a payment', () => {
  test.each<[string, boolean, Draft[]]>([
    ['used, then transferred', true, [used(payer, nonce), transfer(payer, payTo, 500n)]],
    [
      'among others of the transaction',
      true,
      [
        transfer(other, payTo, 500n),
        used(payer, nonce),
        transfer(other, other, 1n, other),
        transfer(payer, payTo, 500n),
        transfer(payer, other, 9n),
      ],
    ],
    ['nothing', false, []],
    ['the nonce used alone', false, [used(payer, nonce)]],
    ['a transfer alone', false, [transfer(payer, payTo, 500n)]],
    ['the transfer before', false, [transfer(payer, payTo, 500n), used(payer, nonce)]],
    ['another amount', false, [used(payer, nonce), transfer(payer, payTo, 499n)]],
    ['more than asked', false, [used(payer, nonce), transfer(payer, payTo, 501n)]],
    ['another payee', false, [used(payer, nonce), transfer(payer, other, 500n)]],
    ['from another', false, [used(payer, nonce), transfer(other, payTo, 500n)]],
    ['another payer’s nonce', false, [used(other, nonce), transfer(payer, payTo, 500n)]],
    ['another nonce', false, [used(payer, otherNonce), transfer(payer, payTo, 500n)]],
    ['another token', false, [used(payer, nonce, other), transfer(payer, payTo, 500n, other)]],
    ['another token’s transfer', false, [used(payer, nonce), transfer(payer, payTo, 500n, other)]],
    [
      'cancelled, and a transfer beside',
      false,
      [
        { ...used(payer, nonce), topics: [cancelledTopic, addressTopic(payer), nonce] },
        transfer(payer, payTo, 500n),
      ],
    ],
    [
      'one transfer for two authorisations: it belongs to the later one',
      false,
      [
        used(payer, nonce),
        transfer(payer, payer, 500n),
        used(payer, otherNonce),
        transfer(payer, payTo, 500n),
      ],
    ],
  ])('%s: %s', (_, proves, drafts) => {
    const proof = PaymentEvidence.pair(numbered(drafts), payment)
    expect(proof !== undefined).toBe(proves)
    if (proof === undefined) return
    expect(proof[0]?.topics[0]).toBe(usedTopic)
    expect(proof.at(-1)?.topics[0]).toBe(transferTopic)
  })

  test('each transfer proves at most one authorisation, however they are ordered', () => {
    const nonces = Array.from({ length: 4 }, (_, index) => KernelHex.word(BigInt(index + 1)))
    const log = fc.oneof(
      fc.constantFrom(...nonces).map((under) => used(payer, under)),
      fc.constantFrom(payTo, other).map((to) => transfer(payer, to, 500n)),
    )
    let proven = 0
    fc.assert(
      fc.property(fc.array(log, { maxLength: 12 }), (drafts) => {
        const logs = numbered(drafts)
        const proofs = nonces
          .map((under) => PaymentEvidence.pair(logs, { ...payment, nonce: under }))
          .filter((proof) => proof !== undefined)
        const paid = logs.filter(({ topics }) => topics[2] === addressTopic(payTo)).length
        proven += proofs.length
        const spent = new Set(proofs.map((proof) => proof.at(-1)?.index))
        return spent.size === proofs.length && proofs.length <= paid
      }),
      { numRuns: 500 },
    )
    expect(proven).toBeGreaterThan(20)
  })
})

describe('evidence on file', () => {
  const logs = numbered([used(payer, nonce), transfer(payer, payTo, 500n)])
  const evidence: PaymentEvidence.Evidence = {
    chainId: 31337,
    tx: `0x${'aa'.repeat(32)}`,
    blockHash: `0x${'bb'.repeat(32)}`,
    blockNumber: 7,
    timestampSec: 1_700_000_000,
    status: 'success',
    logs,
  }

  test('passes, and says of each defect what was expected', () => {
    expect(PaymentEvidence.check(evidence, payment)).toEqual({ ok: true })
    const gap = logs.map((log) => ({ ...log, index: log.index * 2 }))
    const because = [
      PaymentEvidence.check({ ...evidence, chainId: 1 }, payment),
      PaymentEvidence.check({ ...evidence, status: 'reverted' }, payment),
      PaymentEvidence.check({ ...evidence, logs: gap }, payment),
      PaymentEvidence.check({ ...evidence, logs: [] }, payment),
      PaymentEvidence.check(evidence, { ...payment, valueAtoms: 5n }),
      PaymentEvidence.check({ ...evidence, header: '0xc0' }, payment),
      PaymentEvidence.check({ ...evidence, tx: '0x12' }, payment),
    ].map((result) => (result.ok ? 'ok' : result.because))
    expect(because.map((text) => text.slice(0, 40))).toMatchInlineSnapshot(`
      [
        "expected evidence from chain 31337, got ",
        "expected a successful transaction, got r",
        "expected consecutive logs, none left out",
        "expected consecutive logs, none left out",
        "expected AuthorizationUsed(0x01010101010",
        "expected a block header in RLP",
        "expected hashes of transaction and block",
      ]
    `)
  })
})

describe('expiry', () => {
  test.each<[PaymentEvidence.Outcome, boolean]>([
    [{ kind: 'unused', finalTimestampSec: 99 }, false],
    [{ kind: 'unused', finalTimestampSec: 100 }, true],
    [{ kind: 'pending', tx: nonce, would: 'paid' }, false],
    [{ kind: 'cancelled', tx: nonce }, false],
  ])('%j until 100: %s', (outcome, expected) => {
    expect(PaymentEvidence.expired(outcome, 100)).toBe(expected)
  })
})

describe('block headers', () => {
  test('nonsense is no header, and never an error', () => {
    for (const text of [
      '',
      '0x',
      '0xc0',
      '0xff',
      '0xf8ff',
      '0xb90fff',
      `0xf9ffff${'00'.repeat(9)}`,
    ])
      expect(BlockHeader.decode(text)).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        BlockHeader.decode(KernelHex.encode(bytes))
        return true
      }),
    )
  })
})
