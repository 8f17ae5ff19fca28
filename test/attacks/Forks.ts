/** @module Attacks on the chain of receipts: a provider that tells two buyers two stories. */
import * as Hash from '../../src/kernel/Hash.ts'
import * as Equivocation from '../../src/market/Equivocation.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import type * as Attack from './Attack.ts'
import * as Corpus from './Corpus.ts'
import * as Sale from './Sale.ts'

const forks = 8

/** What was told, and what was proved of it. */
export type Told = {
  readonly proofs: readonly Equivocation.Equivocation[]
  /** Proofs made against an honest chain of receipts. */
  readonly false: number
  readonly honest: readonly Receipt.Signed[]
}

/** At each step of its chain the provider gives one buyer one receipt and another buyer another. */
export async function forked(): Promise<Attack.Measure & Told> {
  const wallet = Wallet.fromPrivateKey(Hash.text('key of the provider'))
  const { texts } = Corpus.load()
  const node = Sale.open(texts.slice(0, 8), wallet.address)
  const draw = Corpus.random(37)
  const honest: Receipt.Signed[] = []
  const stories: (readonly [Receipt.Signed, Receipt.Signed])[] = []
  for (let at = 0; at < forks; at++) {
    const answer = Corpus.passage(texts[at % 8]!.text, 80, draw)
    const told = Sale.deal(node, { answer, payer: Sale.address('alice') })
    const other: Receipt.Receipt = {
      ...told.receipt,
      payer: Sale.address('bob'),
      paymentNonce: Hash.text(`other ${at}`),
      // Every other fork hides behind another number.
      seq: told.receipt.seq + (at > 0 && at % 2 === 0 ? 1_000 : 0),
    }
    const [left, right] = [await sign(wallet, told.receipt), await sign(wallet, other)]
    honest.push(left)
    stories.push([left, right])
    Sale.settle(node, told)
  }
  const proofs = stories.flatMap(([left, right]) => prove(left, right) ?? [])
  const pairs = honest.flatMap((one, at) => honest.slice(at + 1).map((two) => [one, two] as const))
  return {
    attack: 'equivocation',
    unit: '% of forks without proof',
    ours: (100 * (forks - proofs.length)) / forks,
    bound: 0,
    naive: { rule: 'each receipt by itself', gain: 100 },
    proofs,
    false: pairs.filter(([one, two]) => prove(one, two) !== undefined).length,
    honest,
  }
}

/** A proof that anyone accepts, through the text it travels as; undefined when there is none. */
function prove(one: Receipt.Signed, two: Receipt.Signed): Equivocation.Equivocation | undefined {
  const proof = Equivocation.of(one, two)
  if (proof === undefined) return undefined
  const received = Equivocation.parse(JSON.parse(JSON.stringify(proof)))
  return Equivocation.fault(received, Wallet.verifyTypedData) === undefined ? received : undefined
}

/** A receipt with its provider's signature. */
export async function sign(
  wallet: Wallet.Wallet,
  receipt: Receipt.Receipt,
): Promise<Receipt.Signed> {
  return { receipt, signature: await wallet.signTypedData(Receipt.typedData(receipt)) }
}
