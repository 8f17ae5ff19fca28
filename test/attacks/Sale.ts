/**
 * @module A node that sells, in memory: real quotes, prices, evidence and receipts over real documents,
 * through the real books, and everybody who judges a receipt afterwards. Signatures are taken as given.
 */
import * as Evidence from '../../src/attribution/spans/Evidence.ts'
import * as Outputs from '../../src/attribution/spans/Outputs.ts'
import * as PriorityCover from '../../src/attribution/spans/PriorityCover.ts'
import * as Segment from '../../src/attribution/spans/Segment.ts'
import * as Tokenizer from '../../src/attribution/spans/Tokenizer.ts'
import * as Contribution from '../../src/datanets/Contribution.ts'
import * as Datanet from '../../src/datanets/Datanet.ts'
import * as Version from '../../src/datanets/Version.ts'
import * as Terms from '../../src/economy/audit/Terms.ts'
import type { World } from '../../src/economy/audit/World.ts'
import type * as Event from '../../src/economy/Event.ts'
import * as Sales from '../../src/economy/Sales.ts'
import * as Asset from '../../src/kernel/Asset.ts'
import * as Hash from '../../src/kernel/Hash.ts'
import type { Hex } from '../../src/kernel/Hex.ts'
import * as Json from '../../src/kernel/Json.ts'
import * as Card from '../../src/market/Card.schema.ts'
import * as Price from '../../src/market/Price.ts'
import * as Quote from '../../src/market/Quote.ts'
import * as Receipt from '../../src/market/Receipt.ts'
import * as Work from '../../src/market/Work.ts'
import type { Text } from './Corpus.ts'

/** A node in memory. */
export type Node = {
  readonly provider: Hex
  readonly sales: Sales.Sales
  readonly segments: readonly Segment.Segment[]
  nowMs: number
  step: number
}

/** What is sold, before the books take it. */
export type Deal = {
  readonly answer: string
  readonly quote: Quote.Quote
  readonly evidence: Evidence.Evidence
  readonly receipt: Receipt.Receipt
}

/** What a receipt says of influence: evidence's entries, by artifact. */
export type Line = { readonly artifact: Hex; readonly sharePpb: bigint; readonly rarityPpb: bigint }

/** An address that belongs to nobody in particular. */
export function address(name: string): Hex {
  return `0x${Hash.text(name).slice(2, 42)}`
}

export const asset = Asset.from({
  id: `eip155:31337/erc20:0x${'70'.repeat(20)}`,
  decimals: 6,
  symbol: 'USDC',
})
export const card: Card.Card = {
  v: 1,
  model: 'docs-reader',
  kind: 'extractive',
  tokenizer: Tokenizer.version,
  stdUsPerTokenIn: 50,
  stdUsPerTokenCached: 10,
  stdUsPerTokenOut: 50,
  maxTokensIn: 64,
  maxTokensOut: 1_000,
  lineagePpb: '0',
  datanet: 'docs',
}
export const rates = {
  executionNanoPerStdUs: '20000000',
  influenceNanoPerStdUs: '60000000',
  premiumPpb: '100000000',
  qualityPpb: '500000000',
  feePpb: '50000000',
  gasNano: '200000000',
}
const till = address('till')

/** A node whose datanet holds these texts, a batch each. */
export function open(texts: readonly Text[], provider: Hex): Node {
  const node = { provider, sales: Sales.empty(), nowMs: 1_000_000, step: 0 }
  const { sales } = node
  must(Sales.registered(sales, { type: 'registered', card }))
  for (const [index, { owner, text }] of texts.entries()) {
    const salt = Hash.text(`batch ${index}`)
    const documents = [Contribution.document({ path: `${index}.md`, owner, text })]
    const { root, count } = Datanet.commit(documents, { salt })
    const { datanet } = card
    const time = { commons: false, committedAtMs: index + 1 }
    must(Sales.committed(sales, { type: 'committed', datanet, root, count, ...time }))
    const opened = Datanet.revealed(sales.datanet!, { root, opening: { documents, salt } })
    if (opened.kind === 'refused') throw new Error(opened.because)
    const versionRoot = Version.of(opened.datanet).root
    const contributions = documents
    must(
      Sales.revealed(sales, { type: 'revealed', datanet, root, salt, contributions, versionRoot }),
    )
  }
  const documents = texts.map(({ owner, text }, seq) => {
    return { seq, batch: seq, committedAtMs: seq + 1, owner, text }
  })
  return { ...node, segments: [Segment.build(documents)] }
}

/** The artifact of a document. */
export function artifactOf({ sales }: Node, docSeq: number): Hex {
  return Datanet.contribution(sales.datanet!, docSeq)!.artifact
}

/** An honest deal: quoted in the books, receipt not yet. */
export function deal(node: Node, { answer, payer }: { answer: string; payer: Hex }): Deal {
  const { sales, provider } = node
  node.nowMs += 1_000
  node.step += 1
  const terms = Quote.rates({ rates })
  const max = String(Quote.maximum(card, terms))
  const quote: Quote.Quote = {
    v: 1,
    seller: provider,
    ...{ payer, model: card.model, cardHash: Card.hash(card), tokenizer: card.tokenizer },
    ...{ maxTokensIn: card.maxTokensIn, maxTokensOut: card.maxTokensOut, rates, asset },
    ...{ payTo: till, maxAtoms: max, changeAppliedAtoms: '0', payAtoms: max },
    ...{ coveragePromisedPpb: '0', disputeWindowMs: 0 },
    requestDigest: Hash.text(`request ${node.step}`),
    indexRoot: Version.of(sales.datanet!).root,
    ...{ issuedAtMs: node.nowMs, expiresAtMs: node.nowMs + 60_000 },
    salt: Hash.text(`quote ${node.step}`),
  }
  must(Sales.quoted(sales, { type: 'quoted', quote, signature: sign(quote) }, node.step))
  const index = { segments: node.segments, outputs: sales.outputs }
  const { indexRoot } = quote
  const evidence = Evidence.from(PriorityCover.cover(answer, index), { indexRoot })
  return draft(node, { answer, quote, evidence })
}

