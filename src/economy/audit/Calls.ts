/**
 * @module Transactions of an agent's own: that the one in evidence is the one that was signed, and that it
 * succeeded. What it moved is not judged: no rule says what any contract had to do.
 */
import * as Asset from '../../kernel/Asset.ts'
import * as Hash from '../../kernel/Hash.ts'
import * as Hex from '../../kernel/Hex.ts'
import type * as Event from '../Event.ts'
import * as PurchaseTerms from '../PurchaseTerms.ts'
import { read } from './Payments.ts'
import type { Fault } from './Tally.ts'
import type { World } from './World.ts'

/** Why a stored payload is not the agent's own transaction that was decided, under its own hash. */
export function signedFault(
  { readTransaction }: World,
  decided: Event.Of<'decided'>,
  { payload }: Event.Of<'paying'>,
): Fault {
  const hash = hashOf(payload)
  if (hash === undefined) return 'call without its signed transaction'
  if (read(payload, 'hash') !== hash)
    return `transaction under hash ${String(read(payload, 'hash'))}, recomputed ${hash}`
  const { terms, key } = decided
  if (readTransaction === undefined || terms?.kind !== 'call') return undefined
  const { chainId, address: token } = Asset.parts(terms.asset.id)
  const signed = (of: unknown) => {
    const transaction = readTransaction(String(read(of, 'raw')) as Hex.Hex)
    return transaction?.from === key.agent && transaction.chainId === chainId
      ? transaction
      : undefined
  }
  const own = signed(payload)
  if (own === undefined) return `transaction that ${key.agent} did not sign`
  if (own.to !== terms.to || digestOf(own.data) !== terms.calldataDigest)
    return 'transaction of another call than was decided'
  if ((own.valueWei ?? 0n) > BigInt(terms.payAtoms))
    return `transaction that carries ${own.valueWei} wei of the coin, ${terms.payAtoms} decided`
  const approval = read(payload, 'approval')
  if (approval === undefined) return undefined
  const given = signed(approval)
  const isExact = given?.to === token && approves(given.data, terms.to, BigInt(terms.payAtoms))
  return isExact ? undefined : 'approval of something else than was decided'
}

/** Whether calldata is `approve(spender, atoms)` (ERC-20), of no more than this. */
function approves(data: Hex.Hex, spender: Hex.Hex, mostAtoms: bigint): boolean {
  const start = `0x095ea7b3${Hex.word(BigInt(spender)).slice(2)}`
  return (
    data.length === start.length + 64 &&
    data.startsWith(start) &&
    BigInt(`0x${data.slice(start.length)}`) <= mostAtoms
  )
}

function digestOf(data: Hex.Hex): Hex.Hex {
  return Hex.encode(Hash.keccak256(Hex.decode(data)))
}

/** Why evidence does not show that the signed transaction succeeded on the asset's chain. */
export function evidenceFault(
  decided: Event.Of<'decided'>,
  { payload }: Event.Of<'paying'>,
  evidence: Event.Of<'captured'>['evidence'],
): Fault {
  const { chainId } = Asset.parts(PurchaseTerms.of(decided).asset.id)
  const hash = hashOf(payload)
  if (evidence.chainId !== chainId)
    return `evidence from chain ${evidence.chainId}, expected chain ${chainId}`
  if (evidence.tx !== hash) return `evidence of transaction ${evidence.tx}, signed was ${hash}`
  const status = read(evidence, 'status')
  return status === 'success' ? undefined : `transaction that is ${String(status)}, not success`
}

/** Keccak-256 of the signed transaction's bytes: its hash on chain. */
function hashOf(payload: unknown): Hex.Hex | undefined {
  const raw = read(payload, 'raw')
  if (typeof raw !== 'string' || !/^0x([0-9a-f]{2})+$/i.test(raw)) return undefined
  return Hex.encode(Hash.keccak256(Hex.decode(raw)))
}
