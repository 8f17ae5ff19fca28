/** @module Who trades in a simulation, on what terms: keys, contracts, documents, policies, questions. */
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type * as Hex from '../../src/kernel/Hex.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Policy from '../../src/policies/Policy.ts'
import type * as Node from '../../src/server/Node.ts'
import type * as Offer from '../../src/server/Offer.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'
import * as Shared from '../harness/Terms.ts'
import * as Disk from './Disk.ts'
import * as Rpc from './virtual/Rpc.ts'
import * as World from './World.ts'

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
export const terms: Offer.Terms = {
  card: { ...Shared.card, maxTokensIn: 32, maxTokensOut: 48 },
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

/** What is asked whose answer is told while it is made: each task asks another question. */
export const spoken = names
  .slice(1)
  .flatMap((name) => questions.map((question, step) => `${question} (${name} ${step})`))

/** A request for an answer, told or whole. */
export function body(question: string) {
  const { model } = terms.card
  const messages = [{ role: 'user', content: question }]
  return { model, messages, ...(spoken.includes(question) ? { stream: true } : {}) }
}

/** What is told, by the digest of its request. */
export const spokenBy = new Map(spoken.map((question) => [Hash.digest(body(question)), question]))

/** A party's wallet, the same in every simulation: whoever is asked to sign a payment is looked at. */
export const wallets = new Map(
  names.map((name) => {
    const wallet = Wallet.fromPrivateKey(Hash.text(`key of ${name}`))
    const signTypedData: Wallet.Wallet['signTypedData'] = (data) => {
      if (data.primaryType === 'TransferWithAuthorization')
        World.party(name).onPaymentSigned?.(
          String(data.message.nonce),
          BigInt(data.message.value as bigint),
        )
      return wallet.signTypedData(data)
    }
    return [name as string, { ...wallet, signTypedData }] as const
  }),
)

/** What a policy of these simulations says, in plain words for who checks what came of it. */
export type Terms = {
  readonly text: string
  readonly digest: Hex.Hex
  /** Most a day; and a day to one payee, and in one payment, where it says. */
  readonly capAtoms: bigint
  readonly payeeAtoms: bigint | undefined
  readonly paymentAtoms: bigint
  readonly isModelAllowed: boolean
  readonly review: Review | undefined
}

type Review = { readonly aboveAtoms: bigint; readonly withinMs: number; readonly by: string }

/** Who answers reviews. */
export const operator = 'ops'

/** Any of the policies there are: what is bought is mostly allowed, often after somebody was asked. */
export function drawTerms(
  { below, chance }: Pick<World.World, 'below' | 'chance'>,
  asked: number,
): Terms {
  const answers = [1.5, 2.5, 5][below(3)]!
  const lines = [
    `allow payees ${contracts.till}`,
    `cap ${dollars(cap(answers))} USDC per 24h`,
    'at most 30 payments per minute per agent',
  ]
  const rare = below(30)
  const payeeAtoms = rare < 3 ? cap([1.2, 2.2, 3.2][rare]!) : undefined
  const paymentAtoms = rare === 3 ? 2n : 1_000_000n
  const isModelAllowed = rare !== 4
  if (payeeAtoms !== undefined) lines.push(`cap ${dollars(payeeAtoms)} USDC per 24h per payee`)
  lines.push(`cap ${dollars(paymentAtoms)} USDC per payment`)
  lines.push(`allow models ${isModelAllowed ? terms.card.model : 'docs-writer'}`)
  const review = chance(asked) ? drawReview(below) : undefined
  if (review !== undefined) {
    const { aboveAtoms, withinMs, by } = review
    lines.push(`approve above ${dollars(aboveAtoms)} USDC within ${withinMs / 1_000}s by ${by}`)
  }
  const text = [
    'policy: desk',
    `asset: ${asset.id}`,
    'rules:',
    ...lines.map((line) => `  - ${line}`),
  ]
  const rules = { capAtoms: cap(answers), payeeAtoms, paymentAtoms, isModelAllowed, review }
  return know(text.join('\n'), rules)
}

function drawReview(below: World.World['below']): Review {
  return {
    aboveAtoms: [1n, 1n, maxAtoms / 2n, maxAtoms - 1n][below(4)]!,
    withinMs: [2_000, 6_000, 6_000, 20_000, 3_600_000][below(5)]!,
    by: below(8) === 0 ? 'treasury' : operator,
  }
}

/** What a policy says, by its digest. */
export const known = new Map<Hex.Hex, Terms>()
const texts = new Map<string, Terms>()

function know(text: string, rules: Omit<Terms, 'text' | 'digest'>): Terms {
  const found = texts.get(text)
  if (found !== undefined) return found
  const digest = Policy.digest(Policy.parse(text, { file: 'policy.yaml', assets: [asset] }))
  const made = { text, digest, ...rules }
  texts.set(text, made)
  known.set(digest, made)
  return made
}

function cap(answers: number): bigint {
  return (maxAtoms * BigInt(Math.round(answers * 10))) / 10n
}

function dollars(atoms: bigint): string {
  const digits = String(atoms).padStart(7, '0')
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`
}

/** A seller's disk after its first start: every simulation begins with a copy. */
export const firstDisk = Disk.create('seller')
