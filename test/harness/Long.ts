/**
 * @module Long logs of a seller and of a buyer, written through the books as fast as they take them. All
 * that the fold judges is real; signatures, which it does not, are not.
 */
import * as Outputs from '../../src/attribution/spans/Outputs.ts'
import * as Contribution from '../../src/datanets/Contribution.ts'
import * as Datanet from '../../src/datanets/Datanet.ts'
import * as Version from '../../src/datanets/Version.ts'
import type * as Event from '../../src/economy/Event.ts'
import * as PolicyRequest from '../../src/economy/PolicyRequest.ts'
import type * as Sales from '../../src/economy/Sales.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type * as Hex from '../../src/kernel/Hex.ts'
import * as Id from '../../src/kernel/Id.ts'
import * as Json from '../../src/kernel/Json.ts'
import * as Card from '../../src/market/Card.schema.ts'
import * as Price from '../../src/market/Price.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Work from '../../src/market/Work.ts'
import * as Budget from '../../src/policies/Budget.ts'
import * as Policy from '../../src/policies/Policy.ts'
import * as Epoch from '../../src/royalties/Epoch.ts'
import type * as Books from '../../src/store/Books.ts'
import { asset, card, rates, till, vault } from './Pair.ts'

/** Both parties' addresses. */
export const seller = `0x${'5e'.repeat(20)}` as const
export const buyer = `0x${'b0'.repeat(20)}` as const

const signature = `0x${'11'.repeat(65)}` as const
const tx = (of: string) => ({ chainId: 31337, tx: Hash.text(of) })
/** Documents, each of an owner of its own; each answer is made of ten of them. */
const owners = 40
const perAnswer = 10
const words =
  'the tide turns when the moon has passed and nobody asks the fishermen why it does'.split(' ')

type Writer = Pick<Books.Books, 'state' | 'size' | 'now'> & {
  readonly record: (events: readonly Event.Event[]) => void
  readonly settle: () => Promise<void>
}

/** The books, taking events without causes. They are folded at once; `settle` waits for the disk. */
export function writer(books: Books.Books): Writer {
  const { state, size, now } = books
  let waiting: Promise<unknown>[] = []
  return {
    ...{ state, size, now },
    record: (events) => void waiting.push(books.record(events.map((event) => ({ event })))),
    async settle() {
      await Promise.all(waiting)
      waiting = []
    },
  }
}

function opened(role: 'node' | 'agent', address: Hex.Hex): Event.Event {
  const salt = Hash.text(`salt of ${role}`)
  const scale = '1'
  return { type: 'opened', role, name: role, address, asset, till, vault, scale, local: true, salt }
}

/** Begins a seller's log: a card and a datanet. */
export function openSeller(books: Writer): void {
  const contributions = Array.from({ length: owners }, (_, at) =>
    Contribution.document({
      path: `${at}/README.md`,
      owner: `npm:owner-${at}`,
      text: `text ${at}`,
    }),
  )
  const salt = Hash.text('salt')
  const { root, count } = Datanet.commit(contributions, { salt })
  const { datanet } = card
  books.record([opened('node', seller), { type: 'registered', card }])
  const committedAtMs = books.now()
  books.record([{ type: 'committed', datanet, root, count, commons: false, committedAtMs }])
  const change = Datanet.revealed(books.state.sales.datanet!, {
    root,
    opening: { documents: contributions, salt },
  })
  if (change.kind === 'refused') throw new Error(change.because)
  const versionRoot = Version.of(change.datanet).root
  books.record([{ type: 'revealed', datanet, root, salt, contributions, versionRoot }])
}

/** The number-th quote of a seller: to one of 50 payers, or to `payer`. */
export function quote(
  sales: Pick<Sales.Sales, 'datanet'>,
  of: { at: number; nowMs: number; payer?: Hex.Hex },
) {
  const { at, nowMs, payer = `0x${(at % 50).toString(16).padStart(40, 'a')}` as Hex.Hex } = of
  const maxAtoms = String(Quote.maximum(card, Quote.rates({ rates })))
  const { model, tokenizer, maxTokensIn, maxTokensOut } = card
  const quote: Quote.Quote = {
    ...{ v: 1, seller, payer, model, cardHash: Card.hash(card), tokenizer },
    ...{ maxTokensIn, maxTokensOut, rates, asset, payTo: till },
    ...{ maxAtoms, changeAppliedAtoms: '0', payAtoms: maxAtoms, coveragePromisedPpb: '0' },
    ...{ disputeWindowMs: 0, requestDigest: Hash.text(`request ${at}`) },
    indexRoot: sales.datanet === undefined ? Hash.text('index') : versionOf(sales.datanet),
    ...{ issuedAtMs: nowMs, expiresAtMs: nowMs + 60_000, salt: Hash.text(`quote ${at}`) },
  }
  return quote
}

const versions = new WeakMap<Datanet.Datanet, Hex.Hex>()

function versionOf(datanet: Datanet.Datanet): Hex.Hex {
  const root = versions.get(datanet) ?? Version.of(datanet).root
  versions.set(datanet, root)
  return root
}

