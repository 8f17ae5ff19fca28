/**
 * @module What an audit is given: the texts of a log, what its folder holds beside them, and the judges
 * that live upstairs. Everything is read through functions, so that only what is looked at is in memory.
 */
import type { Asset } from '../../kernel/Asset.ts'
import type { Hex } from '../../kernel/Hex.ts'
import type { TypedData } from '../../kernel/TypedData.ts'

/** A text that may have been erased, or altered by somebody. */
export type Found<Content> =
  | ({ readonly kind: 'found' } & Content)
  | { readonly kind: 'erased' }
  /** `because` names the file. */
  | { readonly kind: 'altered'; readonly because: string }

/** The texts behind a receipt's commitments. */
export type Answer = {
  /** Canonical JSON of the request's messages. */
  readonly prompt: string
  readonly promptSalt: Hex
  readonly output: string
  readonly outputSalt: Hex
}

/** What evidence must prove: one EIP-3009 payment. */
export type Payment = {
  readonly asset: Asset
  readonly payer: Hex
  readonly nonce: Hex
  readonly payTo: Hex
  readonly valueAtoms: bigint
}

/** A transaction as its signer made it. */
export type SignedCall = {
  readonly from: Hex
  readonly to: Hex
  readonly data: Hex
  readonly valueWei?: bigint
  readonly chainId: number
}

/** A machine as data: state → what came of its effect → next state. */
export type Table = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What is audited. Nothing in it is trusted. */
export type World = {
  /** Canonical texts of the log's records, in order. Read once. */
  readonly texts: Iterable<string>
  readonly document: (docHash: Hex) => Found<{ readonly text: string }>
  readonly answer: (receiptHash: Hex) => Found<{ readonly answer: Answer }>
  /** Published JSON lines of an epoch; undefined where the file is gone. */
  readonly leaves: (epoch: number) => string | undefined
  readonly verifySignature: (options: {
    readonly address: Hex
    readonly data: TypedData
    readonly signature: string
  }) => boolean
  /** Judges payment evidence as it was recorded; live look-ups are the caller's (`Report.looks`). */
  readonly checkPayment: (
    evidence: unknown,
    payment: Payment,
  ) => { readonly ok: true } | { readonly ok: false; readonly because: string }
  /**
   * What a signed transaction says, and who signed it; undefined of what is none. Without this judge a call
   * is known by its hash alone, and whether it is what was decided is not looked at.
   */
  readonly readTransaction?: (raw: Hex) => SignedCall | undefined
  /** By digest: the machines whose edges stand in decisions. */
  readonly transitionTables: ReadonlyMap<Hex, Table>
  /** By origin: texts of the other parties' logs, where their folders are given. */
  readonly counterparts?: ReadonlyMap<string, readonly string[]>
  /**
   * So many records an earlier audit found without failure, by the same code and in the same texts: of
   * these only links, replay, causes and what lies beside the log are judged again.
   */
  readonly judgedBefore?: number
  /** Told now and then how many records were read. */
  readonly onProgress?: (records: number) => void
}
