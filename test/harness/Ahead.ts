/**
 * @module The story of what is paid ahead of its answer, to strangers, and in the agent's own name: settled
 * before it is served and after, returned, never paid; a plain resource, a transaction, a run of a machine.
 */
import * as AgentMachine from '../../src/agents/AgentMachine.ts'
import * as Purchase from '../../src/agents/Purchase.ts'
import type * as Event from '../../src/economy/Event.ts'
import * as PolicyRequest from '../../src/economy/PolicyRequest.ts'
import * as PurchaseTerms from '../../src/economy/PurchaseTerms.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Id from '../../src/kernel/Id.ts'
import * as Json from '../../src/kernel/Json.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Budget from '../../src/policies/Budget.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Proof from '../../src/provenance/Proof.ts'
import * as Payer from '../../src/wallets/x402/Payer.ts'
import * as Pair from './Pair.ts'
import * as Trade from './Trade.ts'

/** Who sells a page, and signs nothing. */
export const stranger = `0x${'5a'.repeat(20)}` as const
/** A contract that the agent calls. */
export const exchange = `0x${'e1'.repeat(20)}` as const

const bees =
  'A forager tells her sisters where the clover stands by dancing at the angle of the flight against the sun'

const policyText = `policy: desk
asset: ${Pair.asset.id}
rules:
  - allow payees ${Pair.till}, ${stranger}, ${exchange}
  - allow hosts 127.0.0.1:*, news.example, none
  - cap 1 USDC per 24h
`

/** How a payment that is taken ahead goes on. */
export type End = 'funded first' | 'served first' | 'returned' | 'unpaid' | 'open'

/** Tells the story. */
export async function tell(): Promise<Pair.Pair> {
  const pair = Pair.open()
  pair.policy = Policy.parse(policyText, { file: 'policy.yaml', assets: [Pair.asset] })
  Pair.register(pair, [{ path: 'bees/README.md', owner: 'npm:bees', text: `# Bees\n\n${bees}.` }])
  run(pair)
  for (const end of ['funded first', 'served first', 'returned', 'unpaid'] as const)
    await order(pair, end)
  await resource(pair)
  await call(pair)
  await order(pair, 'open')
  return pair
}

/** An order whose payment is settled ahead of its answer. */
export async function order(pair: Pair.Pair, end: End): Promise<void> {
  const { seller, buyer } = pair
  const question = `Where is the clover, ${end}?`
  const body = { model: Pair.card.model, messages: [{ role: 'user', content: question }] }
  Pair.pass(pair)
  const quoted = await Trade.quote(pair, Hash.digest(body))
  const bought = Trade.decide(pair, quoted)
  const payment = await Trade.pay(pair, quoted, bought)
  Pair.pass(pair)
  const { payer, nonce, payTo, validBeforeSec, payload } = payment
  const valueAtoms = quoted.quote.payAtoms
  const name = { payer, nonce }
  const from = (leaf: number) => [{ origin: seller.wallet.address, leaf }]
  const accepted = Pair.append(
    pair,
    seller,
    {
      ...{ type: 'accepted', quoteHash: Quote.hash(quoted.quote) },
      payment: { ...name, payTo, valueAtoms, validBeforeSec, payload },
    },
    from(quoted.leaf),
  )
  const own = [{ origin: buyer.wallet.address, leaf: payment.leaf }]
  const { purchase } = bought
  if (end === 'open') return
  if (end === 'unpaid') {
    const because = 'cancelled'
    Pair.append(pair, seller, { type: 'unfunded', payment: name, because }, from(accepted))
    const transition = Purchase.edge('releasing', 'refused')
    Pair.append(pair, buyer, { type: 'voided', purchase, because, transition }, own)
    return
  }
  const evidence = Trade.evidenceOf(pair, payment)
  const atoms = valueAtoms
  const settled = { type: 'funded', payment: name, evidence } as const
  if (end !== 'served first') Pair.append(pair, seller, settled, from(accepted))
  Pair.pass(pair)
  if (end === 'returned') {
    const because = 'no answer before the payment was void'
    const leaf = Pair.append(
      pair,
      seller,
      { type: 'returned', payment: name, because },
      from(accepted),
    )
    Pair.append(
      pair,
      buyer,
      {
        ...{ type: 'refunded', purchase, atoms, because, evidence, ...proved(pair, leaf) },
        transition: Purchase.edge('verifying', 'refunded'),
      },
      [...own, ...from(leaf)],
    )
    return
  }
  const asked = { question, answer: `${bees}.` }
  const prompt = Json.encode(body.messages)
  const sold = await Trade.serve(pair, { quoted, payment, order: asked, prompt })
  const { receipt, receiptHash, signature, leaf } = sold
  if (end === 'served first')
    Pair.append(pair, seller, { type: 'funded', receiptHash, evidence }, from(leaf))
  Pair.append(
    pair,
    buyer,
    {
      ...{ type: 'captured', purchase, atoms, receipt, signature, evidence },
      proof: proved(pair, leaf).proof,
      transition: Purchase.edge('verifying', 'captured'),
    },
    [...own, ...from(leaf)],
  )
}

