/**
 * @module A seller and a buyer in memory: scripted, but every figure comes from the real market, policies,
 * attribution, datanets and royalties, every signature from a real key, every record through the fold. The
 * chain is on paper (`Block.ts`), time is a counter. For tests of whatever reads logs.
 */
import * as AgentMachine from '../../src/agents/AgentMachine.ts'
import * as Purchase from '../../src/agents/Purchase.ts'
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'
import * as Contribution from '../../src/datanets/Contribution.ts'
import * as Datanet from '../../src/datanets/Datanet.ts'
import * as Version from '../../src/datanets/Version.ts'
import type * as Audit from '../../src/economy/Audit.ts'
import * as Economy from '../../src/economy/Economy.ts'
import * as Event from '../../src/economy/Event.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type * as Hex from '../../src/kernel/Hex.ts'
import type * as Card from '../../src/market/Card.schema.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Log from '../../src/provenance/Log.ts'
import * as Record from '../../src/provenance/Record.ts'
import * as Calls from '../../src/wallets/Calls.ts'
import * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import * as Wallet from '../../src/wallets/Wallet.ts'

/** Address of {@link asset}. */
export const token = `0x${'70'.repeat(20)}` as const

/** The test dollar. */
export const asset = Asset.from({
  id: `eip155:31337/erc20:${token}`,
  decimals: 6,
  symbol: 'USDC',
})
/** Contracts on the paper chain. */
export const till = `0x${'71'.repeat(20)}` as const
export const vault = `0x${'72'.repeat(20)}` as const

/** What the seller sells. */
export const card: Card.Card = {
  v: 1,
  model: 'docs-reader',
  kind: 'extractive',
  tokenizer: Tokenizer.version,
  stdUsPerTokenIn: 50,
  stdUsPerTokenCached: 10,
  stdUsPerTokenOut: 50,
  maxTokensIn: 64,
  maxTokensOut: 128,
  lineagePpb: '0',
  datanet: 'docs',
}

/** On what terms. */
export const rates = {
  executionNanoPerStdUs: '20000000',
  influenceNanoPerStdUs: '60000000',
  premiumPpb: '100000000',
  qualityPpb: '500000000',
  feePpb: '50000000',
  gasNano: '200000000',
}

const policyText = (cap: string) => `policy: desk
asset: ${asset.id}
rules:
  - allow payees ${till}
  - allow hosts 127.0.0.1:*
  - cap 1 USDC per payment
  - cap ${cap} USDC per 24h
  - at most 60 payments per minute per agent
  - demand coverage 0%
`

/** One party: its key, its log, and what follows from it. */
export type Party = {
  readonly wallet: Wallet.Wallet
  readonly texts: string[]
  readonly log: Log.Log
  readonly economy: Economy.Economy
}

/** A document and whose it is. */
export type Document = { readonly path: string; readonly owner: string; readonly text: string }

/** Both parties and all that lies beside their logs. */
export type Pair = {
  readonly seller: Party
  readonly buyer: Party
  readonly documents: Map<Hex.Hex, string>
  readonly answers: Map<Hex.Hex, Audit.Answer>
  readonly leaves: Map<number, string>
  policy: Policy.Policy
  nowMs: number
  step: number
  block: number
}

/** Opens both logs; the seller registers its card, the buyer may spend 1 USDC a day. */
export function open(): Pair {
  const party = (name: string): Party => ({
    wallet: Wallet.fromPrivateKey(Hash.text(`key of ${name}`)),
    texts: [],
    log: Log.create(),
    economy: Economy.empty(),
  })
  const pair: Pair = {
    seller: party('seller'),
    buyer: party('buyer'),
    documents: new Map(),
    answers: new Map(),
    leaves: new Map(),
    policy: Policy.parse(policyText('1'), { file: 'policy.yaml', assets: [asset] }),
    nowMs: 1_700_000_000_000,
    step: 0,
    block: 100,
  }
  for (const [role, of] of [
    ['node', pair.seller],
    ['agent', pair.buyer],
  ] as const)
    append(pair, of, {
      type: 'opened',
      role,
      name: role,
      ...{ address: of.wallet.address, asset, till, vault },
      scale: '1',
      local: true,
      salt: salt(pair),
    })
  append(pair, pair.seller, { type: 'registered', card })
  return pair
}

