/** @module Orders between the two parties of `Pair.ts`, from quote to end, and what follows: epochs, claims. */
import * as Purchase from '../../src/agents/Purchase.ts'
import * as Evidence from '../../src/attribution/spans/Evidence.ts'
import * as Outputs from '../../src/attribution/spans/Outputs.ts'
import * as PriorityCover from '../../src/attribution/spans/PriorityCover.ts'
import * as Segment from '../../src/attribution/spans/Segment.ts'
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'
import * as Datanet from '../../src/datanets/Datanet.ts'
import * as Version from '../../src/datanets/Version.ts'
import type * as Audit from '../../src/economy/Audit.ts'
import * as PolicyRequest from '../../src/economy/PolicyRequest.ts'
import * as Sales from '../../src/economy/Sales.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import * as Hex from '../../src/kernel/Hex.ts'
import * as Id from '../../src/kernel/Id.ts'
import * as Json from '../../src/kernel/Json.ts'
import * as Card from '../../src/market/Card.schema.ts'
import * as Price from '../../src/market/Price.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Work from '../../src/market/Work.ts'
import * as Budget from '../../src/policies/Budget.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Proof from '../../src/provenance/Proof.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import type * as PaymentEvidence from '../../src/wallets/PaymentEvidence.ts'
import * as Payer from '../../src/wallets/x402/Payer.ts'
import * as Block from './Block.ts'
import { append, asset, card, type Pair, pass, rates, salt, till, token, vault } from './Pair.ts'

/** How an order goes. */
export type Order = {
  readonly question: string
  /** What the model answers, whatever was asked. */
  readonly answer: string
  /** `open`: signed and served, not final; `unpaid`: served, never paid. */
  readonly end?: 'captured' | 'disputed' | 'unpaid' | 'open'
  /** What a dishonest seller states instead of what it found. Prices and digests follow from it. */
  readonly lie?: (truth: Stated) => Stated
}

/** What a seller states of an answer; all else on the receipt follows. */
export type Stated = {
  readonly tokens: Receipt.Receipt['tokens']
  readonly evidence: Evidence.Evidence
  /** Windows remembered. */
  readonly outputs: string
  readonly issuedAtMs: number
}

/** One order from quote to end. Denied orders end at the verdict; undefined then. */
export async function trade(pair: Pair, order: Order): Promise<Receipt.Receipt | undefined> {
  const { seller, buyer } = pair
  const body = { model: card.model, messages: [{ role: 'user', content: order.question }] }
  pass(pair)
  const quoted = await quote(pair, Hash.digest(body))
  pass(pair)
  const bought = decide(pair, quoted)
  if (bought.verdict !== 'allow') return undefined
  const payment = await pay(pair, quoted, bought)
  pass(pair)
  const sold = await serve(pair, { quoted, payment, order, prompt: Json.encode(body.messages) })
  const { end = 'captured' } = order
  const causes = [{ origin: seller.wallet.address, leaf: sold.leaf }]
  const { receipt, receiptHash } = sold
  const own = [{ origin: buyer.wallet.address, leaf: payment.leaf }]
  const { purchase } = bought
  pass(pair)
  if (end === 'open') return receipt
  if (end === 'unpaid') {
    append(pair, seller, { type: 'unfunded', receiptHash, because: 'cancelled' }, causes)
    const transition = Purchase.edge('releasing', 'refused')
    append(pair, buyer, { type: 'voided', purchase, because: 'cancelled', transition }, own)
    return receipt
  }
  const evidence = evidenceOf(pair, payment)
  append(pair, seller, { type: 'funded', receiptHash, evidence }, causes)
  const atoms = quoted.quote.payAtoms
  if (end === 'disputed') {
    const transition = Purchase.edge('verifying', 'disputed')
    const because = 'the answer is not the one committed to'
    append(pair, buyer, { type: 'disputed', purchase, atoms, because, evidence, transition }, own)
    return receipt
  }
  const proof = Proof.of(seller.log, { origin: seller.wallet.address, leaf: sold.leaf })
  append(
    pair,
    buyer,
    {
      ...{ type: 'captured', purchase, atoms, receipt, signature: sold.signature, evidence },
      proof: Json.plain(proof) as { [key: string]: unknown },
      transition: Purchase.edge('verifying', 'captured'),
    },
    [...own, ...causes],
  )
  return receipt
}

