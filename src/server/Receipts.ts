/**
 * @module Receipts as a reader sees them: the signed body, its proof in the log, the answer with whose
 * words it is made of, and who earned what. What was erased is said to be erased.
 */
import * as Evidence from '../attribution/spans/Evidence.ts'
import * as Earnings from '../economy/Earnings.ts'
import type * as Sales from '../economy/Sales.ts'
import * as Hex from '../kernel/Hex.ts'
import * as Money from '../kernel/Money.ts'
import type * as Receipt from '../market/Receipt.ts'
import type * as Proof from '../provenance/Proof.ts'
import * as Answers from '../store/Answers.ts'
import type * as Node from './Node.ts'

/** One maximal run of an answer that is somebody's words; offsets in UTF-16 of answer and document. */
export type Source = {
  readonly document: string
  readonly owner: string
  readonly ppb: string
  readonly start: number
  readonly end: number
  readonly offset: number
}

/** What one account earns by a receipt. */
export type Earning = { readonly account: string; readonly nano: string; readonly reason: string }

/** A receipt and all that can be shown of it. */
export type View = {
  readonly receipt: Receipt.Receipt
  readonly signature: Hex.Hex
  readonly receiptHash: Hex.Hex
  readonly status: Sales.Sale['status']
  readonly leaf: number
  readonly proof: Proof.Proof
  /** Canonical text of the `served` record: what the proof is about. */
  readonly record: string
  readonly sources: readonly Source[]
  readonly earnings: readonly Earning[]
  /** Question and answer, unless erased. */
  readonly answer: Answers.Answer | null
  readonly tx: Hex.Hex | null
}

/** The view of a receipt by its hash; undefined when there is none. */
export function find(node: Node.Node, hash: string): View | undefined {
  const sale = Hex.is(hash, 32) ? node.books.state.sales.sales.get(hash) : undefined
  return sale === undefined ? undefined : view(node, sale)
}

/** The view of a sale. */
export function view(node: Node.Node, sale: Sales.Sale): View {
  const { receipt, receiptHash, signature, status, leaf } = sale
  const stored = Answers.get(node.dir, receiptHash, receipt)
  return {
    receipt,
    signature,
    receiptHash,
    status,
    leaf,
    proof: node.books.proof(leaf),
    record: node.books.text(leaf),
    sources: sources(node, sale, stored.kind === 'found' ? stored.answer.output : undefined),
    earnings: Earnings.shown(node.books.state.sales, receipt).map(({ account, nano, reason }) => ({
      account,
      nano: String(nano),
      reason,
    })),
    answer: stored.kind === 'found' ? stored.answer : null,
    tx: sale.evidence?.tx ?? null,
  }
}

/** Runs with their share of the answer; the shares of one document's runs sum to the document's. */
function sources(node: Node.Node, sale: Sales.Sale, output: string | undefined): Source[] {
  if (output === undefined) return []
  const evidence = Evidence.parse(sale.spans)
  const { runs } = evidence
  const weights = Evidence.runWeights(evidence, output)
  const shares = new Map(
    sale.receipt.influence.entries.map(({ artifact, sharePpb }) => [artifact, BigInt(sharePpb)]),
  )
  const list: Source[] = []
  for (const docSeq of new Set(runs.map((run) => run.docSeq))) {
    const { artifact, path, owner } = node.library.contribution(docSeq)
    const indexes = runs.flatMap((run, index) => (run.docSeq === docSeq ? [index] : []))
    const parts = Money.split(
      shares.get(artifact) ?? 0n,
      indexes.map((index) => weights[index]!),
    )
    for (const [position, index] of indexes.entries()) {
      const { start, end, offset } = runs[index]!
      list.push({ document: path, owner, ppb: String(parts[position]!), start, end, offset })
    }
  }
  return list.sort((left, right) => left.start - right.start)
}
