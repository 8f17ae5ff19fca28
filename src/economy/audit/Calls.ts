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

/** Why a stored payload is not a signed transaction under its own hash. */
export function signedFault({ payload }: Event.Of<'paying'>): Fault {
  const hash = hashOf(payload)
  if (hash === undefined) return 'call without its signed transaction'
  if (read(payload, 'hash') !== hash)
    return `transaction under hash ${String(read(payload, 'hash'))}, recomputed ${hash}`
  return undefined
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
