import { describe, expect, test } from 'vitest'
import { InputError } from '../kernel/Errors.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Equivocation from './Equivocation.ts'
import * as Receipt from './Receipt.ts'

const address = (digit: string) => `0x${digit.repeat(40)}` as const
const hash = (text: string) => Hash.text(text)
const genesis = `0x${'0'.repeat(64)}` as const

const receipt: Receipt.Receipt = {
  v: 1,
  ...{ provider: address('a'), payer: address('b') },
  device: { class: 'cpu', count: 1, tier: 'claimed' },
  ...{ model: 'docs-reader', cardHash: hash('card') },
  tokens: { in: 1, cached: 0, out: 1 },
  bytes: { in: 1, out: 1 },
  ...{ stdUs: '1', computeMs: 1, wallMs: 1, queueMs: 0, meter: 'engine', basis: 'wall' },
  ...{ promptCommitment: hash('prompt'), outputCommitment: hash('output') },
  influence: {
    ...{ method: 'spans/priority-cover', version: 1, recomputable: true },
    ...{ indexRoot: hash('index'), evidenceDigest: hash('evidence') },
    ...{ entries: [], coveragePpb: '0' },
  },
  money: {
    asset: { id: `eip155:31337/erc20:${address('c')}`, decimals: 6, symbol: 'USDC' },
    quoteHash: hash('quote'),
    ...{ executionNano: '1', influenceNano: '0', premiumNano: '0', feeNano: '0', gasNano: '0' },
    ...{ roundingNano: '0', chargedAtoms: '1', paidAtoms: '1', changeAtoms: '0' },
  },
  ...{ paymentNonce: hash('nonce'), requestDigest: hash('request'), consumed: [], feedback: [] },
  ...{ seq: 7, prevHash: hash('previous'), issuedAtMs: 1 },
}

/** Signed by writing the receipt's name into the signature: enough to tell whose it is. */
function sign(body: Receipt.Receipt): Receipt.Signed {
  return { receipt: body, signature: `${Receipt.hash(body)}${'1b'.repeat(33)}` }
}
const verify: Equivocation.VerifySignature = ({ data, signature }) =>
  signature.startsWith(String(data.message.digest))

const first = sign(receipt)
const change = (parts: Partial<Receipt.Receipt>) => sign({ ...receipt, ...parts })
const other = { payer: address('d') } as const

describe('two receipts of one provider', () => {
  test.each<[string, Receipt.Signed, Equivocation.Conflict | undefined]>([
    ['with one seq', change(other), 'same-seq'],
    ['with one seq after others', change({ prevHash: hash('x') }), 'same-seq'],
    ['after the same receipt', change({ seq: 8 }), 'same-previous'],
    [
      'after the same receipt, on a device by another name',
      change({ device: { ...receipt.device, class: 'gpu' } }),
      'same-previous',
    ],
    [
      'with one seq on a device said to be more',
      change({ prevHash: hash('x'), device: { class: 'cpu', count: 2, tier: 'attested' } }),
      'same-seq',
    ],
    ['that are the same', first, undefined],
    ['one after the other', change({ seq: 8, prevHash: Receipt.hash(receipt) }), undefined],
    [
      'of two devices',
      change({ prevHash: hash('x'), device: { ...receipt.device, class: 'gpu' } }),
      undefined,
    ],
    ['of two providers', change({ ...other, provider: address('e') }), undefined],
    [
      'in two assets, of which each has a log',
      change({
        money: {
          ...receipt.money,
          asset: { ...receipt.money.asset, id: `eip155:1/erc20:${address('c')}` },
        },
      }),
      undefined,
    ],
  ])('%s', (_, second, expected) => {
    expect(Equivocation.conflict(first.receipt, second.receipt)).toBe(expected)
    const proof = Equivocation.of(first, second)
    expect(proof === undefined).toBe(expected === undefined)
    expect(Equivocation.of(second, first)).toEqual(proof)
    if (proof === undefined) return
    expect(Equivocation.fault(proof, verify)).toBeUndefined()
    expect(Equivocation.parse(JSON.parse(JSON.stringify(proof)))).toEqual(proof)
  })

  test('the first receipts of two devices follow nothing, and that is no conflict', () => {
    const start = { ...receipt, seq: 0, prevHash: genesis }
    const gpu = { ...start, device: { ...receipt.device, class: 'gpu' } }
    expect(Equivocation.conflict(start, gpu)).toBeUndefined()
    expect(Equivocation.conflict(start, { ...start, ...other })).toBe('same-seq')
  })
})

describe('a proof', () => {
  const proof = Equivocation.of(first, change(other))!

  test('falls with either signature, with order, and without conflict', () => {
    const forged = sign({ ...receipt, payer: address('e') }).signature
    for (const side of ['left', 'right'] as const) {
      const bad = { ...proof, [side]: { ...proof[side], signature: forged } }
      expect(Equivocation.fault(bad, verify)).toMatch(/did not sign/)
    }
    const { left, right } = proof
    expect(Equivocation.fault({ v: 1, left: right, right: left }, verify)).toMatch(/order/)
    expect(Equivocation.fault({ v: 1, left, right: left }, verify)).toMatch(/may stand/)
  })

  test('has one name per pair of stories', () => {
    const resigned = {
      ...proof,
      left: { ...proof.left, signature: `0x${'22'.repeat(65)}` as const },
    }
    expect(Equivocation.hash(resigned)).toBe(Equivocation.hash(proof))
    const another = Equivocation.of(first, change({ payer: address('e') }))!
    expect(Equivocation.hash(another)).not.toBe(Equivocation.hash(proof))
  })

  test.each([
    ['nothing', undefined],
    ['one receipt', { v: 1, left: first }],
    ['another version', { ...proof, v: 2 }],
    ['more than two receipts', { ...proof, third: first }],
    ['a receipt that is none', { ...proof, right: { ...first, receipt: { ...receipt, seq: -1 } } }],
  ])('is not read from %s', (_, value) => {
    expect(() => Equivocation.parse(value)).toThrow(InputError)
  })
})