/** Has the buyer spend at most `capUsdc` a day from now on. */
export function adopt(pair: Pair, capUsdc: string): void {
  pair.policy = Policy.parse(policyText(capUsdc), { file: 'policy.yaml', assets: [asset] })
}

/** Appends an event to a party's log. Throws when it cannot follow: the script is wrong. */
export function append(
  pair: Pair,
  party: Party,
  event: Event.Event,
  causes: readonly Record.Cause[] = [],
): number {
  const leaf = party.log.size()
  const record = {
    v: 1,
    leaf,
    origin: party.wallet.address,
    atMs: pair.nowMs,
    previous: Log.previous(party.log),
    id: Event.id(event),
    causes,
    event,
  } as const
  const text = Record.encode(record)
  const fault = Economy.apply(party.economy, Log.extend(party.log, { text }))
  if (fault !== undefined) throw new Error(`the script is wrong: ${event.type}: ${fault}`)
  party.texts.push(text)
  return leaf
}

/** A salt that nobody used before. */
export function salt(pair: Pair): Hex.Hex {
  pair.step += 1
  return Hash.text(`salt ${pair.step}`)
}

/** Lets time pass. */
export function pass(pair: Pair, ms = 1_000): void {
  pair.nowMs += ms
}

/** Registers documents as one batch. */
export function register(
  pair: Pair,
  documents: readonly Document[],
  options: { readonly commons?: boolean; readonly committedAtMs?: number } = {},
): void {
  const { seller } = pair
  pass(pair)
  const batchSalt = salt(pair)
  const contributions = documents.map((one) => Contribution.document(one))
  for (const { text } of documents) pair.documents.set(Hash.text(text), text)
  const { root, count } = Datanet.commit(contributions, { salt: batchSalt })
  const datanet = card.datanet
  const committed = append(pair, seller, {
    ...{ type: 'committed', datanet, root, count },
    commons: options.commons ?? false,
    committedAtMs: options.committedAtMs ?? pair.nowMs,
  })
  pass(pair)
  const opening = { documents: contributions, salt: batchSalt }
  const change = Datanet.revealed(seller.economy.sales.datanet!, { root, opening })
  if (change.kind === 'refused') throw new Error(change.because)
  const versionRoot = Version.of(change.datanet).root
  append(
    pair,
    seller,
    { type: 'revealed', datanet, root, salt: batchSalt, contributions, versionRoot },
    [{ origin: seller.wallet.address, leaf: committed }],
  )
}

/** What an auditor of one party is given; the other party's log too unless `alone`. */
export function world(
  pair: Pair,
  who: 'seller' | 'buyer',
  options: { readonly alone?: boolean } & Partial<Audit.World> = {},
): Audit.World {
  const { alone = false, ...rest } = options
  const other = who === 'seller' ? pair.buyer : pair.seller
  return {
    texts: pair[who].texts,
    document: (docHash) => {
      const text = pair.documents.get(docHash)
      return text === undefined ? { kind: 'erased' } : { kind: 'found', text }
    },
    answer: (receiptHash) => {
      const answer = pair.answers.get(receiptHash)
      return answer === undefined ? { kind: 'erased' } : { kind: 'found', answer }
    },
    leaves: (epoch) => pair.leaves.get(epoch),
    verifySignature,
    readTransaction: Calls.read,
    checkPayment: (evidence, payment) =>
      PaymentEvidence.check(evidence as PaymentEvidence.Evidence, payment),
    transitionTables: new Map<Hex.Hex, Audit.Table>([
      [Purchase.machineDigest, Purchase.table],
      [AgentMachine.machineDigest, AgentMachine.table],
    ]),
    ...(alone ? {} : { counterparts: new Map([[other.wallet.address, other.texts]]) }),
    ...rest,
  }
}

const verified = new Map<string, boolean>()

/** As `Wallet.verifyTypedData`; the same question is not asked twice. */
function verifySignature(asked: Parameters<Audit.World['verifySignature']>[0]): boolean {
  const { address, data, signature } = asked
  const { domain, primaryType, message } = data
  const key = [address, signature, primaryType, ...[domain, message].flatMap(Object.values)].join()
  const known = verified.get(key) ?? Wallet.verifyTypedData(asked)
  verified.set(key, known)
  return known
}