/** A signed and recorded quote, with all change that may be applied. */
export async function quote(
  pair: Pair,
  requestDigest: Hex.Hex,
  given: Partial<Quote.Quote> = {},
): Promise<Quote.Signed & { readonly leaf: number }> {
  const { seller, buyer, nowMs } = pair
  const { sales } = seller.economy
  const maxAtoms = Quote.maximum(card, Quote.rates({ rates }))
  const payer = buyer.wallet.address
  const spendable = Sales.spendableChange(sales, payer, nowMs)
  const appliedAtoms = spendable < maxAtoms ? spendable : maxAtoms - 1n
  const { model, tokenizer, maxTokensIn, maxTokensOut } = card
  const quote: Quote.Quote = {
    v: 1,
    seller: seller.wallet.address,
    ...{ payer, model, cardHash: Card.hash(card), tokenizer, maxTokensIn, maxTokensOut },
    ...{ rates, asset, payTo: till },
    maxAtoms: String(maxAtoms),
    changeAppliedAtoms: String(appliedAtoms),
    payAtoms: String(maxAtoms - appliedAtoms),
    coveragePromisedPpb: '0',
    disputeWindowMs: 1_000,
    requestDigest,
    indexRoot: Version.of(sales.datanet!).root,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + 60_000,
    salt: salt(pair),
    ...given,
  }
  const signature = await seller.wallet.signTypedData(Quote.typedData(quote))
  const leaf = append(pair, seller, { type: 'quoted', quote, signature })
  return { quote, signature, leaf }
}

/** What was decided, and whether it is held. */
export type Bought = {
  readonly purchase: Hex.Hex
  readonly verdict: Budget.Verdict
  readonly leaf: number
}

/** Puts a quote before the policy, and holds what it allows. */
export function decide(pair: Pair, { quote, signature }: Quote.Signed): Bought {
  const { buyer, policy } = pair
  const { usage, policies } = buyer.economy.purchases
  const key = { agent: buyer.wallet.address, run: 'run', step: pair.step, attempt: 0 }
  const purchase = Id.purchase(key)
  const request = PolicyRequest.of({ key, quote, card }, { host: '127.0.0.1:4020', hold: purchase })
  const { verdict, reasons } = Budget.explain(usage, policy, request, pair.nowMs)
  const policyDigest = Policy.digest(policy)
  if (!policies.has(policyDigest))
    append(pair, buyer, { type: 'adopted', digest: policyDigest, policy: Json.members(policy) })
  const decided = append(pair, buyer, {
    type: 'decided',
    ...{ purchase, key, quote, signature, policyDigest, verdict, card },
    request: Json.members(request),
    reasons: Json.plain(reasons) as { [key: string]: unknown }[],
    transition: Purchase.edge('deciding', verdict),
  })
  if (verdict !== 'allow') return { purchase, verdict, leaf: decided }
  const leaf = append(pair, buyer, { type: 'held', purchase, atoms: quote.payAtoms })
  return { purchase, verdict, leaf }
}

/** A payment signed. */
export type Paid = PaymentEvidence.Payment & {
  readonly leaf: number
  readonly validBeforeSec: number
  readonly payload: { readonly [key: string]: unknown }
}

