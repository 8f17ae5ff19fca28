/**
 * @module What proves an EIP-3009 payment. *Paid* = one successful, final transaction in which the token
 * logged `AuthorizationUsed(payer, nonce)` and, as its very next transfer, `Transfer(payer → payTo,
 * value)`. A used nonce alone proves nothing: it may have been cancelled, or spent on somebody else.
 * Pure: an auditor repeats the check from files, without the chain.
 */
import * as Asset from '../kernel/Asset.ts'
import * as Hash from '../kernel/Hash.ts'
import * as Hex from '../kernel/Hex.ts'
import * as BlockHeader from './BlockHeader.ts'

/** What was to be paid, and under which nonce. */
export type Payment = {
  readonly asset: Asset.Asset
  readonly payer: Hex.Hex
  /** EIP-3009 nonce, 32 bytes. */
  readonly nonce: Hex.Hex
  readonly payTo: Hex.Hex
  readonly valueAtoms: bigint
}

/** A log as the chain keeps it. `index`: its position in the block. */
export type Log = {
  readonly address: Hex.Hex
  readonly topics: readonly Hex.Hex[]
  readonly data: Hex.Hex
  readonly index: number
}

/** Plain JSON that stands in a record beside the payment. */
export type Evidence = {
  readonly chainId: number
  readonly tx: Hex.Hex
  readonly blockHash: Hex.Hex
  readonly blockNumber: number
  readonly timestampSec: number
  readonly status: 'success' | 'reverted'
  /** The transaction's logs from `AuthorizationUsed` to `Transfer`, none left out. */
  readonly logs: readonly Log[]
  /** RLP of the block's header, whose keccak256 is `blockHash`; left out where forks add unknown fields. */
  readonly header?: Hex.Hex
}

/** What became of a payment, as far as the chain knows. */
export type Outcome =
  | { readonly kind: 'paid'; readonly evidence: Evidence }
  /** The nonce was used, but the money did not go to this payee in this amount. */
  | { readonly kind: 'elsewhere'; readonly tx: Hex.Hex }
  | { readonly kind: 'cancelled'; readonly tx: Hex.Hex }
  /** One of the above, in a block that is not final yet. */
  | { readonly kind: 'pending'; readonly tx: Hex.Hex; readonly would: Final }
  | { readonly kind: 'unused'; readonly finalTimestampSec: number }

/** What a pending payment becomes if its block stays. */
export type Final = 'paid' | 'elsewhere' | 'cancelled'

/** `AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)` (EIP-3009). */
export const usedTopic = topic('AuthorizationUsed(address,bytes32)')
/** `AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)` (EIP-3009). */
export const cancelledTopic = topic('AuthorizationCanceled(address,bytes32)')
/** `Transfer(address indexed from, address indexed to, uint256 value)` (ERC-20). */
export const transferTopic = topic('Transfer(address,address,uint256)')

const money = new Set([usedTopic, cancelledTopic, transferTopic])

/** An address as an indexed topic. */
export function addressTopic(address: Hex.Hex): Hex.Hex {
  return Hex.word(BigInt(address))
}

/**
 * The logs that prove `payment`, from `AuthorizationUsed` to its `Transfer`; undefined if these logs do
 * not. The transfer must be what the token logs next after the authorisation: otherwise one transfer could
 * pass for two authorisations used in one transaction.
 */
export function pair(logs: readonly Log[], payment: Payment): readonly Log[] | undefined {
  const token = Asset.parts(payment.asset.id).address
  const ours = (log: Log) => log.address.toLowerCase() === token
  const start = logs.findIndex(
    (log) =>
      ours(log) && matches(log, [usedTopic, addressTopic(payment.payer), lower(payment.nonce)]),
  )
  if (start === -1) return undefined
  const length = logs
    .slice(start + 1)
    .findIndex((log) => ours(log) && money.has(lower(log.topics[0] ?? '0x')))
  const transfer = logs[start + 1 + length]
  if (length === -1 || transfer === undefined) return undefined
  const expected = [transferTopic, addressTopic(payment.payer), addressTopic(payment.payTo)]
  if (!matches(transfer, expected)) return undefined
  if (lower(transfer.data) !== Hex.word(payment.valueAtoms)) return undefined
  return logs.slice(start, start + length + 2)
}

/** Whether evidence proves a payment; else why not. */
export function check(
  evidence: Evidence,
  payment: Payment,
): { readonly ok: true } | { readonly ok: false; readonly because: string } {
  const { chainId } = Asset.parts(payment.asset.id)
  if (evidence.chainId !== chainId)
    return no(`expected evidence from chain ${chainId}, got chain ${evidence.chainId}`)
  if (evidence.status !== 'success')
    return no(`expected a successful transaction, got ${evidence.status}`)
  if (!Hex.is(evidence.tx, 32) || !Hex.is(evidence.blockHash, 32))
    return no('expected hashes of transaction and block, 32 bytes each')
  const [first] = evidence.logs
  if (first === undefined || evidence.logs.some((log, at) => log.index !== first.index + at))
    return no('expected consecutive logs, none left out')
  const proof = pair(evidence.logs, payment)
  if (proof === undefined || proof.length !== evidence.logs.length)
    return no(
      `expected AuthorizationUsed(${payment.payer}, ${payment.nonce}) and then ` +
        `Transfer(${payment.payer}, ${payment.payTo}, ${payment.valueAtoms}) of ${payment.asset.id}`,
    )
  return evidence.header === undefined ? { ok: true } : checkHeader(evidence, evidence.header)
}

/**
 * True once nobody can make the payment any more: it is unpaid and a *final* block's time has reached
 * `validBefore` (seconds). A clock on the wall proves nothing.
 */
export function expired(outcome: Outcome, validBeforeSec: number): boolean {
  return outcome.kind === 'unused' && outcome.finalTimestampSec >= validBeforeSec
}

function checkHeader(evidence: Evidence, encoded: Hex.Hex): ReturnType<typeof check> {
  const header = BlockHeader.decode(encoded)
  if (header === undefined) return no('expected a block header in RLP')
  if (header.hash !== lower(evidence.blockHash))
    return no(`expected the header of block ${evidence.blockHash}, got that of ${header.hash}`)
  if (header.number !== evidence.blockNumber || header.timestampSec !== evidence.timestampSec)
    return no('expected number and time of the block as its header states them')
  const inBloom = evidence.logs.every((log) =>
    [log.address, ...log.topics].every((item) => BlockHeader.mayHold(header, item)),
  )
  return inBloom ? { ok: true } : no('expected logs that the header’s bloom filter admits')
}

function matches(log: Log, topics: readonly Hex.Hex[]): boolean {
  return (
    log.topics.length === topics.length &&
    log.topics.every((item, index) => lower(item) === topics[index])
  )
}

function no(because: string): { ok: false; because: string } {
  return { ok: false, because }
}

function topic(signature: string): Hex.Hex {
  return Hex.encode(Hash.keccak256(signature))
}

function lower(hex: Hex.Hex): Hex.Hex {
  return hex.toLowerCase() as Hex.Hex
}