/** The receipt that a seller would write for this evidence, whatever it is worth; `lines` instead of its own. */
export function draft(
  node: Node,
  { answer, quote, evidence }: Omit<Deal, 'receipt'>,
  lines: readonly Line[] = linesOf(node, evidence),
): Deal {
  const { sales, provider, nowMs, step } = node
  const tokens = { in: 12, cached: 0, out: Tokenizer.count(answer) }
  const stdUs = Work.stdUs(card, tokens)
  const price = Price.of(stdUs, Quote.rates(quote), lines)
  const receipt: Receipt.Receipt = {
    v: 1,
    ...{ provider, payer: quote.payer!, model: card.model, cardHash: quote.cardHash, tokens },
    device: { class: 'cpu', count: 1, tier: 'claimed' },
    bytes: { in: 60, out: Hash.bytes(answer).length },
    ...{ stdUs: String(stdUs), computeMs: 8, wallMs: 9, queueMs: 0 },
    ...{ meter: 'engine', basis: 'wall' },
    promptCommitment: Hash.text(`prompt ${step}`),
    outputCommitment: Hash.text(`output ${step}`),
    influence: {
      ...{ method: evidence.method, version: evidence.version, recomputable: true },
      indexRoot: quote.indexRoot,
      evidenceDigest: Hash.digest(Json.plain(evidence)),
      entries: lines.map(({ artifact, sharePpb, rarityPpb }, index) => ({
        artifact,
        sharePpb: String(sharePpb),
        rarityPpb: String(rarityPpb),
        influenceNano: String(price.parts[index]!.influenceNano),
        premiumNano: String(price.parts[index]!.premiumNano),
      })),
      coveragePpb: String(lines.reduce((sum, { sharePpb }) => sum + sharePpb, 0n)),
    },
    money: Receipt.money(quote, price),
    paymentNonce: Hash.text(`nonce ${step}`),
    requestDigest: quote.requestDigest,
    ...{ consumed: [], feedback: [], seq: sales.nextSeq, prevHash: sales.lastReceipt },
    issuedAtMs: nowMs,
  }
  return { answer, quote, evidence, receipt }
}

/** Evidence's entries as a receipt's lines. */
export function linesOf(node: Node, evidence: Evidence.Evidence): Line[] {
  return evidence.entries
    .filter(({ ppb }) => ppb !== '0')
    .map(({ docSeq, ppb, rarityPpb }) => ({
      artifact: artifactOf(node, docSeq),
      sharePpb: BigInt(ppb),
      rarityPpb: BigInt(rarityPpb),
    }))
}

/** Who refuses a deal, and why: the buyer by the terms, the books, or an auditor who recomputes. */
export type Verdict = {
  readonly by: 'terms' | 'books' | 'lines' | 'recomputation'
  readonly because: string
}

/** The first to refuse a deal; undefined when nobody does. Changes nothing. */
export function judge(node: Node, { answer, quote, evidence, receipt }: Deal): Verdict | undefined {
  const event = eventOf(node, { answer, quote, evidence, receipt })
  const world = { verifySignature: () => true } as unknown as World
  const place = { origin: node.provider, atMs: node.nowMs }
  const judges: Record<Verdict['by'], () => string | undefined> = {
    terms: () => Receipt.fault(receipt, quote, card),
    books: () => Sales.served(structuredClone(node.sales), event, { leaf: 0, atMs: node.nowMs }),
    lines: () =>
      Terms.served(world, event, place) ??
      Terms.linesFault(event, card, (docSeq) => artifactOf(node, docSeq)),
    recomputation: () => {
      const { outputs } = node.sales
      const index = { segments: node.segments, outputs, indexRoot: quote.indexRoot }
      const judged = Evidence.recompute(answer, index, evidence)
      return judged.ok ? undefined : judged.because
    },
  }
  for (const [by, fault] of Object.entries(judges)) {
    const because = fault()
    if (because !== undefined) return { by: by as Verdict['by'], because }
  }
  return undefined
}

/** The books take a deal: everybody's part is accrued. */
export function settle(node: Node, made: Deal): void {
  const place = { leaf: node.step, atMs: node.nowMs }
  must(Sales.served(node.sales, eventOf(node, made), place))
  Sales.assertConserved(node.sales)
}

function eventOf(node: Node, { answer, quote, evidence, receipt }: Deal): Event.Of<'served'> {
  return {
    type: 'served',
    receipt,
    signature: sign(receipt),
    evidence: Json.plain(evidence) as { [key: string]: unknown },
    outputs: Outputs.windows(answer, node.sales.outputSalt),
    payment: {
      payer: receipt.payer,
      nonce: receipt.paymentNonce,
      payTo: till,
      valueAtoms: quote.payAtoms,
      validBeforeSec: 2_000,
      payload: {},
    },
  }
}

function sign(value: unknown): Hex {
  return `${Hash.digest(value)}${'00'.repeat(33)}`
}

function must(fault: string | undefined): void {
  if (fault !== undefined) throw new Error(fault)
}