/** One order from quote to funds: three records. */
export function sell(books: Writer, at: number): void {
  const { sales } = books.state
  const given = quote(sales, { at, nowMs: books.now() })
  books.record([{ type: 'quoted', quote: given, signature }])
  const receipt = draft(sales, given, at)
  const { payer, paymentNonce: nonce } = receipt
  const payment = { payer, nonce, payTo: till, valueAtoms: given.payAtoms }
  const said = Array.from(
    { length: 24 },
    (_, word) => `${words[(at + word) % words.length]}${at % 997}`,
  )
  const outputs = Outputs.windows(said.join(' '), sales.outputSalt)
  const payload = {
    signature,
    authorization: { from: payer, to: till, value: given.payAtoms, nonce },
  }
  books.record([
    {
      ...{ type: 'served', receipt, signature, evidence: {}, outputs },
      payment: { ...payment, validBeforeSec: Math.ceil(given.expiresAtMs / 1000), payload },
    },
  ])
  const receiptHash = Receipt.hash(receipt)
  books.record([{ type: 'funded', receiptHash, evidence: tx(`tx ${at}`) }])
}

function draft(sales: Sales.Sales, given: Quote.Quote, at: number): Receipt.Receipt {
  const tokens = { in: 10, cached: 0, out: 24 }
  const stdUs = Work.stdUs(card, tokens)
  const contributions = Datanet.contributions(sales.datanet!)
  const shaped = Array.from({ length: perAnswer }, (_, part) => ({
    artifact: contributions[(at + 3 * part) % owners]!.artifact,
    sharePpb: 60_000_000n + BigInt(part),
    rarityPpb: 500_000_000n,
  }))
  const price = Price.of(stdUs, Quote.rates(given), shaped)
  return {
    ...{ v: 1, provider: seller, payer: given.payer!, model: card.model, cardHash: given.cardHash },
    device: { class: 'cpu', count: 1, tier: 'claimed' },
    ...{ tokens, bytes: { in: 60, out: 140 }, stdUs: String(stdUs) },
    ...{ computeMs: 3, wallMs: 4, queueMs: 0, meter: 'engine', basis: 'wall' },
    promptCommitment: Hash.text(`prompt ${at}`),
    outputCommitment: Hash.text(`output ${at}`),
    influence: {
      ...{ method: 'spans', version: 1, recomputable: true, indexRoot: given.indexRoot },
      evidenceDigest: Hash.text(`evidence ${at}`),
      entries: shaped.map(({ artifact, sharePpb, rarityPpb }, part) => ({
        ...{ artifact, sharePpb: String(sharePpb), rarityPpb: String(rarityPpb) },
        influenceNano: String(price.parts[part]!.influenceNano),
        premiumNano: String(price.parts[part]!.premiumNano),
      })),
      coveragePpb: String(shaped.reduce((sum, one) => sum + one.sharePpb, 0n)),
    },
    money: Receipt.money(given, price),
    paymentNonce: Hash.text(`nonce ${at}`),
    requestDigest: given.requestDigest,
    ...{ consumed: [], feedback: [], seq: sales.nextSeq, prevHash: sales.lastReceipt },
    issuedAtMs: given.issuedAtMs,
  }
}

/** Closes and publishes an epoch over what is due: two records. */
export function closeEpoch(books: Writer): void {
  const { sales } = books.state
  const epoch = sales.epochs.length
  // The fold closes by the time of the record.
  const proposal = Epoch.propose(sales.accruals, { nowMs: books.now(), scale: 1n })
  const checkpoint = { size: books.size(), root: Hash.text(`root ${epoch}`) }
  books.record([
    {
      ...{ type: 'closing', epoch, root: proposal.rootWord, depth: proposal.depth, checkpoint },
      totalAtoms: String(proposal.totalAtoms),
      receipts: [...proposal.receipts],
      leavesDigest: Hash.text(Epoch.toLines(proposal.leaves)),
    },
  ])
  books.record([{ type: 'published', epoch, evidence: tx(`epoch ${epoch}`) }])
}

const desk = Policy.parse(
  `policy: desk
asset: ${asset.id}
rules:
  - allow payees ${till}
  - allow hosts 127.0.0.1:*
  - cap 100 USDC per payment
  - cap 1000000000 USDC per 24h
  - cap 1000000000 USDC per 7d per payee
  - at most 1000000 payments per hour per agent
`,
  { file: 'policy.yaml', assets: [asset] },
)
const transition = { machine: Hash.text('machine'), from: 'a', event: 'b', to: 'c' }

/** Begins a buyer's log. */
export function openBuyer(books: Writer): void {
  const policy = Json.members(desk)
  const digest = Policy.digest(desk)
  books.record([opened('agent', buyer), { type: 'adopted', digest, policy }])
}

/** One purchase from verdict to capture: four records. */
export function buy(books: Writer, at: number): void {
  const { usage } = books.state.purchases
  const key = { agent: buyer, run: 'run', step: at, attempt: 0 }
  const purchase = Id.purchase(key)
  const given = quote({ datanet: undefined }, { at, nowMs: books.now(), payer: buyer })
  const request = PolicyRequest.of(
    { key, quote: given, card },
    { host: '127.0.0.1:4020', hold: purchase },
  )
  const { verdict, reasons } = Budget.explain(usage, desk, request, books.now())
  const atoms = given.payAtoms
  books.record([
    {
      ...{ type: 'decided', purchase, key, quote: given, signature, card, verdict, transition },
      ...{ policyDigest: Policy.digest(desk), request: Json.members(request) },
      reasons: Json.plain(reasons) as { [key: string]: unknown }[],
    },
    { type: 'held', purchase, atoms },
  ])
  const nonce = Id.nonce(buyer, purchase)
  const validBeforeSec = Math.ceil(given.expiresAtMs / 1000)
  const payload = { signature, authorization: { from: buyer, to: till, value: atoms, nonce } }
  books.record([{ type: 'paying', purchase, nonce, validBeforeSec, payload, transition }])
  const evidence = tx(`paid ${at}`)
  const because = 'the answer is not the one committed to'
  books.record([{ type: 'disputed', purchase, atoms, because, evidence, transition }])
}
