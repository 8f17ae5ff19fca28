/** @module Who trades in a simulation, on what terms: keys, contracts, documents, policies, questions. */
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Policy from '../../src/policies/Policy.ts'
import type * as Node from '../../src/server/Node.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Disk from './Disk.ts'
import * as Rpc from './virtual/Rpc.ts'

/** When every simulation begins. */
export const startMs = 1_700_000_000_000

/** The test dollar. */
export const asset = Asset.from({
  id: `eip155:${Rpc.chainId}/erc20:${Rpc.token}`,
  decimals: 6,
  symbol: 'USDC',
})

/** What both sides know of the chain. */
export const contracts: Node.Contracts = {
  asset,
  vault: `0x${'72'.repeat(20)}`,
  till: `0x${'71'.repeat(20)}`,
  scale: 1n,
  tokenName: 'USD Coin',
  tokenVersion: '2',
  windowS: 0,
  local: true,
}

/** What is sold. */
export const terms: Node.Terms = {
  card: {
    v: 1,
    model: 'docs-reader',
    kind: 'extractive',
    tokenizer: 'words@1',
    stdUsPerTokenIn: 50,
    stdUsPerTokenCached: 10,
    stdUsPerTokenOut: 50,
    maxTokensIn: 32,
    maxTokensOut: 48,
    lineagePpb: '0',
    datanet: 'docs',
  },
  rates: {
    executionNanoPerStdUs: '20000000',
    influenceNanoPerStdUs: '60000000',
    premiumPpb: '100000000',
    qualityPpb: '500000000',
    feePpb: '50000000',
    gasNano: '200000000',
  },
  coveragePromisedPpb: '0',
  disputeWindowMs: 0,
  quoteTtlMs: 20_000,
  device: { class: 'cpu', count: 1, tier: 'claimed' },
}

/** The most that one answer costs, in atoms. */
export const maxAtoms = Quote.maximum(terms.card, Quote.rates(terms))

/** Documents the seller answers from. */
export const documents = [
  {
    path: 'tides/README.md',
    owner: 'npm:tides',
    package: 'tides',
    text: '# Tides\n\nHigh water comes about fifty minutes later each day, because the moon moves on.\n',
  },
  {
    path: 'bees/README.md',
    owner: 'npm:bees',
    package: 'bees',
    text: '# Bees\n\nA forager tells her sisters where the clover stands by dancing in the dark.\n',
  },
]

/** What buyers ask. */
export const questions = [
  'When does high water come?',
  'How do bees tell where the clover stands?',
  'Why is high water later each day?',
]

/** Names of parties: the first sells. */
export const names = ['seller', 'desk', 'scout'] as const

/** A party's wallet, the same in every simulation. */
export const wallets = new Map(
  names.map((name) => [name as string, Wallet.fromPrivateKey(Hash.text(`key of ${name}`))]),
)

/** A policy under which so many answers may be bought a day, at their dearest. */
export function policy(answers: number): Policy.Policy {
  const known = policies.get(answers)
  if (known !== undefined) return known
  const cap = String((maxAtoms * BigInt(Math.round(answers * 10))) / 10n).padStart(7, '0')
  const text = [
    'policy: desk',
    `asset: ${asset.id}`,
    'rules:',
    `  - allow payees ${contracts.till}`,
    `  - allow models ${terms.card.model}`,
    '  - cap 1 USDC per payment',
    `  - cap ${cap.slice(0, -6)}.${cap.slice(-6)} USDC per 24h`,
    '  - at most 30 payments per minute per agent',
  ].join('\n')
  const parsed = Policy.parse(text, { file: 'policy.yaml', assets: [asset] })
  policies.set(answers, parsed)
  return parsed
}

const policies = new Map<number, Policy.Policy>()

/** The cap of {@link policy}, in atoms. */
export function capAtoms(answers: number): bigint {
  return (maxAtoms * BigInt(Math.round(answers * 10))) / 10n
}

/** A seller's disk after its first start: every simulation begins with a copy. */
export const firstDisk = Disk.create('seller')