/** Signs a payment of a quote, and stores it. */
export async function pay(
  pair: Pair,
  { quote }: Quote.Signed,
  { purchase, leaf }: Bought,
): Promise<Paid> {
  const { buyer } = pair
  const payer = buyer.wallet.address
  const nonce = Id.nonce(payer, purchase)
  const validBeforeSec = Math.ceil(quote.expiresAtMs / 1000)
  const valueAtoms = BigInt(quote.payAtoms)
  const signed = await Payer.sign({
    wallet: buyer.wallet,
    ...{ nonce, validAfterSec: 0, validBeforeSec },
    expected: { asset, payTo: till, maxAtoms: valueAtoms },
    requirements: {
      scheme: 'exact',
      network: Asset.network(asset),
      asset: token,
      amount: quote.payAtoms,
      payTo: till,
      maxTimeoutSeconds: Quote.timeoutSec(quote),
      extra: { name: 'USD Coin', version: '2', quote: Quote.hash(quote) },
    },
  })
  if (!signed.ok) throw new Error(signed.because)
  const payload = Json.members(signed.payload)
  const transition = Purchase.edge('paying', 'signed')
  const paying = append(
    pair,
    buyer,
    { type: 'paying', purchase, nonce, validBeforeSec, payload, transition },
    [{ origin: payer, leaf }],
  )
  return { asset, payer, nonce, payTo: till, valueAtoms, leaf: paying, validBeforeSec, payload }
}

type Sold = {
  readonly quoted: Quote.Signed & { readonly leaf: number }
  readonly payment: Paid
  readonly order: Order
  readonly prompt: string
}

/** Answers under a quote and a payment. */
export async function serve(pair: Pair, sold: Sold) {
  const { seller } = pair
  const { sales } = seller.economy
  const { quoted, payment, order } = sold
  const { quote } = quoted
  const { indexRoot } = quote
  const cover = PriorityCover.cover(order.answer, { segments: index(pair), outputs: sales.outputs })
  const [tokensIn, tokensOut] = [order.question, order.answer].map(Tokenizer.count)
  const { lie = (truth: Stated) => truth } = order
  const stated = lie({
    tokens: { in: tokensIn!, cached: 0, out: tokensOut! },
    evidence: Evidence.from(cover, { indexRoot }),
    outputs: Outputs.windows(order.answer, sales.outputSalt),
    issuedAtMs: pair.nowMs,
  })
  const texts: Audit.Answer = {
    ...{ prompt: sold.prompt, promptSalt: salt(pair) },
    ...{ output: order.answer, outputSalt: salt(pair) },
  }
  const receipt = draft(pair, { ...sold, stated, texts })
  const receiptHash = Receipt.hash(receipt)
  pair.answers.set(receiptHash, texts)
  const signature = await seller.wallet.signTypedData(Receipt.typedData(receipt))
  const { payer, nonce, validBeforeSec, payload } = payment
  const leaf = append(
    pair,
    seller,
    {
      ...{ type: 'served', receipt, signature },
      evidence: Json.members(stated.evidence),
      outputs: stated.outputs,
      payment: { payer, nonce, validBeforeSec, payload, payTo: till, valueAtoms: quote.payAtoms },
    },
    [{ origin: seller.wallet.address, leaf: quoted.leaf }],
  )
  return { receipt, receiptHash, signature, leaf }
}

type Made = Sold & {
  readonly stated: Stated
  readonly texts: Audit.Answer
}