function proved({ seller }: Pair.Pair, leaf: number) {
  const proof = Proof.of(seller.log, { origin: seller.wallet.address, leaf })
  return { record: seller.texts[leaf]!, proof: Json.members(proof) }
}

/** A page bought of somebody who signs nothing. */
async function resource(pair: Pair.Pair): Promise<void> {
  const { buyer } = pair
  Pair.pass(pair)
  const url = 'https://news.example/today?page=2'
  const requirements = {
    ...{ scheme: 'exact', network: Asset.network(Pair.asset), asset: Pair.token, amount: '250' },
    ...{ payTo: stranger, maxTimeoutSeconds: 60, extra: { name: 'USD Coin', version: '2' } },
  }
  const decided = decide(pair, {
    ...{ kind: 'resource', url, method: 'GET', seller: stranger, payTo: stranger },
    ...{ model: PurchaseTerms.modelOf(url), requestDigest: Hash.text(url), payAtoms: '250' },
    ...{ asset: Pair.asset, expiresAtMs: pair.nowMs + 60_000, requirements },
  })
  const { purchase, nonce, validBeforeSec } = decided
  const signed = await Payer.sign({
    wallet: buyer.wallet,
    ...{ nonce, validAfterSec: 0, validBeforeSec, requirements },
    expected: { asset: Pair.asset, payTo: stranger, maxAtoms: 250n },
  })
  if (!signed.ok) throw new Error(signed.because)
  const leaf = paying(pair, decided, Json.members(signed.payload))
  const payer = buyer.wallet.address
  const paid = { asset: Pair.asset, payer, nonce, payTo: stranger, valueAtoms: 250n }
  const evidence = Trade.evidenceOf(pair, { ...paid, leaf, validBeforeSec, payload: {} } as never)
  const delivered = { status: 200, bodyDigest: Hash.text('the news'), bytes: 8 }
  Pair.append(
    pair,
    buyer,
    {
      ...{ type: 'captured', purchase, atoms: '250', delivered, evidence },
      transition: Purchase.edge('verifying', 'captured'),
    },
    [{ origin: payer, leaf }],
  )
}

/** A transaction of the agent's own. */
async function call(pair: Pair.Pair): Promise<void> {
  const { buyer } = pair
  Pair.pass(pair)
  const { chainId } = Asset.parts(Pair.asset.id)
  const data = `0x${'c0ffee'.repeat(20)}` as const
  const raw = await buyer.wallet.signTransaction({
    ...{ chainId, nonce: 0, gas: 200_000n, to: exchange, data },
    ...{ maxFeePerGasWei: 10n ** 9n, maxPriorityFeePerGasWei: 1n },
  })
  const decided = decide(pair, {
    ...{
      kind: 'call',
      to: exchange,
      payTo: exchange,
      calldataDigest: Hex.encode(Hash.keccak256(Hex.decode(data))),
    },
    ...{ asset: Pair.asset, payAtoms: '900', model: 'swap', requestDigest: Hash.text('swap') },
    ...{ expiresAtMs: pair.nowMs + 60_000, simulation: { gasUsed: '120000' } },
    facts: {
      slippagePpb: '5000000',
      drawdown: { ppb: '10000000', asOfMs: pair.nowMs },
      price: { atoms: '1000000', asOfMs: pair.nowMs },
    },
  })
  const hash = Hex.encode(Hash.keccak256(Hex.decode(raw)))
  const leaf = paying(pair, decided, { raw, hash })
  Pair.append(
    pair,
    buyer,
    {
      ...{ type: 'captured', purchase: decided.purchase, atoms: '900' },
      evidence: { chainId, tx: hash, status: 'success' },
      transition: Purchase.edge('verifying', 'captured'),
    },
    [{ origin: buyer.wallet.address, leaf }],
  )
}

type Decided = {
  readonly purchase: Hex.Hex
  readonly nonce: Hex.Hex
  readonly validBeforeSec: number
  readonly leaf: number
}

/** Puts terms before the policy, which allows them, and holds what they cost. */
function decide(pair: Pair.Pair, terms: Event.DecidedOnTerms['terms']): Decided {
  const { buyer, policy } = pair
  const agent = buyer.wallet.address
  pair.step += 1
  const key = { agent, run: 'run', step: pair.step, attempt: 0 }
  const purchase = Id.purchase(key)
  const request = PolicyRequest.of({ key, terms }, { hold: purchase, tool: 'browser' })
  const { usage } = buyer.economy.purchases
  const { verdict, reasons } = Budget.explain(usage, policy, request, pair.nowMs)
  Pair.append(pair, buyer, {
    ...{ type: 'decided', purchase, key, terms, policyDigest: Policy.digest(policy), verdict },
    request: Json.members(request),
    reasons: Json.plain(reasons) as { [key: string]: unknown }[],
    transition: Purchase.edge('deciding', verdict),
  })
  const leaf = Pair.append(pair, buyer, { type: 'held', purchase, atoms: terms.payAtoms })
  const validBeforeSec = Math.ceil(terms.expiresAtMs / 1000)
  return { purchase, nonce: Id.nonce(agent, purchase), validBeforeSec, leaf }
}

function paying(
  pair: Pair.Pair,
  { purchase, nonce, validBeforeSec, leaf }: Decided,
  payload: { readonly [key: string]: unknown },
): number {
  const { buyer } = pair
  const transition = Purchase.edge('paying', 'signed')
  return Pair.append(
    pair,
    buyer,
    { type: 'paying', purchase, nonce, validBeforeSec, payload, transition },
    [{ origin: buyer.wallet.address, leaf }],
  )
}

/** A run of the agent's machine that ends, and one that sleeps. */
function run(pair: Pair.Pair): void {
  const { buyer } = pair
  const agent = buyer.wallet.address
  const steps = [
    { run: 'r1', seq: 0, ...edge('idle', 'ask'), taskDigest: Hash.text('task') },
    { run: 'r2', seq: 0, ...edge('idle', 'schedule'), wakeAtMs: pair.nowMs + 60_000 },
    { run: 'r1', seq: 1, ...edge('working', 'finish'), because: 'answered' },
  ]
  for (const step of steps) Pair.append(pair, buyer, { type: 'moved', agent, ...step })
}

function edge(from: string, event: string) {
  const to = (AgentMachine.table as Record<string, Record<string, string>>)[from]![event]!
  return { transition: { machine: AgentMachine.machineDigest, from, event, to } }
}