function draft(pair: Pair, { quoted, payment, order, prompt, stated, texts }: Made) {
  const { sales } = pair.seller.economy
  const { quote } = quoted
  const { tokens, evidence, issuedAtMs } = stated
  const stdUs = Work.stdUs(card, tokens)
  const shaped = evidence.entries
    .filter(({ ppb }) => ppb !== '0')
    .map(({ docSeq, ppb, rarityPpb }) => ({
      artifact: Datanet.contribution(sales.datanet!, docSeq)!.artifact,
      sharePpb: BigInt(ppb),
      rarityPpb: BigInt(rarityPpb),
    }))
  const price = Price.of(stdUs, Quote.rates(quote), shaped)
  const receipt: Receipt.Receipt = {
    v: 1,
    provider: pair.seller.wallet.address,
    payer: payment.payer,
    device: { class: 'cpu', count: 1, tier: 'claimed' },
    ...{ model: card.model, cardHash: quote.cardHash, tokens },
    bytes: { in: Hash.bytes(prompt).length, out: Hash.bytes(order.answer).length },
    stdUs: String(stdUs),
    ...{ computeMs: 3, wallMs: 4, queueMs: 0, meter: 'engine', basis: 'wall' },
    promptCommitment: Hash.commitment(texts.prompt, texts.promptSalt),
    outputCommitment: Hash.commitment(texts.output, texts.outputSalt),
    influence: {
      ...{ method: evidence.method, version: evidence.version, recomputable: true },
      indexRoot: quote.indexRoot,
      evidenceDigest: Hash.digest(Json.plain(evidence)),
      entries: shaped.map(({ artifact, sharePpb, rarityPpb }, at) => ({
        artifact,
        sharePpb: String(sharePpb),
        rarityPpb: String(rarityPpb),
        influenceNano: String(price.parts[at]!.influenceNano),
        premiumNano: String(price.parts[at]!.premiumNano),
      })),
      coveragePpb: evidence.coveragePpb,
    },
    money: Receipt.money(quote, price),
    paymentNonce: payment.nonce,
    requestDigest: quote.requestDigest,
    ...{ consumed: [], feedback: [], seq: sales.nextSeq, prevHash: sales.lastReceipt },
    issuedAtMs,
  }
  return receipt
}

function index(pair: Pair): Segment.Segment[] {
  const { batches } = pair.seller.economy.sales.datanet!
  const documents = batches.flatMap(({ committedAtMs, commons, contributions }, batch) =>
    contributions.map(({ seq, owner, docHash }) => {
      const text = pair.documents.get(docHash)!
      return { seq, batch, committedAtMs, owner, commons, text }
    }),
  )
  return [Segment.build(documents)]
}

/** A transaction that pays, on the paper chain. */
export function evidenceOf(pair: Pair, paid: PaymentEvidence.Payment) {
  pair.block += 1
  const timestampSec = Math.floor(pair.nowMs / 1000)
  const evidence = Block.payment(paid, { number: pair.block, timestampSec })
  return Json.members(evidence) as { chainId: number; tx: Hex.Hex }
}

/** Closes an epoch over what is due and publishes it; its number. */
export function closeEpoch(pair: Pair): number {
  const { seller } = pair
  const { sales } = seller.economy
  pass(pair, 10_000)
  const proposal = Epoch.propose(sales.accruals, { nowMs: pair.nowMs, scale: 1n })
  const lines = Epoch.toLines(proposal.leaves)
  const epoch = sales.epochs.length
  pair.leaves.set(epoch, lines)
  const checkpoint = { size: seller.log.size(), root: Hex.encode(seller.log.root()) }
  const { rootWord: root, depth, increaseAtoms } = proposal
  append(pair, seller, {
    ...{ type: 'closing', epoch, root, depth, checkpoint },
    totalAtoms: String(proposal.totalAtoms),
    receipts: [...proposal.receipts],
    leavesDigest: Hash.text(lines),
  })
  pass(pair)
  pair.block += 1
  const evidence = Block.publication({
    ...{ asset, vault, till, number: pair.block, root, depth, increaseAtoms },
    epoch: epoch + 1,
    checkpoint: Hash.digest(checkpoint),
  })
  append(pair, seller, { type: 'published', epoch, evidence })
  return epoch
}

/** An account takes what the last root states it is owed; names are paid to `to`. */
export function claim(pair: Pair, account: string, to: Hex.Hex): void {
  const { seller } = pair
  const { accruals } = seller.economy.sales
  pass(pair)
  pair.block += 1
  const before = accruals.balances.get(account)!.claimedAtoms
  const leaf = Epoch.leafOf(accruals, { account, scale: 1n })!
  const atoms = leaf.cumulative - before
  const word = Epoch.encodeLeaf(leaf)
  append(pair, seller, {
    ...{ type: 'claimed', account: leaf.account, index: leaf.index },
    cumulativeAtoms: String(leaf.cumulative),
    atoms: String(atoms),
    evidence: Block.claim({ asset, vault, number: pair.block, leaf: word, to, atoms }),
  })
}
